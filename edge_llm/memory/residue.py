"""Whether anything is left of what was forgotten: every byte of the store's files looked through, deciphered and as it is.

Reads pages without SQLite, so that freed pages, the space between cells and old frames of the log are seen. A string that was
forgotten may rightly be in another item too; then that item is named. Knows no search.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory.connecting import beside
from edge_llm.memory.evidence import own_strings, strings_of
from edge_llm.memory.image import Image, wal_frames
from edge_llm.memory.pages import USABLE
from edge_llm.memory.rawfile import RawFile
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.traces import Kind, Trace, Tracer

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

SUFFIXES = ("", "-wal", "-journal")
"""The files of a store that hold pages. "-shm" holds page numbers, and reading it would take SQLite's locks on it away."""
_PAGES = 256
_BATCH = 500
_CHUNK = 1 << 22
_OVERLAP = 16
_MOST = 1000
"""Most places that are listed."""


@dataclass(frozen=True)
class Residue:
    """Something of the forgotten that is still there."""

    kind: Kind
    place: str
    """The file, and the page, frame or byte."""
    held_by: str | None = None
    """What was not forgotten and holds the same string ("item 12", "the name of source 3"); the place may be its own."""


@dataclass(frozen=True)
class Search:
    """What a search for residue found."""

    left: tuple[Residue, ...]
    """Found, and no item holds it. At most 1,000 places are listed."""
    held: tuple[Residue, ...]
    """Found, and rightly in something that was not forgotten: one place of each string."""
    present: tuple[int, ...]
    """Ids of the receipt that are items again or still."""
    unread: tuple[str, ...]
    """Pages that could not be deciphered. They were searched as they are."""
    traces: int
    bytes: int
    """How many bytes were searched, deciphered ones and raw ones."""

    @property
    def clean(self) -> bool:
        """Nothing is left."""
        return not self.left and not self.present


def search(store: Store, receipt: Receipt, files: Sequence[Path] = ()) -> Search:
    """Look for what a receipt says was forgotten.

    Args:
        files: others to look through as they are: saved conversations, exports, backups.

    Raises:
        InputError: a receipt of another store, or one that was changed. StorageError: a file cannot be read.
    """
    tracer = receipt.tracer(store)
    found = _Found()
    with store.reading() as connection:  # the pages of this view stay where they are meanwhile
        present = _present(connection, receipt.ids)
        _search_pages(store, tracer, found)
        own = [beside(store.path, suffix) for suffix in SUFFIXES]
        for path in [*filter(Path.exists, own), *files]:
            _search_raw(path, tracer, found)
        holders = _holders(connection, store, tracer, set(found.places)) if found.places else {}
    left: list[Residue] = []
    held: list[Residue] = []
    for trace, places in found.places.items():
        kind = found.kinds[trace]
        if trace in holders:
            held.append(Residue(kind, places[0], holders[trace]))
        else:
            left += [Residue(kind, place) for place in places]
    return Search(tuple(left), tuple(held), present, tuple(found.unread), len(tracer), found.bytes)


class _Found:
    """Collects traces by what they are of."""

    def __init__(self) -> None:
        self.places: dict[bytes, list[str]] = {}
        self.kinds: dict[bytes, Kind] = {}
        self.unread: list[str] = []
        self.bytes = 0
        self._listed = 0

    def add(self, trace: Trace, place: str) -> None:
        places = self.places.setdefault(trace.digest, [])
        self.kinds[trace.digest] = trace.kind
        if not places or (self._listed < _MOST and place not in places):
            places.append(place)
            self._listed += 1


def _search_pages(store: Store, tracer: Tracer, found: _Found) -> None:
    """Every page of the file and every frame of the log, deciphered."""
    with Image(store.path, store.cipher) as image:
        for first in range(1, image.file_pages + 1, _PAGES):
            numbers = range(first, min(first + _PAGES, image.file_pages + 1))
            plain = []
            for number in numbers:
                page = image.file_page(number)
                if page is None:
                    found.unread.append(f"page {number} of {store.path}")
                plain.append((page or b"")[:USABLE].ljust(USABLE, b"\0") + bytes(_OVERLAP))
            joined = b"".join(plain)
            found.bytes += len(numbers) * USABLE
            for trace in tracer.scan(joined):
                found.add(trace, f"page {numbers[trace.start // (USABLE + _OVERLAP)]} of {store.path}")
    for frame in wal_frames(store.path):
        page = store.cipher.decrypt(frame.page, frame.body)
        if page is None:
            found.unread.append(f"frame {frame.place} of {beside(store.path, '-wal')}")
            continue
        found.bytes += USABLE
        for trace in tracer.scan(page[:USABLE]):
            found.add(trace, f"frame {frame.place} of {beside(store.path, '-wal')}")


def _search_raw(path: Path, tracer: Tracer, found: _Found) -> None:
    """A file as it is on disk."""
    with RawFile(path) as file:
        for start in range(0, file.size, _CHUNK):
            for trace in tracer.scan(file.read(start, _CHUNK + _OVERLAP)):
                found.add(trace, f"byte {start + trace.start} of {path}")
        found.bytes += file.size


def _present(connection: apsw.Connection, ids: Sequence[int]) -> tuple[int, ...]:
    """Those of the ids that any table still has."""
    gone = set(ids)
    kept = {
        row[0]
        for row in connection.execute("SELECT id FROM items UNION SELECT rowid FROM terms UNION SELECT item_id FROM mentions")
    }
    for row in connection.execute("SELECT item_ids FROM vector_segments"):
        kept.update(memoryview(row[0]).cast("q"))
    return tuple(sorted(gone & kept))


def _holders(connection: apsw.Connection, store: Store, tracer: Tracer, wanted: set[bytes]) -> dict[bytes, str]:
    """For each trace that something rightly holds, what does."""
    holders: dict[bytes, str] = {}
    for strings in chain([own_strings(connection)], (strings_of(connection, store, ids) for ids in _batches(connection))):
        starts, owners, joined = [], [], bytearray()
        for owner, string in strings:
            starts.append(len(joined))
            owners.append(owner)
            joined += string + bytes(_OVERLAP)
        for trace in tracer.scan(bytes(joined)):
            holders.setdefault(trace.digest, owners[bisect_right(starts, trace.start) - 1])
        if wanted <= holders.keys():
            break
    return holders


def _batches(connection: apsw.Connection) -> Iterator[list[int]]:
    ids = [row[0] for row in connection.execute("SELECT id FROM items ORDER BY id")]
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
