"""A second graph for long prompts that only fills the KV buffers, its 4-bit products taken in int8.

It ends where the last layer's keys and values are written, so it has no head: whoever wants logits feeds the last tokens to
another graph. Its products are DynamicQuantizeMatMul over int8 weights with one scale a row, the fastest there are where the
CPU multiplies int8 (VNNI). Such a product rounds its input to one scale too, so outliers must be spread first: input and
weights are multiplied by the same orthogonal matrix, in groups of 64, which changes no product (as QuaRot does,
https://arxiv.org/abs/2404.00456), and each row of the input is divided by its largest element.

The int8 weights are no part of the file. They are further inputs, which the runtime makes from the 4-bit codes
(runtimes/rotation.py); so are the rows of the embedding that the tokens at hand need. The graph's metadata says where those
are (runtimes/fill_layout.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

from quantize.architecture import Architecture
from quantize.blocks import BLOCK
from quantize.onnx_graph import EMBEDDING, AccuracyLevels, DecoderGraph, Projection, assemble, value
from runtimes.fill_layout import METADATA, FillLayout
from runtimes.rotation import GROUP, PackedMatrix, rotation

_ROTATED = "Q4_0"
_LEAST = np.float32(1e-20)
"""A row of zeros is divided by this instead of by zero."""


def build_fill_model(
    architecture: Architecture,
    projections: Mapping[str, Projection],
    weights: Mapping[str, TensorProto],
    *,
    levels: AccuracyLevels,
) -> ModelProto | None:
    """The model without its head (see `onnx_graph.build_model`).

    None where it would have no product in int8, and where its weights would take more memory than the graph for prefill does:
    int8 takes more than 4 bits, and that graph has a head. So it is with most models of 2 billion weights and more.

    Args:
        weights: the initializers by name, all of them in an external file; those of int8 products are left out.
        levels: for the products that stay as they are: of other types, or with rows that are not made of whole groups.
    """
    graph = _FillGraph(architecture, projections, levels)
    graph.build()
    used = {name for node in graph.nodes for name in node.input}
    if not graph.rotated or _held_bytes(graph.rotated, projections, used) > _prefill_bytes(projections):
        return None
    tables = {name: tensor for name, tensor in weights.items() if name in used and name.startswith(f"{EMBEDDING}.")}
    kept = [tensor for name, tensor in weights.items() if name in used and name not in tables]
    inputs = [value(name, tensor.data_type, ["tokens", *tensor.dims[1:]]) for name, tensor in tables.items()]
    for name, projection in graph.rotated.items():
        inputs.append(value(f"{name}.int8", TensorProto.INT8, [projection.columns, projection.rows]))
        inputs.append(value(f"{name}.row_scales", TensorProto.FLOAT, [projection.rows]))
    matrices = {
        name: PackedMatrix(
            projection.rows, projection.columns, _offset(weights[f"{name}.weight"]), _offset(weights[f"{name}.scales"])
        )
        for name, projection in graph.rotated.items()
    }
    layout = FillLayout(matrices, {name: _offset(tensor) for name, tensor in tables.items()})
    graph.metadata[METADATA] = layout.to_text()
    return assemble(graph, kept, inputs=inputs, outputs=[])


def _held_bytes(rotated: Mapping[str, Projection], projections: Mapping[str, Projection], used: set[str]) -> int:
    whole = sum(projection.rows * projection.columns for projection in rotated.values())
    blocks = (item for name, item in projections.items() if f"{name}.weight" in used and name != EMBEDDING)
    return whole + sum(map(_layout_bytes, blocks))


def _prefill_bytes(projections: Mapping[str, Projection]) -> int:
    return sum(_layout_bytes(projection) for name, projection in projections.items() if name != EMBEDDING)


def _layout_bytes(projection: Projection) -> int:
    """What ONNX Runtime makes of a projection: its codes, and for each block a scale and a sum."""
    weights = projection.rows * projection.columns
    if projection.format is None:
        return weights * 4
    return weights // BLOCK * (projection.format.packed_bytes + 8)


def _offset(tensor: TensorProto) -> int:
    return next(int(entry.value) for entry in tensor.external_data if entry.key == "offset")


class _FillGraph(DecoderGraph):
    def __init__(self, architecture: Architecture, projections: Mapping[str, Projection], levels: AccuracyLevels) -> None:
        super().__init__(architecture, projections, levels, tiled=False)
        self.rotated: dict[str, Projection] = {}
        """What is multiplied in int8."""
        self._prepared: dict[str, tuple[str, str]] = {}

    def build(self) -> None:
        """Add the nodes up to the last layer's attention."""
        self._begin()
        self.constants.append(numpy_helper.from_array(rotation(GROUP), "rotation"))
        self.constants.append(numpy_helper.from_array(np.array(_LEAST), "least"))
        self._constant("channels", [-1])
        hidden = self._embed()
        update: str | None = None
        for layer in range(self.architecture.layers - 1):
            hidden, update = self._layer(layer, hidden, update)
        self._attend(self.architecture.layers - 1, hidden, update)

    def _project(self, name: str, source: str, *, result: str | None = None) -> str:
        projection, result = self._projections[name], result or f"{name}.out"
        if projection.format is None or projection.format.name != _ROTATED or projection.columns % GROUP:
            return super()._project(name, source, result=result)
        self.rotated[name] = projection
        if source not in self._prepared:
            self._prepared[source] = self._prepare(source, projection.columns)
        row, largest = self._prepared[source]
        weights = [f"{name}.int8", f"{name}.row_scales"]
        product = self._node("DynamicQuantizeMatMul", [row, *weights], f"{name}.product", contrib=True)
        scaled = f"{name}.scaled" if projection.bias else result
        self._node("Mul", [product, largest], scaled)
        return self._node("Add", [scaled, f"{name}.bias"], result) if projection.bias else scaled

    def _prepare(self, source: str, columns: int) -> tuple[str, str]:
        """`source` rotated, each row divided by its largest element; and these elements."""
        split = self._constant(f"{source}.split", [0, 0, columns // GROUP, GROUP])
        groups = self._node("Reshape", [source, split], f"{source}.groups")
        mixed = self._node("MatMul", [groups, "rotation"], f"{source}.mixed")
        joined = self._node("Reshape", [mixed, self._constant(f"{source}.join", [0, 0, columns])], f"{source}.rotated")
        sizes = self._node("Abs", [joined], f"{source}.sizes")
        top = self._node("ReduceMax", [sizes, "channels"], f"{source}.top", keepdims=1)
        largest = self._node("Max", [top, "least"], f"{source}.largest")
        return self._node("Div", [joined, largest], f"{source}.even"), largest
