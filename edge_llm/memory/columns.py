"""The few facts of every item that ranking and filters need, as arrays in RAM that follow the store.

Knows items' rows and who neighbours whom; knows no text, no score and no vector. Rows lie in the order of conversations, so an
item's neighbours are the rows before and after it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_llm.memory.analysis import ASKS, DATED, fold, is_unspaced, words
from edge_llm.memory.items import KINDS, Kind

if TYPE_CHECKING:
    import apsw
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

NO_TIME = -(1 << 62)
"""The time of an item that has none."""
_PAUSE_MS = 6 * 3_600_000
"""A conversation that rests longer goes on about something else: what was said before is no neighbour any more."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The items of one state of a store; element r of every array is of the item in row r."""

    generation: int
    ids: Ints
    sources: Ints
    threads: Ints
    """0 where an item belongs to no conversation."""
    kinds: Ints
    """Index into KINDS."""
    times: Ints
    """Milliseconds since 1970, or NO_TIME."""
    sizes: npt.NDArray[np.float32]
    """How long the item is, in bytes as stored."""
    episodes: Ints
    """Rows with one number are one stretch of one conversation."""
    asks: Flags
    """The text ends with a question."""
    dated: Flags
    """The text says when something was or will be."""
    names: Mapping[str, frozenset[int]]
    """A name, or the part of one that people are called by, to those who may be meant, as person ids. Folded, Latin words as
    terms."""
    row_after: npt.NDArray[np.int32]
    """Item id to its row + 1; 0 where there is none."""

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, item_ids: Ints) -> Ints:
        """The rows of those of these items that are here, in the order given."""
        known = item_ids[(item_ids >= 0) & (item_ids < len(self.row_after))]
        after = self.row_after[known]
        return after[after > 0].astype(np.int64) - 1

    def neighbours(self, row: int, count: int) -> tuple[list[int], list[int]]:
        """Ids of up to `count` items before and after a row, in the same conversation, in order."""
        if not self.threads[row]:
            return [], []
        first, last = max(0, row - count), min(len(self), row + count + 1)
        same = self.threads[first:last] == self.threads[row]
        ids = self.ids[first:last]
        here = row - first
        return ids[:here][same[:here]].tolist(), ids[here + 1 :][same[here + 1 :]].tolist()

    def allowed(
        self,
        *,
        sources: Collection[int] | None = None,
        since: int | None = None,
        until: int | None = None,
        kind: Kind | None = None,
        items: Ints | None = None,
    ) -> Flags | None:
        """Which rows meet all conditions; None when there is no condition. Times are milliseconds, since <= time < until."""
        if sources is None and since is None and until is None and kind is None and items is None:
            return None
        mask = np.ones(len(self), np.bool_)
        if sources is not None:
            mask &= np.isin(self.sources, np.fromiter(sources, np.int64))
        if since is not None or until is not None:
            mask &= self.times != NO_TIME
        if since is not None:
            mask &= self.times >= since
        if until is not None:
            mask &= self.times < until
        if kind is not None:
            mask &= self.kinds == KINDS.index(kind)
        if items is not None:
            chosen = np.zeros(len(self), np.bool_)
            chosen[self.rows_of(items)] = True
            mask &= chosen
        return mask


class ColumnCache:
    """The columns of a store, read again when the store has changed. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Columns | None = None

    def current(self, connection: apsw.Connection) -> Columns:
        """The columns as of this connection's transaction."""
        generation = int(connection.execute("SELECT value FROM meta WHERE key = 'generation'").get)
        with self._lock:
            held = self._held
            if held is None or held.generation != generation:
                held = _read(connection, generation)
                self._held = held
            return held


def read_ids(connection: apsw.Connection, sql: str, values: tuple[object, ...] = ()) -> Ints:
    """What a SELECT of one `group_concat` of integers gives: five times as fast as a row each."""
    text = connection.execute(sql, values).get
    return np.fromstring(text, np.int64, sep=",") if text else np.empty(0, np.int64)


def _read(connection: apsw.Connection, generation: int) -> Columns:
    kinds = " ".join(f"WHEN '{kind}' THEN {number}" for number, kind in enumerate(KINDS))
    wanted = (
        "id", "source_id", "coalesce(thread, 0)", "ordinal", f"CASE kind {kinds} END", f"coalesce(time, {NO_TIME})",
        "length(sealed)",
    )  # fmt: skip
    lists = ", ".join(f"group_concat({column})" for column in wanted)
    texts = connection.execute(f"SELECT {lists} FROM items").fetchone() or ()  # noqa: S608
    ids, sources, threads, ordinals, kind, times, sizes = (
        np.fromstring(text, np.int64, sep=",") if text else np.empty(0, np.int64) for text in texts
    )
    order = np.lexsort((ids, ordinals, threads))
    ids, threads, times = ids[order], threads[order], times[order]
    row_after = np.zeros(int(ids.max(initial=0)) + 1, np.int32)
    row_after[ids] = np.arange(1, len(ids) + 1)
    return Columns(
        generation,
        ids,
        sources[order],
        threads,
        kind[order],
        times,
        sizes[order].astype(np.float32),
        _episodes(threads, times),
        _marked(connection, ASKS, row_after, len(ids)),
        _marked(connection, DATED, row_after, len(ids)),
        _names(connection.execute("SELECT DISTINCT folded, person_id FROM mentions WHERE folded IS NOT NULL")),
        row_after,
    )


def _episodes(threads: Ints, times: Ints) -> Ints:
    begins = np.ones(len(threads), np.bool_)
    if len(threads) > 1:
        timed = (times[1:] != NO_TIME) & (times[:-1] != NO_TIME)
        paused = timed & (np.abs(times[1:] - times[:-1]) > _PAUSE_MS)
        begins[1:] = (threads[1:] == 0) | (threads[1:] != threads[:-1]) | paused
    return np.cumsum(begins)


def _marked(connection: apsw.Connection, mark: str, row_after: npt.NDArray[np.int32], count: int) -> Flags:
    flags = np.zeros(count, np.bool_)
    ids = read_ids(connection, "SELECT group_concat(rowid) FROM terms WHERE terms MATCH ?", (f'body : "{mark}"',))
    rows = row_after[ids[ids < len(row_after)]]
    flags[rows[rows > 0] - 1] = True
    return flags


def _names(rows: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    """Whole names, and the parts of names that people are called by, to the people they may mean."""
    called: dict[str, set[int]] = {}
    for name, person in rows:
        folded = fold(name)
        parts = [folded[1:]] if is_unspaced(folded) else words(folded)  # a Chinese name without the family's
        for part in {folded, *(part for part in parts if len(part) > 1)}:
            called.setdefault(part, set()).add(person)
    return {name: frozenset(persons) for name, persons in called.items()}
