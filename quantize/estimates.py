"""How fast a model runs and what it takes in memory, from bytes and multiply-accumulates. The formulas, all of them.

A token costs the reading of every weight and of the cache, at the bandwidth, and then the products, at the rate of
their kind. The two are added: kernels that wait for memory and multiply in turn come closer to what was published than
a perfect overlap does. Knows no words and makes no choice (plan.py does).
"""

from __future__ import annotations

from dataclasses import dataclass

from quantize.engines import Engine
from quantize.stored_model import StoredModel, StoredTensor
from quantize.targets import FLOAT_KERNEL, Compute, Target
from quantize.write_onnx import PREFILL_LEVELS
from runtimes.graph_metadata import most_tokens

_FLOAT_BYTES = 4
# Rows of activations that are alive at once in a layer: gate, up, their product and its input to the next, each as wide as
# the feed-forward; and residual, norm, query, key, value, attention and two results, each as wide as the model.
_INNER_ROWS, _OUTER_ROWS = 4, 8
_VOCABULARY_BYTES = 400  # of a token in memory: measured on SmolLM2's tokenizer


@dataclass(frozen=True)
class Memory:
    """Most bytes resident, of the whole process."""

    weights_bytes: int
    kv_bytes: int
    working_bytes: int
    """Activations, logits, the runtime and the app around it."""

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.working_bytes


def decode_seconds(model: StoredModel, target: Target, engine: Engine, held: float) -> float:
    """Seconds for one more token when `held` tokens are in the cache."""
    shape, span = model.shape, engine.span(held)
    cache = shape.kv_reads(span, windowed=engine.windowed_cache) * engine.kv_bytes
    total = cache / target.bandwidth.value + shape.attention_macs(span) / target.compute[FLOAT_KERNEL].decode.value
    for tensor in model.tensors:
        if shape.is_multiplied(tensor.spec):
            total += packed_bytes(tensor, engine) / target.bandwidth.value
            total += tensor.weights / _compute(target, tensor).decode.value
    return total


def prefill_seconds(model: StoredModel, target: Target, engine: Engine, tokens: int) -> float:
    """Seconds from an empty cache to the logits after a prompt of so many tokens."""
    shape = model.shape
    spans = tokens * engine.span((tokens + 1) / 2)
    attention = target.compute[FLOAT_KERNEL].prefill
    if target.scored_attention is not None and second_layout_bytes(model, target, engine):
        attention = target.scored_attention
    total = shape.attention_macs(spans) / attention.value
    passes = -(-tokens // engine.chunk)
    for tensor in model.tensors:
        if shape.is_multiplied(tensor.spec):
            rows = 1 if shape.is_head(tensor.spec) else tokens
            total += passes * packed_bytes(tensor, engine) / target.bandwidth.value
            total += rows * tensor.weights / _compute(target, tensor).prefill.value
    return total


def first_prompt_seconds(model: StoredModel, target: Target, engine: Engine, tokens: int) -> float:
    """The same for the first prompt since the model was opened, which also pays for a second layout of the weights."""
    second = second_layout_bytes(model, target, engine)
    loading = second / target.repacking.value if second and target.repacking is not None else 0.0
    return loading + prefill_seconds(model, target, engine, tokens)


def memory(model: StoredModel, target: Target, engine: Engine, context: int) -> Memory:
    """What a session of `context` tokens takes at its peak."""
    shape = model.shape
    held = max(context, engine.static_context or 0)
    cache = shape.kv_elements(held, windowed=engine.windowed_cache) * engine.kv_bytes * engine.kv_copies
    row = _INNER_ROWS * shape.intermediate_size + _OUTER_ROWS * shape.hidden_size
    working = target.process.value + shape.vocabulary_size * (_VOCABULARY_BYTES + _FLOAT_BYTES)
    chunk = min(engine.chunk, held)
    working += row * chunk * _FLOAT_BYTES
    if second_layout_bytes(model, target, engine):  # that graph holds all scores of a pass
        working += shape.heads * min(chunk, most_tokens(shape.heads, held)) * held * _FLOAT_BYTES
    return Memory(weight_bytes(model, target, engine), round(cache), round(working))


def packed_bytes(tensor: StoredTensor, engine: Engine) -> int:
    """What a tensor that is multiplied takes once it is laid out for the kernels: this is what a token reads."""
    return tensor.bytes + tensor.blocks * engine.packed_bytes_per_block


def weight_bytes(model: StoredModel, target: Target, engine: Engine) -> int:
    """What the weights take in memory."""
    multiplied = [tensor for tensor in model.tensors if model.shape.is_multiplied(tensor.spec)]
    total = sum(packed_bytes(tensor, engine) for tensor in multiplied)
    total += sum(tensor.bytes for tensor in model.tensors if not model.shape.is_multiplied(tensor.spec))
    if engine.copies_tied_head:
        total += sum(tensor.bytes for tensor in multiplied if tensor.spec.role == "embedding")
    return total + second_layout_bytes(model, target, engine)


def second_layout_bytes(model: StoredModel, target: Target, engine: Engine) -> int:
    """What the first long prompt adds to them; 0 where nothing is laid out twice."""
    if not engine.prefill_layout or target.repacking is None or model.types.isdisjoint(PREFILL_LEVELS):
        return 0
    return sum(packed_bytes(tensor, engine) for tensor in model.tensors if model.shape.is_multiplied(tensor.spec))


def _compute(target: Target, tensor: StoredTensor) -> Compute:
    return target.compute.get(tensor.type) or target.compute[tensor.kernel]
