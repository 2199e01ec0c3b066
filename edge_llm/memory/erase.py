"""Forgetting: what would go, taking it out, and leaving a file that holds nothing of it.

Deleting rows is not enough, and each step here answers something that was found in the bytes without it (residue.py finds it,
tests/unit/edge_llm/memory/test_residue.py shows it):

* `secure_delete` overwrites a deleted cell, but when SQLite moves cells between pages it leaves copies in the space between.
* FTS5's 'secure-delete' takes a term out of its page, but the table of first terms (`terms_idx`) keeps it until the index
  is written anew.
* VACUUM writes every page anew from what is still there, and a TRUNCATE checkpoint empties the log of the old ones.

A source that is left without items is deleted with its key, so what was sealed under it is noise wherever a copy of a cell
survives (flash, file system journals, backups of the file without that page). What forgetting cannot reach is a full copy of
the file made before, together with the master key; give the store a new key (rotate.py) and destroy the old one for that.

Knows the tables; knows no search and no files beside the store's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from edge_llm.memory.evidence import Evidence
from edge_llm.memory.items import Item
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.records import from_ms, read_items
from edge_llm.memory.removal import remove_items, remove_source
from edge_llm.memory.sealing import new_key
from edge_llm.memory.traces import Tracer
from runtimes.errors import StorageError, StoreDamagedError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

_EXAMPLES = 5
_DAY_MS = 86_400_000
_THERE = "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
_SOURCES = "SELECT DISTINCT source_id FROM items WHERE id IN (SELECT value FROM json_each(?))"
_BY_KIND = "SELECT kind, count(*) FROM items WHERE id IN (SELECT value FROM json_each(?)) GROUP BY kind"
_TIMES = "SELECT min(time), max(time) FROM items WHERE id IN (SELECT value FROM json_each(?))"
_THEIRS_ALONE = """
    WITH gone(id) AS MATERIALIZED (SELECT value FROM json_each(?))
    SELECT count(*) FROM (SELECT DISTINCT person_id AS person FROM mentions WHERE item_id IN gone)
    WHERE NOT EXISTS(SELECT 1 FROM mentions WHERE person_id = person AND item_id NOT IN gone)
