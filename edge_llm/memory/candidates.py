"""From a query to the items worth a closer look, and what speaks for each of them; nothing is weighed yet.

Works inside one read transaction. Everything that neighbours contribute is computed here, at query time: nothing of an item
is ever stored under another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edge_llm.memory import fusion, lexical, ranking
from edge_llm.memory.columns import Columns, read_ids
from edge_llm.memory.items import Kind
from edge_llm.memory.naming import Named, find_names, without_names
from edge_llm.memory.pinyin import by_sound, is_spelled
from edge_llm.memory.query import Query, parse
from edge_llm.memory.records import to_ms
from edge_llm.memory.when import TimeRange, read_times

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.lexical import Posting
    from edge_llm.memory.ranking import Flags, Floats, Ints

Meant: TypeAlias = "Callable[[str], Nearest | None]"
"""A query's text to what is near it in meaning; None where there are no vectors."""
Nearest: TypeAlias = "Callable[[int, Ints | None], tuple[Ints, Floats]]"
"""(how many, among which item ids) to ids and cosines, best first."""

ALL_RANKED = 4_096
"""Up to so many items every one is ranked; among more, those that words or meaning point at, and their neighbours."""
_BY_WORDS = 240
_BY_MEANING = 100
_SAMPLE = 1_000
"""Items whose cosines say what is usual for a query."""
_REACH = len(ranking.AROUND)


@dataclass(frozen=True)
class Limits:
    """What a search is narrowed to, before anything is ranked."""

    sources: Collection[str] | None = None
    """Names of sources."""
    people: Collection[int] | None = None
    """Ids of people, one of whom at least is involved."""
    since: datetime | None = None
    until: datetime | None = None
    """since <= time < until."""
    kind: Kind | None = None


@dataclass(frozen=True, eq=False)
class Candidates:
    """Items that were looked at closely, and what speaks for each."""

    columns: Columns
    rows: Ints
    table: fusion.Table
    """float64 (candidates, signals), columns as in fusion.SIGNALS."""
    whole: Flags
    """Which of them hold every word of the query."""
    query: Query
    postings: tuple[Posting, ...]
    named: tuple[Named, ...]
    time: TimeRange | None
    """The time that was read in the query."""
    time_was_dropped: bool
    """Nothing is of that time, so it narrows nothing."""

    def signal(self, name: str) -> fusion.Table:
        """One signal of every candidate."""
        column: fusion.Table = self.table[:, fusion.SIGNALS.index(name)]
        return column


def gather(
    connection: apsw.Connection,
    columns: Columns,
    text: str,
    meant: Meant,
    *,
    limits: Limits,
    now: datetime,
    least: int = 0,
    pinyin: bool | None = None,
) -> Candidates:
    """The candidates for a query; where more have its words, at least `least` of them. For `pinyin` see `Searcher.search`."""
    timed = read_times(text, now)
    query = parse(timed.rest)
    allowed = _within(connection, columns, limits)
    in_time: Flags | None = None
    dropped = False
    if timed.range is not None:
        in_time = columns.allowed(since=to_ms(timed.range.since), until=to_ms(timed.range.until))
        both = _both(in_time, allowed)
        dropped = both is None or not both.any()
        if dropped:
            query = parse(text)
        elif timed.range.is_filter or not query.groups:
            allowed = both
    for phrase in lexical.find(connection, columns, query.required):
        allowed = _both(allowed, flagged(columns, phrase.rows))
    query, postings = _find(connection, columns, query, pinyin)
    named = tuple(find_names(query.text, columns.names))
    nearest = meant(without_names(query.text, named) or query.text) if query.groups else None
    rows = _choose(columns, postings, nearest, allowed, max(least, _BY_WORDS))
    around = ranking.Around(columns, rows)
    signals, whole = ranking.word_signals(columns, postings, around)
    if nearest is not None and len(rows):
        cosines, known, usual = _cosines(columns, rows, nearest)
        signals |= ranking.meaning_signals(cosines, known, around, usual)
    dated = columns.dated[rows]
    signals |= {
        "sender": _written_by(connection, columns, rows, named),
        "question": columns.asks[rows].astype(np.float32),
        "dated": dated.astype(np.float32),
        "dated_when": (dated & query.asks_when).astype(np.float32),
    }
    if in_time is not None and not dropped:
        signals["in_time"] = in_time[rows].astype(np.float32)
    table = fusion.tabulate(signals)
    return Candidates(columns, rows, table, whole, query, tuple(postings), named, timed.range, dropped)


