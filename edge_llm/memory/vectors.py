"""The vectors of a store in RAM, in step with its file.

Loads when first searched, and afterwards reads only segments it has not seen. Knows segments and generations. What is
searched how is in vector_matrix.py; nothing here knows text or embedders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from edge_llm.memory.vector_matrix import VectorMatrix
from edge_llm.memory.vector_store import find_model, list_segments, no_vectors, read_segment
from runtimes.errors import ConfigError, EdgeLLMError, SessionClosedError, StoreDamagedError

if TYPE_CHECKING:
    import apsw
    import numpy.typing as npt
    from typing_extensions import Self

    from edge_llm.memory.store import Store
    from edge_llm.memory.vector_matrix import Found
    from edge_llm.memory.vector_store import Model, Segment

_SKETCH_STEP = 1024
"""Rows that the background thread takes at a time: a search waits some 5 ms for it at most."""
_AFTER_S = 0.3
"""How long the thread leaves the processor to the search that made it start: codes are for the next ones."""
_SKETCH_AT_ONCE = 512
"""Up to so many new rows get their codes on the thread that searches, in some 3 ms."""


class VectorIndex:
    """The vectors of one model. Any thread may search it.

    Among many vectors a search wants turbovec's codes; computing them takes longer than a search of all vectors as they are,
    so a thread of the index computes them while searches are already answered. `close` ends it.

    Args:
        model_id: of the embedder whose vectors these are.
        sketched: use turbovec where it is installed. False searches all vectors, always.
    """

    def __init__(self, store: Store, model_id: str, *, sketched: bool = True) -> None:
        self.model_id = model_id
        self._store = store
        self._sketched = sketched
        self._lock = threading.Lock()
        self._generation: int | None = None
        self._model: Model | None = None
        self._matrix: VectorMatrix | None = None
        self._segments: dict[int, npt.NDArray[np.int64]] = {}
        self._worker: threading.Thread | None = None
        self._is_working = False
        self.damage: tuple[str, ...] = ()
        """What could not be read, and is not found."""
        self._closing = threading.Event()

    def __len__(self) -> int:
        """How many vectors it holds, brought up to date."""
        with self._lock:
            self._follow()
            return 0 if self._matrix is None else self._matrix.count

    def search(self, query: npt.NDArray[np.float32], k: int, *, allowed: npt.NDArray[np.int64] | None = None) -> Found:
        """The items nearest to a query.

        Args:
            query: float32 (dimensions,), of length 1.
            k: most items to return.
            allowed: ids of the items to choose among; None chooses among all.

        Returns:
            Item ids and cosines, best first.

        Raises:
            ConfigError: the query has other dimensions than the vectors.
            SessionClosedError: the index or the store was closed. StorageError: the store cannot be read.
        """
        with self._lock:
            matrix = self._current(query)
            if matrix is None or k < 1:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            return matrix.search(query, k, allowed)

    def scores(self, query: npt.NDArray[np.float32], item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The cosine of each of these items; NaN for one without a vector. Raises as `search` does."""
        with self._lock:
            matrix = self._current(query)
            if matrix is None:
                return np.full(item_ids.size, np.nan, np.float32)
            return matrix.scores(query, item_ids)

    def prefetch(self) -> None:
        """Begin to load on the index's thread, while the caller loads an embedder, say. A search waits for it, and raises what
        made it fail."""
        with self._lock:
            self._check_open()
            if self._generation is None:
                self._start(self._load_ahead)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has computed all codes; False when it was not in time."""
        worker = self._worker
        if worker is not None:
            worker.join(timeout_s)
        return worker is None or not worker.is_alive()

    def close(self) -> None:
        """Free the vectors and end the thread. Idempotent; a search afterwards raises SessionClosedError."""
        self._closing.set()
        if self._worker is not None:
            self._worker.join()
        with self._lock:
            self._matrix, self._segments, self._generation = None, {}, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _current(self, query: npt.NDArray[np.float32]) -> VectorMatrix | None:
        """The vectors as they are now, which the query must fit."""
        self._check_open()
        self._follow()
        if self._matrix is not None and query.shape != (self._matrix.dimensions,):
            raise ConfigError(
                f"The query has shape {query.shape} and the vectors of {self.model_id} have "
                f"{self._matrix.dimensions} dimensions. Search with the embedder that made them."
            )
        return self._matrix

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise SessionClosedError("The vectors were closed. Open memory again.")

    def _follow(self) -> None:
        """Read what changed in the file since the last time."""
        generation = self._store.generation()  # read first: what changes after it is read now and looked at again later
        if generation == self._generation:
            return
        with self._store.reading() as connection:
            model = find_model(connection, self.model_id)
            if model != self._model:
                self._model, self._segments = model, {}
                self._matrix = None if model is None else VectorMatrix(model.dimensions, sketched=self._sketched)
            if model is not None and self._matrix is not None:
                self._read_changes(connection, model, self._matrix)
        self._generation = generation
        self._sketch_what_is_new()

    def _read_changes(self, connection: apsw.Connection, model: Model, matrix: VectorMatrix) -> None:
        listed = list_segments(connection, model)
        gone = self._segments.keys() - {segment.id for segment in listed}
        for segment_id in gone:
            matrix.remove(self._segments.pop(segment_id))
        fresh = [segment for segment in listed if segment.id not in self._segments]
        matrix.reserve(sum(segment.count for segment in fresh))
        for info in fresh:
            segment = self._read(connection, model, info.id)
            matrix.add(segment)
            self._segments[info.id] = segment.item_ids

    def _read(self, connection: apsw.Connection, model: Model, segment_id: int) -> Segment:
        """A segment; an empty one where it cannot be read, which must not keep the others from being searched."""
        try:
            return read_segment(connection, self._store, model, segment_id)
        except StoreDamagedError as error:
            self.damage = (*self.damage, str(error))
            return no_vectors(model)

    def _sketch_what_is_new(self) -> None:
        matrix = self._matrix
        if matrix is None or not self._sketched or not matrix.unsketched:
            return
        if matrix.unsketched <= _SKETCH_AT_ONCE:
            self._sketched = _sketch_more(matrix, _SKETCH_AT_ONCE)
        else:
            self._start(self._sketch)

    def _start(self, work: Callable[[], None]) -> None:
        if not self._is_working and not self._closing.is_set():
            self._is_working = True
            self._worker = threading.Thread(target=work, name="edge-llm-vectors", daemon=True)
            self._worker.start()

    def _load_ahead(self) -> None:
        with self._lock:
            try:
                if not self._closing.is_set():
                    self._follow()
            except EdgeLLMError:  # the search that needs it tries again, and raises it to someone who waits
                self._is_working = False
                return
        self._sketch()

    def _sketch(self) -> None:
        done = self._closing.wait(_AFTER_S)
        while not done:
            with self._lock:
                matrix = self._matrix
                if matrix is not None and matrix.unsketched and not self._closing.is_set():
                    self._sketched = _sketch_more(matrix, _SKETCH_STEP)
                done = matrix is None or not matrix.unsketched or not self._sketched or self._closing.is_set()
                self._is_working = not done


def _sketch_more(matrix: VectorMatrix, rows: int) -> bool:
    """Compute codes of so many rows; False when turbovec, which is an extra, is not installed."""
    try:
        matrix.sketch_more(rows)
    except ImportError:
        return False
    return True
