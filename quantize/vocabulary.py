"""What the readers of tokenizer files have in common: a vocabulary's entries, in the terms of GGUF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from quantize.write_gguf import MetadataValue

# enum llama_token_type of include/llama.h, which is SentencePiece's own numbering.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

AGAIN: Final = "Download the model's tokenizer files again."
KEEP: Final = "Use --format onnx, which keeps the tokenizer as it is."


class Token(NamedTuple):
    """One entry of a vocabulary."""

    text: str
    kind: int
    """NORMAL to BYTE."""


class Vocabulary(NamedTuple):
    """What is in one tokenizer file."""

    values: Mapping[str, MetadataValue]
    """GGUF keys that say how text is cut, `tokenizer.ggml.model` among them."""
    tokens: Mapping[int, Token]
    """By id; ids may have gaps."""
    scores: Mapping[int, float] | None = None
    """Of SentencePiece vocabularies: the higher, the earlier a piece is put together."""


def sentencepiece_values(*, space_prefix: bool) -> dict[str, MetadataValue]:
    """The keys that make llama.cpp put pieces together by score."""
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.add_space_prefix": space_prefix}
