"""The way into a store's file: is it one, does the key fit, and a connection that speaks its cipher.

A key is tried on the bytes themselves before a database opens the file, so a wrong one changes nothing, not even a lock file.
Knows no table. Every error of SQLite is translated here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory.keys import MasterKey, derive
from edge_llm.memory.pages import PAGE, SALT, SQLITE_MAGIC, PageCipher, looks_like_store
from edge_llm.memory.rawfile import RawFile
from runtimes.errors import InputError, StorageError, StoreBusyError, StoreDamagedError, WrongKeyError

if TYPE_CHECKING:
    import apsw

_TRIED_PAGES = 8
"""How many pages a key is tried on; always all of them, so that the answer takes the same time."""
_WAL_HEADER, _FRAME_HEADER = 32, 24
_CACHE_KIB = 16 * 1024


@dataclass(frozen=True)
class Unlocked:
    """The keys of one file, derived from the master key and the file's salt."""

    salt: bytes
    pages: bytes
    wrapping: bytes

    @classmethod
    def derived(cls, secret: bytes, salt: bytes) -> Unlocked:
        """The keys that a master key gives for a salt."""
        return cls(salt, derive(secret, salt, "pages"), derive(secret, salt, "source keys"))

    def __repr__(self) -> str:
        return f"Unlocked(salt={self.salt.hex()})"

    @property
    def cipher(self) -> PageCipher:
        """Opens the file's pages without SQLite."""
        return PageCipher(self.pages)


def unlock(path: Path, key: MasterKey) -> Unlocked:
    """Find out whether `key` opens the file. Only reads; takes the same time for a wrong key and for damaged pages.

    Raises:
        InputError: it is no store, or a database that was never encrypted.
        WrongKeyError: the key opens none of the pages that were tried.
        StorageError: the file cannot be read.
    """
    pages, frames = _samples(path)
    head = pages[0] if pages else b""
    if head.startswith(SQLITE_MAGIC):
        raise InputError(f"{path} is a plain SQLite database, not an encrypted memory. Choose another path.")
    if not looks_like_store(head):
        raise InputError(f"{path} is not a memory of edge-llm. Choose another path.")
    salt = head[:SALT]
    found = Unlocked.derived(key.secret(salt), salt)
    cipher = found.cipher
    opened = [cipher.decrypt(number, page) is not None for number, page in [*enumerate(pages, 1), *frames]]
    if not any(opened):
        raise WrongKeyError(f"The key does not open {path}. Nothing was changed; try another key or passphrase.")
    return found


def _samples(path: Path) -> tuple[list[bytes], list[tuple[int, bytes]]]:
    """The first pages of the file and, with their numbers, of its write-ahead log."""
    with RawFile(path) as file:
        raw = file.read(0, _TRIED_PAGES * PAGE)
        if file.size and not raw:
            raise StorageError(f"Cannot read {path}. Check that it is a file, and the disk.")
    try:
        with beside(path, "-wal").open("rb") as stream:
            log = stream.read(_WAL_HEADER + _TRIED_PAGES * (_FRAME_HEADER + PAGE))
    except FileNotFoundError:
        log = b""
    except OSError as error:
        raise StorageError(f"Cannot read the log of {path}: {error.strerror or error}.") from error
    pages = [raw[start : start + PAGE].ljust(PAGE, b"\0") for start in range(0, len(raw), PAGE)]
    frames = []
    for start in range(_WAL_HEADER, len(log) - PAGE - _FRAME_HEADER + 1, PAGE + _FRAME_HEADER):
        body = start + _FRAME_HEADER
        frames.append((int.from_bytes(log[start : start + 4], "big"), log[body : body + PAGE]))
    return pages, frames


def beside(path: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside `path`: "-wal", "-shm" or "-journal"."""
    return path.with_name(path.name + suffix)


def connect(path: Path, keys: Unlocked, *, timeout_s: float, read_only: bool = False, wal: bool = True) -> apsw.Connection:
    """A connection to the file under its keys, set up so that what is deleted is overwritten and what is committed is kept.

    `synchronous` is FULL: a commit returns after its frames were flushed, so what was acknowledged outlives a power cut, at
    one flush a transaction. (NORMAL would keep the file whole and lose the last transactions.)

    Args:
        read_only: nothing is written but what a process that was killed left to be undone or finished.
        wal: set the journal mode; otherwise it is left as the file has it.

    Raises:
        StorageError, StoreBusyError, StoreDamagedError: see `translated`.
    """
    import apsw

    with translated(path):
        try:
            return _connect(path, keys, timeout_s=timeout_s, read_only=read_only, wal=wal)
        except (apsw.ReadOnlyError, apsw.CantOpenError):
            if not read_only or not os.access(path, os.W_OK):
                raise
        _connect(path, keys, timeout_s=timeout_s, read_only=False, wal=False).close()
        return _connect(path, keys, timeout_s=timeout_s, read_only=True, wal=False)


def _connect(path: Path, keys: Unlocked, *, timeout_s: float, read_only: bool, wal: bool) -> apsw.Connection:
    import apsw

    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE
    connection = apsw.Connection(_address(path, read_only=read_only), flags=flags | apsw.SQLITE_OPEN_URI)
    try:
        connection.set_busy_timeout(int(timeout_s * 1000))
        use_key(connection, keys)
        connection.pragma("temp_store", "MEMORY")
        connection.pragma("cache_size", -_CACHE_KIB)
        connection.pragma("secure_delete", "ON")
        connection.pragma("synchronous", "FULL")
        connection.pragma("fullfsync", "ON")
        connection.pragma("checkpoint_fullfsync", "ON")
        connection.pragma("trusted_schema", "OFF")
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if wal and not read_only:
            connection.pragma("journal_mode", "WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _address(path: Path, *, read_only: bool) -> str:
    """What SQLite opens. Where no file can be made beside the store (a read-only disk), it is taken as unchanging."""
    alone = read_only and not os.access(path.parent, os.W_OK) and not beside(path, "-wal").exists()
    return f"{path.as_uri()}?immutable=1" if alone else str(path)


def use_key(connection: apsw.Connection, keys: Unlocked) -> None:
    """Give a new connection the cipher and the key of its pages; a new file gets the salt."""
    connection.pragma("cipher", "chacha20")
    connection.execute(f"PRAGMA key = 'raw:{keys.pages.hex()}{keys.salt.hex()}'")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into this project's.

    Raises:
        StoreBusyError: another process holds the lock.
        StoreDamagedError: a page cannot be read.
        StorageError: the disk is full, or cannot be read or written.
    """
    import apsw

    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreBusyError(
            f"Another process is using {path} and did not finish in time. Nothing was written; try again when it has."
        ) from error
    except apsw.FullError as error:
        raise StorageError(f"No space is left for {path}. What was being written is undone; free some space.") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StoreDamagedError(
            f"Part of {path} is damaged. `edge-llm memory verify` names it; `edge-llm memory export` saves the rest."
        ) from error
    except apsw.ReadOnlyError as error:
        raise StorageError(f"{path} cannot be written: it, or its folder, is read-only.") from error
    except (apsw.IOError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError) as error:
        raise StorageError(f"Cannot read or write {path}: {error}. Check the disk and the file's permissions.") from error


def flush_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut, where the system lets a folder be flushed."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system can
            os.fsync(handle)
    finally:
        os.close(handle)
