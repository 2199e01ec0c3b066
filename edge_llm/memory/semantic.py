"""Items by meaning: a query's text becomes a vector, and the vectors nearest to it are found.

Knows which embedder a query must be given to: the one whose vectors answer searches, which is the former one while those of a
new embedder are still being made. Knows no words and no ranking.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from edge_llm.memory import vector_store
from edge_llm.memory.embedders import open_former
from edge_llm.memory.vectors import VectorIndex

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from edge_llm.home import Home
    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.store import Store
    from edge_llm.memory.vector_matrix import Found


@dataclass(frozen=True)
class Asked:
    """A query's vector, and the vectors it can be compared with."""

    vector: npt.NDArray[np.float32]
    index: VectorIndex

    def search(self, k: int, *, allowed: npt.NDArray[np.int64] | None = None) -> Found:
        """The items nearest in meaning: ids and cosines, best first; see `VectorIndex.search`."""
        return self.index.search(self.vector, k, allowed=allowed)

    def scores(self, item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The cosine of each of these items; NaN for one that has no vector yet."""
        return self.index.scores(self.vector, item_ids)


@dataclass(frozen=True)
class _InUse:
    model_id: str
    embedder: Embedder
    index: VectorIndex


class SemanticIndex:
    """A store's items by meaning. Any thread may search it.

    Args:
        embedder: the one the memory uses from now on. Not closed here.
        home: where a former embedder is looked for.
    """

    def __init__(self, store: Store, embedder: Embedder, *, home: Home | None = None) -> None:
        self._store = store
        self._wanted = embedder
        self._home = home
        self._lock = threading.Lock()
        self._in_use: _InUse | None = None

    def ask(self, text: str) -> Asked:
        """A query, as the vector that answers it. The first one loads the embedder and the vectors, side by side.

        Raises:
            RuntimeFailedError: the embedder failed. StorageError: the store cannot be read.
        """
        used = self._current()
        if used.index.is_loaded:
            return Asked(used.embedder.embed([text])[0], used.index)
        with ThreadPoolExecutor(1, thread_name_prefix="edge-llm-vectors") as beside:
            loading = beside.submit(used.index.load)
            vector = used.embedder.embed([text])[0]
            loading.result()
        return Asked(vector, used.index)

    def load(self) -> None:
        """Get ready what a first query would wait for: the embedder, and the vectors. For a thread beside other work."""
        self.ask("").search(1)

    def close(self) -> None:
        """Free the vectors, and a former embedder. Idempotent."""
        with self._lock:
            used, self._in_use = self._in_use, None
        if used is not None:
            used.index.close()
            if used.embedder is not self._wanted:
                used.embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _current(self) -> _InUse:
        with self._store.reading() as connection:
            model = vector_store.model_in_use(connection)
        model_id = self._wanted.model_id if model is None else model.model_id
        with self._lock:
            if self._in_use is None or self._in_use.model_id != model_id:
                former = None if model_id == self._wanted.model_id else open_former(model_id, home=self._home)
                embedder = former or self._wanted
                # the one before is not closed: another thread may be searching it, and it goes when nobody does
                self._in_use = _InUse(model_id, embedder, VectorIndex(self._store, embedder.model_id))
            return self._in_use
