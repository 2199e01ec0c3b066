"""The encrypted file that holds a person's memory: connections, transactions, and putting and getting items.

One SQLite file in WAL mode, every page enciphered and authenticated. Any number of processes and threads read while one
writes; each reader sees the store as it was when it began. Knows what a row is worth keeping for; knows no file format, no
search and no model.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_llm.memory import records
from edge_llm.memory.connecting import Unlocked, unlock
from edge_llm.memory.creating import create_store
from edge_llm.memory.items import Draft, Item, Kind, Source
from edge_llm.memory.keys import MasterKey, derive
from edge_llm.memory.records import Changes, Stamp
from edge_llm.memory.sealing import Sealer, unwrap, wrap
from edge_llm.memory.transactions import Transactions
from runtimes.errors import InputError, StoreDamagedError

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import apsw
    from typing_extensions import Self

    from edge_llm.memory.pages import PageCipher

__all__ = ["Changes", "Stamp", "Store"]


class Store:
    """A store that is open. Used by any number of threads at once; a context manager."""

    def __init__(self, path: Path, key: MasterKey, keys: Unlocked, *, read_only: bool, timeout_s: float) -> None:
        """See `open`."""
        self.path = path
        self._key = key
        self._transactions = Transactions(path, keys, read_only=read_only, timeout_s=timeout_s)
        self._sealers: dict[int, tuple[bytes, Sealer]] = {}
        try:
            self._prepare(read_only=read_only)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        key: MasterKey,
        *,
        create: bool = True,
        read_only: bool = False,
        timeout_s: float = 5.0,
    ) -> Store:
        """Open the store at `path`, and make it first where there is none.

        Args:
            create: make the store when there is no file. Never with `read_only`.
            timeout_s: how long a writer waits for another one.

        Raises:
            InputError: there is no file and none was to be made; it is no store; a newer version wrote it.
            WrongKeyError: the key does not open it. The file was not touched.
            StorageError: the disk said no. StoreBusyError: another process is changing its key.
            StoreDamagedError: what is needed to open it cannot be read.
        """
        place = Path(path).absolute()
        if not place.exists():
            if not create or read_only:
                raise InputError(f"There is no memory at {place}. Add something to it first.")
            create_store(place, key)
        store = cls(place, key, unlock(place, key), read_only=read_only, timeout_s=timeout_s)
        if not read_only:
            from edge_llm.memory import erase, rotate

            rotate.finish(store, key)
            erase.tidy(store)
        return store

    def _prepare(self, *, read_only: bool) -> None:
        from edge_llm.memory import schema

        with self.reading() as connection:
            found = schema.version(connection)
        if found > schema.VERSION:
            raise InputError(
                f"{self.path} has schema {found}; this edge-llm knows {schema.VERSION}. Update edge-llm to open it."
            )
        if found < schema.VERSION and not (read_only and found >= schema.READABLE):
            if read_only:
                raise InputError(
                    f"{self.path} has schema {found}. Open it once for writing, as `edge-llm log` does, "
                    "so that it is brought up to date."
                )
            with self.writing() as connection:
                schema.migrate(connection)
        with self.reading() as connection:
            values = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('id', 'secret')"))
        if not {"id", "secret"} <= values.keys():
            raise StoreDamagedError(f"{self.path} lacks its id. `edge-llm memory export` saves what can be read.")
        self.id: str = values["id"]
        """A random name of this store; it stays when the key changes."""
        self._secret: bytes = values["secret"]

    # Transactions

    def reading(self) -> AbstractContextManager[apsw.Connection]:
        """A consistent view of the store. Inside `writing` of the same thread, it is that transaction's.

        Raises:
            StoreDamagedError, StorageError: a page cannot be read. SessionClosedError: the store was closed.
        """
        return self._transactions.reading()

    def writing(self) -> AbstractContextManager[apsw.Connection]:
        """A transaction that is kept whole or not at all. Nested in the same thread, it is the outer one.

        Raises:
            StoreBusyError: another writer did not finish in `timeout_s`. StorageError: no space, or read-only; all of the
            transaction is undone. SessionClosedError: the store was closed.
        """
        return self._transactions.writing()

    def maintaining(self) -> AbstractContextManager[apsw.Connection]:
        """The writing connection outside of a transaction; see `Transactions.maintaining`."""
        return self._transactions.maintaining()

    def generation(self) -> int:
        """A number that grows with every change, whichever process makes it."""
        with self.reading() as connection:
            return int(connection.execute("SELECT value FROM meta WHERE key = 'generation'").get)

    def rotate(self, new_key: MasterKey) -> None:
        """Give the store another master key; see rotate.py. The old one opens nothing any more but copies made before.

        Raises:
            StoreBusyError: another process has the store open, or a thread does not stop reading. StorageError: no space for a
            second copy. ConfigError: the new key's keeper cannot be used. The store then has the key it had.
        """
        from edge_llm.memory.rotate import finish, rotate

        transactions = self._transactions

        def change() -> Unlocked:
            return rotate(self.path, transactions.keys, self._key, new_key, timeout_s=transactions.timeout_s)

        transactions.change_keys(change)
        self._key, self._sealers = new_key, {}
        finish(self, new_key)

    def close(self) -> None:
        """Close every connection that is not in use; those that are close when their transaction ends. Idempotent."""
        self._transactions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    # Sealing

    def seal(self, connection: apsw.Connection, source_id: int, data: bytes, context: bytes) -> bytes:
        """Seal under the source's own key.

        Args:
            context: what the sealed bytes are bound to; the same is needed to open them.

        Raises:
            StoreDamagedError: the source has no key that opens.
        """
        return self._sealer(connection, source_id).seal(data, context)

    def unseal(self, connection: apsw.Connection, source_id: int, sealed: bytes, context: bytes) -> bytes:
        """Open what `seal` gave for this source and context.

        Raises:
            StoreDamagedError: it was sealed for another, or changed since.
        """
        return self.opener(connection, source_id)(sealed, context)

    def opener(self, connection: apsw.Connection, source_id: int) -> records.Opener:
        """What `unseal` does for many cells of one source, whose key is looked up once. For this transaction only."""

        def unseal(sealed: bytes, context: bytes) -> bytes:
            with self._naming_the_file():
                return sealer.open(sealed, context)

        with self._naming_the_file():
            sealer = self._sealer(connection, source_id)
        return unseal

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except StoreDamagedError as error:
            raise StoreDamagedError(f"{self.path}: {error} `edge-llm memory verify` says what else is damaged.") from error

    def _sealer(self, connection: apsw.Connection, source_id: int) -> Sealer:
        row = connection.execute("SELECT wrapped_key FROM sources WHERE id = ?", (source_id,)).fetchone()
        if row is None:
            raise StoreDamagedError(f"{self.path} has no source {source_id}, so nothing sealed under its key opens.")
        known = self._sealers.get(source_id)
        if known is not None and known[0] == row[0]:
            return known[1]
        sealer = Sealer(unwrap(self._transactions.keys.wrapping, source_id, row[0]))
        self._sealers[source_id] = (row[0], sealer)
        return sealer

    def wrap(self, source_id: int, key: bytes) -> bytes:
        """A source's key, sealed under the store's."""
        return wrap(self._transactions.keys.wrapping, source_id, key)

    def own_sealer(self, purpose: str) -> Sealer:
        """Seals what belongs to the store and to no source. It stays the same when the master key changes."""
        return Sealer(derive(self._secret, b"", purpose))

    @property
    def keys(self) -> Unlocked:
        """What opens the file now."""
        return self._transactions.keys

    @property
    def cipher(self) -> PageCipher:
        """Opens the file's pages without SQLite."""
        return self.keys.cipher

    def digest(self, purpose: str, data: bytes) -> bytes:
        """16 bytes that are equal for equal data of one store, and say nothing to who does not hold its secret."""
        return hashlib.blake2b(data, digest_size=16, key=self._secret, person=purpose.encode()[:16]).digest()

    # Items and sources

    def put(
        self,
        source: str,
        format: str,  # noqa: A002  (the word for it everywhere)
        drafts: Iterable[Draft],
        *,
        stamp: Stamp | None = None,
        complete: bool = True,
        cancel: threading.Event | None = None,
        keep_days: int | None = None,
        committed: Callable[[Changes], Any] | None = None,
    ) -> Changes:
        """Store what a source holds now; see `intake.put`."""
        from edge_llm.memory import intake

        return intake.put(
            self, source, format, drafts,
            stamp=stamp, complete=complete, cancel=cancel, keep_days=keep_days, committed=committed,
        )  # fmt: skip

    def items(self, ids: Sequence[int]) -> list[Item]:
        """The items with these ids, in that order; ids of none are left out.

        Of several, those on damaged pages are left out too: what is whole stays of use. `verify` names the others.

        Raises:
            StoreDamagedError: none of them can be read.
        """
        try:
            with self.reading() as connection:
                return records.read_items(connection, self, ids)
        except StoreDamagedError:
            if len(ids) < 2:
                raise
        return self._readable(ids)

    def _readable(self, ids: Sequence[int]) -> list[Item]:
        """Those of several items that can be read, each tried by itself: after a damaged page a connection reads no other."""
        found, failed = [], None
        for item_id in ids:
            try:
                found += self.items([item_id])
            except StoreDamagedError as error:  # noqa: PERF203  (the exception is the exception)
                failed = error
        if failed is not None and not found:
            raise failed
        return found

    def select(
        self,
        *,
        source: str | None = None,
        person: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: Kind | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[int]:
        """Ids of the items that meet all conditions, in the order they were stored.

        Args:
            source: the source's name.
            person: the id of someone involved.
            since, until: since <= time < until; an item without a time meets neither.
        """
        conditions: list[tuple[str, object]] = []
        if source is not None:
            conditions.append(("source_id = (SELECT id FROM sources WHERE name = ?)", source))
        if person is not None:
            conditions.append(("id IN (SELECT item_id FROM mentions WHERE person_id = ?)", person))
        if since is not None:
            conditions.append(("time >= ?", records.to_ms(since)))
        if until is not None:
            conditions.append(("time < ?", records.to_ms(until)))
        if kind is not None:
            conditions.append(("kind = ?", kind))
        where = " AND ".join(condition for condition, _ in conditions) or "1"
        values = [value for _, value in conditions]
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT id FROM items WHERE {where} ORDER BY id LIMIT ? OFFSET ?",  # noqa: S608  (constants)
                (*values, -1 if limit is None else limit, offset),
            )
            return [row[0] for row in rows]

    def sources(self) -> list[Source]:
        """Every source, in the order they were added."""
        with self.reading() as connection:
            return records.read_sources(connection)

    def source(self, name: str) -> Source | None:
        """The source of this name; None when there is none."""
        with self.reading() as connection:
            return records.find_source(connection, name)

    def stamp(self, name: str) -> Stamp | None:
        """What the source's file was when it was last read to its end; None when it never was."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT bytes, mtime_ns, sha256, reader_version FROM sources WHERE name = ? AND complete", (name,)
            ).fetchone()
        return None if row is None else Stamp(*row)
