"""Memory as a program uses it: one open store with everything that works on it. Wires the parts; decides nothing about them.

    with Memory.open() as memory:
        memory.add("~/Documents")
        hits = memory.search("when is the dentist?", k=5)
        memory.forget(person="Anna")

Opening loads the database and no encoder: that is loaded by the first search or `add` that needs it. What reads files, and
what keeps conversations, is imported when it is first used: a first search does not wait for them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from edge_llm.home import Home, expand
from edge_llm.memory.items import Draft, Kind
from edge_llm.memory.key_choice import Key, master_key, recovery_key
from edge_llm.memory.keys import MasterKey
from edge_llm.memory.selecting import PersonName, containing, select
from edge_llm.memory.store import Store
from edge_llm.memory.view import EMBEDDER_NOTE, PREVIOUS_EMBEDDER_NOTE, MemoryView
from runtimes.errors import CancelledError, InputError

if TYPE_CHECKING:
    from edge_llm.chat import Chat
    from edge_llm.memory.adding import Added
    from edge_llm.memory.chats import Chats
    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.embedding import BackgroundEmbedding
    from edge_llm.memory.forgetting import Forgotten
    from edge_llm.memory.ingest.reader import Limits
    from edge_llm.progress import ProgressCallback


class Memory(MemoryView):
    """An open memory: what can be asked of it (`MemoryView`), and what changes it.

    Used by any number of threads at once; a context manager.

    Several processes may have the same one open; one writes at a time. Methods that change something raise StoreBusyError
    when another writer does not finish in time, and StorageError when the disk refuses: what they were writing is then undone.
    """

    def __init__(
        self, store: Store, key: MasterKey, *, embedder: Embedder | str | None = None, home: Home | None = None
    ) -> None:
        """See `open`."""
        super().__init__(store, key, embedder=embedder, home=home)
        self._listeners: WeakSet[Chat] = WeakSet()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        key: Key = None,
        embedder: Embedder | str | None = None,
        home: Home | None = None,
        create: bool = True,
        read_only: bool = False,
        timeout_s: float = 5.0,
    ) -> Memory:
        """Open a memory, and make it first where there is none.

        Args:
            path: its file; None takes the home's.
            key: 32 bytes, a passphrase, or a keeper of keys; None takes the operating system's keyring.
            embedder: what makes vectors, or its name; None takes the one that this memory was told to use, or the default one,
                and loads it when it is first needed. One that is given is not closed with the memory.
            home: where models and saved conversations are; None takes EDGE_LLM_HOME or this user's data folder.
            create: make a memory where there is no file. Never with `read_only`.
            timeout_s: how long a change waits for another writer.

        Raises:
            WrongKeyError: the key does not open it; nothing was touched.
            InputError: there is no file and none was to be made; it is no memory; a newer version wrote it.
            ConfigError: no keyring on this machine, or a key that is none.
            StorageError, StoreBusyError, StoreDamagedError: see `Store.open`.
        """
        place = (home or Home()).memory if path is None else expand(Path(path))
        keeper = master_key(key)
        store = Store.open(place, keeper, create=create, read_only=read_only, timeout_s=timeout_s)
        return cls(store, keeper, embedder=embedder, home=home)

    @cached_property
    def chats(self) -> Chats:
        """Conversations that memory keeps."""
        from edge_llm.memory.chats import Chats

        return Chats(self.store, self._put_chat)

    # Taking in

    def add(
        self,
        what: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Iterable[Draft],
        *,
        source: str | None = None,
        owner: Sequence[str] = (),
        timezone: str | tzinfo | None = None,
        keep_days: int | None = None,
        limits: Limits | None = None,
        embed: bool = True,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> Added:
        """Take in files and folders, or drafts of your own.

        A file whose size and time are those it had is not read again; of one that changed, only what differs is touched. What
        vanished from a folder leaves memory when the folder is added again. What cannot be read is in the report, and ends
        nothing.

        Args:
            what: a path, several, or drafts: then all of what `source` holds from now on.
            source: a name for drafts, such as "notes of the app"; paths have their own.
            owner: names, numbers and addresses of the person whose data this is.
            timezone: for times that a file gives without one; None takes this machine's.
            keep_days: retention of these sources: items older than this are not stored, and forgotten later. None leaves it.
            limits: how much one file may cost.
            embed: give new items their vectors too. Otherwise the next call that does finds them.
            progress: told of files read, then of items embedded.
            cancel: set it, from any thread, to end early: CancelledError, and what was stored stays.

        Raises:
            InputError: drafts without a source, or paths with one.
            CancelledError, RuntimeFailedError, StorageError, StoreBusyError.
        """
        from edge_llm.memory.adding import Adder, Intake, local_zone
        from edge_llm.memory.ingest.reader import Limits

        intake = Intake(local_zone(timezone), tuple(owner), limits or Limits(), keep_days)
        added = Adder(self.store, intake, progress=progress, cancel=cancel).add(what, source)
        embedded = self.embed(progress=progress, cancel=cancel) if embed else 0
        return replace(added, forgotten=self.apply_retention(), embedded=embedded)

    def apply_retention(self) -> int:
        """Forget what is older than its source's `keep_days`; returns how many items went. `add` does it too. Raises as
        `forget`."""
        from edge_llm.memory.erase import expired

        ids = expired(self.store)
        return len(self.forget(ids=ids).ids) if ids else 0

    def embed(self, *, progress: ProgressCallback | None = None, cancel: threading.Event | None = None) -> int:
        """Give every item that has none a vector of this memory's embedder; returns how many got one.

        After a change of embedder this makes all vectors anew; searches use the old ones until it is done. Raises
        CancelledError, RuntimeFailedError, StorageError; what was done stays.
        """
        from edge_llm.memory.embedding import embed_pending

        if not self._has_pending():
            return 0
        return embed_pending(self.store, self.embedder, progress=progress, cancel=cancel).embedded

    def embed_in_background(self, *, progress: ProgressCallback | None = None) -> BackgroundEmbedding:
        """A thread that embeds what is stored, also by other processes, from `with` or `start` to `close`: for a program that
        adds with `embed=False`, or that changed the embedder of a large memory."""
        from edge_llm.memory.embedding import BackgroundEmbedding

        return BackgroundEmbedding(self.store, self.embedder, progress=progress)

    def use_embedder(self, name: str) -> None:
        """Note which embedder this memory uses from now on; `embed` or `add` then makes its vectors.

        Args:
            name: as `edge_llm.memory.embedders.open_embedder` takes it: "use", a name that was pulled, or a directory.

        Raises:
            UnknownModelError, InputError: there is none of that name on this machine.
        """
        from edge_llm.memory.embedders import DEFAULT_EMBEDDER, open_embedder

        opened = open_embedder(name, home=self._home)
        with self.store.writing() as connection:
            before = self._noted(EMBEDDER_NOTE) or DEFAULT_EMBEDDER
            notes = {EMBEDDER_NOTE: name} if name == before else {EMBEDDER_NOTE: name, PREVIOUS_EMBEDDER_NOTE: before}
            connection.executemany("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", list(notes.items()))
        with self._lock:
            self._previous, self._embedder = None, self._closing.enter_context(opened)

    def watch(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        owner: Sequence[str] = (),
        timezone: str | tzinfo | None = None,
        cancel: threading.Event,
    ) -> Iterator[Added]:
        """Add folders, and again what changes in them, until `cancel` is set. Yields what each round did.

        Raises:
            InputError: one of them is no folder. StorageError: they cannot be watched.
        """
        from edge_llm.memory.adding import drop_source, within
        from edge_llm.memory.ingest.watch import watch

        folders = [expand(Path(path)).absolute() for path in paths]
        try:
            for change in watch(folders, cancel):
                gone = within([source.name for source in self.sources()], change.removed)
                for name in gone:
                    drop_source(self.store, name)
                # The first change is empty: nothing is missed from then on, so what is there already is added then.
                is_first = not change.changed and not change.removed
                found = folders if is_first else [file.path for file in change.changed]
                added = self.add(found, owner=owner, timezone=timezone, cancel=cancel)
                yield replace(added, gone=(*gone, *added.gone))
        except CancelledError:
            return

    # Forgetting

    def forget(
        self,
        *,
        ids: Iterable[int] | None = None,
        source: str | None = None,
        person: PersonName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: Kind | None = None,
        query: str | None = None,
        dry_run: bool = False,
    ) -> Forgotten:
        """Forget the items that meet all conditions: their text, terms, people and vectors, every answer of a kept or open
        conversation that was made from them, and what saved conversations repeat of them.

        The files that memory was made from are the person's and stay; one that changes is read again.

        Args:
            query: items that have all these words; words in quotation marks stand together.
            dry_run: only say what would go.

        Returns:
            what went, with a receipt for `verify_erased`; no receipt when nothing met the conditions.

        Raises:
            InputError: no condition was given, or a source or person that memory does not know.
            StorageError, StoreBusyError: see `erase.forget`.
        """
        from edge_llm.memory import forgetting

        conditions = (source, person, since, until, kind)
        if ids is None and query is None and all(condition is None for condition in conditions):
            raise InputError("Say what to forget: items, a source, a person, a time or a query.")
        found = set(select(self.store, source=source, person=person, since=since, until=until, kind=kind))
        if ids is not None:
            found &= set(ids)
        if query is not None:
            found &= containing(self.store, query)
        planned = forgetting.plan(self.store, self.chats, self._home.chats, found)
        if dry_run or not planned.ids:
            return planned
        receipt = forgetting.execute(self.store, self.chats, self._home.chats, planned)
        for chat in list(self._listeners):
            chat.forget(planned.ids)
        return replace(planned, receipt=receipt)

    # The key

    def recovery_key(self) -> bytes:
        """32 bytes that open this memory whatever becomes of the keyring or the passphrase, until the key is rotated.

        Raises:
            WrongKeyError, ConfigError: the keyring does not give it any more. StorageError: the file cannot be read.
        """
        return recovery_key(self.path, self._key)

    def rotate_key(self, key: Key) -> None:
        """Encipher everything anew under another key. Copies of the file made before still open with the old one.

        Raises:
            StoreBusyError: another process has it open. StorageError: no space for a second copy. ConfigError: no keyring.
            The key is as it was then.
        """
        new = master_key(key)
        self.store.rotate(new)
        self._key = new

    # For chats

    def tell_when_forgetting(self, chat: Chat) -> None:
        """Have `chat.forget` called when items are forgotten through this memory. Holds no reference that keeps it alive."""
        self._listeners.add(chat)

    def _put_chat(self, source: str, drafts: Sequence[Draft], complete: bool) -> None:
        from edge_llm.memory.chats import FORMAT

        self.store.put(source, FORMAT, drafts, complete=complete)
        self.embed()

    def _has_pending(self) -> bool:
        """Whether an item lacks a vector of this memory's embedder. Loads no encoder to find out."""
        from edge_llm.memory import vector_store

        with self.store.reading() as connection:
            model = vector_store.find_model(connection, self.embedder.model_id)
            return bool(vector_store.pending(connection, model).size)
