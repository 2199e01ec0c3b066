"""Well-known models by name, so that they can be planned for before anything is downloaded.

Pure data: the sizes in each model's public config.json, as of its first release. Knows no weight and no address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from quantize.architecture import Role, TensorSpec
from quantize.families import find_family
from quantize.model_shape import EMBEDDING, ModelShape, dense_shape, shape_of
from runtimes.errors import ConfigError, UnknownModelError

_PARAMETERS = re.compile(r"(\d+(?:\.\d+)?)\s*([mbt])(?:illion)?(?:\s*param(?:eter)?s)?", re.IGNORECASE)
_UNITS = {"m": 1e6, "b": 1e9, "t": 1e12}


def _llama(layers: int, width: int, inner: int, heads: int, kv_heads: int, vocabulary: int, **others: Any) -> dict[str, Any]:
    """A config.json's sizes, by transformers' names."""
    return {
        "model_type": "llama",
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": 131_072,
        **others,
    }


_CONFIGS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # HuggingFaceTB/SmolLM2-*-Instruct
        "smollm2-135m": _llama(30, 576, 1536, 9, 3, 49_152, max_position_embeddings=8192, tie_word_embeddings=True),
        "smollm2-360m": _llama(32, 960, 2560, 15, 5, 49_152, max_position_embeddings=8192, tie_word_embeddings=True),
        "smollm2-1.7b": _llama(24, 2048, 8192, 32, 32, 49_152, max_position_embeddings=8192, tie_word_embeddings=True),
        # meta-llama/Llama-*
        "llama-2-7b": _llama(32, 4096, 11_008, 32, 32, 32_000, max_position_embeddings=4096),
        "llama-3-8b": _llama(32, 4096, 14_336, 32, 8, 128_256, max_position_embeddings=8192),
        "llama-3.1-8b": _llama(32, 4096, 14_336, 32, 8, 128_256),
        "llama-3.2-1b": _llama(16, 2048, 8192, 32, 8, 128_256, head_dim=64, tie_word_embeddings=True),
        "llama-3.2-3b": _llama(28, 3072, 8192, 24, 8, 128_256, head_dim=128, tie_word_embeddings=True),
        # mistralai/Mistral-7B-Instruct-v0.3
        "mistral-7b": _llama(
            32, 4096, 14_336, 32, 8, 32_768, model_type="mistral", max_position_embeddings=32_768, sliding_window=None
        ),
        # Qwen/Qwen2.5-*-Instruct
        "qwen2.5-0.5b": _llama(
            24, 896, 4864, 14, 2, 151_936, model_type="qwen2", max_position_embeddings=32_768, tie_word_embeddings=True
        ),
        "qwen2.5-1.5b": _llama(
            28, 1536, 8960, 12, 2, 151_936, model_type="qwen2", max_position_embeddings=32_768, tie_word_embeddings=True
        ),
        "qwen2.5-7b": _llama(28, 3584, 18_944, 28, 4, 152_064, model_type="qwen2", max_position_embeddings=32_768),
        # Qwen/Qwen3-*
        "qwen3-0.6b": _llama(
            28, 1024, 3072, 16, 8, 151_936, model_type="qwen3", max_position_embeddings=40_960, tie_word_embeddings=True
        ),
        "qwen3-1.7b": _llama(
            28, 2048, 6144, 16, 8, 151_936, model_type="qwen3", max_position_embeddings=40_960, tie_word_embeddings=True
        ),
        "qwen3-4b": _llama(
            36, 2560, 9728, 32, 8, 151_936, model_type="qwen3", max_position_embeddings=40_960, tie_word_embeddings=True
        ),
        "qwen3-8b": _llama(36, 4096, 12_288, 32, 8, 151_936, model_type="qwen3", max_position_embeddings=40_960),
    }
)


def _gemma(
    name: str,
    *,
    layers: int,
    width: int,
    inner: int,
    heads: int,
    kv_heads: int,
    vocabulary: int,
    context: int,
    globals_every: int,
    shared_kv: int = 0,
    others: tuple[TensorSpec, ...] = (),
    note: str,
) -> ModelShape:
    """A Gemma 3 or 3n: heads of 256 dimensions, a tied head, and all layers but each `globals_every`th with a window."""
    found = [TensorSpec(EMBEDDING, "token_embd.weight", (vocabulary, width), "embedding"), *others]
    for layer in range(layers):
        rows = [("q_proj", (heads * 256, width)), ("o_proj", (width, heads * 256))]
        if layer < layers - shared_kv:
            rows += [("k_proj", (kv_heads * 256, width)), ("v_proj", (kv_heads * 256, width))]
        found += [_matrix(f"{layer}.self_attn.{part}", shape, "attention") for part, shape in rows]
        found += [_matrix(f"{layer}.mlp.{part}_proj", (inner, width), "ffn") for part in ("gate", "up")]
        found.append(_matrix(f"{layer}.mlp.down_proj", (width, inner), "ffn"))
    return ModelShape(
        name=name,
        tensors=tuple(found),
        layers=layers,
        hidden_size=width,
        intermediate_size=inner,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=256,
        vocabulary_size=vocabulary,
        context_length=context,
        tied=True,
        family=None,
        kv_layers=layers - shared_kv,
        windowed_layers=(layers - shared_kv) - (layers - shared_kv) // globals_every,
        window=512,
        note=note,
    )


def _matrix(name: str, shape: tuple[int, int], role: Role) -> TensorSpec:
    return TensorSpec(f"model.layers.{name}.weight", "", shape, role)


def _gemma_3n(name: str, layers: int, inner: int, shared_kv: int) -> ModelShape:
    """google/gemma-3n-*-it: per-layer embeddings of 256 numbers, LAuReL of rank 64; text only."""
    width, small, rank = 2048, 256, 64
    others = [
        TensorSpec("model.embed_tokens_per_layer.weight", "", (262_144, layers * small), "embedding"),
        TensorSpec("model.per_layer_model_projection.weight", "", (layers * small, width), "ffn"),
    ]
    for layer in range(layers):
        others += [
            _matrix(f"{layer}.per_layer_input_gate", (small, width), "ffn"),
            _matrix(f"{layer}.per_layer_projection", (width, small), "ffn"),
            _matrix(f"{layer}.laurel.linear_left", (rank, width), "ffn"),
            _matrix(f"{layer}.laurel.linear_right", (width, rank), "ffn"),
        ]
    return _gemma(
        name,
        layers=layers,
        width=width,
        inner=inner,
        heads=8,
        kv_heads=2,
        vocabulary=262_400,
        context=32_768,
        globals_every=5,
        shared_kv=shared_kv,
        others=tuple(others),
        note="Text only; AltUp, norms and the sparsity of its first layers are left out, and per-layer embeddings count as "
        "looked up, not read.",
    )


_GEMMA_3_1B = _gemma(
    "gemma-3-1b",  # google/gemma-3-1b-it
    layers=26,
    width=1152,
    inner=6912,
    heads=4,
    kv_heads=1,
    vocabulary=262_144,
    context=32_768,
    globals_every=6,
    note="Norms are left out.",
)

_GEMMAS: Final[Mapping[str, ModelShape]] = MappingProxyType(
    {
        shape.name: shape
        for shape in (
            _GEMMA_3_1B,
            _gemma_3n("gemma-3n-e2b", layers=30, inner=8192, shared_kv=10),
            _gemma_3n("gemma-3n-e4b", layers=35, inner=16_384, shared_kv=15),
        )
    }
)


def known_names() -> list[str]:
    """Every name that `known_shape` takes beside a number of parameters."""
    return sorted([*_CONFIGS, *_GEMMAS])


def known_shape(name: str) -> ModelShape:
    """The shape of a well-known model, or of a dense model of so many parameters ("10b", "350m").

    Raises:
        ConfigError: a number of parameters that no model has.
        UnknownModelError: neither.
    """
    wanted = name.strip().lower()
    if (count := _PARAMETERS.fullmatch(wanted)) is not None:
        return dense_shape(_checked(float(count[1]) * _UNITS[count[2].lower()], name))
    wanted = wanted.replace("_", "-").removesuffix("-instruct").removesuffix("-it")
    if wanted in _GEMMAS:
        return _GEMMAS[wanted]
    if wanted not in _CONFIGS:
        raise UnknownModelError(name, get_close_matches(wanted, known_names(), n=3, cutoff=0.5))
    config = _CONFIGS[wanted]
    architecture = find_family(str(config["model_type"])).from_config(config, wanted)
    return shape_of(architecture, wanted, "From its public config.json; nothing was downloaded.")


def _checked(parameters: float, name: str) -> int:
    if parameters > 1e15:  # int() of far more would take its time
        raise ConfigError(f"{name!r} is no number of parameters that a model has: 20 million to 1,000 billion are.")
    return int(parameters)
