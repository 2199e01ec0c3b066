"""The graph of a decoder in ONNX Runtime's own operators: about ten nodes a layer, no torch involved.

Inputs and outputs are those onnxruntime-genai binds, with one addition (`logits_start`) that it need not know:

    input_ids              int64 (batch, sequence)
    attention_mask         int64 (batch, total)                     ones; total = tokens in the cache + sequence
    past_key_values.N.key  float32 (batch, kv_heads, past, head_dim)   and .value; may share a buffer with present.N.key
    logits_start           int64 (1,)                               optional, 0: first position of `input_ids` that gets logits;
                                                                    counts from the end when negative
    logits                 float32 (batch, rows, vocabulary)
    present.N.key          float32 (batch, kv_heads, total, head_dim)  and .value

Operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md. Knows names of weights and
their types; never sees a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from quantize.architecture import Architecture
from quantize.blocks import BLOCK, BlockFormat
from runtimes.graph_metadata import SCORED_HEADS

EMBEDDING = "model.embed_tokens"
HEAD = "lm_head"
NORM = "model.norm"
QKV = "self_attn.qkv_proj"
"""Query, key and value projections with their rows joined: one product instead of three."""

_OPSET = 21
_IR_VERSION = 10
_CONTRIB = "com.microsoft"
_SINK = "attention.sink"

Dimension: TypeAlias = int | str
AccuracyLevels: TypeAlias = Callable[[BlockFormat], int]


@dataclass(frozen=True)
class Projection:
    """How the weights of one matrix product are stored, in initializers `NAME.weight`, `.scales` and `.bias`."""

    rows: int
    columns: int
    format: BlockFormat | None
    """None for float32."""
    bias: bool = False


def build_model(
    architecture: Architecture,
    projections: Mapping[str, Projection],
    weights: Iterable[TensorProto],
    *,
    levels: AccuracyLevels,
    tiled: bool = True,
) -> ModelProto:
    """The whole model.

    Args:
        projections: every matrix by name ("model.layers.0.mlp.down_proj"), the embedding and the head included.
        weights: the initializers that the projections and the norms name, `rope.cos` and `rope.sin`.
        levels: MatMulNBits' accuracy_level for each block format; 4 multiplies in int8, 1 in float32.
        tiled: see `DecoderGraph`.
    """
    graph = DecoderGraph(architecture, projections, levels, tiled=tiled)
    graph.build()
    start = value("logits_start", TensorProto.INT64, [1])
    logits = value("logits", TensorProto.FLOAT, ["batch_size", "logits_length", architecture.vocabulary_size])
    return assemble(graph, weights, inputs=[start], outputs=[logits])


def assemble(
    graph: DecoderGraph, weights: Iterable[TensorProto], *, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
) -> ModelProto:
    """A model of the graph's nodes. The ids, the mask and the KV buffers are its inputs and outputs, beside those given."""
    architecture = graph.architecture
    cache: list[Dimension] = ["batch_size", architecture.kv_heads, "past_sequence_length", architecture.head_dim]
    present: list[Dimension] = [*cache[:2], "total_sequence_length", architecture.head_dim]
    buffers = [f"{layer}.{part}" for layer in range(architecture.layers) for part in ("key", "value")]
    taken = [
        value("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
        value("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"]),
        *(value(f"past_key_values.{name}", TensorProto.FLOAT, cache) for name in buffers),
        *inputs,
    ]
    given = [*outputs, *(value(f"present.{name}", TensorProto.FLOAT, present) for name in buffers)]
    body = helper.make_graph(graph.nodes, architecture.family, taken, given, [*graph.constants, *weights])
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="edge-llm")
    helper.set_model_props(model, graph.metadata)
    return model


def value(name: str, kind: int, shape: list[Dimension]) -> ValueInfoProto:
    """An input or output, of a TensorProto type."""
    return helper.make_tensor_value_info(name, kind, shape)


