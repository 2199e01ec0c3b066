"""A store's file and its write-ahead log as pages, read without SQLite: the last committed state, and what is left over.

Knows where pages are; knows no table. A page is trusted because its tag fits its number and the key, not because of the log's
checksums. Formats: https://sqlite.org/fileformat2.html, section 4 for the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edge_llm.memory.connecting import beside
from edge_llm.memory.pages import PAGE, PageCipher
from edge_llm.memory.rawfile import RawFile
from runtimes.errors import StorageError

if TYPE_CHECKING:
    from typing_extensions import Self

_WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass(frozen=True)
class Frame:
    """A page in the write-ahead log."""

    place: int
    """Its number in the log, from 1."""
    page: int
    """Which page of the database it is."""
    pages: int
    """How many pages the database has once this frame is committed; 0 when it is not a transaction's last."""
    current: bool
    """It belongs to what the log holds now, not to an earlier use of the file."""
    body: bytes


def wal_frames(path: Path) -> Iterator[Frame]:
    """Every frame of the log beside `path`, also those of earlier uses. A cut one at the end is left out.

    Raises:
        StorageError: the log cannot be read.
    """
    try:
        with beside(path, "-wal").open("rb") as stream:
            header = stream.read(WAL_HEADER)
            salts = header[16:24] if header[:4] in _WAL_MAGIC else None
            place = 0
            while len(raw := stream.read(FRAME_HEADER + PAGE)) == FRAME_HEADER + PAGE:
                place += 1
                page, pages = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:8], "big")
                yield Frame(place, page, pages, raw[8:16] == salts, raw[FRAME_HEADER:])
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"Cannot read the log of {path}: {error.strerror or error}.") from error


class Image:
    """The pages of a store as last committed. A context manager.

    Args:
        path: the store's file; its log is found beside it.

    Raises:
        StorageError: it cannot be read.
    """

    def __init__(self, path: Path, cipher: PageCipher) -> None:
        self.path = path
        self._cipher = cipher
        self._logged: dict[int, bytes] = {}
        count = self._read_log()
        self._file = RawFile(path)
        self.file_pages = self._file.size // PAGE
        self.count = count or self.file_pages
        """Pages of the database; they are numbered from 1."""

    def _read_log(self) -> int:
        """Take the frames of finished transactions; returns how many pages the database has after them, 0 without any."""
        count = 0
        unfinished: dict[int, bytes] = {}
        for frame in wal_frames(self.path):
            if not frame.current or self._cipher.decrypt(frame.page, frame.body) is None:
                break
            unfinished[frame.page] = frame.body
            if frame.pages:
                count = frame.pages
                self._logged |= unfinished
                unfinished = {}
        return count

    def page(self, number: int) -> bytes | None:
        """The plain page; None when it is damaged or missing."""
        raw = self._logged.get(number) or self._read(number)
        return self._cipher.decrypt(number, raw) if len(raw) == PAGE else None

    def file_page(self, number: int) -> bytes | None:
        """The plain page as it is in the file itself, whatever the log says."""
        raw = self._read(number)
        return self._cipher.decrypt(number, raw) if len(raw) == PAGE else None

    def _read(self, number: int) -> bytes:
        return self._file.read((number - 1) * PAGE, PAGE)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
