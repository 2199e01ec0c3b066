"""What the families share: a decoder of pre-normalised attention and gated feed-forward blocks.

A family says how its model is described in config.json and in GGUF metadata, and which tensors it is made of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from quantize.architecture import (
    Architecture,
    Float32Array,
    FrequencyFactors,
    LinearScaling,
    Role,
    Rope,
    RopeScaling,
    TensorSpec,
)
from quantize.hf_config import HFConfig
from runtimes.errors import UnsupportedModelError
from runtimes.gguf import GGUFHeader

GGUFValue: TypeAlias = str | int | float | bool

ROPE_FACTORS = "rope_freqs.weight"
"""The GGUF tensor of rotary factors, F32 (head_dim / 2,); it has no counterpart in a safetensors checkpoint."""


class Family(ABC):
    """One model family. Subclasses set the class variables and refine what differs."""

    model_type: ClassVar[str]
    gguf_architecture: ClassVar[str]
    owns_gguf_architecture: ClassVar[bool] = True
    """False when another family reads this GGUF architecture."""
    permutes_qk: ClassVar[bool] = False
    """GGUF stores the rows of query and key heads for rotation in adjacent pairs, not by halves."""
    qk_norm: ClassVar[bool] = False

    def from_config(self, config: Mapping[str, Any], where: str = "config.json") -> Architecture:
        """Read a Hugging Face config.json. `where` names the file in messages.

        Raises:
            SourceError: a value is missing, mistyped or impossible.
            UnsupportedModelError: well formed, with a feature no family has.
        """
        read = HFConfig(config, where)
        if (activation := read.text("hidden_act", "silu")) not in ("silu", "swish"):
            raise read.unsupported(f"its activation is {activation!r}; only silu is supported.")
        heads, hidden_size = read.integer("num_attention_heads"), read.integer("hidden_size")
        if heads < 1:
            raise read.fail(f"'num_attention_heads' is {heads}.")
        bos = read.tokens("bos_token_id")
        qkv_bias, output_bias, mlp_bias = self.biases(read)
        return Architecture(
            family=self.model_type,
            model_type=self.model_type,
            layers=read.integer("num_hidden_layers"),
            hidden_size=hidden_size,
            intermediate_size=read.integer("intermediate_size"),
            heads=heads,
            kv_heads=read.integer("num_key_value_heads", heads),
            head_dim=read.integer("head_dim", self.default_head_dim(hidden_size, heads)),
            vocabulary_size=read.integer("vocab_size"),
            context_length=self.attention_span(read),
            norm_epsilon=read.number("rms_norm_eps", 1e-6),
            rope=read.rope(),
            tied=read.flag("tie_word_embeddings", default=False),
            qkv_bias=qkv_bias,
            output_bias=output_bias,
            mlp_bias=mlp_bias,
            qk_norm=self.qk_norm,
            bos_token_id=bos[0] if bos else None,
            stop_token_ids=read.tokens("eos_token_id"),
            origin=where,
        )

    @abstractmethod
    def biases(self, read: HFConfig) -> tuple[bool, bool, bool]:
        """Which projections carry a bias: query, key and value; attention output; feed-forward."""

    def attention_span(self, read: HFConfig) -> int:
        """Tokens over which attention is full."""
        return read.integer("max_position_embeddings")

    def default_head_dim(self, hidden_size: int, heads: int) -> int:
        """The head size of a config.json that does not say."""
        return hidden_size // heads

    def from_gguf(self, header: GGUFHeader) -> Architecture:
        """Read GGUF metadata; reads the few bytes of the rotary factors too. Raises as `from_config` does."""
        prefix, has = header.architecture, header.tensors.__contains__
        if header.integer(f"{prefix}.expert_count"):
            raise _unsupported(header, "it is a mixture of experts.")
        heads, hidden_size = _required(header, "attention.head_count"), _required(header, "embedding_length")
        if heads < 1:
            raise header.fail(f"'{prefix}.attention.head_count' is {heads}.")
        head_dim = header.integer(f"{prefix}.attention.key_length") or hidden_size // heads
        value_dim = header.integer(f"{prefix}.attention.value_length") or head_dim
        rotated = header.integer(f"{prefix}.rope.dimension_count") or head_dim
        if value_dim != head_dim or rotated != head_dim:
            raise _unsupported(
                header, f"its heads have {head_dim} dimensions, of which {rotated} turn, and values {value_dim}."
            )
        kv_heads = header.integer(f"{prefix}.attention.head_count_kv")
        return Architecture(
            family=self.model_type,
            model_type=self.model_type,
            layers=_required(header, "block_count"),
            hidden_size=hidden_size,
            intermediate_size=_required(header, "feed_forward_length"),
            heads=heads,
            kv_heads=heads if kv_heads is None else kv_heads,
            head_dim=head_dim,
            vocabulary_size=header.vocabulary_size,
            context_length=header.context_length,
            norm_epsilon=_required_number(header, "attention.layer_norm_rms_epsilon"),
            rope=Rope(_number(header, "rope.freq_base", 10_000.0), _gguf_scaling(header, head_dim)),
            tied=not has("output.weight"),
            qkv_bias=has("blk.0.attn_q.bias"),
            output_bias=has("blk.0.attn_output.bias"),
            mlp_bias=has("blk.0.ffn_gate.bias"),
            qk_norm=self.qk_norm,
            bos_token_id=header.bos_token_id,
            stop_token_ids=header.stop_token_ids,
            origin=str(header.path),
        )

    def tensors(self, architecture: Architecture) -> list[TensorSpec]:
        """Every tensor, in the order the writers take them: embedding, layers, final norm, head unless tied."""
        width = architecture.hidden_size
        table = (architecture.vocabulary_size, width)
        found = [TensorSpec("model.embed_tokens.weight", "token_embd.weight", table, "embedding")]
        for layer in range(architecture.layers):
            found += self._layer_tensors(architecture, layer)
        found.append(TensorSpec("model.norm.weight", "output_norm.weight", (width,), "norm"))
        if not architecture.tied:
            found.append(TensorSpec("lm_head.weight", "output.weight", table, "head"))
        return found

    def _layer_tensors(self, architecture: Architecture, layer: int) -> list[TensorSpec]:
        width, inner, head_dim = architecture.hidden_size, architecture.intermediate_size, architecture.head_dim
        query, kv = architecture.query_rows, architecture.kv_rows
        found: list[TensorSpec] = []

        def add(name: str, gguf_name: str, shape: tuple[int, ...], role: Role) -> None:
            found.append(TensorSpec(f"model.layers.{layer}.{name}", f"blk.{layer}.{gguf_name}", shape, role))

        def project(name: str, gguf_name: str, shape: tuple[int, int], role: Role, bias: bool) -> None:
            add(f"{name}.weight", f"{gguf_name}.weight", shape, role)
            if bias:
                add(f"{name}.bias", f"{gguf_name}.bias", shape[:1], "bias")

        add("input_layernorm.weight", "attn_norm.weight", (width,), "norm")
        project("self_attn.q_proj", "attn_q", (query, width), "attention", architecture.qkv_bias)
        project("self_attn.k_proj", "attn_k", (kv, width), "attention", architecture.qkv_bias)
        project("self_attn.v_proj", "attn_v", (kv, width), "attention", architecture.qkv_bias)
        if architecture.qk_norm:
            add("self_attn.q_norm.weight", "attn_q_norm.weight", (head_dim,), "norm")
            add("self_attn.k_norm.weight", "attn_k_norm.weight", (head_dim,), "norm")
        project("self_attn.o_proj", "attn_output", (width, query), "attention", architecture.output_bias)
        add("post_attention_layernorm.weight", "ffn_norm.weight", (width,), "norm")
        project("mlp.gate_proj", "ffn_gate", (inner, width), "ffn", architecture.mlp_bias)
        project("mlp.up_proj", "ffn_up", (inner, width), "ffn", architecture.mlp_bias)
        project("mlp.down_proj", "ffn_down", (width, inner), "ffn", architecture.mlp_bias)
        return found

    def gguf_row_order(self, architecture: Architecture, spec: TensorSpec) -> npt.NDArray[np.int64] | None:
        """The rows of a tensor in the order GGUF stores them: `stored = canonical[order]`; None when it is the same.

        As `permute` of LlamaModel in llama.cpp's convert_hf_to_gguf.py. `np.argsort(order)` leads back.
        """
        if not self.permutes_qk or ".self_attn." not in spec.name:
            return None
        part = spec.name.split(".self_attn.")[1].split(".")[0]
        heads = {"q_proj": architecture.heads, "k_proj": architecture.kv_heads}.get(part)
        if heads is None:
            return None
        halves = np.arange(heads * architecture.head_dim).reshape(heads, 2, architecture.head_dim // 2)
        return halves.swapaxes(1, 2).reshape(-1)

    def gguf_metadata(self, architecture: Architecture) -> dict[str, GGUFValue]:
        """The keys that describe the model to llama.cpp, `general.architecture` included; none of the tokenizer's."""
        values: dict[str, GGUFValue] = {
            "block_count": architecture.layers,
            "context_length": architecture.context_length,
            "embedding_length": architecture.hidden_size,
            "feed_forward_length": architecture.intermediate_size,
            "attention.head_count": architecture.heads,
            "attention.head_count_kv": architecture.kv_heads,
            "attention.key_length": architecture.head_dim,
            "attention.value_length": architecture.head_dim,
            "attention.layer_norm_rms_epsilon": architecture.norm_epsilon,
            "rope.dimension_count": architecture.head_dim,
            "rope.freq_base": architecture.rope.theta,
            "vocab_size": architecture.vocabulary_size,
        }
        if isinstance(architecture.rope.scaling, LinearScaling):
            values |= {"rope.scaling.type": "linear", "rope.scaling.factor": architecture.rope.scaling.factor}
        prefixed = {f"{self.gguf_architecture}.{key}": value for key, value in values.items()}
        return {"general.architecture": self.gguf_architecture, **prefixed}

    def gguf_rope_factors(self, architecture: Architecture) -> Float32Array | None:
        """The contents of the tensor ROPE_FACTORS, float32 (head_dim / 2,); None when the model needs none."""
        return architecture.rope.factors(architecture.head_dim)


