"""What to look for of items that are about to be forgotten: collected from the tables before they are gone.

Knows which tables hold something of an item and in what form; knows no file and no receipt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edge_llm.memory.items import KINDS
from edge_llm.memory.records import Content, item_context
from edge_llm.memory.sealing import NONCE
from edge_llm.memory.traces import LONGEST, Kind, Tracer, windows
from runtimes.errors import StoreDamagedError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.store import Store

MOST = 200_000
"""Most fingerprints of one forgetting (2.8 MB). Of more, every n-th is kept."""
_FEWEST = 2
"""Windows of a string that are looked for however many items there are."""
_MANY_TERMS = 1000
"""From here on, reading the whole vocabulary is quicker than asking for each term."""
_STRIDE = 1024
"""A sealed cell is looked for once in so many bytes: no page holds more of one without a window."""
_TERMS = "SELECT rowid, title, body FROM terms WHERE rowid IN (SELECT value FROM json_each(?))"
_MENTIONS = (
    "SELECT item_id, role, name, folded, handle_kind, handle FROM mentions WHERE item_id IN (SELECT value FROM json_each(?))"
)
_SEALED = "SELECT id, source_id, sealed FROM items WHERE id IN (SELECT value FROM json_each(?))"
_OWN_WORDS = """
    SELECT type || name || tbl_name || coalesce(sql, '') FROM sqlite_schema
    UNION ALL SELECT name FROM sqlite_sequence
    UNION ALL SELECT model_id FROM models
    UNION ALL SELECT key || value FROM meta WHERE typeof(value) = 'text'