def _find(connection: apsw.Connection, columns: Columns, query: Query, pinyin: bool | None) -> tuple[Query, list[Posting]]:
    """Where the words of a query are; where what was typed in Latin letters is nowhere, what it spells in pinyin."""
    found = lexical.find(connection, columns, query.strong)
    as_typed = any(len(posting.rows) for posting in found if posting.group.text.isascii())
    if pinyin is False or (as_typed and pinyin is None) or not is_spelled(query):
        return query, found
    spelled = by_sound(connection, query)
    return spelled, found if spelled is query else lexical.find(connection, columns, spelled.strong)


def _within(connection: apsw.Connection, columns: Columns, limits: Limits) -> Flags | None:
    """The rows that a search is narrowed to; None for all."""
    sources = None
    if limits.sources is not None:
        known = dict(connection.execute("SELECT name, id FROM sources"))
        sources = [known[name] for name in limits.sources if name in known]
    items = None
    if limits.people is not None:
        items = _involving(connection, limits.people)
    return columns.allowed(sources=sources, since=to_ms(limits.since), until=to_ms(limits.until), kind=limits.kind, items=items)


def _involving(connection: apsw.Connection, people: Iterable[int]) -> Ints:
    ids = [read_ids(connection, "SELECT group_concat(item_id) FROM mentions WHERE person_id = ?", (one,)) for one in people]
    return np.concatenate([np.empty(0, np.int64), *ids])


def _both(one: Flags | None, other: Flags | None) -> Flags | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def flagged(columns: Columns, rows: Ints) -> Flags:
    """Which of all rows are among these."""
    flags = np.zeros(len(columns), np.bool_)
    flags[rows] = True
    return flags


def _choose(
    columns: Columns, postings: Sequence[Posting], nearest: Nearest | None, allowed: Flags | None, by_words: int
) -> Ints:
    """The rows to look at closely."""
    if len(columns) <= ALL_RANKED:
        return np.arange(len(columns)) if allowed is None else np.flatnonzero(allowed)
    seeds = ranking.best_by_words(columns, postings, allowed, by_words)
    rows = ranking.with_neighbours(columns, seeds, _REACH)
    if nearest is not None:
        ids, _ = nearest(_BY_MEANING, None if allowed is None else columns.ids[allowed])
        rows = np.union1d(rows, ranking.with_neighbours(columns, columns.rows_of(ids), 1))
    return rows if allowed is None else rows[allowed[rows]]


def _cosines(columns: Columns, rows: Ints, nearest: Nearest) -> tuple[Floats, Flags, tuple[float, float]]:
    """Cosines of candidates and their neighbours, which are known, and the usual mean and deviation."""
    step = max(1, len(columns) // _SAMPLE)
    sample = np.arange(0, len(columns), step)
    among = None
    if len(rows) < len(columns):
        among = columns.ids[np.union1d(ranking.with_neighbours(columns, rows, 1), sample)]
    ids, found = nearest(len(columns) if among is None else len(among), among)
    at = columns.rows_of(ids)
    cosines, known = np.zeros(len(columns), np.float32), flagged(columns, at)
    if len(at) == len(found):
        cosines[at] = found
    sampled = cosines[sample[known[sample]]]
    usual = (float(sampled.mean()), float(sampled.std())) if len(sampled) > 1 else (0.0, 1.0)
    return cosines, known, usual


def _written_by(connection: apsw.Connection, columns: Columns, rows: Ints, named: Sequence[Named]) -> Floats:
    """1 for candidates by the one person whom the query names; 0 for all when it names several, or nobody."""
    flags = np.zeros(len(rows), np.float32)
    if len({one.people for one in named}) != 1 or not len(rows):
        return flags
    among, values = "mentions", [json.dumps(sorted(named[0].people))]
    if len(rows) < len(columns):  # of some, each is asked for: somebody may have written a million
        among = "json_each(?2) AS wanted CROSS JOIN mentions ON item_id = wanted.value"
        values.append(json.dumps(columns.ids[rows].tolist()))
    wrote = f"SELECT group_concat(item_id) FROM {among} WHERE role = 'from' AND person_id IN (SELECT value FROM json_each(?1))"  # noqa: S608
    written = np.zeros(len(columns), np.bool_)
    written[columns.rows_of(read_ids(connection, wrote, tuple(values)))] = True
    return written[rows].astype(np.float32)
