"""Reports: figures that add up, errors that are those of a plain computation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from quantize.blocks import Q4_0, Q8_0, BlockFormat
from quantize.report import Cost, Report, Stopwatch, TensorRecord, describe_source, relative_error
from quantize.source import open_source
from tests.unit.quantize.tiny_checkpoints import write_gguf, write_hf

SOURCE = {
    "name": "tiny",
    "format": "gguf",
    "sha256": "ab" * 32,
    "stored_types": {"Q4_1": 1000},
    "dequantized": True,
    "note": "It is what it is.",
}
TENSORS = (
    TensorRecord("a.weight", "ffn", (4, 32), "Q4_0", 4 * 18, 0.008),
    TensorRecord("b.weight", "ffn", (12, 32), "Q4_0", 12 * 18, 0.004),
    TensorRecord("c.weight", "embedding", (2, 32), "Q8_0", 2 * 34, 0.0001),
    TensorRecord("d.weight", "norm", (32,), "F32", 128, 0.0),
)
REPORT = Report(SOURCE, {"name": "4"}, "gguf", TENSORS, Cost(1.5, 2.5, 250_000_000))


def test_figures_add_up() -> None:
    assert REPORT.weights == 512 + 64 + 32
    assert REPORT.types == {"Q4_0": 512, "Q8_0": 64, "F32": 32}
    assert list(REPORT.types) == ["Q4_0", "Q8_0", "F32"]
    assert REPORT.bits_per_weight == pytest.approx(8 * (16 * 18 + 68 + 128) / 608)


def test_json_has_it_all(tmp_path: Path) -> None:
    REPORT.write(tmp_path)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert document["schema_version"] == 1
    assert document["source"] == SOURCE
    assert document["cost"] == {"seconds": 1.5, "cpu_seconds": 2.5, "peak_memory_bytes": 250_000_000}
    assert document["types"]["Q4_0"] == {"tensors": 2, "weights": 512, "bytes": 288, "mean_error": pytest.approx(0.005)}
    assert document["bits_per_weight"] == REPORT.bits_per_weight
    assert [tensor["name"] for tensor in document["tensors"]] == [f"{letter}.weight" for letter in "abcd"]
    assert document["tensors"][0] == {
        "name": "a.weight",
        "role": "ffn",
        "shape": [4, 32],
        "type": "Q4_0",
        "bytes": 72,
        "error": 0.008,
    }


def test_markdown_says_it_in_words(tmp_path: Path) -> None:
    REPORT.write(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for said in ("# tiny, recipe 4, gguf", "It is what it is.", "ab" * 32, "608 weights", "1.5 s", "250 MB", "`a.weight`"):
        assert said in text
    assert "| Q4_0 | 2 | 512 | 288 | 5.00e-03 |" in text


@pytest.mark.parametrize("block", [Q4_0, Q8_0])
def test_error_is_that_of_the_plain_formula(block: BlockFormat) -> None:
    weights = np.random.default_rng(0).standard_normal((70, 9600), np.float32)  # more than one piece
    quantized = block.quantize(weights)
    lost = block.dequantize(quantized).astype(np.float64) - weights
    expected = float((lost**2).sum() / (weights.astype(np.float64) ** 2).sum())
    assert relative_error(weights, quantized) == pytest.approx(expected, rel=1e-12)
    assert relative_error(weights, block.dequantize(quantized)) == pytest.approx(expected, rel=1e-12)


def test_error_of_nothing_lost_is_nothing() -> None:
    weights = np.random.default_rng(0).standard_normal(96).astype(np.float32)
    assert relative_error(weights, weights) == 0
    assert relative_error(np.zeros((1, 32), np.float32), Q8_0.quantize(np.zeros((1, 32), np.float32))) == 0


def test_source_is_described_honestly(tmp_path: Path) -> None:
    from gguf import GGMLQuantizationType

    quantized = write_gguf(tmp_path / "tiny.gguf", kind=GGMLQuantizationType.Q8_0)
    with open_source(quantized) as source:
        described = describe_source(source)
        assert described["dequantized"] is True
        assert "what was lost before" in described["note"]
        assert set(described["stored_types"]) == {"Q8_0", "F32"}
        assert described["sha256"] == source.sha256
    with open_source(write_hf(tmp_path / "hf")) as source:
        assert describe_source(source)["dequantized"] is False


def test_stopwatch_measures_work() -> None:
    watch = Stopwatch()
    block = np.ones(50_000_000, np.float32)
    cost = watch.read()
    assert 0 < cost.seconds < 60
    assert cost.cpu_seconds > 0
    assert cost.peak_memory_bytes > block.nbytes
