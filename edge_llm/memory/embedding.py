"""Items that have no vector get one: now, or in a thread beside other work; and all of them again when the embedder changes.

While a new embedder's vectors are being made, the old one's answer searches (`vector_store.model_in_use`); when none is
missing any more the new ones take over in one transaction, and the old ones are deleted. What was embedded before a kill
stays, and the next run goes on from there.

Knows items' texts, embedders and segments. Knows no search.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from edge_llm.memory import vector_store
from edge_llm.memory.records import Content, item_context
from edge_llm.memory.vector_store import Quantized, Segment, quantize
from edge_llm.progress import Progress
from runtimes.errors import CancelledError, EdgeLLMError, StoreBusyError, StoreDamagedError

if TYPE_CHECKING:
    import apsw
    import numpy.typing as npt
    from typing_extensions import Self

    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.store import Store
    from edge_llm.memory.vector_store import Model
    from edge_llm.progress import ProgressCallback

_BATCH = 512
"""Items of one transaction: about a second of work is what a kill can cost."""
_LOOK_AHEAD = 8192
"""Items whose digests are looked up among the stored ones at once."""
_DROPPED_SEGMENTS = 16
_RETRY_S = 1.0
_LOOK_S = 1.0


@dataclass(frozen=True)
class Embedded:
    """What a run did."""

    embedded: int = 0
    """Items that got a vector."""
    reused: int = 0
    """Those of them whose vector an equal item had already."""
    unreadable: tuple[int, ...] = ()
    """Ids of damaged items, which have none."""


@dataclass(frozen=True)
class _Text:
    """What is embedded of an item."""

    item_id: int
    source_id: int
    digest: bytes
    text: str


def embed_pending(
    store: Store,
    embedder: Embedder,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Embedded:
    """Give every item that has none a vector of this embedder, and let it answer searches when all have one.

    Raises:
        CancelledError: `cancel` was set. What was embedded so far stays.
        RuntimeFailedError: the embedder failed. StoreBusyError, StorageError: nothing of the current batch was written.
    """
    run = _Run(store, embedder, progress, cancel)
    while run.round():
        pass
    with store.reading() as connection:
        model = vector_store.find_model(connection, embedder.model_id)
        used = vector_store.model_in_use(connection)
    if model is not None and used != model:
        with store.writing() as connection:
            vector_store.use_model(connection, model)
    if model is not None:
        _drop_others(store, model, cancel)
    return Embedded(run.embedded, run.reused, tuple(sorted(run.unreadable)))


_Vectors: TypeAlias = "dict[int, Quantized]"
"""Item id -> scales and codes."""


class _Run:
    """One call of `embed_pending`."""

    def __init__(
        self, store: Store, embedder: Embedder, progress: ProgressCallback | None, cancel: threading.Event | None
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._progress = progress
        self._cancel = cancel
        self._seen = 0
        self.embedded = 0
        self.reused = 0
        self.unreadable: set[int] = set()

    def round(self) -> bool:
        """Embed what is pending now; False when nothing was."""
        with self._store.reading() as connection:
            model = vector_store.find_model(connection, self._embedder.model_id)
            ids = vector_store.pending(connection, model)
        if self.unreadable:
            ids = np.setdiff1d(ids, np.fromiter(self.unreadable, np.int64), assume_unique=True)
        if not ids.size:
            return False
        self._tell(total := self._seen + ids.size)
        for start in range(0, ids.size, _LOOK_AHEAD):
            ahead = ids[start : start + _LOOK_AHEAD]
            donors = _find_donors(self._store, model, ahead)
            for at in range(0, ahead.size, _BATCH):
                self._embed(ahead[at : at + _BATCH], donors)
                self._seen += len(ahead[at : at + _BATCH])
                self._tell(total)
        return True

    def _tell(self, total: int) -> None:
        if self._progress is not None:
            self._progress(Progress("embed", self._seen, total, str(self._store.path)))

    def _embed(self, ids: npt.NDArray[np.int64], donors: dict[bytes, int]) -> None:
        check_cancelled(self._cancel)
        texts = list(self._read(ids))
        copied = self._copy(texts, donors)
        fresh = [text for text in texts if text.item_id not in copied]
        distinct = list(dict.fromkeys(text.text for text in fresh))
        place = {text: row for row, text in enumerate(distinct)}
        made = list(zip(*quantize(self._embedder.embed(distinct, cancel=self._cancel)), strict=True))
        vectors = {text.item_id: Quantized(*made[place[text.text]]) for text in fresh}
        with self._store.writing() as connection:
            model = vector_store.add_model(connection, self._embedder.model_id, self._embedder.dimensions)
            kept = list(_unchanged(connection, texts))
            for source_id, segment in _by_source(kept, vectors | copied):
                vector_store.append(connection, self._store, model, source_id, segment)
        self.embedded += len(kept)
        self.reused += sum(text.item_id in copied for text in kept)

    def _read(self, ids: npt.NDArray[np.int64]) -> Iterator[_Text]:
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT id, source_id, hash, sealed FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                (json.dumps(ids.tolist()),),
            ).fetchall()
            for row in cast("list[tuple[int, int, bytes, bytes]]", rows):
                text = self._unseal(connection, *row)
                if text is not None:
                    yield text

    def _unseal(self, connection: apsw.Connection, item_id: int, source_id: int, digest: bytes, sealed: bytes) -> _Text | None:
        try:
            plain = self._store.unseal(connection, source_id, sealed, item_context(item_id))
            return _Text(item_id, source_id, digest, embedded_text(Content.from_bytes(plain)))
        except StoreDamagedError:  # `verify` names it; the others want their vectors
            self.unreadable.add(item_id)
            return None

    def _copy(self, texts: Sequence[_Text], donors: dict[bytes, int]) -> _Vectors:
        """The vectors of those of the texts that an equal item has one of."""
        lent = {donors[text.digest] for text in texts if text.digest in donors}
        if not lent:
            return {}
        with self._store.reading() as connection:
            model = vector_store.find_model(connection, self._embedder.model_id)
            if model is None:
                return {}
            found = vector_store.read_vectors(connection, self._store, model, np.fromiter(lent, np.int64))
        vectors = dict(zip(found.item_ids.tolist(), map(Quantized, found.scales, found.codes, found.bits), strict=True))
        return {
            text.item_id: vectors[donors[text.digest]]
            for text in texts
            if text.digest in donors and donors[text.digest] in vectors
        }


def embedded_text(content: Content) -> str:
    """What of an item is embedded: its title, where it has one, and its text."""
    return f"{content.title}\n{content.text}" if content.title else content.text


def check_cancelled(cancel: threading.Event | None) -> None:
    """Raise CancelledError when `cancel` was set."""
    if cancel is not None and cancel.is_set():
        raise CancelledError("Embedding was cancelled. What was embedded stays; the next run goes on from there.")


def _find_donors(store: Store, model: Model | None, ids: npt.NDArray[np.int64]) -> dict[bytes, int]:
    """Digest -> an item with a vector, for those of these items that an equal one is there of.

    There is no cache beside the items: a vector lives as long as an item that it belongs to, and is forgotten with it.
    """
    if model is None:
        return {}
    with store.reading() as connection:
        found = connection.execute(
            "SELECT hash, id FROM items WHERE hash IN (SELECT hash FROM items WHERE id IN (SELECT value FROM json_each(?)))",
            (json.dumps(ids.tolist()),),
        ).fetchall()
        rows = cast("list[tuple[bytes, int]]", found)
        with_vector = vector_store.embedded(connection, model)
    others = np.fromiter((row[1] for row in rows), np.int64, len(rows))
    usable = np.isin(others, with_vector)
    return {digest: item_id for (digest, item_id), use in zip(rows, usable.tolist(), strict=True) if use}


def _unchanged(connection: apsw.Connection, texts: Sequence[_Text]) -> Iterator[_Text]:
    """Those of the texts whose items are still what was embedded."""
    listed = json.dumps([text.item_id for text in texts])
    rows = connection.execute("SELECT id, hash FROM items WHERE id IN (SELECT value FROM json_each(?))", (listed,))
    digests = dict(cast("list[tuple[int, bytes]]", rows.fetchall()))
    return (text for text in texts if digests.get(text.item_id) == text.digest)


def _by_source(texts: Sequence[_Text], vectors: _Vectors) -> Iterator[tuple[int, Segment]]:
    grouped: dict[int, list[int]] = {}
    for text in texts:
        grouped.setdefault(text.source_id, []).append(text.item_id)
    for source_id, ids in grouped.items():
        parts = zip(*(vectors[item_id] for item_id in ids), strict=True)
        yield source_id, Segment(np.array(ids, np.int64), *Quantized(*map(np.stack, parts)))


def _drop_others(store: Store, model: Model, cancel: threading.Event | None) -> None:
    """Delete the vectors of every other model, a few segments a transaction so that nobody waits long."""
    with store.reading() as connection:
        others = [other for other in vector_store.models(connection) if other != model]
    for other in others:
        gone = False
        while not gone:
            check_cancelled(cancel)
            with store.writing() as connection:
                gone = vector_store.drop_model(connection, other, segments=_DROPPED_SEGMENTS)


class BackgroundEmbedding:
    """Keeps a store's items embedded in a thread of its own, from `start` or `with` to `close`.

    Whatever process adds items, they are seen within a second. Another writer only makes it wait; another error ends it and is
    raised by `wait` and `close`.
    """

    def __init__(self, store: Store, embedder: Embedder, *, progress: ProgressCallback | None = None) -> None:
        self._store = store
        self._embedder = embedder
        self._progress = progress
        self._cancel = threading.Event()
        self._changed = threading.Condition()
        self._up_to: int | None = None
        """The generation after which nothing was pending."""
        self._error: EdgeLLMError | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin. Once only."""
        self._thread = threading.Thread(target=self._run, name="edge-llm-embedding", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until everything that is stored now is embedded; False when it was not in time or `close` came first.

        Raises:
            EdgeLLMError: what ended the thread.
        """
        wanted = self._store.generation()
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_over or self._is_up_to(wanted), timeout_s)
            self._raise_error()
            return self._is_up_to(wanted)

    def close(self) -> None:
        """Stop within one batch of the embedder. Idempotent.

        Raises:
            EdgeLLMError: what had ended the thread before.
        """
        self._stop()
        self._raise_error()

    def _stop(self) -> None:
        self._cancel.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._stop()  # what the block raised is what its caller must see

    @property
    def _is_over(self) -> bool:
        return self._error is not None or self._cancel.is_set()

    def _is_up_to(self, generation: int) -> bool:
        return self._up_to is not None and self._up_to >= generation

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._cancel.is_set():
                pause = self._catch_up()
                with self._changed:
                    self._changed.notify_all()
                    if not self._cancel.is_set():
                        self._changed.wait(pause)
        except CancelledError:
            return
        except EdgeLLMError as error:
            self._error = error
        finally:
            with self._changed:
                self._changed.notify_all()

    def _catch_up(self) -> float:
        """Embed what is pending, if anything changed; seconds until the next look."""
        generation = self._store.generation()
        if self._is_up_to(generation):
            return _LOOK_S
        try:
            done = embed_pending(self._store, self._embedder, progress=self._progress, cancel=self._cancel)
        except StoreBusyError:
            return _RETRY_S
        if done.embedded:  # which were changes too; and others may have come
            return 0.0
        self._up_to = generation
        return _LOOK_S
