"""What is written: the bytes, the graph, and that every way of storing a matrix computes the same product."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from quantize.architecture import Architecture, LinearScaling, Rope, TensorSpec
from quantize.blocks import Q4_0, Q8_0, BlockFormat
from quantize.families import find_family
from quantize.write_onnx import DATA_NAME, MODEL_NAME, PREFILL_NAME, OnnxWriter
from runtimes.bundle import FILL_NAME
from runtimes.graph_metadata import SCORED_HEADS
from tests.onnx_models import Choice, open_onnx, random_weights, rounded, write_onnx

TINY = Architecture(
    family="llama",
    model_type="llama",
    layers=2,
    hidden_size=64,
    intermediate_size=96,
    heads=4,
    kv_heads=2,
    head_dim=16,
    vocabulary_size=80,
    context_length=64,
    norm_epsilon=1e-5,
    rope=Rope(10_000.0, LinearScaling(2.0)),
    tied=True,
    bos_token_id=1,
    stop_token_ids=(2, 5),
)
BIASED = replace(TINY, tied=False, qkv_bias=True, output_bias=True, mlp_bias=True)
NORMED = replace(TINY, family="qwen3", model_type="qwen3", qk_norm=True, head_dim=32)
UNEVEN = replace(TINY, hidden_size=48, tied=False)
"""Rows of 48: only what reads 64 or 96 columns can be held in blocks."""
IDS = [7, 3, 79, 0, 41, 7, 7, 12, 66]


def four_bits(spec: TensorSpec) -> BlockFormat | None:
    return {"embedding": Q8_0, "head": Q8_0, "attention": Q4_0, "ffn": Q4_0}.get(spec.role)


def eight_bits(spec: TensorSpec) -> BlockFormat | None:
    return None if spec.role in ("norm", "bias") else Q8_0


def four_bits_throughout(spec: TensorSpec) -> BlockFormat | None:
    return None if spec.role in ("norm", "bias") else Q4_0


def mixed(spec: TensorSpec) -> BlockFormat | None:
    """Query, key and value of three types, so that they cannot be one matrix."""
    if "q_proj.weight" in spec.name:
        return Q4_0
    return None if "k_proj" in spec.name else eight_bits(spec)


@pytest.mark.parametrize("choose", [four_bits, eight_bits, four_bits_throughout, mixed])
@pytest.mark.parametrize("architecture", [TINY, BIASED, NORMED, UNEVEN], ids=["tied", "biased", "normed", "uneven"])
def test_blocks_compute_what_their_weights_compute(tmp_path: Path, architecture: Architecture, choose: Choice) -> None:
    weights = random_weights(architecture)
    blocks = write_onnx(tmp_path / "blocks", architecture, weights, choose, accuracy_level=1)
    floats = write_onnx(tmp_path / "floats", architecture, rounded(architecture, weights, choose))
    with open_onnx(blocks, architecture) as found, open_onnx(floats, architecture) as expected:
        np.testing.assert_allclose(found.feed(IDS, rows=9), expected.feed(IDS, rows=9), atol=2e-5)


def test_int8_activations_stay_close(tmp_path: Path) -> None:
    weights = random_weights(TINY)
    exact = write_onnx(tmp_path / "1", TINY, weights, eight_bits, accuracy_level=1)
    fast = write_onnx(tmp_path / "4", TINY, weights, eight_bits)
    with open_onnx(exact, TINY) as one, open_onnx(fast, TINY) as four:
        expected, found = one.feed(IDS, rows=9), four.feed(IDS, rows=9)
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("choose", [four_bits, lambda _: None], ids=["blocks", "floats"])
def test_rows_nobody_reads_change_nothing(tmp_path: Path, choose: Choice) -> None:
    directory = write_onnx(tmp_path / "model", TINY, random_weights(TINY), choose)
    with open_onnx(directory, TINY) as session:
        every = session.feed(IDS, rows=9)
        session.rewind(0)
        assert session.feed(IDS[:6], rows=0).shape == (0, 80)
        np.testing.assert_allclose(session.feed(IDS[6:], rows=2), every[-2:], atol=1e-5)


def test_tied_head_shares_the_embeddings_bytes(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "model", TINY, random_weights(TINY), eight_bits)
    tensors = initializers(directory)
    for kind in ("weight", "scales"):
        head, embedding = (place(tensors[f"{name}.{kind}"]) for name in ("lm_head", "model.embed_tokens"))
        assert head == embedding
    assert list(tensors["model.embed_tokens.weight"].dims) == [80, 64]
    assert list(tensors["lm_head.weight"].dims) == [80, 2, 32]


def test_data_file_is_aligned_without_overlap_and_no_larger_than_it_needs_to_be(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "model", BIASED, random_weights(BIASED), four_bits)
    places = sorted(place(tensor) for tensor in initializers(directory).values() if tensor.external_data)
    size = (directory / DATA_NAME).stat().st_size
    for (offset, length), (following, _) in zip(places, [*places[1:], (size, 0)], strict=True):
        assert offset % (4096 if length >= 4096 else 64) == 0
        assert offset + length <= following
    assert sum(length for _, length in places) + 4096 * len(places) > size


def test_query_key_and_value_are_one_product(tmp_path: Path) -> None:
    kinds = node_kinds(write_onnx(tmp_path / "model", TINY, random_weights(TINY), four_bits))
    assert kinds == {
        "GatherBlockQuantized": 1,
        "MatMulNBits": 5 * 2 + 1,
        "GroupQueryAttention": 2,
        "SimplifiedLayerNormalization": 1,
        "SkipSimplifiedLayerNormalization": 4,
        "QuickGelu": 2,
        "Mul": 2,
        "Slice": 2,
        # what the mask says of the cache, once
        "ReduceSum": 1,
        "Sub": 1,
        "Cast": 2,
        "Shape": 1,
        "Squeeze": 1,
    }


def test_graph_has_the_inputs_and_outputs_onnxruntime_genai_binds(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "model", NORMED, random_weights(NORMED), four_bits)
    graph = onnx.load(directory / MODEL_NAME, load_external_data=False).graph
    cache = [f"{layer}.{part}" for layer in (0, 1) for part in ("key", "value")]
    assert [item.name for item in graph.input] == [
        "input_ids",
        "attention_mask",
        *(f"past_key_values.{name}" for name in cache),
        "logits_start",
    ]
    assert [item.name for item in graph.output] == ["logits", *(f"present.{name}" for name in cache)]
    assert "logits_start" in {item.name for item in graph.initializer}


def test_genai_config_describes_the_model(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "model", TINY, random_weights(TINY), four_bits)
    model = json.loads((directory / "genai_config.json").read_text(encoding="utf-8"))["model"]
    assert (model["type"], model["vocab_size"], model["context_length"]) == ("llama", 80, 64)
    assert (model["bos_token_id"], model["eos_token_id"]) == (1, [2, 5])
    sizes = ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_size", "hidden_size")
    assert [model["decoder"][name] for name in sizes] == [2, 4, 2, 16, 64]
    assert model["decoder"]["filename"] == MODEL_NAME


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_onnx(tmp_path / name, BIASED, random_weights(BIASED), four_bits) for name in "ab")
    assert sorted(file.name for file in first.iterdir()) == [
        FILL_NAME,
        "genai_config.json",
        MODEL_NAME,
        DATA_NAME,
        PREFILL_NAME,
    ]
    assert all((first / file.name).read_bytes() == file.read_bytes() for file in second.iterdir())


def test_a_prefill_graph_differs_in_the_level_of_its_four_bit_products_and_in_tiles_of_attention(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "4", TINY, random_weights(TINY), four_bits)
    plain, prefill = (onnx.load(directory / name, load_external_data=False) for name in (MODEL_NAME, PREFILL_NAME))
    assert {entry.key: entry.value for entry in prefill.metadata_props} == {SCORED_HEADS: str(TINY.heads)}
    del prefill.metadata_props[:]
    sink = next(item for item in prefill.graph.initializer if item.name == "attention.sink")
    assert numpy_helper.to_array(sink).tolist() == [np.finfo(np.float32).min] * TINY.heads
    prefill.graph.initializer.remove(sink)
    changed = 0
    for node in prefill.graph.node:
        settings = {item.name: item for item in node.attribute}
        if node.op_type == "MatMulNBits" and settings["bits"].i == 4:
            assert settings["accuracy_level"].i == 1
            settings["accuracy_level"].i = 4
            changed += 1
        if node.op_type == "GroupQueryAttention":
            assert [node.input.pop() for _ in range(3)] == ["attention.sink", "", ""]
    assert changed
    assert prefill == plain
    eight = write_onnx(tmp_path / "8", TINY, random_weights(TINY), eight_bits)
    assert not (eight / PREFILL_NAME).exists()
    assert not (eight / FILL_NAME).exists()


def test_a_graph_that_fills_the_cache_holds_no_weights_and_no_head(tmp_path: Path) -> None:
    directory = write_onnx(tmp_path / "4", BIASED, random_weights(BIASED), four_bits)
    graph = onnx.load(directory / FILL_NAME, load_external_data=False).graph
    inputs, held = {item.name for item in graph.input}, {item.name for item in graph.initializer}
    projected = {node.name for node in graph.node if node.op_type == "DynamicQuantizeMatMul"}
    assert projected
    for name in projected:
        assert f"{name.removesuffix('.product')}.int8" in inputs
        assert f"{name.removesuffix('.product')}.weight" not in held
    assert "model.embed_tokens.weight" in inputs - held
    assert all(item.name.startswith("present.") for item in graph.output)
    assert not any("lm_head" in name for name in held)
    assert (directory / FILL_NAME).stat().st_size < 100_000


def test_a_graph_that_would_take_more_memory_than_the_one_for_prefill_is_not_written(tmp_path: Path) -> None:
    """Layers that are many times the head: int8 takes a byte a weight, a block of 32 at 4 bits 24."""
    for layers, expected in ((2, True), (12, False)):
        deep = replace(TINY, layers=layers)
        directory = write_onnx(tmp_path / str(layers), deep, random_weights(deep), four_bits)
        assert (directory / FILL_NAME).exists() is expected


def test_tensors_come_in_order_whole_and_of_their_shape(tmp_path: Path) -> None:
    specs, weights = find_family("llama").tensors(TINY), random_weights(TINY)
    with OnnxWriter(tmp_path, TINY) as writer:
        with pytest.raises(ValueError, match=r"layers\.0\.input_layernorm.*embed_tokens\.weight was expected"):
            writer.add(specs[1], weights[specs[1].name])
        with pytest.raises(ValueError, match=r"\(80, 64\) was expected"):
            writer.add(specs[0], weights[specs[0].name].T)
        writer.add(specs[0], weights[specs[0].name])
        with pytest.raises(ValueError, match=r"layers\.0\.input_layernorm\.weight was not added"):
            writer.finish()
        for spec in specs[1:]:
            writer.add(spec, weights[spec.name])
        with pytest.raises(ValueError, match="nothing was expected"):
            writer.add(specs[0], weights[specs[0].name])
        writer.finish()
        writer.close()


def initializers(directory: Path) -> dict[str, onnx.TensorProto]:
    graph = onnx.load(directory / MODEL_NAME, load_external_data=False).graph
    return {tensor.name: tensor for tensor in graph.initializer}


def place(tensor: onnx.TensorProto) -> tuple[int, int]:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    return int(entries["offset"]), int(entries["length"])


def node_kinds(directory: Path) -> Counter[str]:
    graph = onnx.load(directory / MODEL_NAME, load_external_data=False).graph
    return Counter(node.op_type for node in graph.node)
