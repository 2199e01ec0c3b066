"""The cached prefix and whose turn it is: never wrong logits, never a token fed without need, never a deadlock."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm import context as context_module
from edge_llm.context import CHUNK, Context
from runtimes.contract import Logits
from runtimes.errors import ContextOverflowError, RuntimeFailedError, SessionClosedError
from runtimes.fake import FakeSession

VOCABULARY = 16


class CountingSession(FakeSession):
    """Counts the tokens it is fed, and can be told to fail, to be slow or to be unable to rewind."""

    def __init__(self, *, context_length: int = 4096, step_s: float = 0.0, rewinds: bool = True) -> None:
        super().__init__(VOCABULARY, context_length, seed=3)
        self.fed: list[int] = []
        self.failure: BaseException | None = None
        self.fail_after_feeding = False
        self.step_s = step_s
        self.rewinds = rewinds
        self.inside = 0

    def _append(self, ids: object, rows: int) -> Logits:
        self.inside += 1
        assert self.inside == 1, "two threads are in the session at once"
        time.sleep(self.step_s)
        if self.failure is not None and not self.fail_after_feeding:
            self.inside -= 1
            raise self.failure
        logits = super()._append(ids, rows)  # type: ignore[arg-type]
        self.fed.append(len(ids))  # type: ignore[arg-type]
        self.inside -= 1
        return logits

    def _keep(self, tokens: int) -> int:
        return super()._keep(tokens if self.rewinds else 0)


def logits_after(context: Context, run: object, ids: Sequence[int]) -> Logits:
    while (step := context.advance(run, list(ids))).logits is None:
        pass
    return step.logits[0]


def from_scratch(ids: Sequence[int]) -> Logits:
    return FakeSession(VOCABULARY, 4096, seed=3).feed(ids)[0]


sequences = st.lists(st.integers(0, 2), min_size=1, max_size=12)


drafts = st.lists(st.integers(0, 2), max_size=4)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), sequences, drafts), min_size=1, max_size=12), st.booleans())
def test_any_interleaving_of_runs_gives_the_logits_of_a_fresh_session(
    requests: list[tuple[int, list[int], list[int]]], rewinds: bool
) -> None:
    context = Context(CountingSession(rewinds=rewinds))
    runs = [object() for _ in range(3)]
    for run, ids, draft in requests:
        rows = context.advance(runs[run], ids, draft).logits
        assert rows is not None
        assert len(rows) == 1 + len(draft)
        for drafted, row in enumerate(rows):
            assert np.array_equal(row, from_scratch(ids + draft[:drafted]))


def test_only_what_the_cache_lacks_is_fed() -> None:
    session = CountingSession()
    context, run = Context(session), object()
    for ids in ([1, 2, 3], [1, 2, 3, 4], [1, 2, 9, 9], [1, 2, 9, 9], [1, 2], [5]):
        logits_after(context, run, ids)
    assert session.fed == [3, 1, 2, 1, 1, 1]


def test_a_session_that_cannot_rewind_still_extends_its_cache() -> None:
    session = CountingSession(rewinds=False)
    context, run = Context(session), object()
    for ids in ([1, 2, 3], [1, 2, 3, 4], [1, 2, 9]):
        logits_after(context, run, ids)
    assert session.fed == [3, 1, 3]


def test_a_cleared_cache_is_fed_again() -> None:
    session = CountingSession()
    context, run = Context(session), object()
    logits_after(context, run, [1, 2, 3])
    context.clear()
    assert session.position == 0
    assert np.array_equal(logits_after(context, run, [1, 2, 3]), from_scratch([1, 2, 3]))
    assert session.fed == [3, 3]


def test_a_long_prompt_is_fed_in_chunks_and_read_once() -> None:
    session = CountingSession()
    context, run = Context(session), object()
    ids = [1] * (2 * CHUNK + 5)
    steps = [context.advance(run, ids) for _ in range(3)]
    assert [step.fed for step in steps] == [CHUNK, CHUNK, 5]
    assert [step.logits is None for step in steps] == [True, True, False]


def test_a_prompt_can_be_fed_whole() -> None:
    session = CountingSession()
    logits_after(Context(session, chunk=4096), object(), [1] * (3 * CHUNK))
    assert session.fed == [3 * CHUNK]


def test_a_draft_waits_for_the_end_of_the_prompt_and_is_dropped_where_it_was_wrong() -> None:
    session = CountingSession()
    context, run = Context(session), object()
    ids = [1] * (CHUNK + 5)
    first, second = context.advance(run, ids, [2, 3]), context.advance(run, ids, [2, 3])
    assert first.logits is None
    assert second.logits is not None
    assert session.position == CHUNK + 7
    logits_after(context, run, [*ids, 2, 9])
    assert session.position == CHUNK + 7
    assert session.fed == [CHUNK, 7, 1]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("failure", [RuntimeFailedError("no"), KeyboardInterrupt()])
def test_a_failed_feed_leaves_a_context_that_works(failure: BaseException, after: bool) -> None:
    session = CountingSession()
    context = Context(session)
    logits_after(context, object(), [1, 2, 3])
    session.failure = failure
    if after:  # the interrupt arrives between the session's feed and the entry in the context
        feed = session.feed

        def interrupted(ids: Sequence[int], *, rows: int = 1) -> Logits:
            feed(ids, rows=rows)
            raise failure

        session.failure = None
        session.feed = interrupted  # type: ignore[method-assign]
    with pytest.raises(type(failure)):
        context.advance(object(), [1, 2, 3, 4])
    session.failure = None
    if after:
        session.feed = feed  # type: ignore[method-assign]
    assert np.array_equal(logits_after(context, object(), [1, 2, 3, 5]), from_scratch([1, 2, 3, 5]))


def test_overflow_is_the_sessions_error_and_changes_nothing() -> None:
    context, run = Context(CountingSession(context_length=4)), object()
    logits_after(context, run, [1, 2, 3, 4])
    with pytest.raises(ContextOverflowError):
        context.advance(run, [1, 2, 3, 4, 5])
    assert np.array_equal(logits_after(context, run, [1, 2, 7]), from_scratch([1, 2, 7]))


def test_threads_take_turns_by_whole_answers() -> None:
    session = CountingSession(step_s=0.002)
    context = Context(session)
    order: list[int] = []
    started = threading.Barrier(2)

    def answer(number: int) -> None:
        started.wait()
        ids = [number]
        for _ in range(20):
            logits = logits_after(context, answer_runs[number], ids)
            assert np.array_equal(logits, from_scratch(ids))
            order.append(number)
            ids.append(number)
        context.release(answer_runs[number])

    answer_runs = [object(), object()]
    threads = [threading.Thread(target=answer, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert order in ([0] * 20 + [1] * 20, [1] * 20 + [0] * 20)
    assert sum(session.fed) == 40


def test_a_run_that_rests_gives_up_its_place_to_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "PATIENCE_S", 0.05)
    context, resting = Context(CountingSession()), object()
    logits_after(context, resting, [1, 2])
    other: list[Logits] = []
    thread = threading.Thread(target=lambda: other.append(logits_after(context, object(), [3, 4])))
    began = time.monotonic()
    thread.start()
    thread.join(20)
    assert 0.03 < time.monotonic() - began < 5
    assert np.array_equal(other[0], from_scratch([3, 4]))
    assert np.array_equal(logits_after(context, resting, [1, 2, 5]), from_scratch([1, 2, 5]))


def test_one_thread_never_waits_for_itself() -> None:
    context = Context(CountingSession())
    runs = [object(), object()]
    began = time.monotonic()
    for length in range(1, 20):
        for run in runs:
            logits_after(context, run, [1] * length)
    assert time.monotonic() - began < context_module.PATIENCE_S * 10


def test_close_waits_for_the_step_and_ends_the_runs() -> None:
    context = Context(CountingSession(step_s=0.05))
    failures: list[BaseException] = []

    def answer() -> None:
        ids = [1]
        try:
            while True:
                logits_after(context, answer, ids)
                ids.append(1)
        except SessionClosedError as error:
            failures.append(error)

    thread = threading.Thread(target=answer)
    thread.start()
    time.sleep(0.12)
    context.close()
    context.close()
    thread.join(20)
    assert len(failures) == 1
