"""Refuses GGUF files that would end the process inside llama.cpp, or that no model could be.

Knows the keys and relations llama.cpp takes for granted: the GGML_ASSERTs and unchecked divisions of llama-model.cpp,
llama-hparams.cpp and llama-vocab.cpp. What llama.cpp refuses in an orderly way (a missing tensor, a wrong shape) is
left to it, except where this project reads the same value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from runtimes.errors import UnsupportedModelError

if TYPE_CHECKING:
    from runtimes.gguf import GGUFHeader

MAX_LAYERS = 512
"""LLAMA_MAX_LAYERS."""
MAX_EXPERTS = 1024
"""LLAMA_MAX_EXPERTS."""
MAX_TOKENS = 1 << 22
"""No vocabulary comes near; the largest published ones have a quarter of a million tokens."""

_MAX_WIDTH = 1 << 24
_MAX_CONTEXT = (1 << 31) - 1
_ROPE_SCALINGS = ("none", "linear", "yarn", "longrope")
_VOCABULARIES = ("gpt2", "llama")
_WEIGHT_FREE_TYPES = ("I8", "I16", "I32", "I64", "F64")
# Their graphs assert that every head is rotated whole and that keys and values are equally wide.
_WHOLE_ROTATION = frozenset(
    {"llama", "mistral3", "qwen2", "qwen3", "qwen2moe", "qwen3moe", "olmo", "olmo2", "smollm3", "granite"}
)


def check_model(header: GGUFHeader) -> None:
    """Raises SourceError or UnsupportedModelError when the file cannot be a model this build runs."""
    kind = header.text("general.type")
    if kind not in (None, "model"):
        raise UnsupportedModelError(
            f"{header.path} is a GGUF file of the type {kind!r}, not a language model. Choose the model's own file."
        )
    parts = header.integer("split.count") or 1
    if parts > 1:
        raise UnsupportedModelError(
            f"{header.path} is one of {parts} parts of a model. Join them first: llama-gguf-split --merge FIRST-PART OUTPUT."
        )
    _check_sizes(header)
    _check_heads(header)
    _check_rope(header)
    _check_experts(header)
    _check_tensors(header)
    _check_vocabulary(header)


def _check_sizes(header: GGUFHeader) -> None:
    limits = {"context_length": _MAX_CONTEXT, "embedding_length": _MAX_WIDTH, "block_count": MAX_LAYERS}
    for name, limit in limits.items():
        key = f"{header.architecture}.{name}"
        value = header.integer(key)
        if value is None and header.tensors:
            raise header.fail(f"{key!r} is missing.")
        if value is not None and not 1 <= value <= limit:
            raise header.fail(f"{key!r} is {value}; 1 to {limit} make sense.")
    for name in ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"):
        epsilon = header.number(f"{header.architecture}.{name}")
        if epsilon is not None and not 0 <= epsilon < 1:
            raise header.fail(f"'{header.architecture}.{name}' is {epsilon}, which no norm can use.")


def _check_heads(header: GGUFHeader) -> None:
    name = header.architecture
    layers = header.integer(f"{name}.block_count") or 1
    heads = _per_layer(header, f"{name}.attention.head_count", layers)
    groups = _per_layer(header, f"{name}.attention.head_count_kv", layers) or heads
    _per_layer(header, f"{name}.feed_forward_length", layers)
    for index, (head_count, group_count) in enumerate(zip(heads, groups, strict=False)):
        if group_count and (group_count > head_count or head_count % group_count):
            raise header.fail(f"layer {index} has {head_count} heads, which {group_count} key-value heads cannot share.")
    if not heads or not heads[0]:
        if name in _WHOLE_ROTATION and header.tensors:
            raise header.fail(f"'{name}.attention.head_count' is missing or 0.")
        return
    width = (header.integer(f"{name}.embedding_length") or 0) // heads[0]
    sizes = {key: header.integer(f"{name}.{key}") for key in ("attention.key_length", "attention.value_length")}
    rotated = header.integer(f"{name}.rope.dimension_count")
    for key, size in {**sizes, "rope.dimension_count": rotated}.items():
        if size is not None and not 1 <= size <= _MAX_WIDTH:
            raise header.fail(f"'{name}.{key}' is {size}, which no attention head can have.")
    keys, values = (width if size is None else size for size in sizes.values())
    rotated = keys if rotated is None else rotated
    if name in _WHOLE_ROTATION and header.tensors and not 0 < keys == values == rotated:
        raise header.fail(f"its heads have {keys} key and {values} value elements and rotate {rotated}; they must be equal.")
    if rotated % 2 or rotated > keys:
        raise header.fail(f"'{name}.rope.dimension_count' is {rotated}, which heads of {keys} elements cannot rotate.")
    if name in _WHOLE_ROTATION:
        for layer, (head_count, group_count) in enumerate(zip(heads, groups, strict=True)):
            _check_projections(header, layer, {"q": head_count * keys, "k": group_count * keys, "v": group_count * values})


def _check_projections(header: GGUFHeader, layer: int, widths: Mapping[str, int]) -> None:
    """For some families llama.cpp takes these widths from the embedding and asserts later that heads fit into them."""
    for letter, width in widths.items():
        tensor = header.tensors.get(f"blk.{layer}.attn_{letter}.weight")
        if tensor is not None and tensor.shape[0] != width:
            raise header.fail(f"{tensor.name!r} has {tensor.shape[0]} rows and its heads need {width}.")


def _per_layer(header: GGUFHeader, key: str, layers: int) -> Sequence[int]:
    """A size given once or for each layer, as one value a layer. Empty when absent."""
    value = header.get(key)
    if value is None:
        return ()
    if isinstance(value, int) and not isinstance(value, bool):
        sizes: Sequence[float] = [value] * layers
    else:
        sizes = header.numbers(key)
    if len(sizes) != layers or any(not isinstance(size, int) or not 0 <= size <= _MAX_WIDTH for size in sizes):
        raise header.fail(f"{key!r} is not one sensible size, nor one for each of the {layers} layers.")
    return [int(size) for size in sizes]


def _check_rope(header: GGUFHeader) -> None:
    name = header.architecture
    scaling = header.text(f"{name}.rope.scaling.type")
    if scaling is not None and scaling not in _ROPE_SCALINGS:
        raise UnsupportedModelError(
            f"{header.path}: the RoPE scaling {scaling!r} is unknown; {', '.join(_ROPE_SCALINGS)} are known. Update edge-llm."
        )
    for key in ("rope.freq_base", "rope.scaling.factor", "rope.scale_linear"):
        value = header.number(f"{name}.{key}")
        if value is not None and not (math.isfinite(value) and value > 0):
            raise header.fail(f"'{name}.{key}' is {value}; it must be above 0.")


def _check_experts(header: GGUFHeader) -> None:
    name = header.architecture
    count = header.integer(f"{name}.expert_count") or 0
    layers = header.integer(f"{name}.block_count") or 1
    used = max(_per_layer(header, f"{name}.expert_used_count", layers), default=0)
    groups = header.integer(f"{name}.expert_group_count") or 0
    group_used = header.integer(f"{name}.expert_group_used_count") or 0
    sensible = 0 <= count <= MAX_EXPERTS and used <= count and (count == 0 or used > 0)
    if groups > 1:
        sensible = sensible and groups < count and count % groups == 0 and 0 < group_used < groups
    elif groups:
        sensible = sensible and 0 < groups < count
    if not sensible:
        raise header.fail(f"its experts contradict each other: {count} of them, {used} used, {group_used} of {groups} groups.")
    predicted = header.integer(f"{name}.nextn_predict_layers") or 0
    if not 0 <= predicted <= layers:
        raise header.fail(f"'{name}.nextn_predict_layers' is {predicted} of {layers} layers.")


def _check_tensors(header: GGUFHeader) -> None:
    for tensor in header.tensors.values():
        if len(tensor.shape) == 1 and tensor.type != "F32":
            raise UnsupportedModelError(
                f"{header.path}: the vector {tensor.name!r} is stored as {tensor.type}; llama.cpp computes with F32 vectors "
                "only. Convert the model again with a current llama.cpp."
            )
        if len(tensor.shape) > 1 and tensor.type in _WEIGHT_FREE_TYPES and tensor.name.endswith(".weight"):
            raise UnsupportedModelError(
                f"{header.path}: {tensor.name!r} is stored as {tensor.type}, which holds no weights. Convert the model again."
            )


def _check_vocabulary(header: GGUFHeader) -> None:
    tokens = header.strings("tokenizer.ggml.tokens")
    kind = header.text("tokenizer.ggml.model")
    header.text("tokenizer.ggml.pre")
    header.text("tokenizer.chat_template")
    if not tokens:
        if kind not in (None, "none", "no_vocab"):
            raise header.fail(f"its vocabulary is of the kind {kind!r} and has no tokens.")
        return
    if kind not in _VOCABULARIES:
        raise UnsupportedModelError(
            f"{header.path} has a vocabulary of the kind {kind!r}; 'gpt2' (byte-level BPE) and 'llama' (SentencePiece) "
            "are supported. Use another model."
        )
    count = len(tokens)
    if count > MAX_TOKENS:
        raise header.fail(f"it claims a vocabulary of {count} tokens; {MAX_TOKENS} are more than any model has.")
    # llama.cpp reads a token up to its first zero byte, names empty ones by their place, and asserts that all differ
    distinct = {token.split("\0", 1)[0] or f"[EMPTY_{index}]" for index, token in enumerate(tokens)}
    if len(distinct) != count:
        raise header.fail(f"{count - len(distinct)} of its {count} tokens repeat another one.")
    embedding = header.tensors.get("token_embd.weight")
    if embedding is not None and (len(embedding.shape) != 2 or embedding.shape[0] != count):
        raise header.fail(f"its embedding has the shape {embedding.shape} and its vocabulary {count} tokens.")
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        values = header.numbers(key)
        if header.get(key) is not None and len(values) != count:
            raise header.fail(f"{key!r} has {len(values)} items for {count} tokens.")
    if any(map(math.isnan, header.numbers("tokenizer.ggml.scores"))):
        raise header.fail("a token's score is not a number.")
    header.strings("tokenizer.ggml.merges")
    for name in ("bos", "eos", "eot", "eom"):
        token = header.integer(f"tokenizer.ggml.{name}_token_id")
        if token is not None and not 0 <= token < count:
            raise header.fail(f"'tokenizer.ggml.{name}_token_id' is {token}, outside its vocabulary of {count} tokens.")