def _gguf_scaling(header: GGUFHeader, head_dim: int) -> RopeScaling | None:
    # llama.cpp takes a file without a type as linear, and a factor of 0 as none.
    kind = header.text(f"{header.architecture}.rope.scaling.type") or "linear"
    if kind not in ("none", "linear"):
        raise _unsupported(header, f"its rotary embedding is scaled by {kind!r}; linear and llama3 are supported.")
    # Files of 2023 state a linear scale under another key.
    factor = _number(header, "rope.scaling.factor", _number(header, "rope.scale_linear", 1.0))
    linear = None if kind == "none" or factor in (0.0, 1.0) else LinearScaling(factor)
    table = header.tensors.get(ROPE_FACTORS)
    if table is None:
        return linear
    if linear is not None:
        raise _unsupported(header, "its rotary embedding is scaled twice, linearly and per frequency.")
    if table.type != "F32" or table.shape != (head_dim // 2,):
        raise header.fail(f"{ROPE_FACTORS!r} is {table.type} {table.shape}; F32 ({head_dim // 2},) was expected.")
    factors = np.fromfile(header.path, dtype="<f4", count=head_dim // 2, offset=table.offset)
    return FrequencyFactors(tuple(factors.tolist()))


def _required(header: GGUFHeader, key: str) -> int:
    value = header.integer(f"{header.architecture}.{key}")
    if value is None:
        raise header.fail(f"'{header.architecture}.{key}' is missing.")
    return value


def _number(header: GGUFHeader, key: str, default: float) -> float:
    value = header.number(f"{header.architecture}.{key}")
    return default if value is None else value


def _required_number(header: GGUFHeader, key: str) -> float:
    value = header.number(f"{header.architecture}.{key}")
    if value is None:
        raise header.fail(f"'{header.architecture}.{key}' is missing.")
    return value


def _unsupported(header: GGUFHeader, fact: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"{header.path}: {fact} Choose another model.")
