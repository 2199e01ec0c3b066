"""Rows of a store as values: items and sources, and what of an item is sealed.

Knows the columns; knows no transaction, no key and no text analysis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from edge_llm.memory.items import Draft, Item, Kind, Source
from runtimes.errors import ConfigError, StoreDamagedError

if TYPE_CHECKING:
    import apsw

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Compact JSON. Made once: `json.dumps` makes an encoder for every call."""
_ITEM_COLUMNS = 'id, source_id, ordinal, thread, kind, time, "end", hash, sealed'
_SOURCE_COLUMNS = "id, name, format, items, added, bytes, keep_days"


Opener: TypeAlias = Callable[[bytes, bytes], bytes]
"""(sealed, context) to the plain bytes. Raises StoreDamagedError."""


class Unsealer(Protocol):
    """Opens what is sealed under a source's key: the store, or what is left of one."""

    def opener(self, connection: apsw.Connection, source_id: int) -> Opener:
        """What opens the source's cells, within this transaction. Raises StoreDamagedError: its key is lost."""
        ...


@dataclass(frozen=True)
class Stamp:
    """What a file was when it was read. A file with the stamp it had is not read again."""

    bytes: int
    mtime_ns: int | None = None
    sha256: str | None = None
    reader_version: int | None = None


@dataclass(frozen=True)
class Changes:
    """What putting a source changed."""

    added: tuple[int, ...] = ()
    """Ids of new items."""
    changed: tuple[int, ...] = ()
    """Ids of items whose content is another now; they keep their ids."""
    removed: tuple[int, ...] = ()
    """Ids of items that the source no longer has."""
    unchanged: int = 0
    expired: int = 0
    """Drafts that were older than the source's retention allows, and were not stored."""


def to_ms(time: datetime | None) -> int | None:
    """Milliseconds since 1970 in UTC.

    Raises:
        ConfigError: the time has no time zone.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise ConfigError(f"The time {time.isoformat()} has no time zone. Give it one, for example with .astimezone().")
    return (time - _EPOCH) // _MILLISECOND


def from_ms(ms: int | None) -> datetime | None:
    """The time, in UTC."""
    return None if ms is None else _EPOCH + ms * _MILLISECOND


def item_context(item_id: int) -> bytes:
    """What an item's seal is bound to."""
    return b"item:%d" % item_id


@dataclass(frozen=True)
class Content:
    """The part of an item that is sealed."""

    text: str
    title: str | None
    locator: str
    external_id: str | None

    @classmethod
    def of(cls, draft: Draft) -> Content:
        """What of a draft is sealed."""
        return cls(draft.text, draft.title, draft.locator, draft.external_id)

    def to_bytes(self) -> bytes:
        """A JSON array, UTF-8."""
        fields = [self.text, self.title, self.locator, self.external_id]
        return to_json(fields).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Content:
        """Back from `to_bytes`. Raises StoreDamagedError: it is something else."""
        try:
            return cls(*json.loads(data))
        except (TypeError, ValueError) as error:
            raise StoreDamagedError("An item's content is not what was stored.") from error


def read_items(connection: apsw.Connection, unsealer: Unsealer, ids: Sequence[int]) -> list[Item]:
    """The items with these ids, in that order; ids of none are left out."""
    from edge_llm.memory import people

    listed = json.dumps(list(ids))
    rows = connection.execute(f"SELECT {_ITEM_COLUMNS} FROM items WHERE id IN (SELECT value FROM json_each(?))", (listed,))  # noqa: S608
    by_id = {row[0]: row for row in rows}
    involved = people.involved(connection, list(by_id))
    sources = {source.id: source for source in read_sources(connection, {row[1] for row in by_id.values()})}
    openers = {source_id: unsealer.opener(connection, source_id) for source_id in sources}
    found = []
    for item_id in ids:
        row = by_id.get(item_id)
        if row is not None and row[1] in sources:
            content = Content.from_bytes(openers[row[1]](row[8], item_context(item_id)))
            found.append(make_item(row, content, sources[row[1]], people=involved.get(item_id, ())))
    return found


def read_readable(connection: apsw.Connection, unsealer: Unsealer, ids: Sequence[int]) -> list[Item]:
    """As `read_items`, without those whose seal does not open. A page that cannot be read still raises."""
    try:
        return read_items(connection, unsealer, ids)
    except StoreDamagedError:
        if len(ids) == 1:
            return []
    middle = len(ids) // 2
    return read_readable(connection, unsealer, ids[:middle]) + read_readable(connection, unsealer, ids[middle:])


def make_item(row: Sequence[object], content: Content, source: Source, *, people: tuple = ()) -> Item:  # type: ignore[type-arg]
    """An item from its row (the columns of `items` without locator_key, added and generation)."""
    item_id, _, ordinal, thread, kind, time, end, digest, _ = row
    return Item(
        id=cast(int, item_id),
        text=content.text,
        kind=cast(Kind, kind),
        source=source,
        locator=content.locator,
        hash=cast(bytes, digest).hex(),
        external_id=content.external_id,
        title=content.title,
        time=from_ms(cast("int | None", time)),
        end=from_ms(cast("int | None", end)),
        people=people,
        thread=cast("int | None", thread),
        ordinal=cast(int, ordinal),
    )


def read_sources(connection: apsw.Connection, ids: set[int] | None = None) -> list[Source]:
    """These sources, or all, by id."""
    if ids is None:
        rows = connection.execute(f"SELECT {_SOURCE_COLUMNS} FROM sources ORDER BY id")  # noqa: S608
    else:
        listed = json.dumps(sorted(ids))
        rows = connection.execute(
            f"SELECT {_SOURCE_COLUMNS} FROM sources WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",  # noqa: S608
            (listed,),
        )
    return [make_source(row) for row in rows]


def find_source(connection: apsw.Connection, name: str) -> Source | None:
    """The source of this name."""
    row = connection.execute(f"SELECT {_SOURCE_COLUMNS} FROM sources WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return None if row is None else make_source(row)


def make_source(row: Sequence[object]) -> Source:
    """A source from its row: id, name, format, items, added, bytes, keep_days."""
    source_id, name, form, items, added, size, keep_days = row
    return Source(
        id=cast(int, source_id),
        name=cast(str, name),
        format=cast(str, form),
        items=cast(int, items),
        added=_EPOCH + cast(int, added) * _MILLISECOND,
        bytes=cast(int, size),
        keep_days=cast("int | None", keep_days),
    )
