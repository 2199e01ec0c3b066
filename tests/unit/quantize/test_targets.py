"""Device profiles: every figure has a source, and a wrong name gets the nearest."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from quantize.targets import BLOCK_KERNEL, FLOAT_KERNEL, TARGETS, Compute, Figure, Target, find_target
from runtimes.errors import ConfigError


def figures(target: Target) -> list[Figure]:
    stated = [value for item in fields(target) if isinstance(value := getattr(target, item.name), Figure)]
    rates = [figure for compute in target.compute.values() for figure in (compute.decode, compute.prefill)]
    return stated + rates


@pytest.mark.parametrize("name", TARGETS)
def test_every_figure_is_a_positive_number_with_a_source(name: str) -> None:
    target = find_target(name)
    assert target.name == name
    assert len(figures(target)) >= 8
    for figure in figures(target):
        assert math.isfinite(figure.value)
        assert figure.value > 0
        assert len(figure.source) > 5
    for limit in target.limits:
        assert limit.source


@pytest.mark.parametrize("name", TARGETS)
def test_profiles_are_physical(name: str) -> None:
    target = find_target(name)
    assert target.peak_bandwidth is not None
    assert 0.4 < target.bandwidth.value / target.peak_bandwidth.value < 1
    assert 0 < target.usable_share.value < 1
    assert {BLOCK_KERNEL, FLOAT_KERNEL} <= set(target.compute)
    assert target.compute[FLOAT_KERNEL].prefill.value < target.compute[BLOCK_KERNEL].prefill.value
    assert all(isinstance(compute, Compute) for compute in target.compute.values())


def test_eight_bit_products_need_a_newer_runtime_on_arm() -> None:
    assert [(limit.type, limit.runtime, limit.version) for limit in find_target("snapdragon-8-gen3").limits] == [
        ("Q8_0", "onnxruntime", "1.23")
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("snapdragon-8-gen2", "snapdragon-8-gen3"), ("Apple-M3", "apple-m3"), ("toaster", "Known are"), ("", "this")],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        find_target(name)


def test_memory_can_be_another() -> None:
    target = find_target("snapdragon-8-gen3").with_memory(16e9)
    assert target.usable_bytes == int(16e9 * 0.48)
    assert target.memory.source == "as given"
    for wrong in (0.0, -5e9, 1e8, 2e12, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="GB"):
            target.with_memory(wrong)
