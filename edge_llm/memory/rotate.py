"""A new master key for a store: everything enciphered anew, no plain copy, and at every moment a file that some key opens.

The store is copied into a file beside it, which is enciphered under the new key from its first byte (`VACUUM INTO`), the
sources' keys are wrapped anew in it, and then it takes the old file's name. Whichever file has the name is whole. Rewriting
pages in place was not chosen: SQLite's rollback journal holds pages of the old key, so after a kill only the old key could undo
it, and the file would not tell which key that is.

The salt is new too, and names the key's entry in a keyring: both entries exist until the new file has its name. What a kill
leaves is taken away when the store is next opened for writing. Free pages are not copied, so the new file is scrubbed as well.

Nobody else may have the store open meanwhile: a process that still wrote to the old file would write into a file without a
name. Knows the file and its keys; knows no item.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_llm.memory.connecting import Unlocked, beside, connect, flush_folder, translated
from edge_llm.memory.keys import KeyringKey, MasterKey
from edge_llm.memory.pages import SALT
from edge_llm.memory.sealing import unwrap, wrap
from runtimes.errors import ConfigError, StorageError, StoreBusyError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

SUFFIX = ".rotating"
"""What the copy is called until it takes the store's name."""
_PREVIOUS = "previous_key"


def rotate(path: Path, keys: Unlocked, old: MasterKey, new: MasterKey, *, timeout_s: float) -> Unlocked:
    """Give the store at `path`, which nobody has open, another key, and return what opens it now.

    Args:
        keys: what opens it so far. old: who keeps the master key of that.
        new: who will keep the new one.

    Raises:
        StoreBusyError: somebody has it open. StorageError: no space for a second copy. ConfigError: the new key's keeper cannot
        be used. The store is as it was then, under its old key.
    """
    copy = beside(path, SUFFIX)
    salt = secrets.token_bytes(SALT)
    done = False
    with _alone(path, keys, timeout_s) as connection:
        _remove(copy)
        try:
            keys_after = Unlocked.derived(new.create(salt), salt)
            _copy(connection, path, copy, keys_after)
            _wrap_anew(copy, keys, keys_after, old)
            if os.name == "nt":  # an open file cannot be replaced there
                connection.close()
            os.replace(copy, path)
            done = True
            flush_folder(path.parent)
        except OSError as error:
            raise StorageError(f"Cannot write {copy}: {error.strerror or error}. The key is as it was.") from error
        finally:
            if not done:
                _remove(copy)
                new.discard(salt)
    return keys_after


@contextmanager
def _alone(path: Path, keys: Unlocked, timeout_s: float) -> Iterator[apsw.Connection]:
    """A connection that has the store to itself, with an empty log. Raises StoreBusyError when it cannot."""
    connection = connect(path, keys, timeout_s=timeout_s)
    try:
        with translated(path):
            # Leaving WAL mode needs every other connection to be closed, and merges the log.
            connection.pragma("journal_mode", "DELETE")
            connection.pragma("locking_mode", "EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE; COMMIT")
            yield connection
    finally:
        connection.close()


def _copy(connection: apsw.Connection, path: Path, copy: Path, keys: Unlocked) -> None:
    """Write everything into `copy` under other keys, readable by the owner only."""
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    address = f"{copy.as_uri()}?cipher=chacha20&key=raw:{keys.pages.hex()}{keys.salt.hex()}"
    with translated(path):
        connection.execute("VACUUM INTO ?", (address,))


def _wrap_anew(copy: Path, before: Unlocked, after: Unlocked, old: MasterKey) -> None:
    """Wrap the sources' keys under the new key, note which key is old, and flush the file to the disk."""
    service = old.service if isinstance(old, KeyringKey) else None
    connection = connect(copy, after, timeout_s=0, wal=False)
    try:
        with translated(copy), connection:
            rows: list[Any] = connection.execute("SELECT id, wrapped_key FROM sources").fetchall()
            wrapped = [(wrap(after.wrapping, row[0], unwrap(before.wrapping, row[0], row[1])), row[0]) for row in rows]
            connection.executemany("UPDATE sources SET wrapped_key = ? WHERE id = ?", wrapped)
            connection.execute(
                "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", (_PREVIOUS, json.dumps([before.salt.hex(), service]))
            )
            connection.execute("DELETE FROM meta WHERE key = 'unscrubbed'")
    finally:
        connection.close()
    handle = os.open(copy, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(copy: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        beside(copy, suffix).unlink(missing_ok=True)


def finish(store: Store, key: MasterKey) -> None:
    """Take away what a rotation left: the copy and the new key of one that was cut off; the old key of one that was not.

    What cannot be done now (a locked keyring, a busy store) is tried again at the next opening.
    """
    copy = beside(store.path, SUFFIX)
    with store.reading() as connection:
        previous = connection.execute("SELECT value FROM meta WHERE key = ?", (_PREVIOUS,)).get
    if previous is None and not copy.exists():
        return
    with (
        suppress(ConfigError, StoreBusyError),
        store.writing() as connection,
    ):  # who rotates has the store alone, so nobody does now
        if copy.exists():
            with copy.open("rb") as stream:
                salt = stream.read(SALT)
            key.discard(salt)
            _remove(copy)
        if previous is not None:
            salt, service = json.loads(previous)
            if service is not None:
                KeyringKey(service).discard(bytes.fromhex(salt))
            connection.execute("DELETE FROM meta WHERE key = ?", (_PREVIOUS,))
