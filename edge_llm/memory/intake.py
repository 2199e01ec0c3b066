"""Putting a source's items into a store: finds them again by locator, and touches only what differs.

Drafts are taken in batches; a batch is prepared outside a transaction (terms, digests) and stored in one, so a slow reader
holds nobody up and a kill loses no batch that was committed. Knows the tables; knows no file and no search.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from edge_llm.memory.analysis import index_terms
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.records import Changes, Content, Stamp, item_context, to_json, to_ms
from edge_llm.memory.removal import remove_derived, remove_items
from edge_llm.memory.sealing import new_key
from runtimes.errors import CancelledError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

_BATCH = 512
_BATCH_SECONDS = 1.0
"""A batch is stored when it is full or this old, so that a slow source is kept as it comes."""
_DAY_MS = 86_400_000
_INSERT_ITEM = (
    'INSERT INTO items(id, source_id, ordinal, locator_key, thread, kind, time, "end", added, hash, generation, sealed)'
    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_ITEM = (
    'UPDATE items SET ordinal = ?, thread = ?, kind = ?, time = ?, "end" = ?, hash = ?, generation = ?, sealed = ? WHERE id = ?'
)


def put(
    store: Store,
    source: str,
    form: str,
    drafts: Iterable[Draft],
    *,
    stamp: Stamp | None = None,
    complete: bool = True,
    cancel: threading.Event | None = None,
    keep_days: int | None = None,
    committed: Callable[[Changes], Any] | None = None,
) -> Changes:
    """Store what a source holds now.

    An item whose locator the source had already is compared by its digest and left alone when it is the same. What the source
    no longer has is removed at the end. Whatever `drafts` raises is raised again after what it yielded before was stored;
    nothing is removed then, and `Store.stamp` gives None, so that the source is read again.

    Args:
        source: the source's name; made when it is new.
        stamp: remembered when the reading came to its end.
        complete: `drafts` is all of the source. Otherwise they are added to it, after what is there.
        cancel: looked at between two drafts.
        keep_days: sets the source's retention; None leaves it as it is. Older drafts are not stored.
        committed: called after each transaction with what was done so far. What it was told outlives a kill and a power cut.

    Raises:
        CancelledError: `cancel` was set; what was read before is stored. ConfigError: a time without a time zone.
        StoreBusyError, StorageError: see `Store.writing`.
    """
    with store.writing() as connection:
        source_id, oldest = _ensure_source(connection, store, source, form, keep_days)
    intake = _Intake(store, source_id, numbered=complete, oldest_ms=oldest)
    for batch in _batches(drafts, cancel):
        intake.store_batch(batch)
        if committed is not None:
            committed(intake.changes())
    if complete:
        intake.finish(stamp)
        if committed is not None:
            committed(intake.changes())
    return intake.changes()


def _ensure_source(
    connection: apsw.Connection, store: Store, name: str, form: str, keep_days: int | None
) -> tuple[int, int | None]:
    """The source's id, and the time before which its items are not kept."""
    now = time.time_ns() // 1_000_000
    row = connection.execute("SELECT id, format, keep_days FROM sources WHERE name = ?", (name,)).fetchone()
    if row is None:
        source_id = _next_id(connection, "sources")
        connection.execute(
            "INSERT INTO sources(id, name, format, added, keep_days, wrapped_key) VALUES(?, ?, ?, ?, ?, ?)",
            (source_id, name, form, now, keep_days, store.wrap(source_id, new_key())),
        )
    else:
        source_id, known_form, known_days = row
        keep_days = known_days if keep_days is None else keep_days
        if (form, keep_days) != (known_form, known_days):
            connection.execute("UPDATE sources SET format = ?, keep_days = ? WHERE id = ?", (form, keep_days, source_id))
    return source_id, None if keep_days is None else now - keep_days * _DAY_MS


