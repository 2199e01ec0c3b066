"""File sizes before anything is written: equal to what the writers then lay down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from quantize.known_models import known_shape
from quantize.pipeline import quantize
from quantize.planned_model import read_planned_model
from quantize.recipe import RECIPES, recipe_for
from quantize.stored_model import TextBytes, store
from quantize.tensor_types import CONTAINERS, Container
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_gguf

# Large enough that weights are most of it; odd enough that pages are left half empty and one matrix keeps its floats.
SIZES = {"hidden_size": 160, "intermediate_size": 480, "num_hidden_layers": 3, "head_dim": 40, "max_position_embeddings": 64}
CONFIGS: dict[str, Mapping[str, Any]] = {
    "tied": {**CONFIG, **SIZES},
    "untied": {**CONFIG, **SIZES, "tie_word_embeddings": False},
    "biases": {**CONFIG, **SIZES, "model_type": "qwen2"},
    "norms of heads": {**CONFIG, **SIZES, "model_type": "qwen3"},
    "not in blocks": {**CONFIG, **SIZES, "intermediate_size": 500},
}


@pytest.mark.parametrize("bits", RECIPES)
@pytest.mark.parametrize("config", CONFIGS)
def test_weights_take_what_was_said(config: str, bits: int, tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "model.gguf", config=CONFIGS[config])
    made = quantize(source, tmp_path / "out", recipe=recipe_for(bits), formats=CONTAINERS)
    planned = read_planned_model(source)
    for bundle in made:
        form = store(planned.shape, recipe_for(bits), bundle.format, planned.texts)
        assert form.weight_bytes * 8 / planned.shape.parameters == pytest.approx(bundle.bits_per_weight)
        assert form.file_bytes == pytest.approx(bundle.bytes, abs=20_000)


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_a_token_reads_is_less_than_the_file(container: Container) -> None:
    shape = known_shape("llama-3-8b")
    form = store(shape, recipe_for(4), container)
    table = shape.vocabulary_size * shape.hidden_size
    assert form.weight_bytes - form.read_bytes == table // 32 * {"onnx": 36, "gguf": 34}[container]
    assert form.types == {"Q4_0", "Q8_0"}
    assert not form.exists


def test_the_vocabulary_counts_as_given() -> None:
    shape = known_shape("qwen3-0.6b")
    plain = store(shape, recipe_for(8), "onnx", TextBytes(onnx=0, gguf=0))
    assert store(shape, recipe_for(8), "onnx", TextBytes(onnx=12345, gguf=0)).file_bytes - plain.file_bytes == 12345
    assert store(shape, recipe_for(8), "onnx").file_bytes - plain.file_bytes == TextBytes.guess(151_936).onnx
