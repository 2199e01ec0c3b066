"""Items get vectors: all of them, once, in steps that a kill or a cancel does not undo; also when the embedder changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from edge_llm.memory import embedding, vector_store
from edge_llm.memory.embedding import BackgroundEmbedding, Embedded, embed_pending
from edge_llm.memory.items import Draft
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.vectors import VectorIndex
from edge_llm.progress import Progress
from runtimes.errors import CancelledError, RuntimeFailedError, StoreBusyError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

KEY = RawKey(bytes(32))
ROOT = Path(__file__).parents[4]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", KEY) as opened:
        yield opened


def put(store: Store, source: str, texts: Sequence[str], **kwargs: object) -> tuple[int, ...]:
    drafts = [Draft(text, "note", str(number), **kwargs) for number, text in enumerate(texts)]  # type: ignore[arg-type]
    return store.put(source, "text", drafts).added


def nearest(store: Store, text: str, embedder: WordEmbedder, k: int = 1) -> list[int]:
    with VectorIndex(store, embedder.model_id) as index:
        return index.search(WordEmbedder().embed([text])[0], k)[0].tolist()


def alike(store: Store, text: str, item_id: int) -> float:
    """The cosine of an item's vector and a text's."""
    with VectorIndex(store, "words") as index:
        return float(index.scores(WordEmbedder().embed([text])[0], np.array([item_id]))[0])


def missing(store: Store, model_id: str) -> list[int]:
    with store.reading() as connection:
        return vector_store.pending(connection, vector_store.find_model(connection, model_id)).tolist()


def test_every_item_gets_the_vector_of_its_title_and_text(store: Store) -> None:
    ids = put(store, "a", [f"word{number} common" for number in range(1200)], title="heading")
    embedder = WordEmbedder()
    assert embed_pending(store, embedder) == Embedded(1200)
    assert missing(store, "words") == []
    assert alike(store, "heading word77 common", ids[77]) > 0.99
    assert embed_pending(store, embedder) == Embedded()
    assert embedder.texts == 1200


def test_only_what_changed_is_embedded_again(store: Store) -> None:
    embedder = WordEmbedder()
    put(store, "a", ["one", "two", "three"])
    embed_pending(store, embedder)
    put(store, "a", ["one", "two and more", "three", "four"])
    assert embed_pending(store, embedder).embedded == 2
    assert embedder.texts == 5


def test_equal_texts_are_embedded_once(store: Store) -> None:
    embedder = WordEmbedder()
    put(store, "a", ["yes", "no", "yes"] * 50)
    assert embed_pending(store, embedder).embedded == 150
    assert embedder.texts == 2


def test_what_is_added_from_elsewhere_lends_its_vectors(store: Store) -> None:
    embedder = WordEmbedder()
    texts = [f"line {number}" for number in range(700)]
    put(store, "old/place", texts)
    embed_pending(store, embedder)
    moved = put(store, "new/place", texts)
    assert embed_pending(store, embedder) == Embedded(700, reused=700)
    assert embedder.texts == 700
    store.put("old/place", "text", [])
    assert alike(store, "line 600", moved[600]) > 0.99


def test_a_forgotten_item_lends_nothing(store: Store) -> None:
    embedder = WordEmbedder()
    put(store, "a", ["secret"])
    embed_pending(store, embedder)
    store.put("a", "text", [])
    put(store, "b", ["secret"])
    assert embed_pending(store, embedder) == Embedded(1)
    assert embedder.texts == 2


def test_progress_counts_items(store: Store) -> None:
    put(store, "a", [f"line {number}" for number in range(1200)])
    told: list[Progress] = []
    embed_pending(store, WordEmbedder(), progress=told.append)
    assert [(event.done, event.total) for event in told] == [(0, 1200), (512, 1200), (1024, 1200), (1200, 1200)]
    assert {event.stage for event in told} == {"embed"}


def test_cancelling_keeps_what_was_done(store: Store) -> None:
    ids = put(store, "a", [f"line {number}" for number in range(1200)])
    cancel = threading.Event()
    with pytest.raises(CancelledError, match="goes on from there"):
        embed_pending(store, WordEmbedder(), cancel=cancel, progress=lambda event: cancel.set() if event.done >= 512 else None)
    assert missing(store, "words") == list(ids[512:])
    again = WordEmbedder()
    assert embed_pending(store, again).embedded == again.texts == 688


class Interfering(WordEmbedder):
    """Calls something in the middle of its work."""

    def __init__(self, act: Callable[[], object], model_id: str = "words") -> None:
        super().__init__(model_id)
        self.act = act

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> np.ndarray:
        """See `Embedder.embed`."""
        found = super().embed(texts, cancel=cancel)
        self.act()
        return found


def test_an_item_that_is_forgotten_meanwhile_gets_no_vector(store: Store) -> None:
    put(store, "a", ["one", "two"])
    acts = iter([lambda: store.put("a", "text", [Draft("one", "note", "0")]), lambda: None])
    assert embed_pending(store, Interfering(lambda: next(acts)())).embedded == 1
    with store.reading() as connection:
        model = vector_store.find_model(connection, "words")
        assert model is not None
        assert vector_store.embedded(connection, model).tolist() == [1]


def test_an_item_that_is_changed_meanwhile_gets_the_vector_of_what_it_is(store: Store) -> None:
    put(store, "a", ["one"])
    acts = iter([lambda: put(store, "a", ["other"]), lambda: None])
    assert embed_pending(store, Interfering(lambda: next(acts)())).embedded == 1
    assert alike(store, "other", 1) > 0.99


def test_two_that_embed_at_once_make_one_vector_an_item(store: Store) -> None:
    put(store, "a", [f"line {number}" for number in range(600)])
    acts = iter([lambda: embed_pending(store, WordEmbedder()), *[lambda: None] * 5])
    embed_pending(store, Interfering(lambda: next(acts)()))
    with store.reading() as connection:
        model = vector_store.find_model(connection, "words")
        assert model is not None
        assert (
            len(vector_store.embedded(connection, model)) == len(set(vector_store.embedded(connection, model).tolist())) == 600
        )


def test_damaged_items_are_told_of_and_the_others_embedded(store: Store) -> None:
    ids = put(store, "a", ["one", "two", "three"])
    with store.writing() as connection:
        connection.execute("UPDATE items SET sealed = x'00' WHERE id = ?", (ids[1],))
    assert embed_pending(store, WordEmbedder()) == Embedded(2, unreadable=(ids[1],))


def test_a_failing_embedder_is_not_hidden(store: Store) -> None:
    def fail() -> None:
        raise RuntimeFailedError("out of memory")

    put(store, "a", ["one"])
    with pytest.raises(RuntimeFailedError):
        embed_pending(store, Interfering(fail))
    assert missing(store, "words") == [1]


def test_the_old_embedder_answers_until_the_new_one_has_all(store: Store) -> None:
    put(store, "a", [f"line {number}" for number in range(600)])
    old = WordEmbedder("old")
    embed_pending(store, old)
    used: list[str | None] = []

    def look() -> None:
        with store.reading() as connection:
            model = vector_store.model_in_use(connection)
            used.append(None if model is None else model.model_id)
        assert nearest(store, "line 5", old)

    assert embed_pending(store, Interfering(look, "new")).embedded == 600
    assert set(used) == {"old"}
    with store.reading() as connection:
        assert [model.model_id for model in vector_store.models(connection)] == ["new"]
        assert connection.execute("SELECT count(*) FROM vector_segments").get == 2
    assert missing(store, "new") == []


def test_going_back_before_the_change_was_done(store: Store) -> None:
    put(store, "a", [f"line {number}" for number in range(1200)])
    embed_pending(store, WordEmbedder("old"))
    cancel = threading.Event()
    with pytest.raises(CancelledError):
        embed_pending(store, WordEmbedder("new"), cancel=cancel, progress=lambda event: cancel.set() if event.done else None)
    old = WordEmbedder("old")
    assert embed_pending(store, old) == Embedded()
    with store.reading() as connection:
        assert [model.model_id for model in vector_store.models(connection)] == ["old"]


class TestBackground:
    """A thread that keeps up."""

    def test_it_embeds_what_is_there_and_what_comes(self, store: Store, tmp_path: Path) -> None:
        put(store, "a", ["one"])
        with BackgroundEmbedding(store, WordEmbedder()) as background:
            assert background.wait(20)
            assert missing(store, "words") == []
            with Store.open(tmp_path / "memory", KEY) as other:
                put(other, "b", ["two", "three"])
            assert background.wait(20)
            assert missing(store, "words") == []

    def test_closing_ends_it_soon(self, store: Store) -> None:
        put(store, "a", [f"line {number}" for number in range(3000)])
        before = threading.active_count()
        background = BackgroundEmbedding(store, Interfering(lambda: time.sleep(0.2)))
        background.start()
        time.sleep(0.1)
        begun = time.monotonic()
        background.close()
        background.close()
        assert time.monotonic() - begun < 2
        assert threading.active_count() == before
        assert not background.wait(1)

    def test_an_error_reaches_who_waits(self, store: Store) -> None:
        def fail() -> None:
            raise RuntimeFailedError("no memory")

        put(store, "a", ["one"])
        background = BackgroundEmbedding(store, Interfering(fail))
        background.start()
        with pytest.raises(RuntimeFailedError):
            background.wait(20)
        with pytest.raises(RuntimeFailedError):
            background.close()

    def test_another_writer_only_makes_it_wait(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        real, calls = embedding.embed_pending, []

        def busy_once(*args: object, **kwargs: object) -> Embedded:
            calls.append(1)
            if len(calls) == 1:
                raise StoreBusyError("busy")
            return real(*args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(embedding, "embed_pending", busy_once)
        monkeypatch.setattr(embedding, "_RETRY_S", 0.05)
        put(store, "a", ["one"])
        with BackgroundEmbedding(store, WordEmbedder()) as background:
            assert background.wait(20)
        assert missing(store, "words") == []

    def test_the_blocks_own_error_is_the_one_that_is_seen(self, store: Store) -> None:
        def fail() -> None:
            raise RuntimeFailedError("no memory")

        put(store, "a", ["one"])
        background = BackgroundEmbedding(store, Interfering(fail))

        def use() -> None:
            with background:
                time.sleep(0.3)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            use()


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from edge_llm.memory.embedding import embed_pending
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder
with Store.open(sys.argv[1], RawKey(bytes(32))) as store:
    print("open", flush=True)
    embed_pending(store, WordEmbedder("new"), progress=lambda event: (print(event.done, flush=True), time.sleep(0.02)))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_change_of_embedder_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with Store.open(path, KEY) as store:
        put(store, "a", [f"line {number}" for number in range(3000)])
        embed_pending(store, WordEmbedder("old"))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(ROOT)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    told = iter(process.stdout)
    while next(told).strip() != "1024":
        pass
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdout.close()
    with Store.open(path, KEY) as store:
        left = len(missing(store, "new"))
        assert 0 < left <= 3000 - 1024
        assert len(nearest(store, "line 5", WordEmbedder("old"))) == 1
        assert embed_pending(store, WordEmbedder("new")).embedded == left
