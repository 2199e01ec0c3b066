"""The vectors in RAM follow the file, whoever changes it, and any thread may search them meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_llm.memory import vector_matrix, vector_store, vectors
from edge_llm.memory.items import Draft
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.vector_store import Segment, dequantize, quantize
from edge_llm.memory.vectors import VectorIndex
from runtimes.errors import ConfigError, SessionClosedError, StorageError

DIMENSIONS = 16
KEY = RawKey(bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", KEY) as opened:
        yield opened


def unit(count: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def add(store: Store, source: str, count: int, seed: int, model_id: str = "m") -> dict[int, np.ndarray]:
    """Items of a new source with vectors; returns these, as they are stored, by item id."""
    changes = store.put(source, "text", [Draft("x", "note", str(number)) for number in range(count)])
    segment = Segment(np.array(changes.added, np.int64), *quantize(unit(count, seed)))
    found = store.source(source)
    assert found is not None
    with store.writing() as connection:
        model = vector_store.add_model(connection, model_id, DIMENSIONS)
        vector_store.append(connection, store, model, found.id, segment)
    return dict(zip(changes.added, dequantize(segment.scales, segment.codes, segment.bits), strict=True))


class Following(RuleBasedStateMachine):
    """One process changes the store, another's index is searched."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        path = self.folder / f"memory-{time.monotonic_ns()}"
        self.writer, self.reader = Store.open(path, KEY), Store.open(path, KEY, create=False)
        self.index = VectorIndex(self.reader, "m")
        self.held: dict[int, np.ndarray] = {}
        self.sources = 0

    @rule(count=st.integers(1, 60), seed=st.integers(0, 99))
    def add(self, count: int, seed: int) -> None:
        self.sources += 1
        self.held |= add(self.writer, f"source-{self.sources}", count, seed)

    @precondition(lambda self: self.held)
    @rule(share=st.floats(0, 1), seed=st.integers(0, 99))
    def forget(self, share: float, seed: int) -> None:
        known = np.array(sorted(self.held))
        gone = np.random.default_rng(seed).choice(known, max(1, round(share * len(known))), replace=False).tolist()
        with self.writer.writing() as connection:
            vector_store.remove(connection, self.writer, gone)
        for item_id in gone:
            del self.held[item_id]

    @precondition(lambda self: self.held)
    @rule()
    def start_over(self) -> None:
        with self.writer.writing() as connection:
            (model,) = vector_store.models(connection)
            assert vector_store.drop_model(connection, model, segments=10_000)
        self.held = {}

    @invariant()
    def the_index_knows(self) -> None:
        if not hasattr(self, "index"):
            return
        query = unit(1, 7)[0]
        ids, scores = self.index.search(query, 5)
        expected = sorted((float(vector @ query) for vector in self.held.values()), reverse=True)[:5]
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        assert set(ids.tolist()) <= self.held.keys()
        assert len(self.index) == len(self.held)

    def teardown(self) -> None:
        if hasattr(self, "index"):
            self.index.close()
            self.writer.close()
            self.reader.close()


class TestFollowing(Following.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=12, stateful_step_count=10, deadline=None)

    @pytest.fixture(autouse=True)
    def in_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Following, "folder", tmp_path, raising=False)
        monkeypatch.setattr(vector_matrix, "_EXACT_ROWS", 40)
        monkeypatch.setattr(vectors, "_SKETCH_STEP", 16)


def test_only_new_segments_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, "a", 3000, 1)
    read: list[int] = []
    real = vectors.read_segment
    monkeypatch.setattr(vectors, "read_segment", lambda *args: read.append(args[3]) or real(*args))
    with VectorIndex(store, "m") as index:
        query = unit(1, 2)[0]
        assert read == [], "loaded before the first search"
        index.search(query, 1)
        first = len(read)
        index.search(query, 1)
        add(store, "b", 5, 2)
        index.search(query, 1)
        store.put("c", "text", [Draft("x", "note", "1")])
        index.search(query, 1)
    assert (first, len(read)) == (2, 3)


def test_an_index_of_a_model_that_comes_later(store: Store) -> None:
    with VectorIndex(store, "m") as index:
        query = unit(1, 2)[0]
        assert [part.size for part in index.search(query, 3)] == [0, 0]
        assert np.isnan(index.scores(query, np.array([1, 2]))).all()
        held = add(store, "a", 4, 1)
        add(store, "b", 4, 1, "other")
        assert set(index.search(query, 10)[0].tolist()) == set(held)


