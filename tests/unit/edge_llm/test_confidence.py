"""One number and its reason."""

from __future__ import annotations

import pytest

from edge_llm.confidence import ASK_BELOW, Confidence, from_items, guess, understood


def test_each_basis_says_why() -> None:
    assert from_items(0.8, 3).reason == "in your data (3 items)"
    assert from_items(0.8, 1).reason == "in your data (1 item)"
    assert from_items(0.8, 0).basis == "not in your data"
    assert guess(0.3).basis == "guess"
    assert understood(0.9, "Call").reason == "understood as Call"


def test_what_is_unsure_is_a_guess_and_asks() -> None:
    assert understood(ASK_BELOW, "Call").sure
    unsure = understood(ASK_BELOW - 0.01, "Call")
    assert (unsure.basis, unsure.sure) == ("guess", False)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_it_is_a_probability(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Confidence(value, "guess", "")
