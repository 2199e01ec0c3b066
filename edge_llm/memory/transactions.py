"""Connections to one store, shared by threads: transactions that read, one at a time that writes, and having it alone.

Readers do not wait for anybody; each sees the store as it was when it began. Knows one row, the counter of changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory.connecting import Unlocked, connect, translated
from runtimes.errors import SessionClosedError, StorageError, StoreBusyError

if TYPE_CHECKING:
    import apsw

_IDLE_READERS = 4


class Transactions:
    """The connections of one open store. Used by any number of threads.

    Args:
        timeout_s: how long one waits for another.

    Raises:
        StorageError, StoreBusyError, StoreDamagedError: it cannot be opened.
    """

    def __init__(self, path: Path, keys: Unlocked, *, read_only: bool, timeout_s: float) -> None:
        self.path = path
        self.keys = keys
        self.read_only = read_only
        self.timeout_s = timeout_s
        self._readers = threading.Condition()
        self._idle: list[apsw.Connection] = []
        self._in_use = 0
        self._alone = False
        self._closed = False
        self._writing = threading.RLock()
        self._local = threading.local()
        self._writer = None if read_only else connect(path, keys, timeout_s=timeout_s)

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """See `Store.reading`."""
        current: apsw.Connection | None = getattr(self._local, "connection", None)
        if current is not None:
            yield current
            return
        connection = self._take()
        self._local.connection = connection
        healthy = False
        try:
            with translated(self.path):
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            healthy = True
        finally:
            self._local.connection = None
            self._give_back(connection, healthy=healthy)

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """See `Store.writing`."""
        if getattr(self._local, "writing", False):
            yield self._local.connection
            return
        outer = getattr(self._local, "connection", None)
        with self.maintaining() as connection:
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes()
            self._local.connection, self._local.writing = connection, True
            try:
                yield connection
                if connection.total_changes() != before:
                    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
                connection.execute("COMMIT")
            finally:
                self._local.connection, self._local.writing = outer, False
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def maintaining(self) -> Iterator[apsw.Connection]:
        """The writing connection outside of a transaction, for what cannot be in one; no other thread writes meanwhile.

        Raises:
            StoreBusyError, StorageError, SessionClosedError: as for `Store.writing`.
        """
        if not self._writing.acquire(timeout=self.timeout_s):
            raise StoreBusyError(f"Another thread is writing to {self.path} and did not finish in time. Nothing was written.")
        try:
            if self._closed:
                raise SessionClosedError(f"{self.path} was closed. Open it again.")
            if self._writer is None:
                raise StorageError(f"{self.path} was opened for reading only. Open it for writing.")
            with translated(self.path):
                yield self._writer
        finally:
            self._writing.release()

    def change_keys(self, change: Callable[[], Unlocked]) -> None:
        """Close every connection, call `change`, and go on with the keys it returns; with the old ones when it fails.

        Raises:
            StoreBusyError: a thread does not stop reading. And what `change` raises.
        """
        with self.maintaining() as writer:
            with self._readers:
                if not self._readers.wait_for(lambda: not self._in_use, self.timeout_s):
                    raise StoreBusyError(f"A thread is still reading {self.path}. Try again when it is done.")
                self._alone = True
                idle, self._idle = self._idle, []
            try:
                for connection in [*idle, writer]:
                    connection.close()
                try:
                    self.keys = change()
                finally:
                    self._writer = connect(self.path, self.keys, timeout_s=self.timeout_s)
            finally:
                with self._readers:
                    self._alone = False
                    self._readers.notify_all()

    def _take(self) -> apsw.Connection:
        with self._readers:
            if not self._readers.wait_for(lambda: not self._alone, self.timeout_s):
                raise StoreBusyError(f"The key of {self.path} is being changed. Try again when it is.")
            if self._closed:
                raise SessionClosedError(f"{self.path} was closed. Open it again.")
            self._in_use += 1
            if self._idle:
                return self._idle.pop()
        try:
            return connect(self.path, self.keys, timeout_s=self.timeout_s, read_only=self.read_only)
        except BaseException:
            with self._readers:
                self._in_use -= 1
                self._readers.notify_all()
            raise

    def _give_back(self, connection: apsw.Connection, *, healthy: bool) -> None:
        """Keep a connection for the next reader. One that met an error is closed: after a damaged page it reads no other."""
        with self._readers:
            if healthy and not self._closed and len(self._idle) < _IDLE_READERS:
                self._idle.append(connection)
            else:
                connection.close()
            self._in_use -= 1
            self._readers.notify_all()

    def close(self) -> None:
        """Close every connection that is not in use; those that are close when their transaction ends. Idempotent."""
        with self._readers:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