def _next_id(connection: apsw.Connection, table: str) -> int:
    """The id that the table's next row gets. It is bound into what is sealed, so it is needed before the row is written."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 1 if row is None else int(row[0]) + 1


def _batches(drafts: Iterable[Draft], cancel: threading.Event | None) -> Iterator[list[Draft]]:
    """Drafts in lists, none of them lost when the reader fails or the caller cancels."""
    batch: list[Draft] = []
    began = time.monotonic()
    try:
        for draft in drafts:
            batch.append(draft)
            if cancel is not None and cancel.is_set():
                raise CancelledError("Stopped. What was read before is stored.")
            if len(batch) == _BATCH or time.monotonic() - began > _BATCH_SECONDS:
                yield batch
                batch, began = [], time.monotonic()
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


@dataclass(frozen=True)
class _Prepared:
    """A draft with what takes time to make of it."""

    draft: Draft
    key: bytes
    """Finds the item again: a keyed digest of its locator."""
    digest: bytes
    ordinal: int | None
    """None: after the last one there is."""
    terms: tuple[str, str] | None
    """Of title and text; None when the store has the item as it is."""


class _Intake:
    """One putting of one source."""

    def __init__(self, store: Store, source_id: int, *, numbered: bool, oldest_ms: int | None) -> None:
        self._store = store
        self._source_id = source_id
        self._numbered = numbered
        self._oldest_ms = oldest_ms
        self._position = 0
        self._repeats: dict[bytes, int] = {}
        self._seen: set[int] = set()
        self._added: list[int] = []
        self._changed: list[int] = []
        self._removed: list[int] = []
        self._unchanged = 0
        self._expired = 0

    def changes(self) -> Changes:
        """What was done so far."""
        return Changes(tuple(self._added), tuple(self._changed), tuple(self._removed), self._unchanged, self._expired)

    def store_batch(self, drafts: Sequence[Draft]) -> None:
        """Store drafts in one transaction."""
        prepared = self._prepare(drafts)
        with self._store.writing() as connection:
            known = _known(connection, self._source_id, [item.key for item in prepared])
            now = time.time_ns() // 1_000_000
            generation = connection.execute("SELECT value FROM meta WHERE key = 'generation'").get + 1
            self._clear_changed(connection, prepared, known)
            writer = _Writer(connection, self._store, self._source_id, now, generation)
            added, changed = [], []
            for item in prepared:
                row = known.get(item.key)
                if row is None:
                    added.append(writer.insert(item))
                elif row.digest != item.digest:
                    writer.update(row, item)
                    changed.append(row.id)
                elif item.ordinal is not None and item.ordinal != row.ordinal:
                    connection.execute("UPDATE items SET ordinal = ? WHERE id = ?", (item.ordinal, row.id))
            if added or changed:
                connection.execute(
                    "UPDATE sources SET items = items + ?, complete = 0 WHERE id = ?", (len(added), self._source_id)
                )
        self._seen.update(added, (row.id for row in known.values()))
        self._added += added
        self._changed += changed
        self._unchanged += len(prepared) - len(added) - len(changed)

    def finish(self, stamp: Stamp | None) -> None:
        """Remove what the source no longer has, and remember what its file was."""
        values: tuple[int | str | None, ...] = (0, 0, None, None, None)
        if stamp is not None:
            values = (1, stamp.bytes, stamp.mtime_ns, stamp.sha256, stamp.reader_version)
        with self._store.writing() as connection:
            rows = connection.execute("SELECT id FROM items WHERE source_id = ?", (self._source_id,))
            gone = [row[0] for row in rows if row[0] not in self._seen]
            remove_items(connection, self._store, gone)
            columns = "(complete, bytes, mtime_ns, sha256, reader_version)"
            connection.execute(
                f"UPDATE sources SET {columns} = (?1, ?2, ?3, ?4, ?5) WHERE id = ?6 AND {columns} IS NOT (?1, ?2, ?3, ?4, ?5)",  # noqa: S608
                (*values, self._source_id),
            )
        self._removed += gone

    def _prepare(self, drafts: Sequence[Draft]) -> list[_Prepared]:
        """Digests of all drafts, and terms of those that the store does not have as they are."""
        cleaned = [_encodable(draft) for draft in drafts]
        keys = [self._key(draft, 0) for draft, _ in cleaned]
        with self._store.reading() as connection:
            known = _known(connection, self._source_id, keys)
            used: set[bytes] = set()
            prepared = []
            for (draft, canonical), key in zip(cleaned, keys, strict=True):
                when = to_ms(draft.time)
                if self._oldest_ms is not None and when is not None and when < self._oldest_ms:
                    self._expired += 1
                    continue
                if key in used or (key in known and known[key].id in self._seen):
                    key = self._repeated(draft, key)
                    known |= _known(connection, self._source_id, [key])
                used.add(key)
                digest = self._store.digest("item", canonical)
                row = known.get(key)
                terms = None if row is not None and row.digest == digest else _terms(draft)
                prepared.append(_Prepared(draft, key, digest, self._position if self._numbered else None, terms))
                self._position += 1
        return prepared

    def _key(self, draft: Draft, repeat: int) -> bytes:
        return self._store.digest("locator", b"%d:%d:" % (self._source_id, repeat) + draft.locator.encode())

    def _repeated(self, draft: Draft, key: bytes) -> bytes:
        """The key of a further item under one locator: a reader's mistake must not cost an item."""
        self._repeats[key] = self._repeats.get(key, 0) + 1
        return self._key(draft, self._repeats[key])

    def _clear_changed(self, connection: apsw.Connection, prepared: Sequence[_Prepared], known: dict[bytes, _Known]) -> None:
        """Take out what was made from items whose content is about to change."""
        stale = [known[item.key].id for item in prepared if item.key in known and known[item.key].digest != item.digest]
        remove_derived(connection, self._store, stale)


