"""An embedder for tests: a text's vector says which words it has, and nothing of what they mean."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from runtimes.errors import CancelledError

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_llm.memory.embedder import Vectors


class WordEmbedder:
    """Each word (each character in Chinese) sets one of 256 dimensions."""

    def __init__(self, model_id: str = "words") -> None:
        self.model_id = model_id
        self.dimensions = 256
        self.texts = 0
        """How many it was given."""

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """See `Embedder.embed`."""
        if cancel is not None and cancel.is_set():
            raise CancelledError("Embedding was cancelled.")
        self.texts += len(texts)
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = [*text.lower().split(), *(character for character in text if character >= "\u3400")]
            for word in words or [""]:
                row[zlib.crc32(word.strip(".,!?").encode("utf-8", "replace")) % self.dimensions] += 1
            row /= np.linalg.norm(row)
        return vectors

    def close(self) -> None:
        """Nothing was loaded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
