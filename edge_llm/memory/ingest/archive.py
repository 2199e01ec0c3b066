"""A ZIP file that may be a trap: few enough members, nothing unpacked to disk, and everything unpacked is counted.

Members are read by name as streams; their paths lead nowhere. Knows the end of a ZIP file (APPNOTE.TXT 4.3.12 to 4.3.16)
and nothing of what the members mean.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from edge_llm.memory.ingest.formats import open_regular
from edge_llm.memory.ingest.reader import Limits
from runtimes.errors import UnreadableFileError

MEMBERS = 20_000
"""Most members; a presentation with a thousand slides has some five thousand."""
DIRECTORY_BYTES = 8 << 20
RATIO = 400
"""What a member may grow to, in times its packed size, once it is larger than `RATIO_FROM`. Office files stay below 100."""
RATIO_FROM = 16 << 20
_END = b"PK\x05\x06"
_END_BYTES = 22
_COMMENT_BYTES = 65_535
_LOCATOR64_BYTES = 20
_END64 = b"PK\x06\x06"
_ENTRY = b"PK\x01\x02"
_ENTRY_BYTES = 46
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, OverflowError, ValueError)


@dataclass(frozen=True)
class _Directory:
    entries: int
    bytes: int
    offset: int


class Archive:
    """A ZIP file opened to read some of its members.

    Raises:
        UnreadableFileError: it is damaged, or has too many members.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._left = self._limit = limits.expanded_bytes
        directory = _find_directory(file)
        if directory is None:
            raise UnreadableFileError("it is cut short: the directory at the end of the archive is missing")
        if directory.entries > MEMBERS or directory.bytes > DIRECTORY_BYTES:
            raise UnreadableFileError(f"its archive has {directory.entries:,} members, more than the {MEMBERS:,} allowed")
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise UnreadableFileError(f"its archive is damaged: {error}") from error
        self._members = {_plain_name(info.filename): info for info in self._zip.infolist()}
        self.names = frozenset(self._members)
        """Lower-case, with forward slashes: some programs write neither."""

    def open(self, name: str) -> Member:
        """One member, to be read as a stream.

        Raises:
            UnreadableFileError: missing, damaged, encrypted or packed by an unusual method; the same from `Member.read`.
        """
        info = self._members.get(name.lower())
        if info is None:
            raise UnreadableFileError(f"its part {name:.200} is missing")
        if info.flag_bits & 1:
            raise UnreadableFileError(f"its part {name:.200} is encrypted. Save a copy without a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableFileError(f"its part {name:.200} is packed by a method that no office program uses")
        try:
            return Member(self, name, self._zip.open(info), info.compress_size)
        except (*_DAMAGE, RuntimeError) as error:
            raise UnreadableFileError(f"its part {name:.200} is damaged: {error}") from error

    def count(self, size: int, name: str, packed: int, unpacked: int) -> None:
        """Count unpacked bytes. Raises UnreadableFileError when they are too many, or too many for what they come from."""
        self._left -= size
        if self._left < 0:
            raise UnreadableFileError(f"it unpacks to more than the {self._limit:,} bytes allowed")
        if unpacked > RATIO_FROM and unpacked > packed * RATIO:
            raise UnreadableFileError(f"its part {name:.200} unpacks to more than {RATIO} times its size, as no document does")


class Member:
    """One member of an archive, as a stream."""

    def __init__(self, archive: Archive, name: str, stream: IO[bytes], packed: int) -> None:
        self.name = name
        self._archive, self._stream, self._packed = archive, stream, packed
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end. Raises UnreadableFileError."""
        try:
            data = self._stream.read(size)
        except (*_DAMAGE, RuntimeError) as error:
            raise UnreadableFileError(f"its part {self.name:.200} is damaged: {error}") from error
        self._unpacked += len(data)
        self._archive.count(len(data), self.name, self._packed, self._unpacked)
        return data


def member_names(path: Path) -> tuple[str, ...]:
    """The names (as `Archive.names`) that a ZIP file's directory begins with; none when it has none.

    The cost is fixed whatever the file holds.
    """
    try:
        with open_regular(path) as file:
            directory = _find_directory(file)
            if directory is None:
                return ()
            file.seek(directory.offset)
            data = file.read(min(directory.bytes, 1 << 20))
    except (UnreadableFileError, OSError, OverflowError):
        return ()
    names, place = [], 0
    while data[place : place + 4] == _ENTRY and place + _ENTRY_BYTES <= len(data):
        name, extra, comment = struct.unpack_from("<3H", data, place + 28)
        names.append(_plain_name(data[place + _ENTRY_BYTES : place + _ENTRY_BYTES + name].decode("utf-8", "replace")))
        place += _ENTRY_BYTES + name + extra + comment
    return tuple(names)


def _plain_name(name: str) -> str:
    return name.replace("\\", "/").lower()


def _find_directory(file: BinaryIO) -> _Directory | None:
    size = file.seek(0, 2)
    begin = max(0, size - _END_BYTES - _COMMENT_BYTES - _LOCATOR64_BYTES)
    file.seek(begin)
    tail = file.read()
    place = tail.rfind(_END, 0, len(tail) - _END_BYTES + 4)
    if place < 0:
        return None
    entries, length, offset = struct.unpack_from("<HLL", tail, place + 10)
    if entries == 0xFFFF or 0xFFFFFFFF in (length, offset):
        return _find_directory64(file, tail, place)
    # what stands before the archive, as in a self-extracting one, moves everything
    moved = begin + place - length - offset
    return _Directory(entries, length, offset + max(0, moved))


def _find_directory64(file: BinaryIO, tail: bytes, end: int) -> _Directory | None:
    locator = tail[end - _LOCATOR64_BYTES : end] if end >= _LOCATOR64_BYTES else b""
    if not locator.startswith(b"PK\x06\x07"):
        return None
    try:
        file.seek(struct.unpack_from("<Q", locator, 8)[0])
        record = file.read(56)
    except (OverflowError, OSError, ValueError):
        return None
    if not record.startswith(_END64) or len(record) < 56:
        return None
    return _Directory(*struct.unpack_from("<QQQ", record, 32))
