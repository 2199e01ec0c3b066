"""A store's file as bytes, while databases have it open too.

POSIX takes all of a process's locks on a file away when the process closes any handle of it, and then another process may
believe that nobody uses the store. So nothing here opens the file itself: SQLite's own file layer does, which knows of its
other handles and keeps one open until the last lock is gone. Knows no page and no key.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from runtimes.errors import StorageError

if TYPE_CHECKING:
    from typing_extensions import Self


class RawFile:
    """Reads a file that may be a store. A context manager.

    Raises:
        StorageError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        import apsw

        self.path = path
        try:
            self._file = apsw.VFSFile("", str(path), [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0])
            self.size = self._file.xFileSize()
        except apsw.Error as error:
            raise StorageError(f"Cannot read {path}: {error}. Check that it is a file you may read.") from error

    def read(self, start: int, amount: int) -> bytes:
        """Bytes [start, start + amount), fewer at the end of the file and where the disk cannot read."""
        import apsw

        try:
            # never past the end: what is missing there would come as zeros, and zeros at the end of a file as missing
            return self._file.xRead(max(0, min(amount, self.size - start)), start)
        except apsw.IOError:  # a bad block: whoever asked sees that bytes are missing, and says of what
            return b""

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.xClose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