def test_filters_and_scores(store: Store) -> None:
    held = add(store, "a", 50, 1)
    allowed = np.array(sorted(held)[::7])
    query = unit(1, 2)[0]
    with VectorIndex(store, "m") as index:
        ids, scores = index.search(query, 5, allowed=allowed)
        assert set(ids.tolist()) <= set(allowed.tolist())
        np.testing.assert_allclose(scores, index.scores(query, ids), atol=1e-6)
        assert index.search(query, 5, allowed=np.empty(0, np.int64))[0].size == 0
        assert index.search(query, 0)[0].size == 0


def test_damaged_vectors_are_told_of_and_the_others_found(store: Store) -> None:
    add(store, "a", 4, 1)
    held = add(store, "b", 4, 2)
    with store.writing() as connection:
        connection.execute("UPDATE vector_segments SET sealed = x'00' WHERE source_id = 1")
    with VectorIndex(store, "m") as index:
        assert set(index.search(unit(1, 2)[0], 10)[0].tolist()) == set(held)
        assert len(index.damage) == 1
        store.put("a", "text", [])
        assert len(index) == 4


def test_a_few_new_vectors_are_sketched_at_once(store: Store) -> None:
    add(store, "a", 9000, 1)
    with VectorIndex(store, "m") as index:
        index.search(unit(1, 2)[0], 5)
        assert index.wait(30)
        add(store, "b", 100, 2)
        index.search(unit(1, 2)[0], 5)
        assert index._matrix is not None
        assert index._matrix.is_sketched


def test_loading_ahead(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    held = add(store, "a", 9000, 1)
    query = unit(1, 2)[0]
    with VectorIndex(store, "m") as index:
        index.prefetch()
        assert index.search(query, 3)[0].size == 3
        assert index.wait(30)
        assert index._matrix is not None
        assert index._matrix.is_sketched
        index.prefetch()
        assert len(index) == len(held)


def test_loading_ahead_that_fails_is_raised_by_the_search(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is gone")

    add(store, "a", 3, 1)
    with VectorIndex(store, "m") as index:
        with monkeypatch.context() as patch:
            patch.setattr(vectors, "find_model", fail)
            index.prefetch()
            assert index.wait(30)
            with pytest.raises(StorageError):
                index.search(unit(1, 2)[0], 1)
        assert len(index) == 3


def test_a_query_of_other_dimensions(store: Store) -> None:
    add(store, "a", 2, 1)
    with VectorIndex(store, "m") as index, pytest.raises(ConfigError, match="16 dimensions"):
        index.search(np.ones(8, np.float32), 1)


def test_a_closed_index(store: Store) -> None:
    add(store, "a", 2, 1)
    index = VectorIndex(store, "m")
    index.search(unit(1, 2)[0], 1)
    index.close()
    index.close()
    with pytest.raises(SessionClosedError):
        index.search(unit(1, 2)[0], 1)


def test_many_vectors_get_their_sketch_in_the_background(store: Store) -> None:
    add(store, "a", 9000, 1)
    before = threading.active_count()
    with VectorIndex(store, "m") as index:
        query = unit(1, 2)[0]
        exact = index.search(query, 5)
        assert index.wait(30)
        sketched = index.search(query, 5)
        assert index._matrix is not None
        assert index._matrix.is_sketched
    assert exact[0].tolist() == sketched[0].tolist()
    assert threading.active_count() == before


def test_without_turbovec_every_vector_is_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "turbovec", None)
    add(store, "a", 9000, 1)
    with VectorIndex(store, "m") as index:
        query = unit(1, 2)[0]
        first = index.search(query, 5)
        assert index.wait(30)
        assert index.search(query, 5)[0].tolist() == first[0].tolist()


def test_searches_go_on_while_others_write(store: Store) -> None:
    add(store, "a", 6000, 1)
    stop = threading.Event()
    failures: list[BaseException] = []

    def search() -> None:
        try:
            while not stop.is_set():
                ids, scores = index.search(unit(1, 3)[0], 20)
                assert len(set(ids.tolist())) == 20
                assert (np.diff(scores) <= 0).all()
        except BaseException as error:
            failures.append(error)
            raise

    with VectorIndex(store, "m") as index:
        threads = [threading.Thread(target=search) for _ in range(3)]
        for thread in threads:
            thread.start()
        held: list[int] = []
        for step in range(12):
            held += add(store, f"more-{step}", 20, step)
            with store.writing() as connection:
                vector_store.remove(connection, store, held[:7])
            held = held[7:]
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(index) == 6000 + len(held)