class DecoderGraph:
    """Collects nodes in the order they run. Every method that adds nodes returns the name of its result."""

    def __init__(
        self, architecture: Architecture, projections: Mapping[str, Projection], levels: AccuracyLevels, *, tiled: bool
    ) -> None:
        """Begin with no nodes.

        Args:
            tiled: attention as onnxruntime's CPU kernel does it by default, in tiles of the scores. Otherwise it takes all
                scores of a pass at once: more than twice as fast, in heads x tokens x positions float32 of memory.
        """
        self.architecture = architecture
        self._projections = projections
        self._levels = levels
        self._tiled = tiled
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.metadata: dict[str, str] = {}

    def build(self) -> None:
        """Add the nodes of the whole model."""
        architecture = self.architecture
        self._begin()
        # An initializer that is also a graph input is a default: a feed overrides it, and who does not know it need not feed.
        self._constant("logits_start", [0])
        hidden = self._embed()
        update: str | None = None
        for layer in range(architecture.layers):
            hidden, update = self._layer(layer, hidden, update)
        normed, _ = self._add_and_norm(NORM, hidden, update)
        self._project(HEAD, normed, result="logits")

    def _layer(self, layer: int, hidden: str, update: str | None) -> tuple[str, str]:
        """One block. `hidden` is the residual stream to which `update` is still to be added; returns the same two."""
        prefix = f"model.layers.{layer}"
        attended, hidden = self._attend(layer, hidden, update)
        if layer == self.architecture.layers - 1:
            # Past the last layer's attention positions no longer meet: those whose logits nobody reads end here.
            attended, hidden = self._last_rows(f"{prefix}.attended", attended), self._last_rows(f"{prefix}.hidden", hidden)
        attended = self._project(f"{prefix}.self_attn.o_proj", attended)
        normed, hidden = self._add_and_norm(f"{prefix}.post_attention_layernorm", hidden, attended)
        # Two products: joined as query, key and value are, they measured no faster, because their result has to be split.
        gate = self._project(f"{prefix}.mlp.gate_proj", normed)
        up = self._project(f"{prefix}.mlp.up_proj", normed)
        # QuickGelu is x * sigmoid(alpha * x): SiLU at alpha 1.
        gate = self._node("QuickGelu", [gate], f"{prefix}.mlp.silu", contrib=True, alpha=1.0)
        gated = self._node("Mul", [gate, up], f"{prefix}.mlp.gated")
        return hidden, self._project(f"{prefix}.mlp.down_proj", gated)

    def _attend(self, layer: int, hidden: str, update: str | None) -> tuple[str, str]:
        """The first half of a block, up to its attention: its result, and the residual stream with `update` added."""
        prefix = f"model.layers.{layer}"
        normed, hidden = self._add_and_norm(f"{prefix}.input_layernorm", hidden, update)
        return self._attention(layer, prefix, normed), hidden

    def _attention(self, layer: int, prefix: str, normed: str) -> str:
        architecture = self.architecture
        if f"{prefix}.{QKV}" in self._projections:
            heads = [self._project(f"{prefix}.{QKV}", normed), "", ""]
        else:
            heads = [self._project(f"{prefix}.self_attn.{part}_proj", normed) for part in "qkv"]
        if architecture.qk_norm:
            heads[0] = self._norm_heads(f"{prefix}.self_attn.q_norm", heads[0], architecture.heads)
            heads[1] = self._norm_heads(f"{prefix}.self_attn.k_norm", heads[1], architecture.kv_heads)
        past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
        return self._node(
            "GroupQueryAttention",
            [*heads, *past, "last_position", "total_length", "rope.cos", "rope.sin", *([] if self._tiled else ["", "", _SINK])],
            f"{prefix}.attention",
            also=[f"present.{layer}.key", f"present.{layer}.value"],
            contrib=True,
            num_heads=architecture.heads,
            kv_num_heads=architecture.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
        )

    def _norm_heads(self, name: str, heads: str, count: int) -> str:
        """RMS-normalise each head by itself: the axis is split for it and joined again."""
        width = self.architecture.head_dim
        split = self._node("Reshape", [heads, self._constant(f"{name}.split", [0, 0, count, width])], f"{name}.heads")
        normed = self._norm(name, split)
        return self._node("Reshape", [normed, self._constant(f"{name}.join", [0, 0, count * width])], f"{name}.joined")

    def _embed(self) -> str:
        table = self._projections[EMBEDDING]
        if table.format is None:
            return self._node("Gather", [f"{EMBEDDING}.weight", "input_ids"], f"{EMBEDDING}.out")
        return self._node(
            "GatherBlockQuantized",
            [f"{EMBEDDING}.weight", "input_ids", f"{EMBEDDING}.scales"],
            f"{EMBEDDING}.out",
            contrib=True,
            bits=table.format.bits,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def _project(self, name: str, source: str, *, result: str | None = None) -> str:
        """source @ weight.T (+ bias)."""
        projection, result = self._projections[name], result or f"{name}.out"
        bias = [f"{name}.bias"] if projection.bias else []
        if projection.format is None:
            product = f"{name}.product" if bias else result
            self._node("FusedMatMul", [source, f"{name}.weight"], product, contrib=True, transB=1)
            return self._node("Add", [product, *bias], result) if bias else product
        return self._node(
            "MatMulNBits",
            [source, f"{name}.weight", f"{name}.scales", *(["", "", *bias] if bias else [])],
            result,
            contrib=True,
            K=projection.columns,
            N=projection.rows,
            bits=projection.format.bits,
            block_size=BLOCK,
            accuracy_level=self._levels(projection.format),
        )

    def _add_and_norm(self, name: str, hidden: str, update: str | None) -> tuple[str, str]:
        """The normalised sum of both, and the sum."""
        if update is None:
            return self._norm(name, hidden), hidden
        inputs, total, epsilon = [hidden, update, f"{name}.weight"], f"{name}.sum", self.architecture.norm_epsilon
        also = ["", "", total]
        normed = self._node("SkipSimplifiedLayerNormalization", inputs, f"{name}.out", also=also, contrib=True, epsilon=epsilon)
        return normed, total

    def _norm(self, name: str, source: str) -> str:
        # Not of the contrib domain: ONNX Runtime registers it among the standard operators.
        epsilon = self.architecture.norm_epsilon
        inputs = [source, f"{name}.weight"]
        return self._node("SimplifiedLayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=epsilon, stash_type=1)

    def _begin(self) -> None:
        """Add what every layer needs."""
        self._cache_lengths()
        if not self._tiled:
            # A logit of its own in each head's softmax, which the tiled kernel cannot take; this one weighs nothing.
            sink = np.full(self.architecture.heads, np.finfo(np.float32).min)
            self.constants.append(numpy_helper.from_array(sink, _SINK))
            self.metadata[SCORED_HEADS] = str(self.architecture.heads)

    def _cache_lengths(self) -> None:
        """From the mask: the last position of each sequence, int32 (batch,), and the tokens in all, an int32 scalar."""
        one, axis = self._constant("one", [1]), self._constant("last_axis", [1])
        tokens = self._node("ReduceSum", ["attention_mask", axis], "mask.tokens", keepdims=0)
        last = self._node("Sub", [tokens, one], "mask.last")
        self._node("Cast", [last], "last_position", to=TensorProto.INT32)
        length = self._node("Shape", ["attention_mask"], "mask.length", start=1, end=2)
        scalar = self._node("Squeeze", [length], "mask.scalar")
        self._node("Cast", [scalar], "total_length", to=TensorProto.INT32)

    def _last_rows(self, name: str, source: str) -> str:
        end, axis = self._constant(f"{name}.end", [np.iinfo(np.int64).max]), "last_axis"
        return self._node("Slice", [source, "logits_start", end, axis], f"{name}.kept")

    def _node(
        self,
        kind: str,
        inputs: list[str],
        result: str,
        *,
        also: Sequence[str] = (),
        contrib: bool = False,
        **settings: int | float,
    ) -> str:
        """Add a node named after its first result; `also` are the further ones, "" for those nobody reads."""
        node = helper.make_node(kind, inputs, [result, *also], name=result, domain=_CONTRIB if contrib else "")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in settings.items())
        self.nodes.append(node)
        return result

    def _constant(self, name: str, values: list[int]) -> str:
        self.constants.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name
