"""What every encoder here does with texts before and vectors after: how many, how long, how clean, of which length."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runtimes.errors import CancelledError

if TYPE_CHECKING:
    from edge_llm.memory.embedder import Vectors

_AT_A_TIME = 256
_LONGEST = 8192
"""Characters of a text that are embedded; what follows does not count. One vector says little of more: a page has 3,000."""


def portions(texts: Sequence[str], cancel: threading.Event | None) -> Iterator[tuple[int, list[str]]]:
    """The texts in portions, each with the place of its first: short enough, and valid Unicode (lone surrogates become "?").

    Raises:
        CancelledError: `cancel` was set when the next portion was asked for.
    """
    for start in range(0, len(texts), _AT_A_TIME):
        if cancel is not None and cancel.is_set():
            raise CancelledError("Embedding was cancelled.")
        portion = texts[start : start + _AT_A_TIME]
        yield start, [text[:_LONGEST].encode("utf-8", "replace").decode("utf-8") for text in portion]


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1. One without a direction becomes the first axis: as good as any, and comparable."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.isfinite(lengths) & (lengths > 0)
    axis = np.eye(1, vectors.shape[1], dtype=np.float32)
    return np.where(known, vectors / np.where(known, lengths, 1), axis).astype(np.float32, copy=False)
