"""GGUF files: read back by the reference reader with the same metadata and the same weights."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gguf
import numpy as np
import pytest

from quantize.architecture import Architecture
from quantize.blocks import FORMATS
from quantize.families import find_family
from quantize.pipeline import quantize
from quantize.recipe import Recipe, recipe_for
from quantize.source import open_source
from quantize.tensor_types import assign_types, tensor_bytes
from quantize.write_gguf import GGUFWriter
from runtimes.gguf import read_header
from tests.unit.quantize.tiny_checkpoints import CONFIG, Weights, random_weights, write_gguf

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
METADATA = {
    "tokenizer.ggml.tokens": ["a", "", "é\n"],
    "tokenizer.ggml.scores": memoryview(array("f", [0.5, -1.0, 0.0])),
    "tokenizer.ggml.token_type": memoryview(array("i", [1, -3, 4])),
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.add_bos_token": True,
    "general.name": "",
    "test.large": 1 << 40,
    "test.negative": -5,
    "test.float": 0.25,
}


def architecture_of(**config: Any) -> Architecture:
    full = {**CONFIG, **config}
    return find_family(full["model_type"]).from_config(full)


def write(
    path: Path, architecture: Architecture, weights: Weights, recipe: Recipe, metadata: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, str]:
    family = find_family(architecture.family)
    specs = family.tensors(architecture)
    types = assign_types(recipe, specs)
    with GGUFWriter(path, architecture, {**family.gguf_metadata(architecture), **metadata}, types) as writer:
        for spec in specs:
            kind = types[spec.name]
            writer.add(spec, FORMATS[kind].quantize(weights[spec.name]) if kind in FORMATS else weights[spec.name])
        writer.finish()
    return types


def test_reference_reader_sees_the_metadata(tmp_path: Path) -> None:
    architecture = architecture_of()
    write(tmp_path / "m.gguf", architecture, random_weights(), recipe_for(32), METADATA)
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    read = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    arrays = {name: list(value) for name, value in METADATA.items() if isinstance(value, list | memoryview)}
    assert {name: read[name] for name in METADATA} == METADATA | arrays
    described = find_family(architecture.family).gguf_metadata(architecture)
    assert {name: read[name] for name in described} == pytest.approx(described)
    kinds = {name: reader.fields[name].types for name in METADATA}
    assert kinds["tokenizer.ggml.eos_token_id"] == [gguf.GGUFValueType.UINT32]  # the only width llama.cpp takes
    assert kinds["tokenizer.ggml.token_type"] == [gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.INT32]
    assert kinds["tokenizer.ggml.scores"] == [gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.FLOAT32]


@pytest.mark.parametrize("bits", [4, 8, 32])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_weights_come_back_in_the_type_announced(tmp_path: Path, family: str, bits: int) -> None:
    config = {**CONFIG, "model_type": family, "head_dim": 16, "tie_word_embeddings": bits == 4}
    architecture, weights = architecture_of(**config), random_weights(config, seed=bits)
    types = write(tmp_path / "m.gguf", architecture, weights, recipe_for(bits))
    header = read_header(tmp_path / "m.gguf")
    with open_source(tmp_path / "m.gguf") as source:
        specs = find_family(family).tensors(architecture)
        for spec in specs:
            stored = header.tensors[spec.gguf_name]
            assert (stored.type, stored.shape) == (types[spec.name], spec.shape)
            assert stored.nbytes == tensor_bytes("gguf", spec.shape, types[spec.name])
            expected = weights[spec.name]
            if stored.type != "F32":
                kind = gguf.GGMLQuantizationType[stored.type]
                expected = gguf.quants.dequantize(gguf.quants.quantize(expected, kind), kind)
            np.testing.assert_array_equal(source.tensor(spec), expected)


def test_rotary_factors_are_a_tensor(tmp_path: Path) -> None:
    config = {**CONFIG, "rope_scaling": {**LLAMA3, "original_max_position_embeddings": 32}}
    architecture = architecture_of(**config)
    write(tmp_path / "m.gguf", architecture, random_weights(config), recipe_for(8))
    (factors,) = (tensor for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors if tensor.name == "rope_freqs.weight")
    np.testing.assert_array_equal(factors.data, architecture.rope.factors(architecture.head_dim))
    assert factors.data.max() == pytest.approx(8)


def test_wrong_order_shape_or_type_is_refused(tmp_path: Path) -> None:
    architecture, weights = architecture_of(), random_weights()
    specs = find_family("llama").tensors(architecture)
    types = assign_types(recipe_for(32), specs)
    with GGUFWriter(tmp_path / "m.gguf", architecture, {}, types) as writer:
        with pytest.raises(ValueError, match="was expected"):
            writer.add(specs[1], weights[specs[1].name])
        with pytest.raises(ValueError, match="was announced"):
            writer.add(specs[0], weights[specs[0].name][1:])
        with pytest.raises(ValueError, match="was announced"):
            writer.add(specs[0], FORMATS["Q8_0"].quantize(weights[specs[0].name]))
        writer.add(specs[0], weights[specs[0].name])
        with pytest.raises(ValueError, match="was not added"):
            writer.finish()


def test_vocabulary_of_a_gguf_source_is_copied(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "source.gguf")
    quantize(source, tmp_path / "out", recipe=recipe_for(8), formats=("gguf",))
    before, after = read_header(source), read_header(tmp_path / "out" / "model.gguf")
    kept = {key for key in before.metadata if key.startswith("tokenizer.")}
    assert len(kept) >= 7
    for key in kept:
        old, new = before.metadata[key], after.metadata[key]
        assert old == new if isinstance(old, str | int) else list(old) == list(new)
    assert after.text("general.license") == "mit"
    assert after.integer("general.file_type") == 7
