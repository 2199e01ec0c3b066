"""A memory as it is looked at: searched, shown, listed, counted, checked, exported. Changes nothing in it.

Wires the parts; decides nothing about them. Memory, in memory.py, is this and what changes it.
"""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Collection
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.home import Home, expand
from edge_llm.memory.items import Hit, Item, Kind, Person, Source
from edge_llm.memory.keys import MasterKey
from edge_llm.memory.selecting import PersonName, missing, person_ids, select, source_names
from edge_llm.memory.store import Store
from runtimes.errors import EdgeLLMError, InputError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.export import Exported
    from edge_llm.memory.receipt import Receipt
    from edge_llm.memory.residue import Search as Residues
    from edge_llm.memory.search import Reranker, Searcher
    from edge_llm.memory.stats import Stats
    from edge_llm.memory.vectors import VectorIndex
    from edge_llm.memory.verify import Verification


EMBEDDER_NOTE, PREVIOUS_EMBEDDER_NOTE = "embedder", "embedder_before"
"""The rows of `meta` that name the embedder to use, and the one whose vectors may still answer."""


class MemoryView:
    """What can be asked of an open memory. Used by any number of threads at once; a context manager.

    Args:
        key: what opened the store.
        embedder: what makes vectors, or its name; None takes the one that the memory was told to use, or the default one. One
            that is given is not closed with the memory.
    """

    def __init__(
        self, store: Store, key: MasterKey, *, embedder: Embedder | str | None = None, home: Home | None = None
    ) -> None:
        self.store = store
        self._key = key
        self._home = home or Home()
        self._embedder = None if isinstance(embedder, str) else embedder
        self._embedder_name = embedder if isinstance(embedder, str) else None
        self._lock = threading.Lock()
        self._closing = ExitStack()
        self._previous: Embedder | None = None
        self._search: Searcher | None = None
        self._searched: str | None = None
        self._index: VectorIndex | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.store.path

    def close(self) -> None:
        """Close the file and free the encoder. Idempotent."""
        with self._lock:
            closing = self._closing.pop_all()
            if self._index is not None:
                closing.callback(self._index.close)
            self._search = self._index = None
        closing.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def embedder(self) -> Embedder:
        """What makes vectors; loaded when it is first used.

        Raises:
            UnknownModelError, InputError: the one that the memory was told to use is not on this machine.
        """
        with self._lock:
            if self._embedder is None:
                from edge_llm.memory.embedders import open_embedder

                name = self._embedder_name or self._noted(EMBEDDER_NOTE)
                self._embedder = self._closing.enter_context(open_embedder(name, home=self._home))
            return self._embedder

    def _searcher(self) -> Searcher:
        """What searches, with the embedder that made the vectors in use; without any where that one is not at hand."""
        from edge_llm.memory import vector_store
        from edge_llm.memory.vectors import VectorIndex

        with self.store.reading() as connection:
            model = vector_store.model_in_use(connection)
        model_id = None if model is None else model.model_id
        embedder = None if model_id is None else self._embedder_of(model_id)
        with self._lock:
            if self._search is None or self._searched != model_id:
                if self._index is not None:
                    self._index.close()
                self._index = None if model_id is None or embedder is None else VectorIndex(self.store, model_id)
                if self._index is not None and embedder is not None:
                    # both load while the rest is imported and read; whoever needs one of them first waits for it
                    self._index.prefetch()
                    threading.Thread(target=_warm_up, args=(embedder,), name="edge-llm-encoder", daemon=True).start()
                from edge_llm.memory.search import Searcher

                self._search, self._searched = Searcher(self.store, embedder, self._index), model_id
            return self._search

    def _embedder_of(self, model_id: str) -> Embedder | None:
        """The embedder of that id: this memory's, or the one it had before, while vectors of a new one are being made."""
        if self.embedder.model_id == model_id:
            return self.embedder
        with self._lock:
            if self._previous is None and (name := self._noted(PREVIOUS_EMBEDDER_NOTE)) is not None:
                from edge_llm.memory.embedders import open_embedder

                with suppress(InputError):  # it is no longer on this machine: words alone are searched
                    self._previous = self._closing.enter_context(open_embedder(name, home=self._home))
            return self._previous if self._previous is not None and self._previous.model_id == model_id else None

    def _noted(self, note: str) -> str | None:
        """A name that `Memory.use_embedder` left."""
        with self.store.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (note,)).fetchone()
            return None if row is None else str(row[0])

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        source: str | None = None,
        person: PersonName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: Kind | None = None,
        now: datetime | None = None,
        reranker: Reranker | None = None,
        pinyin: bool | None = None,
    ) -> builtins.list[Hit]:
        """Find items by words and by meaning, the best first.

        Args:
            query: words, or a question. A time in it ("last Tuesday", "上周三") narrows the search to it.
            k: most hits.
            source: only from this source; a path, or a folder of files that were added.
            person: only what involves this person. A name that several have means all of them.
            since, until: since <= time < until.
            kind: only this kind of item.
            now: what times in the query count from; None takes the clock.
            reranker: judges the first ten hits again; see `edge_llm.memory.search.Reranker`.
            pinyin: read what was typed in Latin letters as pinyin ("yisheng", "yi sheng" or "ys" for 医生): True always, False
                never, None where no item has it as it was typed.

        Raises:
            InputError: a source or a person that memory does not know.
            StoreDamagedError: what was found cannot be read.
        """
        searcher = self._searcher()  # first of all: it begins to load what takes longest
        from edge_llm.memory.candidates import Limits

        limits = Limits(
            sources=None if source is None else source_names(self.store, source),
            people=None if person is None else person_ids(self.store, person),
            since=since,
            until=until,
            kind=kind,
        )
        return builtins.list(searcher.search(query, k, limits=limits, now=now, reranker=reranker, pinyin=pinyin).hits)

    def show(self, item_id: int) -> Item:
        """An item whole. Raises InputError when there is none."""
        items = self.store.items([item_id])
        if not items:
            raise InputError(f"Memory has no item {item_id}. `edge-llm memory list` shows what there is.")
        return items[0]

    def list(
        self,
        *,
        source: str | None = None,
        person: PersonName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: Kind | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> builtins.list[Item]:
        """Items that meet all conditions, the latest stored first. Conditions and errors as for `search`."""
        ids = select(self.store, source=source, person=person, since=since, until=until, kind=kind)
        ids.reverse()
        return self.store.items(ids[offset:] if limit is None else ids[offset : offset + limit])

    def sources(self) -> builtins.list[Source]:
        """Every source, in the order they were added."""
        return self.store.sources()

    def people(self) -> builtins.list[Person]:
        """Everyone known, in the order they were met."""
        from edge_llm.memory import people

        with self.store.reading() as connection:
            return people.everyone(connection)

    def contacts(self) -> builtins.list[Person]:
        """Who is on a contact card, as the cards say it: whom else's mail or message names them adds nothing."""
        from edge_llm.memory import people

        with self.store.reading() as connection:
            return people.on_cards(connection)

    def missing(self, ids: Collection[int]) -> frozenset[int]:
        """Those of the ids that no item has: forgotten, or gone from their file."""
        return missing(self.store, ids)

    def stats(self) -> Stats:
        """How much there is, and what it takes."""
        from edge_llm.memory.stats import read_stats

        return read_stats(self.store)

    def verify(self) -> Verification:
        """Check everything: pages, seals, terms, vectors, and the links between them. Raises StorageError."""
        from edge_llm.memory.verify import verify

        return verify(self.store)

    def verify_erased(self, receipt: Receipt) -> Residues:
        """Look for what was forgotten in every byte of the memory's files and of saved conversations.

        Raises:
            InputError: a receipt of another memory, or one that was changed. StorageError: a file cannot be read.
        """
        from edge_llm.memory import residue

        return residue.search(self.store, receipt, sorted(self._home.chats.glob("*.json")))

    def export(self, folder: str | os.PathLike[str], *, source: str | None = None) -> Exported:
        """Write everything in open formats, not encrypted: JSON Lines for each source, contacts as vCard, events as iCalendar.

        Args:
            folder: a new or empty one.
            source: only this source; a path, or a folder of files that were added.

        Raises:
            InputError: something is in the folder, or no such source. StorageError: it cannot be written.
        """
        from edge_llm.memory.export import export

        names = None if source is None else source_names(self.store, source)
        return export(self.store, self._key, expand(Path(folder)), names)


def _warm_up(embedder: Embedder) -> None:
    """Make an embedder load what its first text needs. The search that needs it tries again, and raises what went wrong."""
    with suppress(EdgeLLMError):
        embedder.embed([" "])
