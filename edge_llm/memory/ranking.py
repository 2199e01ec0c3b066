"""What speaks for each candidate of a search, as numbers: one signal per reason.

Knows postings, columns and cosines as arrays; knows no database, no weights and no text. How the signals are weighed is in
fusion.py. Every signal is scaled so that it means the same in a store of 300 items and of 300,000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_llm.memory.columns import Columns

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_llm.memory.lexical import Posting

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float32]
    Flags = npt.NDArray[np.bool_]

K1 = 1.2
"""BM25: how soon more of the same word adds nothing."""
B = 0.75
"""BM25: how much a long item must have more of it."""
AROUND = (0.6, 0.5, 0.4, 0.3)
"""What a word counts for that is said 1, 2, 3, 4 items before or after, in the same stretch of a conversation."""
_TITLE = 1.0
"""What a word counts for in the title, beside what it counts for being there."""
_AFTER = 0.6
"""What the meaning of the next item counts for where that of the one before counts 1."""


def best_by_words(columns: Columns, postings: Sequence[Posting], allowed: Flags | None, count: int) -> Ints:
    """The rows whose words tell most, whatever their length and neighbours: a quick first choice."""
    scores = np.zeros(len(columns), np.float32)
    for posting in postings:
        scores[posting.rows] += posting.idf * posting.group.weight
    if allowed is not None:
        scores *= allowed
    found = np.flatnonzero(scores)
    if len(found) > count:
        # Of equals the shorter first, then the later: a tie broken by row number would prefer old conversations.
        order = np.lexsort((-columns.ids[found], columns.sizes[found], -scores[found]))
        found = found[order[:count]]
    return found


def with_neighbours(columns: Columns, rows: Ints, reach: int) -> Ints:
    """Rows and those up to `reach` before and after them in the same stretch, each once, in order."""
    near = (rows[:, None] + np.arange(-reach, reach + 1)).ravel()
    origin = np.repeat(rows, 2 * reach + 1)
    inside = (near >= 0) & (near < len(columns))
    near, origin = near[inside], origin[inside]
    return np.unique(near[columns.episodes[near] == columns.episodes[origin]])


class Around:
    """Reads values of the rows around candidates; those of another stretch of conversation count 0."""

    def __init__(self, columns: Columns, rows: Ints) -> None:
        self._rows = rows
        self._size = len(columns)
        self._same: dict[int, tuple[Ints, Floats]] = {}
        for offset in range(-len(AROUND), len(AROUND) + 1):
            at = np.clip(rows + offset, 0, max(self._size - 1, 0))
            inside = (rows + offset >= 0) & (rows + offset < self._size)
            same = inside & (columns.episodes[at] == columns.episodes[rows])
            self._same[offset] = at, same.astype(np.float32)

    def at(self, values: Floats, offset: int) -> Floats:
        """The value of the row `offset` behind each candidate."""
        rows, same = self._same[offset]
        taken: Floats = values[rows] * same
        return taken

    def summed(self, values: Floats) -> Floats:
        """Values of the neighbours, each counting what AROUND says."""
        total = np.zeros(len(self._rows), np.float32)
        for distance, weight in enumerate(AROUND, 1):
            total += np.float32(weight) * (self.at(values, distance) + self.at(values, -distance))
        return total


def word_signals(columns: Columns, postings: Sequence[Posting], around: Around) -> tuple[dict[str, Floats], Flags]:
    """BM25 of each candidate alone and with its neighbours, the share of the query it holds, and what it replies to.

    A word counts once for each item that holds it. All are shares of what an item of average length with every word
    would have.

    Returns:
        The signals by name, and whether a candidate holds every word by itself.
    """
    held = np.zeros(len(columns), np.float32)
    usual = float(columns.sizes.mean()) if len(columns) else 1.0
    size = columns.sizes / max(usual, 1e-6)
    own_size, window_size = around.at(size, 0), around.at(size, 0) + around.summed(size)
    window_size = window_size / (1 + 2 * sum(AROUND))
    before_size = around.at(size, -1)
    shape = own_size.shape
    words, window, before, cover = (np.zeros(shape, np.float32) for _ in range(4))
    whole = np.ones(shape, np.bool_)
    most = 0.0
    for posting in postings:
        weight = posting.idf * posting.group.weight
        if not posting.group.is_part and (len(posting.rows) or not posting.group.is_guess):
            most += weight
        held[posting.rows] = 1
        held[posting.titled] += _TITLE
        own = around.at(held, 0)
        words += np.float32(weight) * _saturated(own, own_size)
        window += np.float32(weight) * _saturated(own + around.summed(held), window_size)
        before += np.float32(weight) * _saturated(around.at(held, -1), before_size)
        cover += np.float32(weight) * (own > 0)
        if not posting.group.is_part and not posting.group.is_guess:
            whole &= own > 0
        held[posting.rows] = 0
    scale = np.float32(1 / max(most, 1e-9))
    full = np.float32(scale / (K1 + 1))
    asked = around.at(columns.asks.astype(np.float32), -1)
    signals: dict[str, Floats] = {
        "words": words * full,
        "cover": cover * scale,
        "nearby_words": (window - words) * full,
        "reply": before * full * asked,
    }
    return signals, whole & (words > 0)


def meaning_signals(cosines: Floats, known: Flags, around: Around, usual: tuple[float, float]) -> dict[str, Floats]:
    """How much closer in meaning candidates and their neighbours are than any item is.

    Args:
        cosines: of every row of the columns, 0 where not known.
        known: which rows have one.
        usual: mean and deviation of the cosines of any items with this query. Encoders differ in both.
    """
    mean, deviation = usual
    score = np.where(known, (cosines - np.float32(mean)) / np.float32(max(deviation, 1e-6)), np.float32(0)).astype(np.float32)
    near: Floats = around.at(score, -1) + np.float32(_AFTER) * around.at(score, 1)
    return {"meaning": around.at(score, 0), "nearby_meaning": near / np.float32(math.hypot(1, _AFTER))}


def _saturated(count: Floats, size: Floats) -> Floats:
    found = count * np.float32(K1 + 1) / (count + np.float32(K1) * (np.float32(1 - B) + np.float32(B) * size))
    return found.astype(np.float32, copy=False)
