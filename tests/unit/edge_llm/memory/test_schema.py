"""Migrations: what was released never changes, and each version is reached from each before it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edge_llm.memory import schema
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from runtimes.errors import InputError
from tests.unit.edge_llm.memory.store_samples import KEY, messages, open_store

RELEASED = (
    "93ff921eba3ce98287f96f109bec39086377d125afe5ee12ca422c6b706f4e3a",
    "685403652c9a966f154996a3e1b626b2aaa68c438560877582df47306981ef1a",
    "d9e0ad8c9106dad12da9c32988858d97da3051832af684001497e7448721341d",
)
"""SHA-256 of every migration that was released: append, never change."""


def test_released_migrations_are_as_they_were() -> None:
    digests = tuple(hashlib.sha256(migration.encode()).hexdigest() for migration in schema.MIGRATIONS)
    assert digests[: len(RELEASED)] == RELEASED
    assert len(schema.MIGRATIONS) == schema.VERSION


def test_a_store_says_which_schema_it_has_and_what_it_is(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.reading() as connection:
        assert schema.version(connection) == schema.VERSION
        assert connection.pragma("application_id") == schema.APPLICATION_ID


def test_an_older_store_is_brought_up_to_date_when_it_is_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(3))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE later(id INTEGER PRIMARY KEY)"))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "READABLE", schema.VERSION)
    with pytest.raises(InputError, match="Open it once for writing"):
        open_store(tmp_path, read_only=True)
    with open_store(tmp_path) as store, store.reading() as connection:
        assert schema.version(connection) == schema.VERSION
        assert connection.execute("SELECT count(*) FROM later").get == 0
        assert len(store.select()) == 3


def test_an_older_store_that_reads_the_same_needs_no_writing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(3))
        with store.maintaining() as connection:
            connection.pragma("user_version", schema.READABLE)
    with open_store(tmp_path, read_only=True) as store, store.reading() as connection:
        assert schema.version(connection) == schema.READABLE < schema.VERSION
        assert len(store.select()) == 3


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.maintaining() as connection:
        connection.pragma("user_version", schema.VERSION + 6)
    before = (tmp_path / "memory").read_bytes()
    with pytest.raises(InputError, match=f"schema {schema.VERSION + 6}.*Update edge-llm"):
        open_store(tmp_path)
    assert (tmp_path / "memory").read_bytes() == before


def test_every_stored_word_of_an_item_is_in_a_table_that_forgetting_knows(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.reading() as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    of_terms = {f"terms_{part}" for part in ("data", "idx", "content", "docsize", "config")}
    known = {"meta", "sources", "source_copies", "threads", "items", "people", "mentions", "terms", "models", "vector_segments"}
    of_actions = {"action_log", "action_log_items", "action_grants"}
    assert tables == known | of_terms | of_actions | {"sqlite_sequence"}


def test_opening_with_another_key_of_the_same_length_does_not_migrate(tmp_path: Path) -> None:
    Store.open(tmp_path / "memory", KEY).close()
    before = (tmp_path / "memory").stat().st_mtime_ns
    with pytest.raises(InputError):
        Store.open(tmp_path / "memory", RawKey(bytes(32)))
    assert (tmp_path / "memory").stat().st_mtime_ns == before
