"""What can be read of a damaged store: every row of every page that is whole, also when what leads to it is not.

The file is read without SQLite, the surviving rows are put into a database in RAM, and items come out of that as they do of a
whole store. Needs the key and the file's first 16 bytes. Writes nothing anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from edge_llm.memory import btree, schema
from edge_llm.memory.btree import MalformedPageError, Row
from edge_llm.memory.connecting import Unlocked, unlock
from edge_llm.memory.image import Image
from edge_llm.memory.items import KINDS, ROLES, Item
from edge_llm.memory.keys import MasterKey
from edge_llm.memory.records import Opener, read_readable
from edge_llm.memory.sealing import OVERHEAD, Sealer, unwrap
from runtimes.errors import StoreDamagedError

if TYPE_CHECKING:
    import os

    import apsw
    from typing_extensions import Self

_BATCH = 500
_DIGEST = 16
_WRAPPED = 32 + OVERHEAD


_FROM_COPIES = (
    "INSERT OR IGNORE INTO sources(id, name, format, added, items, wrapped_key)"
    " SELECT id, name, format, added, (SELECT count(*) FROM items WHERE source_id = c.id), wrapped_key FROM source_copies c"
)

_FROM_MENTIONS = (
    "INSERT OR IGNORE INTO people(id, is_owner)"
    " SELECT person_id, max(coalesce(handle_kind, '') LIKE 'own%') FROM mentions GROUP BY person_id"
)


def _is_bytes(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


# Which table a row is of, told by its values alone: pages know nothing of their table. In the order of `_VERSION_1`.
_SHAPES: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "items": lambda v: len(v) == 12 and v[5] in KINDS and _is_bytes(v[3], _DIGEST) and isinstance(v[11], bytes),
    "sources": lambda v: len(v) == 12 and isinstance(v[1], str) and _is_bytes(v[11], _WRAPPED),
    "source_copies": lambda v: len(v) == 5 and isinstance(v[1], str) and _is_bytes(v[4], _WRAPPED),
    "threads": lambda v: len(v) == 3 and isinstance(v[1], int) and _is_bytes(v[2], _DIGEST),
    "people": lambda v: len(v) == 2 and v[0] is None and v[1] in (0, 1),
    "mentions": lambda v: len(v) == 8 and isinstance(v[1], int) and isinstance(v[2], int) and v[3] in ROLES,
}


class Salvage:
    """The readable part of a store. A context manager.

    Args:
        key: who keeps the master key, or what was derived from it already.

    Raises:
        InputError, WrongKeyError, StorageError: see `connecting.unlock`. A damaged store raises nothing.
    """

    def __init__(self, path: str | os.PathLike[str], key: MasterKey | Unlocked) -> None:
        import apsw

        self.path = Path(path).absolute()
        self._keys = key if isinstance(key, Unlocked) else unlock(self.path, key)
        self._rows = apsw.Connection(":memory:")
        self._sealers: dict[int, Sealer] = {}
        self.lost_pages: tuple[int, ...] = ()
        """Pages that cannot be read; `verify` says what they held."""
        self.lost_items: list[int] = []
        """Ids of items whose content or key is lost; complete once `items` came to its end."""
        with self._rows:
            schema.migrate(self._rows)
            self._read()
            for mended in (_FROM_COPIES, _FROM_MENTIONS):
                self._rows.execute(mended)

    def _read(self) -> None:
        lost = []
        with Image(self.path, self._keys.cipher) as image:
            for number in range(1, image.count + 1):
                page = image.page(number)
                if page is None:
                    lost.append(number)
                elif btree.kind_of(number, page) == btree.LEAF_TABLE:
                    self._keep(number, page, image)
        self.lost_pages = tuple(lost)

    def _keep(self, number: int, page: bytes, image: Image) -> None:
        try:
            for row in btree.rows(number, page, image.page):
                table = next((table for table, fits in _SHAPES.items() if fits(row.values)), None)
                if table is not None:
                    self._insert(table, row)
        except MalformedPageError:  # what came before it is kept
            return

    def _insert(self, table: str, row: Row) -> None:
        marks = ", ".join("?" * len(row.values))
        self._rows.execute(f"INSERT OR IGNORE INTO {table} VALUES({marks})", (row.rowid, *row.values[1:]))

    def items(self) -> Iterator[Item]:
        """Every item that can be read, by id. People are those that are still mentioned where it can be read."""
        ids = [int(row[0]) for row in self._rows.execute("SELECT id FROM items ORDER BY id")]
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            found = read_readable(self._rows, self, batch)
            self.lost_items += sorted(set(batch) - {item.id for item in found})
            yield from found

    def opener(self, connection: apsw.Connection, source_id: int) -> Opener:
        """As `Store.opener`."""
        if source_id not in self._sealers:
            wrapped = connection.execute("SELECT wrapped_key FROM sources WHERE id = ?", (source_id,)).get
            if wrapped is None:
                raise StoreDamagedError(f"The key of source {source_id} of {self.path} is lost.")
            self._sealers[source_id] = Sealer(unwrap(self._keys.wrapping, source_id, wrapped))
        return self._sealers[source_id].open

    def close(self) -> None:
        """Forget what was read. Idempotent."""
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
