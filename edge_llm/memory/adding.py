"""Files into a store: which of them changed, read ahead while others are stored, and what is told about it.

Knows files, readers and stamps; knows no search, no embedder and no terminal. Whatever one file does, the others are read.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.home import expand
from edge_llm.memory.ingest.formats import find_reader, reader_version
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.walk import SourceFile, walk
from edge_llm.memory.ingest.worker import Workers
from edge_llm.memory.items import Draft
from edge_llm.memory.records import Changes, Stamp
from edge_llm.memory.removal import remove_items, remove_source
from edge_llm.progress import Progress, ProgressCallback
from runtimes.errors import CancelledError, InputError, UnreadableFileError

if TYPE_CHECKING:
    from edge_llm.memory.store import Store

_HEAD = 256
"""Drafts of a file that are read ahead. A file with no more is stored in one transaction with others."""
_READERS = 2
_AHEAD = 6
"""Files that are read, or being read, before the one that is stored."""


@dataclass(frozen=True)
class Failure:
    """A file that could not be taken in, or not to its end."""

    path: str
    """The file; the path that was asked for, where it or a folder in it could not be looked into."""
    reason: str


@dataclass(frozen=True)
class Added:
    """What adding did. Counts of items, unless another word stands there."""

    files: int = 0
    """Files that were read, to their end."""
    unchanged_files: int = 0
    """Files that were as they had been, and were not read again."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    """Gone from files that are still there."""
    unchanged: int = 0
    expired: int = 0
    """Older than the retention allows, and not stored."""
    forgotten: int = 0
    """Older than the retention allows by now, and forgotten with all that was made from them."""
    gone: tuple[str, ...] = ()
    """Sources that were removed, with their items, because their files are gone from a folder that was added again."""
    failures: tuple[Failure, ...] = ()
    notes: tuple[Failure, ...] = ()
    """What there is to know about files that were read: an assumed encoding, pages without text."""
    embedded: int = 0
    """Items that got a vector."""


@dataclass(frozen=True)
class Intake:
    """How files are read."""

    timezone: tzinfo
    owner: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    keep_days: int | None = None


@dataclass(frozen=True)
class _Known:
    """A source as it was read the last time."""

    format: str
    stamp: Stamp


@dataclass
class _File:
    """A file whose first drafts were read. `error` comes after them, `rest` after those."""

    path: Path
    reader: str = ""
    stamp: Stamp | None = None
    head: list[Draft] = field(default_factory=list)
    rest: Iterator[Draft] | None = None
    error: UnreadableFileError | None = None
    unchanged: bool = False
    notes: list[str] = field(default_factory=list)

    def drafts(self) -> Iterator[Draft]:
        yield from self.head
        if self.error is not None:
            raise self.error
        if self.rest is not None:
            yield from self.rest


class Adder:
    """Reads files and stores what is in them. For one call of `Memory.add`."""

    def __init__(
        self, store: Store, intake: Intake, *, progress: ProgressCallback | None = None, cancel: threading.Event | None = None
    ) -> None:
        self._store = store
        self._intake = intake
        self._progress = progress
        self._cancel = cancel
        self._known = _known_sources(store)
        self._ready: list[_File] = []
        self._sums = Added()
        self._files = self._unchanged_files = 0
        self._failures: list[Failure] = []
        self._notes: list[Failure] = []

    def add(
        self,
        what: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Iterable[Draft],
        source: str | None = None,
    ) -> Added:
        """Take in paths, or drafts as all of a source. Once only.

        Raises:
            InputError: drafts without a source, or paths with one.
            CancelledError: what was stored stays, and is not read again.
            StorageError, StoreBusyError: see `Store.put`.
        """
        paths, drafts = _sorted_out(what)
        if paths and source is not None:
            raise InputError("Only drafts are given a source; a file's is its path.")
        if drafts and source is None:
            raise InputError("Drafts need the name of their source: memory.add(drafts, source=NAME).")
        if source is not None:
            self._count(self._store.put(source, "drafts", drafts, cancel=self._cancel, keep_days=self._intake.keep_days))
        else:
            self._add_files(paths)
        gone = self._vanished(paths)
        for name in gone:
            drop_source(self._store, name)
        return replace(
            self._sums,
            files=self._files,
            unchanged_files=self._unchanged_files,
            gone=gone,
            failures=tuple(self._failures),
            notes=tuple(self._notes),
        )

    def _add_files(self, paths: Iterable[Path]) -> None:
        files = {found.path: found for path in paths for found in walk((path,), partial(self._fail, str(path.absolute())))}
        try:
            with Workers(self._intake.limits) as workers:
                for done, file in enumerate(self._read_ahead(workers, list(files.values()))):
                    self._show(done, len(files), str(file.path))
                    self._take(file)
        finally:
            self._flush()
        self._show(len(files), len(files), "")

    def _fail(self, path: str, error: UnreadableFileError) -> None:
        self._failures.append(Failure(path, str(error)))

    def _vanished(self, folders: Iterable[Path]) -> tuple[str, ...]:
        """Sources that were files in these folders and are no longer there. A folder that is gone itself, as an unplugged
        disk's is, is no reason to remove what came from it."""
        there = [folder.absolute() for folder in folders if folder.is_dir()]
        return tuple(name for name in within(self._known, there) if not Path(name).exists())

    def _read_ahead(self, workers: Workers, files: Sequence[SourceFile]) -> Iterator[_File]:
        """The files with their first drafts. Threads only wait for the processes that read."""
        waiting: deque[Future[_File]] = deque()
        left = iter(files)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="edge-llm-read") as threads:
            try:
                while True:
                    for found in islice(left, _AHEAD - len(waiting)):
                        waiting.append(threads.submit(self._begin, workers, found))
                    if not waiting:
                        return
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _begin(self, workers: Workers, found: SourceFile) -> _File:
        file = _File(found.path)
        try:
            known = self._known.get(str(found.path))
            file.unchanged = known is not None and _is_as_it_was(found, known)
            if file.unchanged:
                return file
            file.reader = find_reader(found.path).name
            reading = Reading(found.path, self._intake.timezone, self._intake.owner, self._intake.limits, file.notes.append)
            digest = found.sha256() if found.bytes <= self._intake.limits.file_bytes else None
            file.stamp = Stamp(found.bytes, found.mtime_ns, digest, reader_version(file.reader))
            drafts = workers.read(found.path, reading, reader=file.reader, cancel=self._cancel)
            for draft in drafts:
                file.head.append(draft)
                if len(file.head) > _HEAD:
                    file.rest = drafts
                    break
        except UnreadableFileError as error:
            file.error = error
        return file

    def _take(self, file: _File) -> None:
        if file.unchanged:
            self._unchanged_files += 1
        elif file.error is not None and not file.head:
            self._failures.append(Failure(str(file.path), str(file.error)))
        elif file.rest is None:
            self._ready.append(file)
            if sum(len(other.head) + 1 for other in self._ready) >= _HEAD:
                self._flush()
        else:
            self._flush()
            self._put(file)

    def _flush(self) -> None:
        """Store the short files that wait, in one transaction."""
        ready, self._ready = self._ready, []
        if ready:
            with self._store.writing():
                for file in ready:
                    self._put(file)

    def _put(self, file: _File) -> None:
        name, failure = str(file.path), None
        told: list[Changes] = []
        try:
            changes = self._store.put(
                name,
                file.reader,
                file.drafts(),
                stamp=file.stamp,
                cancel=self._cancel if file.rest is not None else None,
                keep_days=self._intake.keep_days,
                committed=told.append,
            )
        except UnreadableFileError as error:
            failure = Failure(name, str(error))
            changes = told[-1] if told else Changes()
        self._count(changes)
        if failure is None:
            self._files += 1
        else:
            self._failures.append(failure)
        self._notes.extend(Failure(name, note) for note in file.notes)

    def _count(self, changes: Changes) -> None:
        sums = self._sums
        self._sums = Added(
            added=sums.added + len(changes.added),
            changed=sums.changed + len(changes.changed),
            removed=sums.removed + len(changes.removed),
            unchanged=sums.unchanged + changes.unchanged,
            expired=sums.expired + changes.expired,
        )

    def _show(self, done: int, total: int, path: str) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError("Adding was cancelled. What was stored stays; add the same again to go on.")
        if self._progress is not None:
            self._progress(Progress("read", done, total, path))


