"""Sealed bytes: AES-256-GCM under a key of the source, and that key wrapped under the store's.

What is sealed is bound to its place by a context, so it cannot be moved to another item or store unnoticed. Knows no file,
no table and no keyring.

What a source's own key is for: once its wrapped form is destroyed, every sealed cell of the source is noise, also those that
a file system, a flash chip or a crash left behind, even for whoever knows the key of the pages. It does not reach a full copy
of the file that was made before and holds the wrapped key too; only a new master key does (see rotate.py).
"""

from __future__ import annotations

import secrets

from runtimes.errors import StoreDamagedError

NONCE = 12
"""Bytes before the ciphertext; random, so one key seals 2**32 cells at most (NIST SP 800-38D, 8.3)."""
OVERHEAD = NONCE + 16
"""Bytes that a sealed value is longer."""


def new_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(32)


class Sealer:
    """Seals and opens under one key. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "Sealer(...)"

    def seal(self, data: bytes, context: bytes) -> bytes:
        """nonce + ciphertext + tag."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, data, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed under this key and context.

        Raises:
            StoreDamagedError: it was not, or was changed since.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise StoreDamagedError(f"A sealed value cannot be opened ({context.decode('ascii', 'replace')}).") from error


def wrap(wrapping: bytes, source_id: int, key: bytes) -> bytes:
    """A source's key, sealed under the store's wrapping key and bound to the source."""
    return Sealer(wrapping).seal(key, b"source:%d" % source_id)


def unwrap(wrapping: bytes, source_id: int, wrapped: bytes) -> bytes:
    """A source's key. Raises StoreDamagedError: it was wrapped under another key or for another source."""
    return Sealer(wrapping).open(wrapped, b"source:%d" % source_id)
