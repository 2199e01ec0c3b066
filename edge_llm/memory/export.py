"""Everything out in open formats: JSON Lines in the form that `records` reads, contacts as vCard 4.0, events as iCalendar.

Knows items and three formats. Written a few items at a time, so memory does not grow with the store.

What `Memory.add` reads back are the JSON Lines; the others hold the same for other programs, and `.edgellmignore` says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, groupby
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from edge_llm.memory.ingest.ignore import IGNORE_FILE
from edge_llm.memory.items import Item
from runtimes.errors import InputError, StorageError, StoreDamagedError

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_llm.memory.keys import MasterKey
    from edge_llm.memory.store import Store

CONTACTS, CALENDAR = "contacts.vcf", "calendar.ics"
_NAME_CHARS = 60
_BATCH = 500
_LINE_BYTES = 75
"""Longest line of vCard and iCalendar, in bytes (RFC 6350, 3.2; RFC 5545, 3.1)."""
_SAFE = re.compile(r"[^\w.@ -]+")


@dataclass(frozen=True)
class Exported:
    """What was written."""

    items: int
    files: tuple[Path, ...]
    lost: tuple[str, ...] = ()
    """What of a damaged store could not be saved."""


def export(store: Store, key: MasterKey, folder: Path, sources: Collection[str] | None = None) -> Exported:
    """Write a store's items into a new folder; from a damaged one, those that can be read.

    Args:
        key: what opens the store, needed where it is damaged.
        sources: names of those to write; None writes all.

    Raises:
        InputError: there is something in the folder already. StorageError: it cannot be written.
    """
    exporter = Exporter(folder)
    try:
        with store.reading(), exporter:  # one view of the store from beginning to end
            for source in store.sources():
                if sources is None or source.name in sources:
                    exporter.write(_items_of(store, source.name))
            return exporter.finish()
    except StoreDamagedError:
        exporter.undo()
        return export_damaged(store.path, key, folder, sources)


def export_damaged(path: Path, key: MasterKey, folder: Path, sources: Collection[str] | None = None) -> Exported:
    """Write what can be read of a store that SQLite cannot read; also one that cannot be opened at all.

    Raises:
        WrongKeyError, InputError, StorageError: see `Store.open`; and as `export`.
    """
    from edge_llm.memory.salvage import Salvage

    with Salvage(path, key) as salvage, Exporter(folder) as exporter:
        exporter.write(item for item in salvage.items() if sources is None or item.source.name in sources)
        lost = [f"page {number} of {path}" for number in salvage.lost_pages]
        lost += [f"item {number}, whose content or key is damaged" for number in salvage.lost_items]
        return exporter.finish(lost)


def _items_of(store: Store, source: str) -> Iterator[Item]:
    """A source's items in their order, a few at a time in memory. Raises StoreDamagedError when one cannot be read."""
    ids = store.select(source=source)
    for start in range(0, len(ids), _BATCH):
        items = store.items(ids[start : start + _BATCH])
        if len(items) < len(ids[start : start + _BATCH]):
            raise StoreDamagedError(f"Items of {source} in {store.path} cannot be read. `edge-llm memory verify` names them.")
        yield from items


