"""Recipes: which type each tensor gets."""

from __future__ import annotations

import pytest

from quantize.architecture import TensorSpec
from quantize.blocks import FORMATS
from quantize.recipe import FLOAT, RECIPES, Recipe, recipe_for
from quantize.tensor_types import assign_types, tensor_bytes
from runtimes.errors import ConfigError

MATRIX = TensorSpec("q.weight", "q", (64, 96), "attention")
ODD = TensorSpec("odd.weight", "odd", (64, 50), "ffn")
TABLE = TensorSpec("embedding.weight", "embedding", (100, 96), "embedding")
NORM = TensorSpec("norm.weight", "norm", (96,), "norm")
BIAS = TensorSpec("q.bias", "q.bias", (64,), "bias")


@pytest.mark.parametrize(("bits", "body", "vocabulary"), [(4, "Q4_0", "Q8_0"), (8, "Q8_0", "Q8_0"), (32, "F32", "F32")])
def test_rows(bits: int, body: str, vocabulary: str) -> None:
    types = assign_types(recipe_for(bits), [MATRIX, TABLE, NORM, BIAS])
    assert types == {"q.weight": body, "embedding.weight": vocabulary, "norm.weight": FLOAT, "q.bias": FLOAT}


def test_names_are_the_bits() -> None:
    assert {bits: recipe.name for bits, recipe in RECIPES.items()} == {4: "4", 8: "8", 32: "32"}


def test_rows_of_no_whole_blocks_stay_in_32_bits() -> None:
    assert assign_types(recipe_for(4), [ODD]) == {"odd.weight": FLOAT}


def test_unknown_bits_name_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no recipe for 5 bits\. Choose one of 4, 8, 32"):
        recipe_for(5)


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        RECIPES[4].body = "Q8_0"
    with pytest.raises(TypeError):
        RECIPES[4].types["norm"] = "Q8_0"
    assert Recipe("4", "Q4_0", "Q8_0") == RECIPES[4]


@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0"])
def test_bytes_of_a_block_format(kind: str) -> None:
    blocks = 64 * 96 // 32
    assert tensor_bytes("gguf", (64, 96), kind) == blocks * FORMATS[kind].block_bytes
    assert tensor_bytes("onnx", (64, 96), kind) == blocks * (FORMATS[kind].packed_bytes + 4)
    assert tensor_bytes("gguf", (96,), FLOAT) == tensor_bytes("onnx", (96,), FLOAT) == 384
