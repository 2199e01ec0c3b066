"""The files of folders: in order, as they are found, without what `ignore.py` leaves out. Reads no file's content.

Links are not followed: what they point to inside the folder is found anyway, and what is outside was not asked for.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_llm.memory.ingest.formats import open_regular
from edge_llm.memory.ingest.ignore import IgnoreRules
from runtimes.errors import UnreadableFileError

_CHUNK_BYTES = 1 << 20
_DEPTH = 200
"""Deepest folder: junctions and mounts can make a folder contain itself."""


@dataclass(frozen=True)
class SourceFile:
    """A file as the disk has it now. Equal size and time of change mean: not changed since, and not read again."""

    path: Path
    """Absolute."""
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """What the disk says of a file.

        Raises:
            UnreadableFileError: there is none, or it is no regular file.
        """
        path = path.absolute()
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            raise UnreadableFileError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError(f"{path} is not a regular file.")
        return cls(path, status.st_size, status.st_mtime_ns)

    def sha256(self) -> str:
        """The hash of its content, in hexadecimal digits: reads the whole file. Raises UnreadableFileError."""
        digest = hashlib.sha256()
        with open_regular(self.path) as file:
            try:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
            except OSError as error:
                raise UnreadableFileError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        return digest.hexdigest()


def walk(paths: Iterable[Path], report: Callable[[UnreadableFileError], None]) -> Iterator[SourceFile]:
    """Yield the files that paths name: each file itself, whatever its name; of a folder what is not ignored, sorted by name.

    Args:
        report: told of each path that does not exist and each folder that cannot be looked into; the walk goes on.
    """
    for path in paths:
        whole = path.absolute()
        if whole.is_dir():
            yield from _folder(whole, IgnoreRules(whole), report, _DEPTH)
        else:
            try:
                found = SourceFile.of(whole)
            except UnreadableFileError as error:
                report(error)
                continue
            yield found


def _folder(
    folder: Path, rules: IgnoreRules, report: Callable[[UnreadableFileError], None], depth: int
) -> Iterator[SourceFile]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        report(UnreadableFileError(f"{folder} cannot be looked into: {error.strerror or error}."))
        return
    if depth == 0:
        report(UnreadableFileError(f"{folder} is more than {_DEPTH} folders deep. Add it itself if it is wanted."))
        return
    inside = rules.within(folder)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if not (is_folder or entry.is_file(follow_symlinks=False)) or inside.ignores(entry.name, is_folder=is_folder):
            continue
        path = folder / entry.name
        if is_folder:
            yield from _folder(path, rules, report, depth - 1)
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as error:  # it went away, or may not be looked at
                report(UnreadableFileError(f"{path} cannot be opened: {error.strerror or error}."))
                continue
            yield SourceFile(path, status.st_size, status.st_mtime_ns)
