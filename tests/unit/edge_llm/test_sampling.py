"""Sampling: each filter against its definition, seeds to the bit, and numbers that are no numbers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_llm.sampling import GREEDY, Sampler, Sampling
from runtimes.errors import ConfigError, RuntimeFailedError

Row = npt.NDArray[np.float32]

rows = arrays(np.float32, st.integers(1, 40), elements=st.floats(-20, 20, width=32))
samplings = st.builds(
    Sampling,
    temperature=st.floats(0.01, 5),
    top_k=st.integers(0, 45),
    top_p=st.floats(0, 1),
    min_p=st.floats(0, 1),
    seed=st.integers(0, 2**64 - 1),
)


def allowed(logits: Row, sampling: Sampling) -> set[int]:
    """The definition, token by token: top-k, then top-p over what is left, then min-p."""
    order = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    order = order[: sampling.top_k or len(order)]
    weights = [math.exp(float(logits[token] - logits[order[0]])) for token in order]
    kept, total = [], 0.0
    for token, weight in zip(order, weights, strict=True):
        kept.append(token)
        total += weight
        if total >= sampling.top_p * sum(weights):
            break
    return {token for token in kept if math.exp(float(logits[token] - logits[order[0]])) >= sampling.min_p * (1 - 1e-6)}


def draws(logits: Row, sampling: Sampling, count: int) -> list[int]:
    sampler = Sampler(sampling)
    return [sampler.sample(logits, []) for _ in range(count)]


@given(rows, samplings)
def test_only_tokens_that_pass_every_filter_are_drawn(logits: Row, sampling: Sampling) -> None:
    near = Sampling(**{**vars(sampling), "top_p": min(1.0, sampling.top_p * (1 + 1e-6))})
    assert set(draws(logits, sampling, 20)) <= allowed(logits, sampling) | allowed(logits, near)


@given(rows, samplings)
def test_a_seed_gives_the_same_tokens_and_leaves_the_logits_alone(logits: Row, sampling: Sampling) -> None:
    before = logits.copy()
    assert draws(logits, sampling, 10) == draws(logits, sampling, 10)
    assert np.array_equal(logits, before)


def test_the_random_stream_is_pinned() -> None:
    logits = np.zeros(1000, np.float32)
    assert draws(logits, Sampling(temperature=1.0, seed=7), 5) == [625, 897, 775, 225, 300]


def test_no_seed_gives_different_answers() -> None:
    logits = np.zeros(1000, np.float32)
    assert draws(logits, Sampling(temperature=1.0), 8) != draws(logits, Sampling(temperature=1.0), 8)


@given(rows)
def test_temperature_zero_takes_the_first_of_the_likeliest(logits: Row) -> None:
    assert draws(logits, GREEDY, 1) == [int(np.flatnonzero(logits == logits.max())[0])]


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.7, seed=1),
        Sampling(temperature=1.5, top_k=3, seed=2),
        Sampling(temperature=1.0, top_p=0.8, seed=3),
        Sampling(temperature=1.0, min_p=0.2, seed=4),
    ],
)
def test_frequencies_are_the_distribution(sampling: Sampling) -> None:
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04], np.float32))
    kept = sorted(allowed(logits, sampling))
    expected = np.exp(logits[kept].astype(np.float64) / sampling.temperature)
    expected /= expected.sum()
    counted = np.bincount(draws(logits, sampling, 20_000), minlength=5)[kept] / 20_000
    assert np.abs(counted - expected).max() < 0.015


def test_equals_at_the_edge_of_top_k_enter_in_order_of_their_ids() -> None:
    logits = np.array([1.0, 2.0, 1.0, 1.0, 1.0], np.float32)
    assert set(draws(logits, Sampling(temperature=1.0, top_k=3, seed=0), 200)) == {0, 1, 2}


def test_top_p_beyond_the_first_guess_looks_at_the_whole_vocabulary() -> None:
    logits = np.zeros(5000, np.float32)
    drawn = draws(logits, Sampling(temperature=1.0, top_p=0.5, seed=0), 4000)
    assert max(drawn) < 2500 <= max(drawn) + 50


def test_repetition_penalty_reads_its_window_only() -> None:
    logits = np.array([2.0, 1.5, -1.0, -0.9], np.float32)
    penalised = Sampling(repetition_penalty=2.0, repetition_window=2)
    assert Sampler(penalised).sample(logits, [0, 3, 3]) == 0
    assert Sampler(penalised).sample(logits, [3, 0, 0]) == 1
    assert Sampler(Sampling(repetition_penalty=2.0, repetition_window=0)).sample(logits, [0, 3, 3]) == 1
    only_negative = np.array([-1.0, -1.5], np.float32)
    assert Sampler(penalised).sample(only_negative, [0]) == 1


def test_the_penalty_leaves_the_logits_alone() -> None:
    logits = np.array([2.0, 1.5], np.float32)
    Sampler(Sampling(repetition_penalty=2.0)).sample(logits, [0])
    assert logits.tolist() == [2.0, 1.5]


def test_masked_tokens_are_never_drawn() -> None:
    logits = np.full(300, -np.inf, np.float32)
    logits[[5, 77]] = 0.0
    for sampling in (Sampling(temperature=9.0, seed=0), Sampling(temperature=9.0, top_k=50, seed=0), Sampling(9.0, top_p=0.99)):
        assert set(draws(logits, sampling, 50)) == {5, 77}


def test_a_temperature_near_zero_is_greedy_without_a_warning() -> None:
    logits = np.array([3.0, 5.0, 4.9], np.float32)
    assert set(draws(logits, Sampling(temperature=1e-300, seed=0), 20)) == {1}


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.0, top_p=0.9)])
def test_a_broken_logit_is_an_error_not_a_token(wrong: float, sampling: Sampling) -> None:
    logits = np.zeros(10, np.float32)
    logits[3] = wrong
    with pytest.raises(RuntimeFailedError, match="token 3"):
        Sampler(sampling).sample(logits, [])


def test_everything_masked_is_an_error() -> None:
    with pytest.raises(RuntimeFailedError):
        Sampler(GREEDY).sample(np.full(4, -np.inf, np.float32), [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.inf),
        ("temperature", math.nan),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("top_k", -1),
        ("repetition_penalty", 0.0),
        ("repetition_window", -1),
        ("seed", -1),
    ],
)
def test_options_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Sampling(**{name: value})  # type: ignore[arg-type]
