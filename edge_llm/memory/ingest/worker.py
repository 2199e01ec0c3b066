"""Reads files in processes of their own, because files are hostile: one that hangs, grows or crashes ends its own process.

    with Workers(limits) as workers:
        for draft in workers.read(path, reading):
            ...

Knows who reads what and when a process is used again; process.py knows the process, child.py is what runs in it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edge_llm.memory.ingest.child import Request, zone_name
from edge_llm.memory.ingest.formats import PACKAGE, find_reader
from edge_llm.memory.ingest.process import ReadingProcess
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.items import Draft
from runtimes.errors import CancelledError, RuntimeFailedError, UnreadableFileError

if TYPE_CHECKING:
    from typing_extensions import Self


class Workers:
    """Processes that read files, started when first needed and used again. Any thread may read, each its own file.

    Args:
        limits: bounds the processes; the limits of a `Reading` bound its one file.
        package: where the readers are.
    """

    def __init__(self, limits: Limits | None = None, *, package: str = PACKAGE) -> None:
        self._limits = limits or Limits()
        self._package = package
        self._idle: list[ReadingProcess] = []
        self._lock = threading.Lock()
        self._closed = False

    def read(
        self, path: Path, reading: Reading, *, reader: str | None = None, cancel: threading.Event | None = None
    ) -> Iterator[Draft]:
        """Yield a file's items, checked and fit to be kept.

        Args:
            path: the file, whatever `reading.path` says: one reading may serve a whole folder.
            reader: the name of its reader; `find_reader` says which when it is not known.
            cancel: ends the reading at once, also in the middle of an item.

        Raises:
            UnreadableFileError: the file cannot be read, or not to its end. Names the file and the fact, and the limit
                where one was met. Everything yielded before stands.
            CancelledError: `cancel` was set.
            RuntimeFailedError: no process can be started.
            ConfigError: the time zone of `reading` has no name.
        """
        path = Path(path).absolute()
        if cancel is not None and cancel.is_set():
            raise CancelledError(f"Reading {path} was cancelled before it began.")
        _check_size(path, reading.limits)
        name = reader or find_reader(path, self._package).name
        request = Request(str(path), name, zone_name(reading.timezone), reading.owner, reading.limits)
        process = self._take()
        try:
            yield from process.read(request, reading.note, cancel)
        finally:
            self._put_back(process)

    def close(self) -> None:
        """End the processes; a reading that is under way ends when its iterator does. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _take(self) -> ReadingProcess:
        with self._lock:
            if self._closed:
                raise RuntimeFailedError("These workers were closed. Open new ones.")
            while self._idle:
                process = self._idle.pop()
                if process.reusable:
                    return process
                process.close()
        return ReadingProcess(self._limits, self._package)

    def _put_back(self, process: ReadingProcess) -> None:
        with self._lock:
            if process.reusable and not self._closed:
                self._idle.append(process)
                return
        process.close()


def _check_size(path: Path, limits: Limits) -> None:
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if size > limits.file_bytes:
        raise UnreadableFileError(f"{path} has {size:,} bytes, more than the {limits.file_bytes:,} that one file may have.")
