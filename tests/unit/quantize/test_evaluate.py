"""The figures of an evaluation: equal to the formulas, independent of how the work is cut, honest about bad input."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors

import quantize.evaluate as module
from quantize.evaluate import Comparison, evaluate
from runtimes.bundle import Manifest, write_bundle
from runtimes.errors import BundleError, ConfigError, PromptError, RuntimeFailedError
from runtimes.fake import FakeSession
from tests.tiny import byte_tokenizer, write_fake_bundle

Logits = npt.NDArray[np.float32]
TEXT = "The quick brown fox jumps over the lazy dog, 狐 and all <|im_end|>."


def random_logits(rows: int, tokens: int, seed: int, scale: float = 3.0) -> Logits:
    return (np.random.default_rng(seed).standard_normal((rows, tokens)) * scale).astype(np.float32)


def probabilities(row: Logits) -> list[float]:
    """Softmax, one exponential at a time."""
    top = max(map(float, row))
    powers = [math.exp(float(value) - top) for value in row]
    return [power / math.fsum(powers) for power in powers]


def test_figures_equal_the_formulas() -> None:
    reference, candidate = random_logits(40, 23, 1), random_logits(40, 23, 2)
    targets = np.random.default_rng(3).integers(0, 23, 40)
    comparison = Comparison()
    comparison.add(reference, candidate, targets)
    result = comparison.result()
    p, q = [list(map(probabilities, logits)) for logits in (reference, candidate)]
    divergences = [math.fsum(a * math.log(a / b) for a, b in zip(*rows, strict=True)) for rows in zip(p, q, strict=True)]
    losses = [[-math.log(row[target]) for row, target in zip(rows, targets, strict=True)] for rows in (p, q)]
    assert result.reference_perplexity == pytest.approx(math.exp(math.fsum(losses[0]) / 40), rel=1e-12)
    assert result.perplexity == pytest.approx(math.exp(math.fsum(losses[1]) / 40), rel=1e-12)
    assert result.perplexity_ratio == pytest.approx(result.perplexity / result.reference_perplexity, rel=1e-12)
    assert result.kld_mean == pytest.approx(math.fsum(divergences) / 40, rel=1e-12)
    ranked = sorted(divergences)
    assert result.kld_p99 == pytest.approx(ranked[38] + 0.61 * (ranked[39] - ranked[38]), rel=1e-12)  # rank 0.99 * 39
    agreed = sum(a.index(max(a)) == b.index(max(b)) for a, b in zip(p, q, strict=True))
    assert result.top1_agreement == agreed / 40
    assert result.tokens == 40


def test_two_tokens_by_hand() -> None:
    """P = (3/4, 1/4), Q = (1/2, 1/2): KL = 3/4 log(3/2) + 1/4 log(1/2)."""
    comparison = Comparison()
    comparison.add(np.log(np.array([[0.75, 0.25]], np.float32)), np.zeros((1, 2), np.float32), np.array([1]))
    result = comparison.result()
    assert result.kld_mean == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), rel=1e-6)
    assert result.kld_p99 == result.kld_mean
    assert result.perplexity == pytest.approx(2)
    assert result.reference_perplexity == pytest.approx(4, rel=1e-6)
    assert result.perplexity_ratio == pytest.approx(0.5, rel=1e-6)


def test_divergence_is_of_the_candidate_from_the_reference_and_not_the_reverse() -> None:
    sure, unsure = np.array([[8.0, 0.0, 0.0]], np.float32), np.array([[1.0, 0.0, 0.0]], np.float32)
    forward, backward = Comparison(), Comparison()
    forward.add(sure, unsure, np.array([0]))
    backward.add(unsure, sure, np.array([0]))
    assert forward.result().kld_mean == pytest.approx(0.546, abs=1e-3)
    assert backward.result().kld_mean == pytest.approx(2.416, abs=1e-3)


def test_a_model_equals_itself_even_at_extreme_logits() -> None:
    logits = np.array([[1e4, -1e4, 0.0], [3e38, -3e38, 0.0], [0.0, 0.0, 0.0]], np.float32)
    comparison = Comparison()
    comparison.add(logits, logits.copy(), np.array([0, 0, 2]))
    result = comparison.result()
    assert (result.kld_mean, result.kld_p99, result.top1_agreement, result.perplexity_ratio) == (0, 0, 1, 1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(1, 29), max_size=4), shift=st.floats(-100, 100))
def test_neither_the_split_nor_a_constant_added_to_the_logits_matters(seed: int, cuts: list[int], shift: float) -> None:
    reference, candidate = random_logits(30, 11, seed), random_logits(30, 11, seed + 1)
    targets = np.random.default_rng(seed).integers(0, 11, 30)
    whole, pieces = Comparison(), Comparison()
    whole.add(reference, candidate, targets)
    edges = [0, *sorted(set(cuts)), 30]
    for first, last in pairwise(edges):
        pieces.add(reference[first:last] + np.float32(shift), candidate[first:last], targets[first:last])
    left, right = whole.result(), pieces.result()
    for name in ("perplexity", "reference_perplexity", "kld_mean", "kld_p99"):
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=1e-4, abs=1e-6)
    assert left.kld_mean >= 0
    assert left.tokens == right.tokens


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_an_error(value: float) -> None:
    good, bad = np.zeros((2, 4), np.float32), np.zeros((2, 4), np.float32)
    bad[1, 2] = value
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(RuntimeFailedError, match="NaN or infinite"):
            Comparison().add(*pair, np.array([0, 0]))


def test_a_perplexity_past_all_numbers_is_an_error() -> None:
    comparison = Comparison()
    comparison.add(np.zeros((1, 2), np.float32), np.array([[0.0, 3e38]], np.float32), np.array([0]))
    with pytest.raises(RuntimeFailedError, match="no probability at all"):
        comparison.result()


def replay(text: str, seeds: tuple[int, int], tokens: int, context: int, before: list[int]) -> Comparison:
    """The same measurement by fresh sessions, one per window and model."""
    tokenizer = byte_tokenizer()
    tokenizer.encode_special_tokens = True
    ids = tokenizer.encode(text).ids[:tokens]
    step = context - len(before)
    comparison = Comparison()
    for first in range(0, len(ids), step):
        window = before + ids[first : first + step]
        if len(window) < 2:
            continue
        rows = [FakeSession(259, 512, seed=seed).feed(window[:-1], rows=len(window) - 1) for seed in seeds]
        comparison.add(*rows, np.array(window[1:]))
    return comparison


@pytest.mark.parametrize(("tokens", "context"), [(4096, 16), (48, 16), (50, 16), (49, 16), (4096, 512), (20, 7), (2, 2)])
def test_windows_start_afresh_and_every_token_but_their_first_counts(tmp_path: Path, tokens: int, context: int) -> None:
    bundles = [write_fake_bundle(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    result = evaluate(bundles[1], bundles[0], TEXT, tokens=tokens, context=context)
    assert result == replay(TEXT, (1, 2), tokens, context, []).result()


def test_a_bundle_against_itself_costs_nothing(tmp_path: Path) -> None:
    bundle = write_fake_bundle(tmp_path / "b", seed=5)
    result = evaluate(bundle, bundle, TEXT, context=16, runtime="fake", threads=1)
    assert (result.kld_mean, result.kld_p99, result.top1_agreement, result.perplexity_ratio) == (0, 0, 1, 1)
    assert result.perplexity == result.reference_perplexity


def test_a_window_begins_with_bos_where_the_model_wants_one(tmp_path: Path) -> None:
    for seed in (1, 2):
        tokenizer = byte_tokenizer()
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|im_start|> $A", pair="<|im_start|> $A $B", special_tokens=[("<|im_start|>", 257)]
        )
        write_model(tmp_path / str(seed), {"vocabulary_size": 259, "context_length": 512, "seed": seed}, tokenizer.to_str())
    result = evaluate(tmp_path / "2", tmp_path / "1", TEXT, tokens=40, context=16)
    assert result == replay(TEXT, (1, 2), 40, 16, [257]).result()
    assert result.tokens == 40


def write_model(path: Path, model: dict[str, int], tokenizer: str) -> Path:
    with write_bundle(path) as writer:
        (writer.directory / "fake.json").write_text(json.dumps(model), encoding="utf-8")
        (writer.directory / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
        size = model["vocabulary_size"]
        writer.finish(Manifest("m", "fake", "fake", "fake.json", 512, size, tokenizer="tokenizer.json", bos_token_id=257))
    return path


def test_little_memory_changes_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundles = [write_fake_bundle(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    roomy = evaluate(bundles[1], bundles[0], TEXT, context=32)
    monkeypatch.setattr(module, "_LOGITS_BYTES", 4 * 259 * 3)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 259)
    tight = evaluate(bundles[1], bundles[0], TEXT, context=32)
    assert tight.perplexity == pytest.approx(roomy.perplexity, rel=1e-12)
    assert tight.kld_mean == pytest.approx(roomy.kld_mean, rel=1e-12)


def test_progress_counts_up_to_all_positions(tmp_path: Path) -> None:
    bundle = write_fake_bundle(tmp_path / "b")
    seen: list[tuple[int, int]] = []
    result = evaluate(bundle, bundle, TEXT, context=16, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, result.tokens)
    assert seen[-1] == (result.tokens, result.tokens)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(("tokens", "context"), [(1, 512), (4096, 1), (0, 0), (-5, 512)])
def test_sizes_that_leave_nothing_to_predict_are_refused(tmp_path: Path, tokens: int, context: int) -> None:
    bundle = write_fake_bundle(tmp_path / "b")
    with pytest.raises(ConfigError, match="at least 2"):
        evaluate(bundle, bundle, TEXT, tokens=tokens, context=context)


def test_a_context_longer_than_the_models_is_refused(tmp_path: Path) -> None:
    bundle = write_fake_bundle(tmp_path / "b", context_length=64)
    with pytest.raises(ConfigError, match=r"512.*64"):
        evaluate(bundle, bundle, TEXT)


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_without_a_token_to_predict_is_refused(tmp_path: Path, text: str) -> None:
    bundle = write_fake_bundle(tmp_path / "b")
    with pytest.raises(PromptError, match="too short"):
        evaluate(bundle, bundle, text)


def test_two_models_cannot_be_compared(tmp_path: Path) -> None:
    plain = byte_tokenizer().to_str()
    small = write_model(tmp_path / "small", {"vocabulary_size": 259, "context_length": 512, "seed": 0}, plain)
    padded = write_model(tmp_path / "padded", {"vocabulary_size": 300, "context_length": 512, "seed": 0}, plain)
    with pytest.raises(BundleError, match="vocabularies differ in size"):
        evaluate(padded, small, TEXT)
    other = write_model(
        tmp_path / "other", {"vocabulary_size": 259, "context_length": 512, "seed": 0}, plain.replace('"a":', '"\\u3000":')
    )
    with pytest.raises(BundleError, match="tokenize the text differently"):
        evaluate(other, small, TEXT)
    (small / "fake.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="Quantize or pull"):
        evaluate(small, padded, TEXT)