def _known_sources(store: Store) -> dict[str, _Known]:
    """Every source that was read to its end, by name, in one query: a folder has thousands."""
    with store.reading() as connection:
        rows = connection.execute("SELECT name, format, bytes, mtime_ns, sha256, reader_version FROM sources WHERE complete")
        return {row[0]: _Known(row[1], Stamp(*row[2:])) for row in rows}


def local_zone(zone: str | tzinfo | None = None) -> tzinfo:
    """A time zone by its name, or this machine's. Raises InputError for a name of none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from tzlocal import get_localzone

    if zone is None:
        return get_localzone()
    try:
        return ZoneInfo(zone) if isinstance(zone, str) else zone
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"There is no time zone {zone!r}. Write it as in Europe/Berlin or Asia/Shanghai.") from error


def drop_source(store: Store, name: str) -> None:
    """Remove a source with all its items; nothing happens when there is none. Raises StorageError, StoreBusyError."""
    with store.writing() as connection:
        found = store.source(name)
        if found is not None:
            remove_items(connection, store, store.select(source=name))
            remove_source(connection, found.id)


def within(names: Iterable[str], places: Iterable[Path]) -> list[str]:
    """The sources that are one of these files, or in one of these folders."""
    exact = {str(place) for place in places}
    below = tuple(name.rstrip(os.sep) + os.sep for name in exact)
    return [name for name in names if name in exact or name.startswith(below)]


def _is_as_it_was(found: SourceFile, known: _Known) -> bool:
    """Whether a file need not be read: its size and time are the same, or at least its bytes, and so is its reader."""
    stamp = known.stamp
    if stamp.bytes != found.bytes or stamp.reader_version is None or stamp.reader_version != reader_version(known.format):
        return False
    return stamp.mtime_ns == found.mtime_ns or stamp.sha256 == found.sha256()


def _sorted_out(
    what: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Iterable[Draft],
) -> tuple[list[Path], list[Draft]]:
    """Paths and drafts of what was to be added; one of them is empty. Raises InputError for a mixture."""
    if isinstance(what, str | os.PathLike):
        return [expand(Path(what)).absolute()], []
    listed = list(what)
    drafts = [one for one in listed if isinstance(one, Draft)]
    paths = [expand(Path(one)).absolute() for one in listed if not isinstance(one, Draft)]
    if drafts and paths:
        raise InputError("Paths and drafts cannot be added together. Call add once for each.")
    return paths, drafts
