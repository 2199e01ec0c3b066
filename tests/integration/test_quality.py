"""What shrinking the default model costs, on both runtimes: a short measurement with bounds well outside its noise.

The promised figures (4,096 tokens of a longer text) come from tests/bench/bench_quality.py, which is run by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from quantize.evaluate import Evaluation, evaluate
from quantize.pipeline import quantize
from quantize.recipe import recipe_for

TEXT = Path(__file__).parents[2] / "LICENSE"
TOKENS, CONTEXT = 256, 128


@pytest.fixture(scope="module")
def figures(smol_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evaluation]:
    """By format and bits: "onnx 32" is the reference against itself."""
    place = tmp_path_factory.mktemp("quality")
    text = TEXT.read_text(encoding="utf-8")
    quantize(smol_gguf, place / "onnx 32", recipe=recipe_for(32), formats=("onnx",))
    for bits in (4, 8):
        for form in ("onnx", "gguf"):
            quantize(smol_gguf, place / f"{form} {bits}", recipe=recipe_for(bits), formats=(form,))
    return {
        # One thread: where other work takes the cores, threads that wait for each other stand still.
        bundle.name: evaluate(bundle, place / "onnx 32", text, tokens=TOKENS, context=CONTEXT, threads=1)
        for bundle in sorted(place.iterdir())
    }


def test_every_token_but_the_first_of_each_window_counts(figures: dict[str, Evaluation]) -> None:
    assert {row.tokens for row in figures.values()} == {TOKENS - TOKENS // CONTEXT}


def test_the_reference_against_itself_costs_nothing(figures: dict[str, Evaluation]) -> None:
    itself = figures["onnx 32"]
    assert itself.kld_mean < 1e-9
    assert itself.kld_p99 < 1e-9
    assert itself.top1_agreement == 1
    assert 10 < itself.perplexity < 60


@pytest.mark.parametrize("form", ["onnx", "gguf"])
def test_eight_bits_cost_next_to_nothing(form: str, figures: dict[str, Evaluation]) -> None:
    row = figures[f"{form} 8"]
    assert 1e-4 < row.kld_mean < 0.012
    assert row.kld_mean < row.kld_p99 < 0.1
    assert row.top1_agreement > 0.9
    assert 0.97 < row.perplexity_ratio < 1.03


@pytest.mark.parametrize("form", ["onnx", "gguf"])
def test_four_bits_cost_what_is_known_of_them(form: str, figures: dict[str, Evaluation]) -> None:
    row = figures[f"{form} 4"]
    assert 0.2 < row.kld_mean < 0.6
    assert row.top1_agreement > 0.55
    assert 1.05 < row.perplexity_ratio < 1.5


@pytest.mark.parametrize("bits", [4, 8])
def test_both_runtimes_agree_on_the_cost(bits: int, figures: dict[str, Evaluation]) -> None:
    onnx, gguf = figures[f"onnx {bits}"], figures[f"gguf {bits}"]
    assert onnx.reference_perplexity == pytest.approx(gguf.reference_perplexity, rel=1e-4)
    assert onnx.perplexity == pytest.approx(gguf.perplexity, rel=0.04)
    assert onnx.kld_mean == pytest.approx(gguf.kld_mean, rel=0.15)
