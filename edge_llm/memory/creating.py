"""A new store: made beside its place, complete, and then put there. Knows no item."""

from __future__ import annotations

import glob
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from edge_llm.memory.connecting import Unlocked, beside, connect, flush_folder
from edge_llm.memory.keys import MasterKey
from edge_llm.memory.pages import SALT
from runtimes.errors import StorageError

_OPENING_S = 5.0
_SUFFIX = ".new"
_STALE_S = 3600.0


def create_store(path: Path, key: MasterKey) -> None:
    """Make an empty store at `path`, readable by its owner only. One that another process made meanwhile is left as it is.

    Raises:
        StorageError: it cannot be written there. ConfigError: the key's keeper cannot be used.
    """
    salt = secrets.token_bytes(SALT)
    _remove_stale(path)
    made = beside(path, f".{secrets.token_hex(4)}{_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StorageError(f"Cannot create {path}: {error.strerror or error}. Choose a folder you can write to.") from error
    kept = False
    try:
        fill(made, Unlocked.derived(key.create(salt), salt))
        kept = _put_in_place(made, path)
    finally:
        made.unlink(missing_ok=True)
        if not kept:
            key.discard(salt)


def _remove_stale(path: Path) -> None:
    """Take away what a process that was killed left half made. One that is being made is younger than that."""
    oldest = time.time() - _STALE_S
    for left in path.parent.glob(f"{glob.escape(path.name)}.*{_SUFFIX}"):
        with suppress(OSError):  # another process takes it away as well
            if left.stat().st_mtime < oldest:
                left.unlink()


def fill(path: Path, keys: Unlocked) -> None:
    """Write the tables of an empty store, and close the file."""
    from edge_llm.memory import schema

    connection = connect(path, keys, timeout_s=_OPENING_S)
    try:
        with connection:
            schema.migrate(connection)
            connection.executemany(
                "INSERT INTO meta(key, value) VALUES(?, ?)",
                [("id", secrets.token_hex(16)), ("secret", secrets.token_bytes(32)), ("generation", 0)],
            )
    finally:
        connection.close()


def _put_in_place(made: Path, path: Path) -> bool:
    """Give the file its name; False when another has it. A link never replaces a file."""
    try:
        try:
            os.link(made, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            if path.exists():
                return False
            os.replace(made, path)
        flush_folder(path.parent)
    except OSError as error:
        raise StorageError(f"Cannot create {path}: {error.strerror or error}.") from error
    return True
