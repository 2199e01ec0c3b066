"""tokenizer.json through the `tokenizers` library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from tokenizers import Encoding
from tokenizers import Tokenizer as Backend

from runtimes.errors import TokenizerError
from runtimes.tokenizer import byte_of_piece, check_text


class HuggingFaceTokenizer:
    """A `runtimes.tokenizer.Tokenizer` over tokenizer.json text."""

    def __init__(self, text: bytes, path: Path, *, bos_id: int | None) -> None:
        """`path` is only for messages. Raises TokenizerError."""
        self._path = path
        self._lock = Lock()
        with _translated(f"{path} is not a valid tokenizer.json"):
            self._backend = Backend.from_buffer(text)
        self._backend.no_truncation()
        self._backend.no_padding()
        added = self._backend.get_added_tokens_decoder()
        self._added = {index: token.content for index, token in added.items()}
        self._special_ids = frozenset(index for index, token in added.items() if token.special)
        self._bytes_of = _bytes_of_pieces(self._backend, path)
        self._prefix_id = self._find_prefix()
        self._bos_id = bos_id if self._prefix_id is None else self._prefix_id

    @property
    def vocabulary_size(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    @property
    def bos_id(self) -> int | None:
        return self._bos_id

    @property
    def special_ids(self) -> frozenset[int]:
        return self._special_ids

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        ids = list(self._encode(text, special=special, template=False).ids)
        if bos and self._prefix_id is not None and ids[:1] != [self._prefix_id]:
            ids.insert(0, self._prefix_id)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        if token_id in self._special_ids or not 0 <= token_id < 1 << 32:
            return b""
        piece = self._backend.id_to_token(token_id)
        return b"" if piece is None else self._bytes_of(piece, token_id in self._added)

    def token_text(self, token_id: int) -> str:
        return (self._backend.id_to_token(token_id) or "") if 0 <= token_id < 1 << 32 else ""

    def _encode(self, text: str, *, special: bool, template: bool) -> Encoding:
        check_text(text)
        with self._lock:  # the setting below belongs to the tokenizer, not to the call
            self._backend.encode_special_tokens = not special
            with _translated(f"{self._path} cannot tokenize this text"):
                return self._backend.encode(text, add_special_tokens=template)

    def _find_prefix(self) -> int | None:
        """The token that the file's own template puts before every text: BOS, where the model wants one."""
        encoding = self._encode("a", special=True, template=True)
        return int(encoding.ids[0]) if encoding.special_tokens_mask[:1] == [1] else None


@contextmanager
def _translated(failure: str) -> Iterator[None]:
    """Turns the library's errors into TokenizerError. It raises plain `Exception`, and on some malformed files a Rust
    panic, which Python sees as a BaseException of a class that cannot be imported."""
    try:
        yield
    except BaseException as error:
        if type(error) is Exception or isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise TokenizerError(f"{failure}: {error}. Download the model again.") from error
        raise


def _bytes_of_pieces(backend: Backend, path: Path) -> Callable[[str, bool], bytes]:
    """How the vocabulary spells bytes, read off its decoder: (piece, whether it is an added token) -> bytes."""
    steps = list(_steps(backend))
    kinds = {step["type"] for step in steps}
    if kinds == {"ByteLevel"}:
        table = _byte_level_table()

        def byte_level(piece: str, added: bool) -> bytes:
            if added or any(character not in table for character in piece):
                return piece.encode()
            return bytes(table[character] for character in piece)

        return byte_level
    if not kinds or kinds - {"Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"}:
        raise TokenizerError(
            f"{path} joins tokens by {', '.join(sorted(kinds)) or 'no decoder'}, which no supported language model does. "
            "Check that the tokenizer belongs to the model."
        )
    spellings = [spelling for step in steps if (spelling := _spelling(step)) is not None]
    fallback = "ByteFallback" in kinds

    def sentencepiece(piece: str, added: bool) -> bytes:
        if fallback and not added and (byte := byte_of_piece(piece)) is not None:
            return byte
        for written, meant in spellings:
            piece = piece.replace(written, meant)
        return piece.encode()

    return sentencepiece


def _steps(backend: Backend) -> Iterator[Mapping[str, Any]]:
    """The decoder's steps, flat: sequences hold sequences."""
    pending = [] if backend.decoder is None else [json.loads(backend.decoder.__getstate__())]
    while pending:
        step = pending.pop(0)
        if step["type"] == "Sequence":
            pending = list(step["decoders"]) + pending
        else:
            yield step


def _spelling(step: Mapping[str, Any]) -> tuple[str, str] | None:
    if step["type"] == "Metaspace":
        return str(step["replacement"]), " "
    if step["type"] == "Replace" and "String" in step["pattern"]:
        return str(step["pattern"]["String"]), str(step["content"])
    return None


def _byte_level_table() -> dict[str, int]:
    """GPT-2's printable character for each byte (openai/gpt-2, encoder.py): Latin-1's visible ones stand for
    themselves, the other 68 follow each other from U+0100."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(visible)]
    return {chr(byte): byte for byte in visible} | {chr(0x100 + rank): byte for rank, byte in enumerate(hidden)}
