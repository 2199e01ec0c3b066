"""The tables of a store, as migrations that are only ever added to.

Knows SQL and the order of versions; knows no file, no key and no item. `PRAGMA user_version` counts the migrations applied.

Everything that came out of an item's text is in rows of that item or of its source, and in no other: forgetting finds all of
it by the id. Content is sealed (items, vectors) or is what searching needs in the clear inside the encrypted pages (terms,
mentions).

What a source's items are sealed under is kept in two tables, so on two pages: one damaged page must not cost them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_llm.memory.analysis import TOKENIZER

if TYPE_CHECKING:
    import apsw

APPLICATION_ID = 0x654C6D31
"""`PRAGMA application_id`: "eLm1"."""

_VERSION_1 = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE sources(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0,
    mtime_ns INTEGER,
    sha256 TEXT,
    reader_version INTEGER,
    complete INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL,
    keep_days INTEGER,
    items INTEGER NOT NULL DEFAULT 0,
    wrapped_key BLOB NOT NULL
);

CREATE TABLE source_copies(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    added INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL
);
CREATE TRIGGER source_copied AFTER INSERT ON sources BEGIN
    INSERT OR REPLACE INTO source_copies VALUES(new.id, new.name, new.format, new.added, new.wrapped_key);
END;
CREATE TRIGGER source_copied_again AFTER UPDATE OF name, format, added, wrapped_key ON sources BEGIN
    INSERT OR REPLACE INTO source_copies VALUES(new.id, new.name, new.format, new.added, new.wrapped_key);
END;
CREATE TRIGGER source_copy_deleted AFTER DELETE ON sources BEGIN
    DELETE FROM source_copies WHERE id = old.id;
END;

CREATE TABLE threads(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    UNIQUE(source_id, key)
);

CREATE TABLE items(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    locator_key BLOB NOT NULL,
    thread INTEGER,
    kind TEXT NOT NULL,
    time INTEGER,
    "end" INTEGER,
    added INTEGER NOT NULL,
    hash BLOB NOT NULL,
    generation INTEGER NOT NULL,
    sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX items_by_locator ON items(source_id, locator_key);
CREATE INDEX items_by_place ON items(source_id, ordinal);
CREATE INDEX items_by_thread ON items(thread, ordinal) WHERE thread IS NOT NULL;
CREATE INDEX items_by_time ON items(time) WHERE time IS NOT NULL;

CREATE TABLE people(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    is_owner INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE mentions(
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    role TEXT NOT NULL,
    name TEXT,
    folded TEXT,
    handle_kind TEXT,
    handle TEXT
);
CREATE INDEX mentions_by_item ON mentions(item_id);
CREATE INDEX mentions_by_handle ON mentions(handle, person_id) WHERE handle IS NOT NULL;
CREATE INDEX mentions_by_folded ON mentions(folded, person_id) WHERE folded IS NOT NULL;
CREATE INDEX mentions_by_person_name ON mentions(person_id, name);
CREATE INDEX mentions_by_person_handle ON mentions(person_id, handle);

CREATE VIRTUAL TABLE terms USING fts5(title, body, tokenize="{TOKENIZER}");
INSERT INTO terms(terms, rank) VALUES('secure-delete', 1);

CREATE TABLE models(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id TEXT NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL
);

CREATE TABLE vector_segments(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    count INTEGER NOT NULL,
    item_ids BLOB NOT NULL,
    scales BLOB NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX vector_segments_by_source ON vector_segments(source_id, model);
"""  # noqa: S608  (only the tokenizer's name is put in)

_VERSION_2 = """
CREATE TABLE action_log(
    number INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    commitment BLOB NOT NULL,
    chain BLOB NOT NULL,
    sealed BLOB
);
CREATE TRIGGER action_log_only_grows BEFORE DELETE ON action_log BEGIN
    SELECT RAISE(ABORT, 'the log of actions is only added to');
END;
CREATE TRIGGER action_log_stays BEFORE UPDATE ON action_log
    WHEN new.number IS NOT old.number OR new.time IS NOT old.time OR new.kind IS NOT old.kind
        OR new.commitment IS NOT old.commitment OR new.chain IS NOT old.chain OR new.sealed IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the log of actions is only added to');
END;

CREATE TABLE action_log_items(item_id INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(item_id, number)) WITHOUT ROWID;
CREATE TRIGGER action_log_forgets AFTER DELETE ON items
    WHEN EXISTS(SELECT 1 FROM action_log_items WHERE item_id = old.id)
BEGIN
    UPDATE action_log SET sealed = NULL WHERE number IN (SELECT number FROM action_log_items WHERE item_id = old.id);
    DELETE FROM action_log_items WHERE number IN (SELECT number FROM action_log_items WHERE item_id = old.id);
END;

CREATE TABLE action_grants(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    sealed BLOB NOT NULL
);
"""

_VERSION_3 = "-- No table changes: new cells of vector_segments hold a bit more a dimension, which older programs cannot read."

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""SQL from version n to n + 1. One that was released is never changed."""
VERSION = len(MIGRATIONS)
READABLE = 2
"""The oldest version that can be read as it is, by who may not write."""


def version(connection: apsw.Connection) -> int:
    """How many migrations the store has had; 0 for an empty one."""
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection) -> None:
    """Bring the store to VERSION. Called inside a write transaction."""
    for number in range(version(connection), VERSION):
        connection.execute(MIGRATIONS[number])
        connection.pragma("user_version", number + 1)
    connection.pragma("application_id", APPLICATION_ID)
