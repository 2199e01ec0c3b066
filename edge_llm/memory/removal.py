"""Taking items out of the tables, all of what came from them. Works inside the caller's transaction.

Knows which tables hold something of an item. What else forgetting needs (old pages, proof) is erase.py's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store


def remove_derived(connection: apsw.Connection, store: Store, ids: Sequence[int]) -> None:
    """Delete what was made from the items: vectors, mentions, terms. The items stay, to be deleted or filled anew."""
    from edge_llm.memory import people, vector_store

    if not ids:
        return
    vector_store.remove(connection, store, ids)
    people.unlink(connection, ids)
    connection.executemany("DELETE FROM terms WHERE rowid = ?", ((item_id,) for item_id in ids))


def remove_items(connection: apsw.Connection, store: Store, ids: Sequence[int]) -> None:
    """Delete items and all that was made from them, and threads that are empty then. Sources stay."""
    if not ids:
        return
    remove_derived(connection, store, ids)
    listed = json.dumps(list(ids))
    among = "FROM items WHERE id IN (SELECT value FROM json_each(?))"
    counts = connection.execute(f"SELECT source_id, count(*) {among} GROUP BY source_id", (listed,)).fetchall()
    threads = connection.execute(f"SELECT DISTINCT thread {among} AND thread IS NOT NULL", (listed,)).fetchall()
    connection.execute(f"DELETE {among}", (listed,))
    connection.executemany("UPDATE sources SET items = items - ?2 WHERE id = ?1", counts)
    connection.executemany(
        "DELETE FROM threads WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM items WHERE thread = ?1)",
        threads,
    )


def remove_source(connection: apsw.Connection, source_id: int) -> None:
    """Delete a source that has no items left; its wrapped key is gone with it, and so is all that was sealed under it."""
    connection.execute("DELETE FROM vector_segments WHERE source_id = ?", (source_id,))
    connection.execute("DELETE FROM threads WHERE source_id = ?", (source_id,))
    connection.execute("DELETE FROM sources WHERE id = ?", (source_id,))
