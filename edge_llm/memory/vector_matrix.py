"""Vectors in RAM and the search among them: turbovec's codes find candidates among many, int8 codes rank them, and the few
that remain are scored exactly.

Row r of the matrix is slot r of the turbovec index, whatever is added and removed. Knows no store, no items and no threads:
its owner lets one caller in at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_llm.memory.blas import one_blas_thread
from edge_llm.memory.vector_store import BLOCK, blocks_of, bytes_of_bits, dequantize

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_llm.memory.vector_store import Segment

    Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]

_SCAN_ROWS = 512
"""Rows that are widened to float32 at a time: 0.8 MB at 384 dimensions, which stays in cache."""
_EXACT_ROWS = 4096
"""Up to so many rows a scan of all of them is as quick as the two-step search."""
_HALVES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) / 2
"""What each of a byte's eight bits adds to its dimension's code."""
_SKETCH_BITS = 2
_LEAST_CANDIDATES = 128
_CANDIDATES_PER_HIT = 4
_ROWS_PER_CANDIDATE = 2_500
_CLOSE = 16
"""How many more than are wanted, and a quarter of those on top, are scored exactly: among a million, five were enough."""
_MORE = 4
_TRIES = 3
_CLEAR = 2.5
"""The search among 2-bit codes gives candidates, which int8 codes rank. Where the k-th of these is not _CLEAR standard
deviations of the 2-bit error above the last candidate, a better one may have been left out, and _MORE times as many are asked
for. So what int8 alone finds is found: recall@10 0.995 of 0.995 on 21,000 real sentences (USE), 0.991 of 0.991 on 60,000
vectors in loose clusters, both at the first try; 0.986 of 0.986 on as many without any structure, at the second. The more rows,
the closer they lie and the more candidates the first try needs: among a million 384, where 128 took a second try as a rule."""


class VectorMatrix:
    """int8 vectors by item id, searched by dot product.

    Args:
        dimensions: of every vector.
        sketched: use turbovec among many rows. False scans them all, always.
    """

    def __init__(self, dimensions: int, *, sketched: bool = True) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._sketched = sketched and dimensions % 8 == 0  # what turbovec takes
        self._codes = np.empty((0, dimensions), np.int8)
        self._scales = np.empty((0, blocks_of(dimensions)), np.float16)
        self._bits = np.empty((0, bytes_of_bits(dimensions)), np.uint8)
        self._ids = np.empty(0, np.int64)
        self._row_after = np.zeros(0, np.int32)
        """Item id -> its row + 1; 0 where there is none. Ids are small: the store counts them up from 1."""
        self._sketch: Any = None
        self._sketch_rows = 0

    def reserve(self, rows: int) -> None:
        """Make room for so many rows more. Memory that no row was written to yet costs nothing but addresses."""
        needed = self.count + rows
        if needed <= len(self._ids):
            return
        capacity = max(needed, 2 * len(self._ids))
        for name in ("_codes", "_scales", "_bits", "_ids"):
            held = getattr(self, name)
            grown = np.empty((capacity, *held.shape[1:]), held.dtype)
            grown[: self.count] = held[: self.count]
            setattr(self, name, grown)

    def add(self, segment: Segment) -> None:
        """Add vectors of items that have none."""
        if not segment.item_ids.size:
            return
        self.reserve(len(segment.item_ids))
        largest = int(segment.item_ids.max())
        if largest >= len(self._row_after):
            grown = np.zeros(max(largest + 1, 2 * len(self._row_after)), np.int32)
            grown[: len(self._row_after)] = self._row_after
            self._row_after = grown
        start, end = self.count, self.count + len(segment.item_ids)
        self._codes[start:end] = segment.codes
        self._scales[start:end] = segment.scales
        self._bits[start:end] = segment.bits
        self._ids[start:end] = segment.item_ids
        self._row_after[segment.item_ids] = np.arange(start + 1, end + 1)
        self.count = end

    def remove(self, item_ids: npt.NDArray[np.int64]) -> None:
        """Remove the vectors of these items; those that have none are ignored. The last rows move into the gaps."""
        rows = np.sort(self._rows_of(item_ids))[::-1]
        if not rows.size:
            return
        self._row_after[self._ids[rows]] = 0
        if self._sketch_rows < self.count:  # half built: slots and rows would part
            self._drop_sketch()
        came_from: dict[int, int] = {}
        for row in rows.tolist():
            self.count -= 1
            if self._sketch is not None:
                self._sketch.swap_remove(row)
                self._sketch_rows -= 1
            moved = came_from.pop(self.count, self.count)
            if row != self.count:
                came_from[row] = moved
        targets = np.fromiter(came_from, np.int64, len(came_from))
        sources = np.fromiter(came_from.values(), np.int64, len(came_from))
        for held in (self._codes, self._scales, self._bits, self._ids):
            held[targets] = held[sources]
        self._row_after[self._ids[targets]] = targets + 1

    def search(self, query: npt.NDArray[np.float32], k: int, allowed: npt.NDArray[np.int64] | None = None) -> Found:
        """The items whose vectors have the largest dot product with `query`.

        Args:
            query: float32 (dimensions,).
            allowed: item ids to choose among; None chooses among all.

        Returns:
            Ids and scores of at most k items, best first. The scores are exact for the stored vectors.
        """
        rows = self._close_to(query, k, None if allowed is None else self._rows_of(allowed))
        scores = self._score(query, rows, exactly=True)
        ids = self._ids[: self.count] if rows is None else self._ids[rows]
        order = np.lexsort((ids, -scores))[:k]
        return ids[order], scores[order]

    def _close_to(
        self, query: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64] | None
    ) -> npt.NDArray[np.int64] | None:
        """Of these rows (None: of all) few enough to score exactly, among which the k best are; None where that is all."""
        few = k + k // 4 + _CLOSE
        among = self.count if rows is None else rows.size
        if among <= few:
            return rows
        if among > _EXACT_ROWS and self.is_sketched:
            rows, scores = self._narrow(query, k, rows)
        else:
            scores = self._score(query, rows)
        best = np.argpartition(scores, -few)[-few:] if scores.size > few else np.arange(scores.size)
        return best if rows is None else rows[best]

    def _narrow(self, query: npt.NDArray[np.float32], k: int, rows: npt.NDArray[np.int64] | None) -> Found:
        """Rows among which the k best are, and the scores of their int8 codes."""
        mask = None
        if rows is not None:
            mask = np.zeros(self.count, np.bool_)
            mask[rows] = True
        among = self.count if rows is None else rows.size
        wanted = max(_LEAST_CANDIDATES, _CANDIDATES_PER_HIT * k, among // _ROWS_PER_CANDIDATE)
        for _ in range(_TRIES):
            rough, slots = (found[0] for found in self._sketch.search(query[None], k=min(wanted, among), mask=mask))
            scores = self._score(query, slots)
            if wanted >= among or np.partition(scores, -k)[-k] - rough[-1] > _CLEAR * np.std(rough - scores):
                break
            wanted *= _MORE
        return slots, scores

    def scores(self, query: npt.NDArray[np.float32], item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The exact score of each of these items; NaN for one that has no vector."""
        found = np.full(item_ids.size, np.nan, np.float32)
        known = np.flatnonzero((item_ids >= 0) & (item_ids < len(self._row_after)))
        after = self._row_after[item_ids[known]]
        found[known[after > 0]] = self._score(query, after[after > 0].astype(np.int64) - 1, exactly=True)
        return found

    @property
    def is_sketched(self) -> bool:
        """Whether the turbovec index holds every row."""
        return self._sketch is not None and self._sketch_rows == self.count

    @property
    def unsketched(self) -> int:
        """Rows that `sketch_more` has still to do; 0 where all are, or where so few are quicker without."""
        return self.count - self._sketch_rows if self._sketched and self.count > _EXACT_ROWS else 0

    def sketch_more(self, rows: int) -> None:
        """Bring up to so many rows more into the turbovec index.

        Raises:
            ImportError: turbovec is not installed.
        """
        if self._sketch is None:
            from turbovec import TurboQuantIndex

            self._sketch = TurboQuantIndex(dim=self.dimensions, bit_width=_SKETCH_BITS)
        end = min(self.count, self._sketch_rows + rows)
        part = slice(self._sketch_rows, end)
        self._sketch.add(dequantize(self._scales[part], self._codes[part], self._bits[part]))
        self._sketch_rows = end

    def _drop_sketch(self) -> None:
        self._sketch = None
        self._sketch_rows = 0

    def _rows_of(self, item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The rows of those of these items that have one, each once."""
        known = item_ids[(item_ids >= 0) & (item_ids < len(self._row_after))]
        after = np.unique(self._row_after[known])
        return after[after > 0].astype(np.int64) - 1

    def _score(
        self, query: npt.NDArray[np.float32], rows: npt.NDArray[np.int64] | None, *, exactly: bool = False
    ) -> npt.NDArray[np.float32]:
        """The dot product of each of these rows (None: of all) with a query, by their codes alone or exactly."""
        total = self.count if rows is None else rows.size
        blocks = self._scales.shape[1]
        weights = np.zeros((blocks, BLOCK, 1), np.float32)
        weights.reshape(-1)[: self.dimensions] = query
        of_bytes = _HALVES @ weights.reshape(-1, 8).T
        values = np.zeros((min(total, _SCAN_ROWS), blocks * BLOCK), np.float32)
        scores = np.empty(total, np.float32)
        with one_blas_thread():
            for start in range(0, total, _SCAN_ROWS):
                part = slice(start, min(start + _SCAN_ROWS, total))
                chosen = part if rows is None else rows[part]
                wide = values[: part.stop - start]
                wide[:, : self.dimensions] = self._codes[chosen]
                # block by block, as many small products of one matrix: BLAS does them where they lie
                products = np.matmul(wide.reshape(len(wide), blocks, BLOCK).transpose(1, 0, 2), weights)[:, :, 0].T
                if exactly:
                    bits = self._bits[chosen]
                    halves = of_bytes[bits, np.arange(bits.shape[1])]
                    products = products + np.add.reduceat(halves, np.arange(0, bits.shape[1], BLOCK // 8), axis=1)
                scores[part] = np.einsum("rb,rb->r", products, self._scales[chosen].astype(np.float32))
        return scores
