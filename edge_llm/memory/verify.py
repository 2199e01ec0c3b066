"""Is everything in a store as it was written: every page, every seal, every link between the tables.

Changes nothing. Names what a damaged page held, so that a person knows what was lost. Knows the tables; knows no search.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_llm.memory import vector_store
from edge_llm.memory.connecting import Unlocked, unlock
from edge_llm.memory.image import Image
from edge_llm.memory.keys import MasterKey
from edge_llm.memory.ownership import Holding, holdings
from edge_llm.memory.pages import PageCipher
from edge_llm.memory.records import Content, item_context
from edge_llm.memory.salvage import Salvage
from runtimes.errors import StoreDamagedError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

_TRIES, _PAUSE_S = 3, 0.05
"""A page may be read while another process writes it; damage stays."""
_MOST = 100
"""Most problems that are listed of one kind."""
_LINKS = (
    ("items of no source", "SELECT id FROM items WHERE source_id NOT IN (SELECT id FROM sources)"),
    ("items that no word finds", "SELECT id FROM items WHERE id NOT IN (SELECT id FROM terms_docsize)"),
    ("terms of no item", "SELECT id FROM terms_docsize WHERE id NOT IN (SELECT id FROM items)"),
    ("items of no thread", "SELECT id FROM items WHERE thread IS NOT NULL AND thread NOT IN (SELECT id FROM threads)"),
    ("mentions of no item", "SELECT id FROM mentions WHERE item_id NOT IN (SELECT id FROM items)"),
    ("mentions of nobody", "SELECT id FROM mentions WHERE person_id NOT IN (SELECT id FROM people)"),
    ("people nobody mentions", "SELECT id FROM people WHERE id NOT IN (SELECT person_id FROM mentions)"),
    (
        "sources whose key has no second copy",
        "SELECT id FROM (SELECT id, wrapped_key FROM sources EXCEPT SELECT id, wrapped_key FROM source_copies)",
    ),
    ("copies of keys of no source", "SELECT id FROM source_copies WHERE id NOT IN (SELECT id FROM sources)"),
    ("vectors of no source", "SELECT id FROM vector_segments WHERE source_id NOT IN (SELECT id FROM sources)"),
    ("vectors of no model", "SELECT id FROM vector_segments WHERE model NOT IN (SELECT id FROM models)"),
    (
        "sources that count their items wrong",
        "SELECT id FROM sources s WHERE items <> (SELECT count(*) FROM items WHERE source_id = s.id)",
    ),
)


@dataclass(frozen=True)
class Damage:
    """A page that cannot be read."""

    page: int
    holds: str
    """In words: "items 120 to 131", "the word index", "unknown" when what leads to it is damaged too."""
    items: tuple[int, int | None] | None = None
    """Ids of items that may be lost, [first, last]; None as last means all from there on."""


@dataclass(frozen=True)
class Verification:
    """What was checked, and what is wrong."""

    pages: int
    items: int
    """How many could be opened."""
    damaged: tuple[Damage, ...]
    problems: tuple[str, ...]
    """Anything else that is not as it should be, in words."""
    unscrubbed: bool
    """Pages may still hold what was forgotten; opening the store for writing overwrites them."""

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.damaged and not self.problems


def verify(store: Store) -> Verification:
    """Check the whole store. Raises StorageError when the file cannot be read at all."""
    from edge_llm.memory.erase import unscrubbed

    with store.reading() as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # from here on, this view's pages stay in place
        pages, damaged = _check_pages(store.path, store.cipher)
    if damaged:
        return Verification(pages, _count_salvaged(store.path, store.keys), damaged, (), unscrubbed=False)
    with store.reading() as connection:
        opened, closed = _check_seals(connection, store)
        problems = [*_check_database(connection), *_check_links(connection), *closed, *_check_vectors(connection, store)]
        return Verification(pages, opened, (), tuple(problems), unscrubbed(store))


def examine(path: Path, key: MasterKey) -> Verification:
    """Check the pages of a store that cannot be opened any more, because those that say where things are are damaged.

    Raises:
        InputError, WrongKeyError, StorageError: see `connecting.unlock`.
    """
    keys = unlock(path, key)
    pages, damaged = _check_pages(path, keys.cipher)
    return Verification(pages, _count_salvaged(path, keys), damaged, (), unscrubbed=False)


def _count_salvaged(path: Path, keys: Unlocked) -> int:
    with Salvage(path, keys) as salvage:
        return sum(1 for _ in salvage.items())


def _check_pages(path: Path, cipher: PageCipher) -> tuple[int, tuple[Damage, ...]]:
    """Try the tag of every page."""
    suspects: list[int] | None = None
    for _ in range(_TRIES):
        with Image(path, cipher) as image:
            numbers = range(1, image.count + 1) if suspects is None else suspects
            suspects = [number for number in numbers if image.page(number) is None]
            pages = image.count
        if not suspects:
            return pages, ()
        time.sleep(_PAUSE_S)
    with Image(path, cipher) as image:
        held = holdings(image)
    return pages, tuple(_damage(number, held.get(number)) for number in suspects or ())


def _damage(number: int, holding: Holding | None) -> Damage:
    if holding is None:
        return Damage(number, "unknown, or nothing")
    return Damage(number, str(holding), holding.rowids if holding.table == "items" and not holding.is_index else None)


def _check_database(connection: apsw.Connection) -> Iterator[str]:
    """SQLite's own check of its trees and its indexes, FTS5's among them."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    if found != ["ok"]:
        yield from (f"the database says: {said}" for said in found)


def _check_links(connection: apsw.Connection) -> Iterator[str]:
    for said, query in _LINKS:
        rows = connection.execute(f"{query} LIMIT {_MOST}").fetchall()
        if rows:
            yield f"{said}: {', '.join(str(row[0]) for row in rows)}"


def _check_seals(connection: apsw.Connection, store: Store) -> tuple[int, list[str]]:
    """Open every item; returns how many opened, and which did not."""
    opened = 0
    closed: list[int] = []
    last = 0
    while rows := _next_items(connection, last):
        failed = [item_id for item_id, source_id, sealed in rows if not _opens(connection, store, item_id, source_id, sealed)]
        opened += len(rows) - len(failed)
        closed += failed
        last = rows[-1][0]
    said = ", ".join(map(str, closed[:_MOST]))
    return opened, [f"items that cannot be opened ({len(closed)}): {said}"] if closed else []


def _opens(connection: apsw.Connection, store: Store, item_id: int, source_id: int, sealed: bytes) -> bool:
    try:
        Content.from_bytes(store.unseal(connection, source_id, sealed, item_context(item_id)))
    except StoreDamagedError:
        return False
    return True


def _next_items(connection: apsw.Connection, last: int) -> list[Any]:
    query = "SELECT id, source_id, sealed FROM items WHERE id > ? ORDER BY id LIMIT 500"
    return connection.execute(query, (last,)).fetchall()


def _check_vectors(connection: apsw.Connection, store: Store) -> Iterator[str]:
    known = {row[0] for row in connection.execute("SELECT id FROM items")}
    for model in vector_store.models(connection):
        for info in vector_store.list_segments(connection, model):
            try:
                segment = vector_store.read_segment(connection, store, model, info.id)
            except StoreDamagedError:
                yield f"vectors that cannot be opened: segment {info.id}"
                continue
            strangers = set(segment.item_ids.tolist()) - known
            if strangers:
                yield f"vectors of no item, in segment {info.id}: {sorted(strangers)[:_MOST]}"
