"""Where master keys come from, and what each place does when it has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from edge_llm.memory.keys import KEY_BYTES, KeyringKey, MasterKey, PassphraseKey, RawKey, derive
from runtimes.errors import ConfigError, StorageError, WrongKeyError

SALT = bytes(16)


@dataclass
class Kept(KeyringBackend):  # type: ignore[misc]
    """A keyring in RAM."""

    entries: dict[tuple[str, str], str] = field(default_factory=dict)
    locked: bool = False
    forgetful: bool = False
    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self.forgetful:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("no such entry")


@pytest.fixture
def kept() -> Iterator[Kept]:
    before = keyring.get_keyring()
    backend = Kept()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_raw_key_is_the_callers() -> None:
    key: MasterKey = RawKey(bytes(range(32)))
    assert key.secret(SALT) == key.create(SALT) == bytes(range(32))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_raw_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        RawKey(bytes(size))


def test_a_passphrase_gives_one_key_per_salt() -> None:
    key = PassphraseKey("correct horse")
    assert len(key.secret(SALT)) == KEY_BYTES
    assert key.secret(SALT) == key.create(SALT) != key.secret(b"x" * 16)
    assert key.secret(SALT) != PassphraseKey("correct horsf").secret(SALT)


def test_a_passphrase_is_the_same_however_its_letters_are_encoded() -> None:
    assert PassphraseKey("caf\u00e9").secret(SALT) == PassphraseKey("cafe\u0301").secret(SALT)


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_passphrase_is_refused(blank: str) -> None:
    with pytest.raises(ConfigError, match="blank"):
        PassphraseKey(blank)


def test_the_keyring_keeps_a_key_per_store(kept: Kept) -> None:
    first, second = KeyringKey().create(SALT), KeyringKey().create(b"y" * 16)
    assert first != second
    assert KeyringKey().secret(SALT) == first
    KeyringKey().discard(SALT)
    assert list(kept.entries.values()) == [second.hex()]
    KeyringKey().discard(SALT)


def test_a_store_that_the_keyring_does_not_know(kept: Kept) -> None:
    with pytest.raises(WrongKeyError, match="holds no key"):
        KeyringKey().secret(SALT)


def test_an_entry_that_is_no_key(kept: Kept) -> None:
    kept.entries["edge-llm memory", SALT.hex()] = "not hexadecimal"
    with pytest.raises(WrongKeyError, match="no key"):
        KeyringKey().secret(SALT)


def test_a_locked_keyring(kept: Kept) -> None:
    kept.locked = True
    with pytest.raises(ConfigError, match="cannot be used"):
        KeyringKey().secret(SALT)


def test_a_keyring_that_keeps_nothing_is_found_out_before_anything_is_written_under_its_key(kept: Kept) -> None:
    kept.forgetful = True
    with pytest.raises(StorageError, match="did not keep"):
        KeyringKey().create(SALT)


def test_keys_for_different_purposes_and_salts_have_nothing_in_common() -> None:
    keys = {derive(bytes(32), salt, purpose) for salt in (SALT, b"z" * 16) for purpose in ("pages", "source keys")}
    assert len(keys) == 4


def test_no_key_shows_itself() -> None:
    assert "\\x" not in repr(RawKey(bytes(32)))
    assert "secret words" not in repr(PassphraseKey("secret words"))
