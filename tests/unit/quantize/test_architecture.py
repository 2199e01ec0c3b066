"""Sizes that contradict each other, and rotary tables against their definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from quantize.architecture import Architecture, FrequencyFactors, LinearScaling, Llama3Scaling, Rope
from runtimes.errors import SourceError

TINY = Architecture(
    family="llama",
    model_type="llama",
    layers=2,
    hidden_size=64,
    intermediate_size=96,
    heads=4,
    kv_heads=2,
    head_dim=16,
    vocabulary_size=100,
    context_length=128,
    norm_epsilon=1e-5,
    rope=Rope(10_000.0),
    tied=True,
    origin="tiny.gguf",
)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": 0},
        {"layers": 10**9},
        {"hidden_size": -1},
        {"vocabulary_size": 1 << 40},
        {"context_length": 0},
        {"kv_heads": 3},
        {"head_dim": 15},
        {"norm_epsilon": 0.0},
        {"norm_epsilon": float("nan")},
        {"rope": Rope(0.0)},
        {"rope": Rope(float("inf"))},
        {"rope": Rope(1e4, LinearScaling(0.5))},
        {"rope": Rope(1e4, LinearScaling(float("nan")))},
        {"rope": Rope(1e4, Llama3Scaling(8.0, 4.0, 1.0, 8192))},
        {"rope": Rope(1e4, FrequencyFactors((1.0, 2.0)))},
        {"rope": Rope(1e4, FrequencyFactors((1.0,) * 7 + (0.0,)))},
        {"bos_token_id": 100},
        {"stop_token_ids": (2, -1)},
    ],
    ids=str,
)
def test_impossible_figures_are_refused_with_the_file(change: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match=r"tiny\.gguf: .*\. Download"):
        replace(TINY, **change)


def test_tables_are_cos_and_sin_of_position_times_frequency() -> None:
    cos, sin = Rope(100.0).tables(4, 3)
    angles = np.array([[0, 0], [1, 0.1], [2, 0.2]])
    np.testing.assert_allclose(cos, np.cos(angles), atol=1e-6)
    np.testing.assert_allclose(sin, np.sin(angles), atol=1e-6)
    assert cos.dtype == sin.dtype == np.float32


def test_linear_scaling_slows_every_position() -> None:
    plain, scaled = Rope(1e4), Rope(1e4, LinearScaling(4.0))
    np.testing.assert_allclose(scaled.tables(16, 33)[0][::4], plain.tables(16, 9)[0], atol=1e-6)


def test_llama3_scaling_keeps_short_waves_and_slows_long_ones() -> None:
    rope = Rope(500_000.0, Llama3Scaling(8.0, 1.0, 4.0, 8192))
    factors = rope.factors(128)
    assert factors is not None
    wavelengths = 2 * np.pi / rope.frequencies(128)
    assert (factors[wavelengths < 8192 / 4] == 1).all()
    np.testing.assert_allclose(factors[wavelengths > 8192], 8, rtol=1e-6)
    between = factors[(wavelengths > 8192 / 4) & (wavelengths < 8192)]
    assert len(between) > 3
    assert ((between > 1) & (between < 8)).all()


def test_stated_factors_are_those_that_are_used() -> None:
    llama3 = Rope(500_000.0, Llama3Scaling(32.0, 1.0, 4.0, 8192))
    factors = llama3.factors(64)
    assert factors is not None
    stated = Rope(500_000.0, FrequencyFactors(tuple(factors.tolist())))
    np.testing.assert_array_equal(stated.tables(64, 500), llama3.tables(64, 500))
