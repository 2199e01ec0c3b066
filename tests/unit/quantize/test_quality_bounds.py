"""The bench's promises fail when a figure is worse than promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quantize.evaluate import Evaluation
from tests.bench.bench_quality import bounds

GOOD = {
    name: Evaluation(20.0, 19.5, 1.02, kld, 0.1, top1, 4088)
    for name, kld, top1 in (
        ("onnx 8", 0.004, 0.96),
        ("llamacpp 8", 0.004, 0.96),
        ("onnx 4", 0.27, 0.72),
        ("llamacpp 4", 0.27, 0.72),
        ("llama.cpp Q4_0", 0.27, 0.72),
    )
}


def test_good_figures_meet_every_bound() -> None:
    assert len(bounds(GOOD)) == 6
    assert all(bound.met for bound in bounds(GOOD))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("onnx 8", {"kld_mean": 0.0121}),
        ("llamacpp 8", {"kld_mean": float("nan")}),
        ("onnx 8", {"top1_agreement": 0.939}),
        ("onnx 4", {"kld_mean": 0.27 * 1.11}),
        ("llamacpp 4", {"kld_mean": 0.27 / 1.11}),
    ],
)
def test_one_bad_figure_breaks_one_bound(name: str, change: dict[str, float]) -> None:
    figures = {**GOOD, name: replace(GOOD[name], **change)}
    broken = [bound.name for bound in bounds(figures) if not bound.met]
    assert len(broken) == 1
    assert broken[0].startswith(name.split()[0])