@dataclass(frozen=True)
class _Known:
    """An item that the store has."""

    id: int
    digest: bytes
    ordinal: int


def _known(connection: apsw.Connection, source_id: int, keys: Sequence[bytes]) -> dict[bytes, _Known]:
    find = "SELECT id, hash, ordinal FROM items WHERE source_id = ? AND locator_key = ?"
    found = {}
    for key in keys:
        row = connection.execute(find, (source_id, key)).fetchone()
        if row is not None:
            found[key] = _Known(*row)
    return found


class _Writer:
    """Writes items inside one transaction."""

    def __init__(self, connection: apsw.Connection, store: Store, source_id: int, now: int, generation: int) -> None:
        self._connection = connection
        self._store = store
        self._source_id = source_id
        self._now = now
        self._generation = generation
        self._next = _next_id(connection, "items")
        self._ordinal = connection.execute("SELECT coalesce(max(ordinal), -1) FROM items WHERE source_id = ?", (source_id,)).get

    def insert(self, item: _Prepared) -> int:
        """Store a new item; returns its id."""
        item_id, self._next = self._next, self._next + 1
        self._ordinal += 1
        ordinal = self._ordinal if item.ordinal is None else item.ordinal
        draft = item.draft
        self._connection.execute(
            _INSERT_ITEM,
            (
                item_id, self._source_id, ordinal, item.key, self._thread(draft), draft.kind,
                to_ms(draft.time), to_ms(draft.end), self._now, item.digest, self._generation, self._sealed(item_id, draft),
            ),
        )  # fmt: skip
        self._derive(item_id, item)
        return item_id

    def update(self, known: _Known, item: _Prepared) -> None:
        """Give a stored item another content. What was made from the old one is gone already."""
        draft = item.draft
        ordinal = known.ordinal if item.ordinal is None else item.ordinal
        self._connection.execute(
            _UPDATE_ITEM,
            (
                ordinal, self._thread(draft), draft.kind, to_ms(draft.time), to_ms(draft.end),
                item.digest, self._generation, self._sealed(known.id, draft), known.id,
            ),
        )  # fmt: skip
        self._derive(known.id, item)

    def _sealed(self, item_id: int, draft: Draft) -> bytes:
        return self._store.seal(self._connection, self._source_id, Content.of(draft).to_bytes(), item_context(item_id))

    def _derive(self, item_id: int, item: _Prepared) -> None:
        from edge_llm.memory import people

        title, body = item.terms if item.terms is not None else _terms(item.draft)
        self._connection.execute("INSERT INTO terms(rowid, title, body) VALUES(?, ?, ?)", (item_id, title, body))
        people.link(self._connection, item_id, item.draft.people)

    def _thread(self, draft: Draft) -> int | None:
        if draft.thread is None:
            return None
        key = self._store.digest("thread", b"%d:" % self._source_id + draft.thread.encode())
        find = "SELECT id FROM threads WHERE source_id = ? AND key = ?"
        row = self._connection.execute(find, (self._source_id, key)).fetchone()
        if row is None:
            self._connection.execute("INSERT INTO threads(source_id, key) VALUES(?, ?)", (self._source_id, key))
            return self._connection.last_insert_rowid()
        return int(row[0])


def _terms(draft: Draft) -> tuple[str, str]:
    return index_terms(draft.title or ""), index_terms(draft.text)


def _canonical(draft: Draft) -> bytes:
    """All of a draft but where it was found, the same for equal drafts."""
    mentions = [[mention.role, mention.name, mention.handles, mention.is_owner] for mention in draft.people]
    listed = [
        draft.text, draft.kind, draft.external_id, draft.title, to_ms(draft.time), to_ms(draft.end), mentions, draft.thread,
    ]  # fmt: skip
    return to_json(listed).encode()


def _encodable(draft: Draft) -> tuple[Draft, bytes]:
    """The draft, and all of it as bytes; without halves of characters, which no UTF-8 can hold.

    Pairs of halves are joined, single ones become U+FFFD.
    """
    try:
        draft.locator.encode()
        return draft, _canonical(draft)
    except UnicodeEncodeError:
        cleaned: dict[str, Any] = {
            part.name: _joined(value) for part in fields(draft) if isinstance(value := getattr(draft, part.name), str)
        }
    draft = replace(draft, **cleaned, people=tuple(map(_encodable_mention, draft.people)))
    return draft, _canonical(draft)


def _encodable_mention(mention: Mention) -> Mention:
    name = None if mention.name is None else _joined(mention.name)
    return replace(mention, name=name, handles=tuple(map(_joined, mention.handles)))


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
