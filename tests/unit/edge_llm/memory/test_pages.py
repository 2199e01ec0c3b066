"""Our reading of the cipher's pages against SQLite3 Multiple Ciphers' own, and what it says of wrong keys and damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.connecting import unlock
from edge_llm.memory.image import Image
from edge_llm.memory.pages import PAGE, SQLITE_MAGIC, USABLE, PageCipher, looks_like_store
from tests.unit.edge_llm.memory.store_samples import KEY, OTHER_KEY, messages, open_store, plain_pages


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    with open_store(folder) as store:
        store.put("a", "text", messages(100))
    return folder / "memory"


def test_every_page_is_what_sqlite_deciphers(closed: Path) -> None:
    with open_store(closed.parent) as store:
        theirs = plain_pages(store)
        with Image(closed, store.cipher) as image:
            assert image.count * PAGE == len(theirs)
            for number in range(1, image.count + 1):
                page = image.page(number)
                assert page is not None
                assert page[:USABLE] == theirs[(number - 1) * PAGE :][:USABLE]


def test_the_first_page_begins_as_sqlites_do(closed: Path) -> None:
    page = unlock(closed, KEY).cipher.decrypt(1, closed.read_bytes()[:PAGE])
    assert page is not None
    assert page.startswith(SQLITE_MAGIC)


def test_another_key_opens_no_page(closed: Path) -> None:
    raw = closed.read_bytes()
    other = PageCipher(OTHER_KEY.data)
    assert {other.decrypt(number + 1, raw[number * PAGE :][:PAGE]) for number in range(len(raw) // PAGE)} == {None}


@settings(max_examples=60, deadline=None)
@given(number=st.integers(1, 20), at=st.integers(0, PAGE - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_passes(closed: Path, number: int, at: int, bit: int) -> None:
    page = bytearray(closed.read_bytes()[(number - 1) * PAGE :][:PAGE])
    page[at] ^= 1 << bit
    assert unlock_once(closed).decrypt(number, bytes(page)) is None


def test_a_page_does_not_pass_at_another_place(closed: Path) -> None:
    raw = closed.read_bytes()
    assert unlock_once(closed).decrypt(3, raw[PAGE : 2 * PAGE]) is None


def unlock_once(path: Path) -> PageCipher:
    return unlock(path, KEY).cipher


@pytest.mark.parametrize("head", [b"", b"PK\x03\x04" + bytes(40), SQLITE_MAGIC + bytes(84), bytes(100)])
def test_what_is_no_store_does_not_look_like_one(head: bytes) -> None:
    assert not looks_like_store(head)


def test_a_cipher_does_not_show_its_key() -> None:
    assert "\\x" not in repr(PageCipher(KEY.data))
