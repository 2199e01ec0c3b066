"""Whether the Kotlin library can read a vocabulary, and the file it reads.

Knows which parts of Hugging Face's tokenizer.json the library implements. A part it lacks is an error here, at export, and
never wrong token ids on a phone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from android_bridge.manifest import TokenizerFile, TokenizerKind
from runtimes.errors import TokenizerError
from runtimes.tokenizer import open_bundle_tokenizer

if TYPE_CHECKING:
    from runtimes.bundle import Bundle

TOKENIZER_NAME = "tokenizer.json"
_KINDS: dict[str, TokenizerKind] = {"BPE": "bpe", "Unigram": "unigram"}
_NORMALIZERS = frozenset({"Sequence", "NFC", "NFKC", "Prepend", "Replace", "Lowercase"})
_PRE_TOKENIZERS = frozenset({"Sequence", "Split", "ByteLevel", "Digits", "Metaspace"})

_ADDED_TOKEN_FLAGS = ("single_word", "lstrip", "rstrip")


def write_tokenizer(bundle: Bundle, directory: Path) -> TokenizerFile:
    """Write the bundle's vocabulary as tokenizer.json and describe it.

    Raises:
        TokenizerError: the bundle has none, or one that the Kotlin library cannot read; says which part.
    """
    tokenizer = open_bundle_tokenizer(bundle)
    document = _document(bundle)
    kind = _KINDS.get(document["model"]["type"])
    if kind is None:
        raise TokenizerError(
            f"{bundle.tokenizer_path} has a vocabulary of the type {document['model']['type']}; phones read "
            f"{' and '.join(_KINDS)}. Export a model with one of these."
        )
    for part, known in (("normalizer", _NORMALIZERS), ("pre_tokenizer", _PRE_TOKENIZERS)):
        if unknown := sorted({step["type"] for step in _steps(document.get(part))} - known):
            raise TokenizerError(
                f"{bundle.tokenizer_path} uses the {part} {unknown[0]}, which the Kotlin library does not have. "
                "Export another model."
            )
    for token in document.get("added_tokens", ()):
        if asked := [flag for flag in _ADDED_TOKEN_FLAGS if token.get(flag)]:
            raise TokenizerError(
                f"{bundle.tokenizer_path} has the added token {token['content']!r} with {asked[0]}, which the Kotlin library "
                "does not have. Export another model."
            )
    (directory / TOKENIZER_NAME).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return TokenizerFile(kind, TOKENIZER_NAME, tokenizer.bos_id, tuple(sorted(tokenizer.special_ids)))


def _document(bundle: Bundle) -> dict[str, Any]:
    path = bundle.tokenizer_path
    if path is None:
        raise TokenizerError(f"{bundle.path} has no tokenizer. Quantize the model again from a source that has one.")
    if path.suffix == ".gguf":
        from runtimes.gguf import read_header
        from runtimes.gguf_vocabulary import tokenizer_json

        text = tokenizer_json(read_header(path))
    elif path.suffix == ".json":
        text = path.read_text(encoding="utf-8")
    else:
        raise TokenizerError(
            f"{path} is a SentencePiece file, which phones do not read. "
            "Export the model's GGUF form, whose vocabulary is rebuilt."
        )
    document: dict[str, Any] = json.loads(text)
    return document


def _steps(part: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A part and the steps it is a sequence of."""
    if part is None:
        return
    yield part
    for step in part.get("normalizers") or part.get("pretokenizers") or ():
        yield from _steps(step)
