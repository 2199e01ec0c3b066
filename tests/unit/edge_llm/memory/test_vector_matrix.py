"""The search in RAM against brute force, with and without turbovec, under any additions and removals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_llm.memory import vector_matrix
from edge_llm.memory.vector_matrix import VectorMatrix
from edge_llm.memory.vector_store import Segment, dequantize, quantize

DIMENSIONS = 24


def unit(count: int, seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def segment(ids: np.ndarray, seed: int, dimensions: int = DIMENSIONS) -> Segment:
    return Segment(ids, *quantize(unit(len(ids), seed, dimensions)))


class Against(RuleBasedStateMachine):
    """A matrix and a dictionary that are told the same."""

    sketched = False

    @initialize()
    def begin(self) -> None:
        self.matrix = VectorMatrix(DIMENSIONS, sketched=self.sketched)
        self.held: dict[int, np.ndarray] = {}
        self.next_id = 1

    @rule(count=st.integers(1, 120), gap=st.integers(0, 30), seed=st.integers(0, 1000))
    def add(self, count: int, gap: int, seed: int) -> None:
        ids = np.random.default_rng(seed).permutation(np.arange(self.next_id, self.next_id + count))
        self.next_id += count + gap
        added = segment(ids, seed)
        self.matrix.add(added)
        self.held |= zip(ids.tolist(), dequantize(added.scales, added.codes, added.bits), strict=True)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), share=st.floats(0, 1), seed=st.integers(0, 1000))
    def remove(self, data: st.DataObject, share: float, seed: int) -> None:
        known = np.array(sorted(self.held))
        gone = np.random.default_rng(seed).choice(known, max(1, round(share * len(known))), replace=False)
        self.matrix.remove(np.concatenate([gone, [0, self.next_id + 5]]))
        for item_id in gone.tolist():
            del self.held[item_id]

    @rule(rows=st.integers(1, 200))
    def sketch(self, rows: int) -> None:
        if self.matrix.unsketched:
            self.matrix.sketch_more(rows)

    @invariant()
    def searches_as_brute_force_does(self) -> None:
        if not hasattr(self, "matrix"):
            return
        assert self.matrix.count == len(self.held)
        query = unit(1, self.next_id)[0]
        self.compare(query, None, sorted(self.held))
        allowed = np.arange(0, self.next_id + 10, 3)
        self.compare(query, allowed, [item_id for item_id in allowed.tolist() if item_id in self.held])

    def compare(self, query: np.ndarray, allowed: np.ndarray | None, among: list[int]) -> None:
        ids, scores = self.matrix.search(query, 7, allowed)
        expected = np.sort([self.held[item_id] @ query for item_id in among])[::-1][:7]
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        np.testing.assert_allclose([self.held[item_id] @ query for item_id in ids.tolist()], scores, atol=1e-5)
        assert len(set(ids.tolist())) == len(ids)
        assert set(ids.tolist()) <= set(among)


class AgainstSketched(Against):
    """The same with turbovec among more than 50 rows."""

    sketched = True


class TestExact(Against.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


class TestSketched(AgainstSketched.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=25, stateful_step_count=15, deadline=None)

    @pytest.fixture(autouse=True)
    def from_50_rows_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vector_matrix, "_EXACT_ROWS", 50)


def test_many_vectors_are_sketched_and_found() -> None:
    matrix = VectorMatrix(384)
    count = vector_matrix._EXACT_ROWS * 2
    vectors = unit(count, 1, 384)  # without any clusters: nothing is harder to rank
    matrix.add(Segment(np.arange(1, count + 1), *quantize(vectors)))
    assert matrix.unsketched
    while matrix.unsketched:
        matrix.sketch_more(3000)
    assert matrix.is_sketched
    exactly = VectorMatrix(384, sketched=False)
    exactly.add(Segment(np.arange(1, count + 1), *quantize(vectors)))
    for query in unit(30, 2, 384):
        ids, scores = matrix.search(query, 10)
        expected = exactly.search(query, 10)
        assert len(set(ids.tolist()) & set(expected[0].tolist())) >= 9
        assert (np.diff(scores) <= 0).all()


def test_a_filter_over_many_vectors_is_kept() -> None:
    matrix = VectorMatrix(16)
    count = vector_matrix._EXACT_ROWS * 3
    matrix.add(segment(np.arange(1, count + 1), 1, 16))
    while matrix.unsketched:
        matrix.sketch_more(5000)
    even = np.arange(2, count + 1, 2)
    ids, _ = matrix.search(unit(1, 3, 16)[0], 100, even)
    assert len(ids) == 100
    assert (ids % 2 == 0).all()


def test_scores_of_chosen_items() -> None:
    matrix = VectorMatrix(16)
    added = segment(np.array([5, 2, 9]), 1, 16)
    matrix.add(added)
    query = unit(1, 2, 16)[0]
    scores = matrix.scores(query, np.array([9, 4, 5, -1, 10**12]))
    expected = (dequantize(added.scales, added.codes, added.bits)) @ query
    np.testing.assert_allclose(scores[[0, 2]], expected[[2, 0]], atol=1e-6)
    assert np.isnan(scores[[1, 3, 4]]).all()


@pytest.mark.parametrize("sketched", [True, False])
def test_dimensions_that_turbovec_does_not_take(sketched: bool) -> None:
    matrix = VectorMatrix(30, sketched=sketched)
    matrix.add(segment(np.arange(1, 6001), 1, 30))
    assert not matrix.unsketched
    assert len(matrix.search(unit(1, 2, 30)[0], 10)[0]) == 10


def test_an_empty_matrix() -> None:
    ids, scores = VectorMatrix(8).search(np.ones(8, np.float32), 5)
    assert (ids.size, scores.size) == (0, 0)
    ids, _ = VectorMatrix(8).search(np.ones(8, np.float32), 5, np.array([1, 2]))
    assert ids.size == 0


def test_equal_scores_come_by_id() -> None:
    matrix = VectorMatrix(8)
    same = np.repeat(unit(1, 1, 8), 20, axis=0)
    matrix.add(Segment(np.arange(20, 0, -1), *quantize(same)))
    assert matrix.search(same[0], 20)[0].tolist() == list(range(1, 21))