"""
_BY_SOURCE = (
    "SELECT s.name, count(*), s.items FROM items i JOIN sources s ON s.id = i.source_id"
    " WHERE i.id IN (SELECT value FROM json_each(?)) GROUP BY s.id"
)


@dataclass(frozen=True)
class Plan:
    """What forgetting some items would do."""

    ids: tuple[int, ...]
    sources: Mapping[str, int]
    """How many of them each source holds."""
    emptied: tuple[str, ...]
    """Sources that would have no item left: they go too, with their keys."""
    kinds: Mapping[str, int]
    people: int
    """People nobody else mentions."""
    vectors: int
    since: datetime | None
    until: datetime | None
    """Times of the oldest and the latest of them."""
    examples: tuple[Item, ...]
    """A few of them, evenly over all."""


def plan(store: Store, ids: Sequence[int]) -> Plan:
    """What `forget` would do with these items. Ids of none are left out. Changes nothing."""
    with store.reading() as connection:
        wanted = (json.dumps(sorted(set(ids))),)
        found = tuple(row[0] for row in connection.execute(_THERE, wanted))
        listed = (json.dumps(found),)
        rows: list[Any] = connection.execute(_BY_SOURCE, listed).fetchall()
        kinds = dict(connection.execute(_BY_KIND, listed))
        first, last = connection.execute(_TIMES, listed).fetchone() or (None, None)
        chosen = found[:: -(-len(found) // _EXAMPLES)] if found else ()
        return Plan(
            ids=found,
            sources={name: count for name, count, _ in rows},
            emptied=tuple(name for name, count, every in rows if count == every),
            kinds=kinds,
            people=_people_only_in(connection, listed),
            vectors=_vectors_of(connection, set(found)),
            since=from_ms(first),
            until=from_ms(last),
            examples=_readable(connection, store, chosen),
        )


def _people_only_in(connection: apsw.Connection, listed: tuple[str]) -> int:
    """How many people are mentioned in these items and in no others."""
    return int(connection.execute(_THEIRS_ALONE, listed).get)


def _vectors_of(connection: apsw.Connection, ids: set[int]) -> int:
    packed = connection.execute("SELECT item_ids FROM vector_segments")
    return sum(item in ids for row in packed for item in memoryview(row[0]).cast("q"))


def _readable(connection: apsw.Connection, store: Store, ids: Sequence[int]) -> tuple[Item, ...]:
    """Those of the items that can be read: a damaged one can be forgotten without being shown."""
    found = []
    for item_id in ids:
        with suppress(StoreDamagedError):
            found += read_items(connection, store, [item_id])
    return tuple(found)


def forget(store: Store, ids: Sequence[int]) -> Receipt:
    """Take items out of everything the store holds, and leave no byte of them in its file.

    The items are gone when the first transaction is committed; a kill after that is made up for when the store is next opened
    for writing. Nothing is lost of other items at any moment.

    Returns:
        the receipt; `clean` says whether the old pages are gone already. They are not when a reader in another process did
        not finish in `timeout_s`: call `scrub` later.

    Raises:
        StoreBusyError, StorageError: nothing was forgotten. StoreDamagedError: a page that must be changed cannot be read.
    """
    key = new_key()
    tracer = Tracer(key)
    with store.writing() as connection:
        wanted = json.dumps(sorted(set(ids)))
        found = [row[0] for row in connection.execute(_THERE, (wanted,))]
        people = int(connection.execute("SELECT count(*) FROM people").get)
        evidence = Evidence(connection, store, found)
        touched: list[Any] = connection.execute(_SOURCES, (json.dumps(found),)).fetchall()
        remove_items(connection, store, found)
        emptied = [row[0] for row in touched if _drop_if_empty(connection, evidence, row[0])]
        terms = evidence.settle()
        untraced = evidence.fill(tracer)
        people -= int(connection.execute("SELECT count(*) FROM people").get)
        mark_unscrubbed(connection)
    return Receipt(
        store=store.id,
        time=datetime.now(timezone.utc).replace(microsecond=0),
        ids=tuple(found),
        keys=len(emptied),
        terms=terms,
        people=people,
        vectors=evidence.vectors,
        traces=len(tracer),
        untraced=untraced,
        clean=scrub(store),
        sealed=b"",
    ).sealed_with(store, tracer, key)


def _drop_if_empty(connection: apsw.Connection, evidence: Evidence, source_id: int) -> bool:
    row = connection.execute("SELECT wrapped_key FROM sources WHERE id = ? AND items = 0", (source_id,)).fetchone()
    if row is None:
        return False
    evidence.add_key(row[0])
    remove_source(connection, source_id)
    return True


def drop_source(store: Store, name: str) -> bool:
    """Delete a source that has no items, with its key. False when it has some, or there is none of this name."""
    with store.writing() as connection:
        row = connection.execute("SELECT id FROM sources WHERE name = ? AND items = 0", (name,)).fetchone()
        if row is not None:
            remove_source(connection, row[0])
    return row is not None


def mark_unscrubbed(connection: apsw.Connection) -> None:
    """Say that pages hold what was forgotten, so that whoever opens the store next scrubs it if this process cannot."""
    connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('unscrubbed', 1)")


def scrub(store: Store, *, anyway: bool = False) -> bool:
    """Write the file anew without what was forgotten, if something was. Needs memory for a second copy of it.

    Args:
        anyway: also when nothing was forgotten since the last time: what a changed or vanished source replaced is overwritten
            as well when it is deleted, and may be left between cells as well.

    Returns:
        True: the file and its log are clean. False: it is still to be done, and nothing is lost: a reader held old pages for
        longer than `timeout_s`, the disk has no space for a second copy, or a page is damaged.
    """
    if not anyway and not unscrubbed(store):
        return True
    try:
        with store.writing() as connection:
            _rewrite_index(connection)
        with store.maintaining() as connection:
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get[0]
        if not busy:
            with store.writing() as connection:
                connection.execute("DELETE FROM meta WHERE key = 'unscrubbed'")
    except StorageError:
        return False
    return not busy


def _rewrite_index(connection: apsw.Connection) -> None:
    """Have FTS5 write its whole index anew. 'optimize' merges segments, and does nothing where there is only one: so one row
    is put again first, which gives it a second one.
    """
    row = connection.execute("SELECT id FROM terms_content LIMIT 1").fetchone()
    if row is None:
        connection.execute("INSERT INTO terms(terms) VALUES('rebuild')")
        return
    connection.execute("UPDATE terms SET title = title WHERE rowid = ?", row)
    connection.execute("INSERT INTO terms(terms) VALUES('optimize')")


def unscrubbed(store: Store) -> bool:
    """Whether old pages may still hold something that was forgotten."""
    with store.reading() as connection:
        return connection.execute("SELECT 1 FROM meta WHERE key = 'unscrubbed'").fetchone() is not None


def expired(store: Store, now: datetime | None = None) -> list[int]:
    """Items that are older than their source's retention allows. One without a time is as old as its storing.

    Args:
        now: what the age is counted to; None takes the clock.
    """
    now_ms = time.time_ns() // 1_000_000 if now is None else int(now.timestamp() * 1000)
    with store.reading() as connection:
        rows = connection.execute(  # CROSS: through the sources that have a rule, not through all items
            "SELECT i.id FROM sources s CROSS JOIN items i ON i.source_id = s.id"
            " WHERE s.keep_days IS NOT NULL AND coalesce(i.time, i.added) < ? - s.keep_days * ? ORDER BY i.id",
            (now_ms, _DAY_MS),
        )
        return [row[0] for row in rows]


def apply_retention(store: Store, now: datetime | None = None) -> Receipt | None:
    """Forget what has expired; None when nothing has. Raises what `forget` raises."""
    ids = expired(store, now)
    return forget(store, ids) if ids else None


def tidy(store: Store) -> None:
    """What is due when a store is opened for writing: scrubbing that a kill or a reader prevented, and retention.

    What cannot be done now (a full disk, a damaged page, a busy store) hinders nobody from opening, and is due again next time.
    """
    with suppress(StorageError):
        scrub(store)
        apply_retention(store)


def keep(store: Store, source: str, days: int | None) -> bool:
    """Set a source's retention; None keeps its items for good. False when there is no such source."""
    with store.writing() as connection:
        connection.execute("UPDATE sources SET keep_days = ? WHERE name = ?", (days, source))
        return bool(connection.changes())
