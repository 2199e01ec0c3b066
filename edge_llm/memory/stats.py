"""How much is in a store. Knows the tables; reads no item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory.connecting import beside

if TYPE_CHECKING:
    from edge_llm.memory.store import Store


@dataclass(frozen=True)
class Stats:
    """Counts of one store."""

    path: Path
    bytes: int
    """Of the file and its write-ahead log."""
    items: int
    sources: int
    people: int
    kinds: Mapping[str, int]
    embedder: str | None
    """Whose vectors answer searches."""
    embedded: int
    """Items that have a vector of it."""
    schema: int


def read_stats(store: Store) -> Stats:
    """Count."""
    from edge_llm.memory import schema, vector_store

    with store.reading() as connection:
        model = vector_store.model_in_use(connection)
        rows = connection.execute("SELECT kind, count(*) FROM items GROUP BY kind ORDER BY count(*) DESC, kind")
        kinds = {str(kind): int(count) for kind, count in rows}
        files = [path for path in (store.path, beside(store.path, "-wal")) if path.exists()]
        return Stats(
            path=store.path,
            bytes=sum(path.stat().st_size for path in files),
            items=sum(kinds.values()),
            sources=connection.execute("SELECT count(*) FROM sources").get,
            people=connection.execute("SELECT count(*) FROM people").get,
            kinds=kinds,
            embedder=None if model is None else model.model_id,
            embedded=0 if model is None else len(vector_store.embedded(connection, model)),
            schema=schema.version(connection),
        )
