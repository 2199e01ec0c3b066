"""The duties of `runtimes.contract.Session`, each a test, over every registered runtime."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from runtimes import Bundle, Logits, RuntimeConfig, RuntimeStatus, Session, find_runtime
from runtimes.errors import ConfigError, ContextOverflowError, PromptError, SessionClosedError
from tests.contract.conftest import CONTEXT, OpenSession

TOLERANCE = 0.05
"""Of the logits' standard deviation. llama.cpp's kernels for batches and for one token differ by 0.02; a token too many
or too few in the cache by 0.5 and more."""


def some_ids(count: int, seed: int = 0) -> list[int]:
    ids: list[int] = np.random.default_rng(seed).integers(0, 256, count).tolist()
    return ids


def assert_same(found: Logits, expected: Logits) -> None:
    assert found.shape == expected.shape
    if expected.size:
        assert np.abs(found - expected).max() <= TOLERANCE * expected.std()


def test_capabilities_are_the_bundle_s(session: Session, bundle: Bundle) -> None:
    assert session.capabilities.context_length == CONTEXT
    assert session.capabilities.vocabulary_size == bundle.manifest.vocabulary_size
    assert session.position == 0


def test_a_shorter_context_can_be_asked_for_and_a_longer_one_not(open_model: OpenSession) -> None:
    assert open_model(40).capabilities.context_length == 40
    with pytest.raises(ConfigError, match=str(CONTEXT)):
        open_model(CONTEXT + 1)


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
def test_rows_are_the_last_positions(session: Session, open_model: OpenSession, rows: int) -> None:
    ids = some_ids(7)
    every = open_model().feed(ids, rows=7)
    found = session.feed(ids, rows=rows)
    assert (found.dtype, found.shape) == (np.float32, (rows, session.capabilities.vocabulary_size))
    assert_same(found, every[7 - rows :])
    assert session.position == 7


def test_another_row_is_not_said_to_cost_more_than_a_feed_of_its_own(session: Session) -> None:
    assert 0 < session.capabilities.row_cost <= 1


def test_one_row_is_the_default(session: Session) -> None:
    assert session.feed(some_ids(5)).shape[0] == 1


def test_logits_depend_on_every_token(open_model: OpenSession) -> None:
    ids = some_ids(6)
    expected = open_model().feed(ids)
    for place in range(6):
        other = [*ids[:place], (ids[place] + 1) % 256, *ids[place + 1 :]]
        assert np.abs(open_model().feed(other) - expected).max() > 2 * TOLERANCE * expected.std()


@pytest.mark.parametrize("cuts", [(1, 2, 3), (0, 5, 600), (255, 256, 257), (511, 512, 513), (690, 698, 699)])
def test_any_split_gives_the_same_logits(session: Session, open_model: OpenSession, cuts: tuple[int, ...]) -> None:
    ids = some_ids(700)
    expected = open_model().feed(ids, rows=300)
    edges = [0, *(cut for cut in cuts if cut), len(ids)]
    pieces = [session.feed(ids[start:end], rows=end - start) for start, end in pairwise(edges)]
    assert_same(np.concatenate(pieces)[-300:], expected)


def test_numpy_ids_are_taken_too(session: Session, open_model: OpenSession) -> None:
    ids = some_ids(6)
    for kind in (np.int32, np.int64, np.uint16):
        session.rewind(0)
        given: Any = np.asarray(ids, kind)
        assert_same(session.feed(given), open_model().feed(ids))


def test_logits_belong_to_the_caller(session: Session) -> None:
    first = session.feed(some_ids(4), rows=2)
    kept = first.copy()
    session.feed(some_ids(4, seed=1), rows=2)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0  # writable, and no later result changes with it
    session.rewind(0)
    np.testing.assert_array_equal(session.feed(some_ids(4), rows=2), kept)


@pytest.mark.parametrize("ids", [[], [-1], [10**6], [2**70], [1.5], ["a"], [[1, 2]], [True], [None]], ids=str)
def test_bad_ids_are_refused(session: Session, ids: list[int]) -> None:
    session.feed([1, 2])
    with pytest.raises(PromptError):
        session.feed(ids)
    assert session.position == 2


@pytest.mark.parametrize("rows", [-1, 4])
def test_bad_rows_are_refused(session: Session, rows: int) -> None:
    with pytest.raises(PromptError, match="rows"):
        session.feed([1, 2, 3], rows=rows)
    assert session.position == 0


def test_overflow_names_both_numbers_and_feeds_nothing(open_model: OpenSession) -> None:
    session = open_model(10)
    expected = open_model(10).feed(some_ids(8))
    session.feed(some_ids(7))
    with pytest.raises(ContextOverflowError) as caught:
        session.feed(some_ids(4))
    assert (caught.value.needed, caught.value.context_length) == (11, 10)
    assert session.position == 7
    assert_same(session.feed(some_ids(8)[7:]), expected)


def test_the_context_can_be_filled_to_the_last_token(session: Session) -> None:
    session.feed(some_ids(CONTEXT - 1), rows=0)
    assert np.isfinite(session.feed([1])).all()
    assert session.position == CONTEXT
    with pytest.raises(ContextOverflowError):
        session.feed([1])


def test_the_cache_grows_without_forgetting(session: Session, open_model: OpenSession) -> None:
    ids = some_ids(CONTEXT)
    expected = open_model().feed(ids, rows=1)
    for start in range(0, CONTEXT, 100):
        found = session.feed(ids[start : start + 100])
    assert_same(found, expected)


@pytest.mark.parametrize("kept", [0, 1, 99, 300])
def test_rewind_continues_as_if_the_tail_had_never_been(session: Session, open_model: OpenSession, kept: int) -> None:
    ids, after = some_ids(300), some_ids(5, seed=1)
    session.feed(ids)
    really = session.rewind(kept)
    assert really == session.position == (kept if session.capabilities.rewind else 0 if kept < 300 else 300)
    assert_same(session.feed(after, rows=5), open_model().feed(ids[:really] + after, rows=5))


@pytest.mark.parametrize("to", [-1, 4])
def test_rewind_refuses_what_is_not_held(session: Session, to: int) -> None:
    session.feed([1, 2, 3])
    with pytest.raises(PromptError):
        session.rewind(to)
    assert session.position == 3


def test_snapshot_restores_in_the_same_and_in_another_session(session: Session, open_model: OpenSession) -> None:
    ids, after = some_ids(260), some_ids(5, seed=1)
    session.feed(ids)
    state = session.snapshot()
    expected = session.feed(after, rows=5)
    for target in (session, open_model(), open_model(300)):
        target.restore(state)
        assert target.position == 260
        assert_same(target.feed(after, rows=5), expected)


def test_an_empty_cache_can_be_saved(session: Session) -> None:
    state = session.snapshot()
    expected = session.feed([1, 2, 3])
    session.restore(state)
    assert session.position == 0
    assert_same(session.feed([1, 2, 3]), expected)


def flip(state: bytes, place: int) -> bytes:
    return state[:place] + bytes([state[place] ^ 1]) + state[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "a short header": lambda state: state[:50],
    "the end cut": lambda state: state[:-1],
    "more at the end": lambda state: state + b"\0",
    "another magic": lambda state: flip(state, 0),
    "a newer version": lambda state: flip(state, 12),
    "another model": lambda state: flip(state, 20),
    "another position": lambda state: state[:48] + struct.pack("<Q", 7) + state[56:],
    "a position past the context": lambda state: state[:48] + struct.pack("<Q", CONTEXT + 1) + state[56:],
    "a bit of the cache": lambda state: flip(state, len(state) - 9),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_snapshot_changes_nothing(
    session: Session, open_model: OpenSession, damage: Callable[[bytes], bytes]
) -> None:
    ids = some_ids(9)
    other = open_model()
    other.feed(some_ids(12, seed=2))
    session.feed(ids)
    with pytest.raises(PromptError):
        session.restore(damage(other.snapshot()))
    assert session.position == 9
    assert_same(session.feed([5]), open_model().feed([*ids, 5]))


def test_a_snapshot_longer_than_the_context_is_refused(session: Session, open_model: OpenSession) -> None:
    session.feed(some_ids(30))
    short = open_model(20)
    short.feed([1, 2])
    with pytest.raises(ContextOverflowError):
        short.restore(session.snapshot())
    assert short.position == 2


def test_a_closed_session_says_so(session: Session) -> None:
    session.feed([1])
    state = session.snapshot()
    session.close()
    session.close()
    calls: list[Callable[[], object]] = [
        lambda: session.feed([1]),
        lambda: session.rewind(0),
        session.snapshot,
        lambda: session.restore(state),
        lambda: session.position,
        lambda: session.capabilities,
        session.__enter__,
    ]
    for call in calls:
        with pytest.raises(SessionClosedError):
            call()


def test_with_closes(runtime: str, bundle: Bundle) -> None:
    with find_runtime(runtime).open(bundle, RuntimeConfig(threads=1)) as session:
        session.feed([1])
    with pytest.raises(SessionClosedError):
        session.feed([1])


def test_two_sessions_do_not_share_a_cache(session: Session, open_model: OpenSession) -> None:
    other = open_model()
    expected = open_model().feed([1, 2, 3, 4])
    session.feed([1, 2])
    other.feed([9, 9, 9])
    assert_same(session.feed([3, 4]), expected)
    assert other.position == 3


def test_runtime_describes_itself(runtime: str) -> None:
    found = find_runtime(runtime)
    status = found.describe()
    assert isinstance(status, RuntimeStatus)
    assert (status.name, status.installed, status.hint) == (runtime, True, None)
    assert found.name == runtime
    assert status.version
