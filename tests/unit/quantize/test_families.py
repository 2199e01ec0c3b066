"""Families against the configs real models ship, and against GGUF metadata that says the same."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.architecture import Architecture, FrequencyFactors, LinearScaling, Llama3Scaling, Rope, RopeScaling
from quantize.families import family_names, find_family, find_family_of_gguf
from runtimes.errors import SourceError, UnsupportedModelError
from runtimes.gguf import GGUFHeader, GGUFTensor
from runtimes.gguf_reader import StringArray

BASE: Mapping[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def read(model_type: str = "llama", **values: Any) -> Architecture:
    return find_family(model_type).from_config({**BASE, **values}, "dir/config.json")


def header_of(architecture: Architecture, changes: Mapping[str, Any] | None = None, *, drop: str = "") -> GGUFHeader:
    """The header that a GGUF of this model would have."""
    family = find_family(architecture.family)
    metadata: dict[str, Any] = dict(family.gguf_metadata(architecture))
    metadata |= {"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2}
    metadata |= {"tokenizer.ggml.tokens": _tokens(architecture.vocabulary_size), **(changes or {})}
    metadata.pop(drop, None)
    tensors = {spec.gguf_name: GGUFTensor(spec.gguf_name, spec.shape, "F32", 0, 0) for spec in family.tensors(architecture)}
    return GGUFHeader(Path("tiny.gguf"), 3, metadata, tensors, 32)


def _tokens(count: int) -> StringArray:
    """That many tokens, each spelled "t"."""
    one = struct.pack("<Q", 1) + b"t"
    return StringArray(one * count, array("q", [len(one) * (index + 1) for index in range(count)]), "tiny.gguf")


def test_a_family_is_a_file_found_by_name() -> None:
    assert family_names() == ["llama", "mistral", "qwen2", "qwen3"]
    assert [find_family(name).model_type for name in family_names()] == family_names()
    assert find_family_of_gguf("llama").model_type == "llama"
    assert find_family_of_gguf("qwen3").model_type == "qwen3"


@pytest.mark.parametrize("name", ["gpt2", "family", "../llama", "os", "", "quantize.blocks"])
def test_unknown_families_are_named_with_those_there_are(name: str) -> None:
    with pytest.raises(UnsupportedModelError, match=r"llama, mistral, qwen2, qwen3") as caught:
        find_family(name)
    assert repr(name) in str(caught.value)
    with pytest.raises(UnsupportedModelError, match="GGUF architecture"):
        find_family_of_gguf(name or "mamba")


def test_llama_config() -> None:
    assert read(tie_word_embeddings=True, rope_theta=100_000) == Architecture(
        family="llama",
        model_type="llama",
        layers=2,
        hidden_size=64,
        intermediate_size=96,
        heads=4,
        kv_heads=2,
        head_dim=16,
        vocabulary_size=100,
        context_length=128,
        norm_epsilon=1e-5,
        rope=Rope(100_000.0),
        tied=True,
        bos_token_id=1,
        stop_token_ids=(2,),
    )


def test_what_a_config_leaves_out_is_what_transformers_takes() -> None:
    found = read(num_key_value_heads=None, head_dim=None, bos_token_id=None, eos_token_id=[9, 2], tie_word_embeddings=None)
    assert (found.kv_heads, found.head_dim, found.rope) == (4, 16, Rope(10_000.0))
    assert (found.bos_token_id, found.stop_token_ids, found.tied) == (None, (2, 9), False)
    assert read("qwen3").head_dim == 128
    assert read("qwen3", head_dim=32).head_dim == 32


def test_biases_and_norms_are_the_familys() -> None:
    def switches(architecture: Architecture) -> tuple[bool, ...]:
        return (architecture.qkv_bias, architecture.output_bias, architecture.mlp_bias, architecture.qk_norm)

    assert switches(read("llama")) == (False, False, False, False)
    assert switches(read("llama", attention_bias=True, mlp_bias=True)) == (True, True, True, False)
    assert switches(read("mistral")) == (False, False, False, False)
    assert switches(read("qwen2")) == (True, False, False, False)
    assert switches(read("qwen3")) == (False, False, False, True)


@pytest.mark.parametrize(
    ("model_type", "values", "span"),
    [
        ("mistral", {"sliding_window": 50}, 50),
        ("mistral", {"sliding_window": None}, 128),
        ("mistral", {"max_position_embeddings": 32768}, 4096),
        ("qwen2", {"sliding_window": 50, "use_sliding_window": False}, 128),
        ("qwen2", {"sliding_window": 50, "use_sliding_window": True}, 50),
        ("llama", {"sliding_window": 50}, 128),
    ],
)
def test_context_ends_where_attention_would_start_to_slide(model_type: str, values: dict[str, Any], span: int) -> None:
    assert read(model_type, **values).context_length == span


@pytest.mark.parametrize(
    ("values", "scaling"),
    [
        ({"rope_scaling": None}, None),
        ({"rope_scaling": {"rope_type": "default"}}, None),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, LinearScaling(2.0)),
        ({"rope_scaling": LLAMA3}, Llama3Scaling(32.0, 1.0, 4.0, 8192)),
        ({"rope_parameters": {"rope_theta": 10_000.0, **LLAMA3}}, Llama3Scaling(32.0, 1.0, 4.0, 8192)),
    ],
    ids=str,
)
def test_rope_scaling(values: dict[str, Any], scaling: RopeScaling | None) -> None:
    assert read(**values).rope == Rope(10_000.0, scaling)


def test_transformers_5_keeps_theta_in_rope_parameters() -> None:
    assert read(rope_theta=1.0, rope_parameters={"rope_theta": 500_000.0, "rope_type": "default"}).rope == Rope(500_000.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": None}, "'hidden_size' is missing"),
        ({"hidden_size": "64"}, "'hidden_size' is '64', not an integer"),
        ({"num_hidden_layers": True}, "not an integer"),
        ({"num_attention_heads": 0}, "'num_attention_heads' is 0"),
        ({"rms_norm_eps": []}, "not a number"),
        ({"tie_word_embeddings": 1}, "not true or false"),
        ({"eos_token_id": ["</s>"]}, "not a list of token ids"),
        ({"hidden_act": 3}, "not a string"),
        ({"rope_scaling": "linear"}, "not an object"),
        ({"rope_scaling": {"type": "linear"}}, "'factor' is missing"),
    ],
)
def test_malformed_configs_are_refused_with_the_file_and_the_key(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=rf"^dir/config\.json: .*{message}"):
        read(**values)


@pytest.mark.parametrize(
    ("model_type", "values", "message"),
    [
        ("llama", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "'yarn'"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}, "'dynamic'"),
        ("llama", {"rope_scaling": {"rope_type": "longrope"}}, "'longrope'"),
        ("llama", {"partial_rotary_factor": 0.5}, "0.5 of each head"),
        ("llama", {"hidden_act": "gelu"}, "'gelu'"),
        ("qwen3", {"attention_bias": True}, "attention biases"),
    ],
)
def test_what_is_not_implemented_is_said(model_type: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        read(model_type, **values)


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("llama", {}),
        ("llama", {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True}),
        ("llama", {"rope_scaling": {"type": "linear", "factor": 4.0}}),
        ("qwen2", {"rope_theta": 1e6}),
        ("qwen3", {"head_dim": 32, "tie_word_embeddings": True}),
    ],
)
def test_gguf_metadata_reads_back_as_the_same_model(model_type: str, values: dict[str, Any]) -> None:
    architecture = read(model_type, **values)
    header = header_of(architecture)
    assert find_family_of_gguf(header.architecture).from_gguf(header) == architecture


def test_mistral_is_a_llama_in_gguf() -> None:
    header = header_of(read("mistral"))
    assert find_family_of_gguf(header.architecture).from_gguf(header).family == "llama"


def test_gguf_defaults_are_llama_cpps() -> None:
    family = find_family("llama")
    without = ("attention.key_length", "attention.value_length", "rope.dimension_count", "rope.freq_base")
    for key in without:
        assert family.from_gguf(header_of(read(), drop=f"llama.{key}")) == read()
    assert family.from_gguf(header_of(read(num_key_value_heads=4), drop="llama.attention.head_count_kv")).kv_heads == 4


@pytest.mark.parametrize(
    ("changes", "scaling"),
    [
        ({"llama.rope.scale_linear": 2.0}, LinearScaling(2.0)),
        ({"llama.rope.scaling.factor": 0.0}, None),
        ({"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 2.0}, None),
    ],
    ids=str,
)
def test_gguf_rope_scaling_as_llama_cpp_reads_it(changes: dict[str, Any], scaling: object) -> None:
    assert find_family("llama").from_gguf(header_of(read(), changes)).rope.scaling == scaling


@pytest.mark.parametrize(
    "changes",
    [
        {"llama.expert_count": 8},
        {"llama.rope.scaling.type": "yarn"},
        {"llama.rope.dimension_count": 8},
        {"llama.attention.value_length": 8},
    ],
    ids=str,
)
def test_gguf_features_that_are_not_implemented_are_said(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModelError, match=r"^tiny\.gguf: "):
        find_family("llama").from_gguf(header_of(read(), changes))


@pytest.mark.parametrize("key", ["block_count", "embedding_length", "attention.head_count", "attention.layer_norm_rms_epsilon"])
def test_gguf_without_a_required_key_is_refused(key: str) -> None:
    with pytest.raises(SourceError, match=rf"'llama\.{key}' is missing"):
        find_family("llama").from_gguf(header_of(read(), drop=f"llama.{key}"))


def test_gguf_with_zero_heads_is_refused() -> None:
    with pytest.raises(SourceError, match="head_count' is 0"):
        find_family("llama").from_gguf(header_of(read(), {"llama.attention.head_count": 0}))


def test_llama3_factors_travel_as_a_gguf_tensor(tmp_path: Path) -> None:
    architecture = read(rope_scaling=LLAMA3, rope_theta=500_000.0)
    family = find_family("llama")
    factors = family.gguf_rope_factors(architecture)
    assert factors is not None
    path = tmp_path / "model.gguf"
    path.write_bytes(b"head" + factors.tobytes())
    plain = header_of(architecture)
    table = GGUFTensor("rope_freqs.weight", (8,), "F32", 4, 32)
    found = family.from_gguf(GGUFHeader(path, 3, plain.metadata, {**plain.tensors, table.name: table}, 32))
    assert found.rope == Rope(500_000.0, FrequencyFactors(tuple(factors.tolist())))
    np.testing.assert_array_equal(family.gguf_rope_factors(found), factors)
    wrong = GGUFTensor(table.name, (4,), "F32", 4, 16)
    with pytest.raises(SourceError, match=r"rope_freqs\.weight"):
        family.from_gguf(GGUFHeader(path, 3, plain.metadata, {**plain.tensors, table.name: wrong}, 32))


def test_a_rope_scaled_twice_is_refused() -> None:
    header = header_of(read(rope_scaling={"type": "linear", "factor": 4.0}))
    table = GGUFTensor("rope_freqs.weight", (8,), "F32", 0, 32)
    with pytest.raises(UnsupportedModelError, match="scaled twice"):
        find_family("llama").from_gguf(GGUFHeader(header.path, 3, header.metadata, {**header.tensors, table.name: table}, 32))


def test_tensors_are_complete_and_in_order() -> None:
    architecture = read("qwen2")
    names = [spec.name for spec in find_family("qwen2").tensors(architecture)]
    layer = [name.removeprefix("model.layers.1.") for name in names if name.startswith("model.layers.1.")]
    assert names[0] == "model.embed_tokens.weight"
    assert names[-2:] == ["model.norm.weight", "lm_head.weight"]
    assert len(names) == 3 + 2 * len(layer) == len(set(names))
    assert layer == [
        "input_layernorm.weight",
        *(f"self_attn.{part}_proj.{kind}" for part in "qkv" for kind in ("weight", "bias")),
        "self_attn.o_proj.weight",
        "post_attention_layernorm.weight",
        *(f"mlp.{part}_proj.weight" for part in ("gate", "up", "down")),
    ]


def test_tensors_have_every_weight_once() -> None:
    architecture = read("qwen3", head_dim=32, tie_word_embeddings=True)
    specs = find_family("qwen3").tensors(architecture)
    assert "lm_head.weight" not in {spec.name for spec in specs}
    assert len({spec.gguf_name for spec in specs}) == len(specs)
    weights = sum(math.prod(spec.shape) for spec in specs)
    layer = 64 * (4 + 2 + 2 + 4) * 32 + 3 * 64 * 96 + 2 * 64 + 2 * 32
    assert weights == 100 * 64 + 2 * layer + 64


def test_gguf_llama_rows_are_in_adjacent_pairs() -> None:
    architecture, family = read(), find_family("llama")
    by_name = {spec.name.removeprefix("model.layers.0."): spec for spec in family.tensors(architecture)}
    for part, heads in (("q", 4), ("k", 2)):
        order = family.gguf_row_order(architecture, by_name[f"self_attn.{part}_proj.weight"])
        assert order is not None
        # Within each head, what turns together is i and i + 8 of 16 here, and neighbours there.
        assert order.tolist() == [16 * head + pair + 8 * half for head in range(heads) for pair in range(8) for half in (0, 1)]
    for name in ("self_attn.v_proj.weight", "self_attn.o_proj.weight", "mlp.up_proj.weight"):
        assert family.gguf_row_order(architecture, by_name[name]) is None
    qwen = read("qwen2")
    assert all(find_family("qwen2").gguf_row_order(qwen, spec) is None for spec in find_family("qwen2").tensors(qwen))


def test_a_permuted_bias_follows_its_rows() -> None:
    architecture, family = read(attention_bias=True), find_family("llama")
    orders = {spec.name: family.gguf_row_order(architecture, spec) for spec in family.tensors(architecture)}
    weight, bias = (orders[f"model.layers.1.self_attn.k_proj.{kind}"] for kind in ("weight", "bias"))
    np.testing.assert_array_equal(weight, bias)
