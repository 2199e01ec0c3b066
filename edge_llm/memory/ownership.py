"""What each page of a store holds, found by walking its trees from their roots, past pages that cannot be read.

Knows what the tables mean to people; knows no key and no content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_llm.memory import btree
from edge_llm.memory.btree import MalformedPageError
from edge_llm.memory.image import Image

_SAID = {
    "sqlite_schema": "the list of tables",
    "meta": "the store's own settings",
    "sources": "sources and their keys",
    "items": "items",
    "source_copies": "second copies of sources and their keys",
    "sqlite_sequence": "the counters of ids",
    "threads": "conversations",
    "people": "people",
    "mentions": "who is involved in items",
    "terms": "the word index",
    "models": "the names of embedders",
    "vector_segments": "vectors",
    "action_log": "the log of actions",
    "action_log_items": "which entries of the log came from which items",
    "action_grants": "what was allowed once for all",
}
_WITHOUT_IDS = {"meta", "sqlite_sequence", "action_log_items"}


@dataclass(frozen=True)
class Holding:
    """What a page is for."""

    table: str
    """The table, or the one an index or a virtual table's part belongs to."""
    is_index: bool = False
    rowids: tuple[int, int | None] | None = None
    """The rows that are in it or under it: [first possible, last]; None as the last one means to the end."""

    def __str__(self) -> str:
        said = _SAID.get(self.table, self.table)
        if self.is_index:
            return f"an index of {said}"
        if self.rowids is None:
            return said
        first, last = self.rowids
        return f"{said} {first} to {last}" if last is not None else f"{said} from {first} on"


def holdings(image: Image) -> dict[int, Holding]:
    """What the pages hold, by number. Pages that no readable page leads to are not in it."""
    found: dict[int, Holding] = {}
    schema = Holding("sqlite_schema")
    _walk(image, 1, schema, found)
    for number in [page for page, holding in found.items() if holding == schema]:
        for root, holding in _roots(image, number):
            _walk(image, root, holding, found)
    return found


def _roots(image: Image, number: int) -> Iterator[tuple[int, Holding]]:
    """The trees that a page of the schema lists: (type, name, table, root page, SQL)."""
    page = image.page(number)
    if page is None or btree.kind_of(number, page) != btree.LEAF_TABLE:
        return
    for row in btree.rows(number, page, image.page):
        kind, name, table, root, _ = row.values
        if isinstance(root, int) and root and isinstance(name, str) and isinstance(table, str):
            is_part = table.startswith("terms_")
            is_rows = kind == "table" and not is_part and table not in _WITHOUT_IDS
            yield root, Holding("terms" if is_part else table, kind == "index", (1, None) if is_rows else None)


def _walk(image: Image, root: int, holding: Holding, found: dict[int, Holding]) -> None:
    """Note the pages of one tree, and of what does not fit into them."""
    waiting = [(root, holding)]
    while waiting:
        number, holding = waiting.pop()
        if number in found or not 1 <= number <= image.count:
            continue
        found[number] = holding
        page = image.page(number)
        if page is None:
            continue
        try:
            waiting += _below(number, page, holding)
            for head in btree.overflow_heads(number, page):
                _follow(image, head, holding, found)
        except MalformedPageError:  # named by SQLite's own check
            continue


def _below(number: int, page: bytes, holding: Holding) -> list[tuple[int, Holding]]:
    if btree.kind_of(number, page) not in (btree.INTERIOR_TABLE, btree.INTERIOR_INDEX):
        return []
    if holding.rowids is None:
        return [(child.page, holding) for child in btree.children(number, page)]
    below = []
    first, end = holding.rowids
    for child in btree.children(number, page):
        last = end if child.last is None else child.last
        below.append((child.page, Holding(holding.table, holding.is_index, (first, last))))
        first = first if child.last is None else child.last + 1
    return below


def _follow(image: Image, head: int, holding: Holding, found: dict[int, Holding]) -> None:
    """Note the pages of one long value."""
    while 1 <= head <= image.count and head not in found:
        found[head] = holding
        page = image.page(head)
        if page is None:
            return
        head = int.from_bytes(page[:4], "big")