class Exporter:
    """Writes items into a new folder, each source into a file of its own. A context manager.

    Raises:
        InputError: there is something in the folder already. StorageError: it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._shared: dict[str, IO[str]] = {}
        self._paths: list[Path] = []
        self._items = 0
        with _translated(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise InputError(f"{folder} is not empty. Export into a new folder.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _translated(self._folder):
            if CALENDAR in self._shared:
                self._shared[CALENDAR].write(_fold("END:VCALENDAR"))
            self._open.close()

    def write(self, items: Iterable[Item]) -> None:
        """Write items; those of one source should follow each other. Raises StorageError."""
        for source_id, group in groupby(items, key=lambda item: item.source.id):
            first = next(group)
            path = self._folder / f"{source_id:04} {_file_name(first.source.name)}.jsonl"
            with _translated(path), path.open("a", encoding="utf-8", errors="replace", newline="\n") as stream:
                if path not in self._paths:
                    self._paths.append(path)
                for item in chain((first,), group):
                    stream.write(json.dumps(record(item), ensure_ascii=False) + "\n")
                    self._items += 1
                    if item.kind == "contact":
                        self._stream(CONTACTS, "").write(_card(item))
                    elif item.kind == "event":
                        self._stream(CALENDAR, _CALENDAR_HEAD).write(_event(item))

    def undo(self) -> None:
        """Delete what was written. Raises StorageError."""
        with _translated(self._folder):
            for path in (*self._paths, self._folder / IGNORE_FILE):
                path.unlink(missing_ok=True)

    def finish(self, lost: Iterable[str] = ()) -> Exported:
        """What was written."""
        return Exported(self._items, tuple(self._paths), tuple(lost))

    def _stream(self, name: str, head: str) -> IO[str]:
        if name not in self._shared:
            path = self._folder / name
            self._shared[name] = self._open.enter_context(path.open("x", encoding="utf-8", errors="replace", newline=""))
            self._shared[name].write(head)
            self._paths.append(path)
            with (self._folder / IGNORE_FILE).open("a", encoding="utf-8") as stream:
                stream.write(f"# The same as in the .jsonl files, for other programs.\n/{name}\n")
        return self._shared[name]


def record(item: Item) -> dict[str, Any]:
    """An item in the form that the `records` reader takes. What is not known is left out."""
    people = [
        {
            "role": part.role,
            "name": part.person.name,
            "handles": list(part.person.handles),
            "owner": part.person.is_owner,
        }
        for part in item.people
    ]
    document = {
        "id": item.external_id or item.locator,
        "text": item.text,
        "title": item.title,
        "kind": item.kind,
        "time": None if item.time is None else item.time.isoformat(),
        "end": None if item.end is None else item.end.isoformat(),
        "thread": None if item.thread is None else str(item.thread),
        "people": people or None,
        "source": item.source.name,
        "locator": item.locator,
    }
    return {key: value for key, value in document.items() if value is not None}


def _card(item: Item) -> str:
    """A contact as vCard 4.0 (RFC 6350): what is known of the person it is about, and its text as a note."""
    person = next((part.person for part in item.people if part.role == "about"), None)
    name = item.title or (person.name if person is not None else item.text.partition("\n")[0])
    lines = ["BEGIN:VCARD", "VERSION:4.0", f"UID:urn:edge-llm:{item.hash}", f"FN:{_escaped(name)}"]
    handles = person.handles if person is not None else ()
    lines += [f"EMAIL:{_escaped(handle)}" if "@" in handle else f"TEL:{_escaped(handle)}" for handle in handles]
    lines += [f"NOTE:{_escaped(item.text)}", "END:VCARD"]
    return "".join(map(_fold, lines))


def _event(item: Item) -> str:
    """An event as an iCalendar component (RFC 5545, 3.6.1)."""
    lines = ["BEGIN:VEVENT", f"UID:{item.hash}@edge-llm", f"DTSTAMP:{_utc(item.source.added)}"]
    if item.time is not None:
        lines.append(f"DTSTART:{_utc(item.time)}")
    if item.end is not None:
        lines.append(f"DTEND:{_utc(item.end)}")
    lines += [f"SUMMARY:{_escaped(item.title or item.text[:100])}", f"DESCRIPTION:{_escaped(item.text)}", "END:VEVENT"]
    return "".join(map(_fold, lines))


_CALENDAR_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//edge-llm//memory export//EN\r\n"


def _utc(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Text as a value of vCard and iCalendar (RFC 6350, 3.4; RFC 5545, 3.3.11)."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "\\n")):
        text = text.replace(plain, written)
    return text


def _fold(line: str) -> str:
    """A line in pieces of at most 75 bytes, none of them cut within a character."""
    pieces, room = [""], _LINE_BYTES
    for character in line:
        size = len(character.encode("utf-8", "replace"))
        if size > room:
            pieces.append(" ")
            room = _LINE_BYTES - 1
        pieces[-1] += character
        room -= size
    return "\r\n".join(pieces) + "\r\n"


def _file_name(source: str) -> str:
    """The last part of a source's name, as any file system takes it."""
    name = _SAFE.sub("_", source.replace("\\", "/").rstrip("/").rpartition("/")[2])
    return name[:_NAME_CHARS].strip(" .") or "source"


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}. Choose a folder you can write to.") from error
