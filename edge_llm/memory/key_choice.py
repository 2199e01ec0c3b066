"""Keys as callers give them, and the copy of one for the drawer. What the keepers do is keys.py's."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from edge_llm.memory.keys import KeyringKey, MasterKey, PassphraseKey, RawKey
from edge_llm.memory.pages import SALT
from runtimes.errors import StorageError

Key: TypeAlias = "bytes | str | MasterKey | None"
"""32 bytes, a passphrase, a keeper of keys, or None for the operating system's keyring."""


def master_key(key: Key) -> MasterKey:
    """The key's keeper. Raises ConfigError for bytes of another length and for a blank passphrase."""
    if key is None:
        return KeyringKey()
    if isinstance(key, str):
        return PassphraseKey(key)
    return RawKey(bytes(key)) if isinstance(key, bytes | bytearray) else key


def recovery_key(path: Path, keeper: MasterKey) -> bytes:
    """The 32 bytes that open the store at `path` until its key is changed.

    Raises:
        WrongKeyError, ConfigError: the keeper does not give them. StorageError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            salt = stream.read(SALT)
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    return keeper.secret(salt)
