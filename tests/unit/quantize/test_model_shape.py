"""Shapes: what is counted, and models that are known by name or by size alone."""

from __future__ import annotations

import pytest

from quantize.known_models import known_names, known_shape
from quantize.model_shape import EMBEDDING, dense_shape, shape_of
from runtimes.errors import ConfigError, UnknownModelError
from tests.unit.quantize.test_architecture import TINY

# As the model cards say, in millions; Gemma 3n's text part without its encoders.
PUBLISHED = {
    "smollm2-135m": 134.5,
    "llama-3.2-1b": 1_236,
    "llama-3.2-3b": 3_213,
    "llama-2-7b": 6_738,
    "llama-3-8b": 8_030,
    "mistral-7b": 7_248,
    "qwen2.5-0.5b": 494,
    "qwen3-0.6b": 596,
    "qwen3-4b": 4_022,
    "gemma-3-1b": 1_000,
    "gemma-3n-e2b": 4_460,
    "gemma-3n-e4b": 6_870,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_known_models_have_their_published_parameters(name: str) -> None:
    assert known_shape(name).parameters / 1e6 == pytest.approx(PUBLISHED[name], rel=0.015)


@pytest.mark.parametrize("name", known_names())
def test_known_models_say_where_they_come_from(name: str) -> None:
    shape = known_shape(name)
    assert shape.note
    assert shape.name == name
    assert shape.windowed_layers <= shape.kv_layers <= shape.layers


def test_names_may_be_spelled_as_the_hub_does() -> None:
    assert known_shape("Llama-3.2-1B-Instruct") == known_shape("llama-3.2-1b")
    assert known_shape("gemma-3-1b-it") == known_shape("gemma-3-1b")


def test_what_a_token_reads() -> None:
    tied, untied = known_shape("llama-3.2-1b"), known_shape("llama-3-8b")
    table = next(spec for spec in tied.tensors if spec.name == EMBEDDING)
    assert tied.is_head(table)
    assert tied.is_multiplied(table)
    table = next(spec for spec in untied.tensors if spec.name == EMBEDDING)
    assert not untied.is_multiplied(table)
    assert sum(untied.is_head(spec) for spec in untied.tensors) == 1
    per_layer = next(spec for spec in known_shape("gemma-3n-e2b").tensors if "per_layer.weight" in spec.name)
    assert not known_shape("gemma-3n-e2b").is_multiplied(per_layer)


def test_what_caches_hold() -> None:
    llama = known_shape("llama-3.2-1b")
    assert llama.kv_elements(100, windowed=True) == 2 * 8 * 64 * 16 * 100
    gemma = known_shape("gemma-3-1b")
    assert gemma.kv_elements(100, windowed=True) == gemma.kv_elements(100, windowed=False)
    assert gemma.kv_elements(4096, windowed=True) == 2 * 256 * (22 * 512 + 4 * 4096)
    shared = known_shape("gemma-3n-e2b")
    assert shared.kv_reads(10, windowed=False) == shared.kv_elements(10, windowed=False) * 30 / 20


@pytest.mark.parametrize("parameters", [25e6, 135e6, 599e6, 600e6, 1e9, 3.9e9, 4e9, 10e9, 70e9, 1e12])
def test_a_size_becomes_a_model_of_that_size(parameters: float) -> None:
    shape = dense_shape(int(parameters))
    assert shape.parameters == pytest.approx(parameters, rel=0.02)
    assert "assumed" in shape.note


def test_sizes_in_words() -> None:
    assert known_shape("10b") == known_shape("10B") == known_shape("10 billion parameters") == known_shape("10.0b")
    assert known_shape("350m").parameters == pytest.approx(350e6, rel=0.02)


@pytest.mark.parametrize("name", ["0b", "0.001m", "5000b", "999999999999b", "2t"])
def test_sizes_that_no_model_has(name: str) -> None:
    with pytest.raises(ConfigError, match="million"):
        known_shape(name)


@pytest.mark.parametrize(("name", "nearest"), [("lama-3.2-1b", "llama-3.2-1b"), ("-3b", ""), ("", ""), ("ten billion", "")])
def test_names_nobody_knows(name: str, nearest: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        known_shape(name)
    assert nearest in ("", *raised.value.nearest)


def test_a_shape_is_its_architecture() -> None:
    shape = shape_of(TINY, "it")
    assert (shape.layers, shape.kv_layers, shape.family) == (TINY.layers, TINY.layers, TINY.family)
