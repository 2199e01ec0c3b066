"""Text to token ids and back, one interface over the three kinds of vocabulary files.

Knows which file needs which library. Knows no chat template and no model. Importing it loads neither `tokenizers` nor
`sentencepiece`; the one a file needs is loaded when that file is opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runtimes.errors import PromptError, TokenizerError

if TYPE_CHECKING:
    from runtimes.bundle import Bundle

_LARGEST = 256 << 20  # bytes; the largest published tokenizer.json is 33 MB


class Tokenizer(Protocol):
    """One vocabulary. Safe to share between threads."""

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens. A model's logits may be wider: it pads its embedding."""
        ...

    @property
    def bos_id(self) -> int | None:
        """The beginning-of-sequence token, where the vocabulary names one."""
        ...

    @property
    def special_ids(self) -> frozenset[int]:
        """Control tokens: they steer the model and are never part of a text."""
        ...

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        """Token ids of a text.

        Args:
            bos: put BOS before the text if this model wants one and the text does not begin with it already.
            special: text that spells a special token becomes that token. False keeps it plain text,
                so that what a person typed cannot end their turn.

        Raises:
            PromptError: the text cannot be written as UTF-8 (lone surrogates).
            TokenizerError: the vocabulary has no way to write this text.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids: their `token_bytes` joined and read as UTF-8, with U+FFFD for broken sequences."""
        ...

    def token_bytes(self, token_id: int) -> bytes:
        """What one token adds in the middle of a text, perhaps part of a character. Empty for special tokens and for
        ids without a token."""
        ...

    def token_text(self, token_id: int) -> str:
        """How the vocabulary spells a token: for a special one, the text that `encode` turns into it. Empty for ids
        without a token."""
        ...


def open_tokenizer(path: str | os.PathLike[str], *, bos_id: int | None = None) -> Tokenizer:
    """Open a tokenizer.json, a SentencePiece `.model` file or the vocabulary inside a `.gguf` file.

    Args:
        bos_id: the BOS token for a tokenizer.json that does not tell.

    Raises:
        TokenizerError: no such file, or the vocabulary is missing or malformed.
        SourceError: a .gguf file whose header is malformed (UnsupportedModelError: a vocabulary of an unknown kind).
    """
    location = Path(path)
    if not location.is_file():
        raise TokenizerError(f"{location} does not exist, so the text cannot be tokenized. Pull or quantize the model again.")
    if location.suffix == ".gguf":
        return _open_gguf(location)
    size = location.stat().st_size
    if not 0 < size <= _LARGEST:
        raise TokenizerError(f"{location} has {size} bytes, which no vocabulary has. Download it again.")
    if location.suffix == ".json":
        from runtimes.tokenizer_huggingface import HuggingFaceTokenizer

        return HuggingFaceTokenizer(location.read_bytes(), location, bos_id=bos_id)
    if location.suffix == ".model":
        from runtimes.tokenizer_sentencepiece import SentencePieceTokenizer

        return SentencePieceTokenizer(location.read_bytes(), location)
    raise TokenizerError(f"{location} is no vocabulary file: tokenizer.json, *.model and *.gguf are.")


def open_bundle_tokenizer(bundle: Bundle) -> Tokenizer:
    """The tokenizer of a bundle. Raises as `open_tokenizer` does, and TokenizerError when the bundle has none."""
    path = bundle.tokenizer_path
    if path is None:
        raise TokenizerError(f"{bundle.path} has no tokenizer. Quantize the model again from a source that has one.")
    return open_tokenizer(path, bos_id=bundle.manifest.bos_token_id)


def check_text(text: str) -> None:
    """Raises PromptError for a text that UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PromptError(
            f"The text has half of a character (a lone surrogate) at position {error.start}, which UTF-8 cannot write. "
            "Remove it, or read the text with the right encoding."
        ) from error


def byte_of_piece(piece: str) -> bytes | None:
    """The byte that SentencePiece writes as <0x0A>, or None for any other piece."""
    if len(piece) != 6 or not piece.startswith("<0x") or piece[-1] != ">":
        return None
    try:
        return bytes.fromhex(piece[3:5])
    except ValueError:
        return None


def _open_gguf(path: Path) -> Tokenizer:
    from runtimes.gguf import read_header
    from runtimes.gguf_vocabulary import tokenizer_json
    from runtimes.tokenizer_huggingface import HuggingFaceTokenizer

    header = read_header(path)
    return HuggingFaceTokenizer(tokenizer_json(header).encode(), path, bos_id=header.bos_token_id)
