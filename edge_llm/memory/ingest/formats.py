"""Which reader a file needs: what is in it decides, its name only where the content says nothing.

Every module of a package that has a `READER` is one format, found by its file's name. Knows no format itself, only the
signatures of files that no reader takes, so that a refusal can say what the file is.
"""

from __future__ import annotations

import functools
import os
import pkgutil
import stat
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reader
from runtimes.errors import UnreadableFileError

PACKAGE = "edge_llm.memory.ingest"
"""Where the readers are."""
HEAD_BYTES = 4096
"""How much of a file a reader sees before it says whether the file is of its format."""

_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive. Unpack it and add the folder"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.doc, .xls, .ppt). Save it as .docx, .xlsx or .pptx"),
    (b"\x1f\x8b", "gzip-compressed. Unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive. Unpack it and add the folder"),
    (b"Rar!\x1a\x07", "a RAR archive. Unpack it and add the folder"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"!BDN", "an Outlook data file. Export the mails as .mbox or .eml"),
)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read bytes. Never waits: a pipe or a device is refused, not opened and waited for.

    Raises:
        UnreadableFileError: missing, not permitted, or no regular file. Names the file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        file = os.fdopen(descriptor, "rb")
    except IsADirectoryError as error:
        raise UnreadableFileError(f"{path} is a folder, not a file.") from error
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UnreadableFileError(f"{path} is not a regular file but a device, pipe or socket.")
    return file


@functools.cache
def readers(package: str = PACKAGE) -> tuple[Reader, ...]:
    """Every reader of a package, by name."""
    found = [import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules(import_module(package).__path__)]
    return tuple(module.READER for module in found if hasattr(module, "READER"))


def named_reader(name: str, package: str = PACKAGE) -> Reader:
    """The reader of that name; only its own module is loaded. Raises UnreadableFileError when there is none."""
    if not name.isidentifier():
        raise UnreadableFileError(f"There is no format called {name!r}.")
    try:
        reader: Reader = import_module(f"{package}.{name}").READER
    except (ModuleNotFoundError, AttributeError) as error:
        raise UnreadableFileError(f"There is no format called {name!r}.") from error
    return reader


def reader_version(name: str, package: str = PACKAGE) -> int:
    """The reader's `VERSION`, 1 where its module has none. It grows when the same file would give other items."""
    return int(getattr(import_module(f"{package}.{name}"), "VERSION", 1))


def find_reader(path: Path, package: str = PACKAGE) -> Reader:
    """The reader that is surest of a file.

    Raises:
        UnreadableFileError: the file cannot be opened, or no reader takes it. Names the file and what it is.
    """
    with open_regular(path) as file:
        try:
            head = file.read(HEAD_BYTES)
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    claims = [(reader.claims(head, path), reader) for reader in readers(package)]
    certainty, surest = max(claims, key=lambda claim: claim[0], default=(0.0, None))
    if surest is None or certainty <= 0:
        raise UnreadableFileError(f"{path} {_refusal(head, path, package)}")
    return surest


def _refusal(head: bytes, path: Path, package: str) -> str:
    what = next((text for signature, text in _SIGNATURES if head.startswith(signature)), None)
    if what is not None:
        return f"is {what}."
    suffix = path.suffix.lower()
    if any(suffix in reader.suffixes for reader in readers(package)):
        return f"is named {suffix} but holds something else, or is damaged from its first bytes on."
    return "is in no format that memory reads. Convert it to text, or to the JSON form that docs/memory.md describes."
