"""The size of a template's values, and the three ways to use up a budget."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.budget import INTEGER_BITS, BoundExceededError, Budget, measure

HUGE = 10**9
leaves = st.none() | st.booleans() | st.integers(-(2**59), 2**59) | st.floats() | st.text(max_size=8)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


def units(value: Any) -> int:
    """The definition."""
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, dict):
        return 1 + sum(units(key) + units(item) for key, item in value.items())
    if isinstance(value, list):
        return 1 + sum(map(units, value))
    return 1


@given(values)
def test_measures_what_is_written_out(value: object) -> None:
    assert measure(value, HUGE) == units(value)


@given(values, st.integers(0, 30))
def test_stops_counting_past_the_limit_and_not_before(value: object, limit: int) -> None:
    assert (measure(value, limit) > limit) == (units(value) > limit)


def test_what_is_small_in_memory_may_be_endless_to_write() -> None:
    shared: object = "x"
    for _ in range(200):
        shared = [shared, shared]
    looped: list[object] = []
    looped.append(looped)
    began = time.perf_counter()
    assert measure(shared, 10_000) > 10_000
    assert measure(looped, 10_000) > 10_000
    assert time.perf_counter() - began < 1


def test_a_long_integer_is_past_any_limit() -> None:
    assert measure([2**INTEGER_BITS - 1], HUGE) == 2
    assert measure([2**INTEGER_BITS], HUGE) > HUGE


def test_a_budget_ends_by_time_by_size_and_by_sum() -> None:
    with pytest.raises(BoundExceededError, match="seconds"):
        Budget(10, -1.0).check_time()
    budget = Budget(10, 60.0)
    budget.check_value("123456789")
    with pytest.raises(BoundExceededError, match="value"):
        budget.check_value("1234567890")
    budget = Budget(10, 60.0)
    for _ in range(64):
        budget.count_made(10)
    with pytest.raises(BoundExceededError, match="640"):
        budget.count_made(1)