"""
_SAME_NAME = "SELECT 1 FROM mentions WHERE folded = ?"
_SAME_HANDLE = "SELECT 1 FROM mentions WHERE handle = ?"


class Evidence:
    """Collects what would show that something is left of the items.

    Args:
        ids: the items; they are still in the tables.
    """

    def __init__(self, connection: apsw.Connection, store: Store, ids: Sequence[int]) -> None:
        self._connection = connection
        self._store = store
        self._listed = json.dumps(list(ids))
        self._windows = max(_FEWEST, MOST // max(1, len(ids)))
        self._left_out = 0
        self._pieces: dict[bytes, Kind] = {}
        self._terms: set[str] = set()
        self._names: dict[tuple[str, str], set[str]] = {}
        self.vectors = 0
        """How many vectors the items have."""
        self._collect_terms()
        self._collect_content()
        self._collect_vectors(set(ids))

    def _collect_terms(self) -> None:
        for _, *indexed in self._rows(_TERMS):
            for text in indexed:
                self._terms.update(text.split())
                self._add("text", text.encode())
        for _, _, name, folded, _, handle in self._rows(_MENTIONS):
            if folded:
                self._names.setdefault((_SAME_NAME, folded), {folded}).add(name or folded)
            if handle:
                self._names.setdefault((_SAME_HANDLE, handle), {handle})

    def _collect_content(self) -> None:
        for item_id, source_id, sealed in self._rows(_SEALED):
            self._add_sealed(sealed)
            try:
                opened = self._store.unseal(self._connection, source_id, sealed, item_context(item_id))
            except StoreDamagedError:  # nothing can be said of its text; it is forgotten all the same, and its cell looked for
                continue
            content = Content.from_bytes(opened)
            for text in (content.text, content.title):
                self._add("text", (text or "").encode())

    def _collect_vectors(self, ids: set[int]) -> None:
        from edge_llm.memory import vector_store

        models = {model.id: model for model in vector_store.models(self._connection)}
        segments = self._rows(
            "SELECT id, model, item_ids, sealed FROM vector_segments"
            " WHERE source_id IN (SELECT source_id FROM items WHERE id IN (SELECT value FROM json_each(?)))"
        )
        for segment_id, model, packed, sealed in segments:
            rows = [row for row, item in enumerate(memoryview(packed).cast("q")) if item in ids]
            self.vectors += len(rows)
            if not rows:
                continue
            self._add_sealed(sealed)
            try:
                codes = vector_store.read_segment(self._connection, self._store, models[model], segment_id).codes
            except StoreDamagedError:
                continue
            for row in rows:
                vector = codes[row].tobytes()
                for piece in (vector[:LONGEST], vector[-LONGEST:]):
                    self._add("vector", piece)

    def _rows(self, query: str) -> list[Any]:
        return self._connection.execute(query, (self._listed,)).fetchall()

    def _add(self, kind: Kind, data: bytes) -> None:
        """Look for a string, or for some windows of it, evenly over it, where there are too many items for all."""
        every = list(windows(data))
        step = -(-len(every) // self._windows) or 1
        self._left_out += len(every) - len(every[::step])
        for window in every[::step]:
            self._pieces.setdefault(window, kind)

    def _add_sealed(self, sealed: bytes) -> None:
        for start in range(NONCE, len(sealed) - LONGEST, _STRIDE):
            self._pieces.setdefault(sealed[start : start + LONGEST], "sealed")
        self._pieces.setdefault(sealed[-LONGEST:], "sealed")

    def add_key(self, wrapped: bytes) -> None:
        """Look for a source's wrapped key too."""
        self._add("key", wrapped)

    def settle(self) -> int:
        """Once the items are gone: keep those terms and names that nothing else has. Returns how many terms."""
        connection = self._connection
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, terms, row)")
        try:
            if len(self._terms) > _MANY_TERMS:
                gone = list(self._terms.difference(row[0] for row in connection.execute("SELECT term FROM temp.vocabulary")))
            else:
                find = "SELECT 1 FROM temp.vocabulary WHERE term = ?"
                gone = [term for term in self._terms if connection.execute(find, (term,)).fetchone() is None]
        finally:
            connection.execute("DROP TABLE temp.vocabulary")
        for term in gone:
            self._add("term", term.encode())
        for (find, value), forms in self._names.items():
            if connection.execute(find, (value,)).fetchone() is None:
                for form in forms:
                    self._add("name", form.encode())
        return len(gone)

    def fill(self, tracer: Tracer) -> int:
        """Give the tracer what was collected, at most MOST of it. Returns how many were left out."""
        step = max(1, -(-len(self._pieces) // MOST))
        kept = list(self._pieces.items())[::step]
        for piece, kind in kept:
            tracer.add(kind, piece)
        return self._left_out + len(self._pieces) - len(kept)


def strings_of(connection: apsw.Connection, store: Store, ids: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """What items rightly hold: ("item 12", all its strings), each row's as they stand beside each other in a page.

    An item that cannot be opened gives what can be read of it.
    """
    listed = (json.dumps(list(ids)),)
    parts: dict[int, list[str]] = {item_id: [] for item_id in ids}
    for item_id, *texts in connection.execute(_TERMS, listed):
        parts[item_id].append("".join(texts))
    for item_id, *texts in connection.execute(_MENTIONS, listed):
        parts[item_id].append("".join(text or "" for text in texts))
    rows: list[Any] = connection.execute(_SEALED, listed).fetchall()
    for item_id, source_id, sealed in rows:
        try:
            content = Content.from_bytes(store.unseal(connection, source_id, sealed, item_context(item_id)))
        except StoreDamagedError:
            continue
        parts[item_id] += [content.text, content.title or "", content.locator, content.external_id or ""]
    for item_id, strings in parts.items():
        yield f"item {item_id}", "\0".join(strings).encode()


def own_strings(connection: apsw.Connection) -> Iterator[tuple[str, bytes]]:
    """What the store holds beside items: names of sources, and the words it is made of ("message", "handle", "sources")."""
    for source_id, name, form in connection.execute("SELECT id, name, format FROM sources"):
        yield f"the name of source {source_id}", f"{name}{form}".encode()
    words = [*KINDS, *(str(row[0]) for row in connection.execute(_OWN_WORDS))]
    yield "the store itself", "\0".join(words).encode()
