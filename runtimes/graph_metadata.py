"""What a graph of ours says of itself in its metadata, written by quantize and read by the onnx runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCORED_HEADS: Final = "edge_llm.scored_heads"
"""Attention heads of a graph that holds the score of each head, token and position of a pass at once."""

_SCORE_BYTES = 64 << 20
_LEAST_TOKENS = 128
"""With fewer a pass is not worth a graph for many tokens."""


def scored_heads(metadata: Mapping[str, str]) -> int:
    """Of such a graph its heads; 0 where attention works in tiles. Raises ValueError when the metadata is no such number."""
    heads = int(metadata.get(SCORED_HEADS, "0"))
    if heads < 0:
        raise ValueError(f"{SCORED_HEADS} is {heads}")
    return heads


def most_tokens(heads: int, positions: int) -> int:
    """How many tokens a pass over `positions` may take for the scores of so many heads to stay within 64 MB; 128 at least."""
    return max(_LEAST_TOKENS, _SCORE_BYTES // (4 * heads * positions))
