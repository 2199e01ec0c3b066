"""Where a store's master key comes from: the operating system's keyring, a passphrase, or the caller.

A master key is 32 bytes; what opens the pages and what wraps the sources' keys are derived from it and from the file's salt,
its first 16 bytes. Knows no file and no database. Nothing is kept beside the store: the salt is all a passphrase needs, and
the name of the keyring's entry.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Protocol

from runtimes.errors import ConfigError, StorageError, WrongKeyError

KEY_BYTES = 32
SERVICE = "edge-llm memory"
"""The name that entries have in the operating system's keyring."""
_ARGON2_ROUNDS, _ARGON2_KIB, _ARGON2_LANES = 3, 64 * 1024, 4
"""Argon2id as RFC 9106 recommends it where memory is short (section 4, second choice)."""


class MasterKey(Protocol):
    """Gives the master key of a store. The salt says which store, and which of its keys: it changes with the key."""

    def secret(self, salt: bytes) -> bytes:
        """The 32 bytes that open the store with this salt.

        Raises:
            WrongKeyError: there is none for it here.
            ConfigError: the place it is kept in cannot be used.
        """
        ...

    def create(self, salt: bytes) -> bytes:
        """The 32 bytes for a store that is about to be written with this salt, kept where `secret` finds them.

        Raises:
            ConfigError, StorageError: the place it is kept in cannot be used.
        """
        ...

    def discard(self, salt: bytes) -> None:
        """Destroy what is kept for a salt that no file has any more. Nothing happens when nothing is kept."""
        ...


@dataclass(frozen=True)
class RawKey:
    """32 bytes that the caller keeps.

    Raises:
        ConfigError: it has another length.
    """

    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.data) != KEY_BYTES:
            raise ConfigError(f"A key has {KEY_BYTES} bytes, this one {len(self.data)}. Make one with os.urandom({KEY_BYTES}).")

    def secret(self, salt: bytes) -> bytes:  # noqa: ARG002  (the protocol's)
        """The caller's bytes, for every store."""
        return self.data

    def create(self, salt: bytes) -> bytes:
        """The caller's bytes."""
        return self.secret(salt)

    def discard(self, salt: bytes) -> None:
        """Nothing is kept here."""


@dataclass(frozen=True)
class PassphraseKey:
    """A passphrase, stretched with Argon2id (0.1 s and 64 MiB a guess) over the file's salt.

    Raises:
        ConfigError: it is blank.
    """

    passphrase: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.passphrase.strip():
            raise ConfigError("The passphrase is blank. Give one, or keep the key in the keyring.")

    def secret(self, salt: bytes) -> bytes:
        """The passphrase's key for this salt. The same letters give the same key however they were typed (NFKC)."""
        from argon2.low_level import Type, hash_secret_raw

        typed = unicodedata.normalize("NFKC", self.passphrase).encode("utf-8", "surrogatepass")
        return hash_secret_raw(typed, salt, _ARGON2_ROUNDS, _ARGON2_KIB, _ARGON2_LANES, KEY_BYTES, Type.ID)

    def create(self, salt: bytes) -> bytes:
        """As `secret`."""
        return self.secret(salt)

    def discard(self, salt: bytes) -> None:
        """Nothing is kept here."""


@dataclass(frozen=True)
class KeyringKey:
    """A random key in the operating system's keyring, one entry per store, named by the store's salt."""

    service: str = SERVICE

    def secret(self, salt: bytes) -> bytes:
        """What the keyring holds for the salt.

        Raises:
            WrongKeyError: it holds none, or something that is no key.
            ConfigError: this machine has no keyring, or it is locked.
        """
        kept = self._ask("get_password", salt.hex())
        if kept is None:
            raise WrongKeyError(
                f"The keyring holds no key for this store (entry {salt.hex()!r} of {self.service!r}). "
                "Give the passphrase or key it was made with, or unlock the keyring of the user who made it."
            )
        try:
            secret = bytes.fromhex(kept)
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise WrongKeyError(f"What the keyring holds for this store is no key (entry {salt.hex()!r} of {self.service!r}).")
        return secret

    def create(self, salt: bytes) -> bytes:
        """A new random key, stored in the keyring before it is returned.

        Raises:
            ConfigError: this machine has no keyring, or it is locked.
            StorageError: the keyring did not keep it.
        """
        secret = secrets.token_bytes(KEY_BYTES)
        self._ask("set_password", salt.hex(), secret.hex())
        if self._ask("get_password", salt.hex()) != secret.hex():
            raise StorageError(f"The keyring did not keep the new key (entry {salt.hex()!r} of {self.service!r}).")
        return secret

    def discard(self, salt: bytes) -> None:
        """Delete the entry, if there is one.

        Raises:
            ConfigError: this machine has no keyring, or it is locked.
        """
        if self._ask("get_password", salt.hex()) is not None:
            self._ask("delete_password", salt.hex())

    def _ask(self, action: str, name: str, *values: str) -> str | None:
        import keyring
        from keyring.errors import KeyringError

        try:
            answer: str | None = getattr(keyring, action)(self.service, name, *values)
        except KeyringError as error:
            raise ConfigError(
                f"The operating system's keyring cannot be used: {str(error) or type(error).__name__}. "
                "Unlock it, or use a passphrase or a key of your own."
            ) from error
        return answer


def derive(secret: bytes, salt: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869), unrelated to those for other purposes and other salts."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt, b"edge-llm memory: " + purpose.encode()).derive(secret)
