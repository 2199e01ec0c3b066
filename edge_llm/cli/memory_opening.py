"""Opens the memory a person means, and finds its key: a file, a passphrase, or the operating system's keyring."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from runtimes.errors import ConfigError, InputError, StorageError, WrongKeyError

if TYPE_CHECKING:
    from edge_llm.memory.keys import MasterKey
    from edge_llm.memory.memory import Memory

Result = TypeVar("Result")

PASSPHRASE_VARIABLE = "EDGE_LLM_MEMORY_PASSPHRASE"  # noqa: S105  (a name)
"""The environment variable that holds the passphrase, for scripts."""
_KEY_BYTES = 32
_CHOICES = (
    f"Choose: set {PASSPHRASE_VARIABLE}, give --passphrase to type one, or --key-file FILE "
    "(`edge-llm memory key init --key-file FILE` makes one)."
)


@dataclass(frozen=True)
class StoreChoice:
    """Which memory, and where its key is, as the options said it."""

    store: Path | None = None
    key_file: Path | None = None
    ask: bool = False
    """Ask for a passphrase."""
    home: Path | None = None

    @property
    def path(self) -> Path:
        """The memory's file."""
        from edge_llm.home import Home, expand

        return Home(self.home).memory if self.store is None else expand(self.store)


def open_memory(choice: StoreChoice, *, create: bool = False, read_only: bool = False) -> Memory:
    """Open the memory. The caller closes it.

    Args:
        create: make it where there is none.

    Raises:
        InputError: there is none and none is to be made. WrongKeyError: the key does not open it.
        ConfigError: no key was given and this machine has no keyring. The message names the choices.
    """
    from edge_llm.home import Home
    from edge_llm.memory.memory import Memory

    home = Home(choice.home)
    return with_key(
        choice,
        lambda key: Memory.open(choice.path, key=key, home=home, create=create, read_only=read_only),
        create=create,
    )


def with_key(choice: StoreChoice, use: Callable[[MasterKey], Result], *, create: bool = False) -> Result:
    """What `use` makes of the key; asks for a passphrase where the keyring has none. Raises as `open_memory`, and as `use`."""
    from edge_llm.memory.keys import KeyringKey, PassphraseKey

    path = choice.path
    if not create and not path.exists():
        raise InputError(f"There is no memory at {path}. `edge-llm memory add PATH` makes one.")
    given = _given_key(choice, create=not path.exists())
    if given is not None:
        return use(given)
    try:
        return use(KeyringKey())
    except (ConfigError, WrongKeyError) as error:
        if path.exists() and sys.stdin.isatty():
            return use(PassphraseKey(ask_passphrase()))
        raise type(error)(f"{error} {_CHOICES}") from error


def read_key_file(path: Path) -> bytes:
    """The 32 bytes of a key file.

    Raises:
        InputError: it holds no key. StorageError: it cannot be read.
    """
    try:
        data = path.read_bytes()[: 4 * _KEY_BYTES]
    except OSError as error:
        raise StorageError(f"Cannot read the key file {path}: {error.strerror or error}.") from error
    if len(data) == _KEY_BYTES:
        return data
    try:
        key = bytes.fromhex(data.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputError(f"{path} holds no key: it needs 64 hexadecimal digits, or 32 bytes.")
    return key


def write_key_file(path: Path, key: bytes) -> None:
    """Write a key as 64 hexadecimal digits into a new file that only its owner can read. Raises StorageError."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(key.hex() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(
            f"Cannot write the key file {path}: {error.strerror or error}. Name one that is not there."
        ) from error


def ask_passphrase(*, new: bool = False) -> str:
    """Ask on the terminal, unseen; a new one twice. Raises InputError where there is no terminal, or when the two differ."""
    from getpass import getpass

    if not sys.stdin.isatty():
        raise InputError(f"There is no terminal to ask for the passphrase on. Set {PASSPHRASE_VARIABLE}.")
    passphrase = getpass("New passphrase: " if new else "Passphrase: ", stream=sys.stderr)
    if new and getpass("Again: ", stream=sys.stderr) != passphrase:
        raise InputError("The two passphrases differ. Nothing was changed; try again.")
    return passphrase


def _given_key(choice: StoreChoice, *, create: bool) -> MasterKey | None:
    from edge_llm.memory.keys import PassphraseKey, RawKey

    if choice.key_file is not None:
        return RawKey(read_key_file(choice.key_file))
    if choice.ask:
        return PassphraseKey(ask_passphrase(new=create))
    passphrase = os.environ.get(PASSPHRASE_VARIABLE)
    return None if passphrase is None else PassphraseKey(passphrase)
