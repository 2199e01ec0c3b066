"""Tensors in, an ONNX model out: graphs, `model.onnx.data` and `genai_config.json`, with no torch.

Weights go to disk as they arrive; at most the query, key and value projections of one layer wait in memory,
because they are stored as one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from quantize.architecture import Architecture, TensorSpec
from quantize.blocks import BLOCK, BlockFormat, Quantized, Weight
from quantize.families import find_family
from quantize.fill_graph import build_fill_model
from quantize.genai_config import NAME, genai_config
from quantize.onnx_data import ExternalData
from quantize.onnx_graph import EMBEDDING, HEAD, QKV, AccuracyLevels, Projection, build_model
from runtimes.bundle import FILL_NAME

if TYPE_CHECKING:
    from typing_extensions import Self

MODEL_NAME: Final = "model.onnx"
PREFILL_NAME: Final = "prefill.onnx"
"""The same model over the same weights, for many tokens at once. Only where PREFILL_LEVELS has a type of it."""
DATA_NAME: Final = "model.onnx.data"

_QKV_PARTS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
ACCURACY_LEVEL: Final = 4
"""Activations are rounded to int8 for the products; level 1 widens the codes to float32 instead.

Measured on SmolLM2-135M in 4 bits with onnxruntime 1.32: level 1 takes 11 times as long for a token of decoding. The mean
KL divergence it saves is 0.003 of 0.004 in 8 bits, and 0.004 of 0.290 in 4 bits.
"""
PREFILL_LEVELS: Final = {"Q4_0": 1}
"""Where another level prefills faster. With 512 tokens, 2 threads of an AVX-512 machine: 4-bit products run at 108 GMAC/s on
level 4 and 189 on level 1, 8-bit ones at 144 and 131."""


class WeightWriter(Protocol):
    """Takes the tensors of a model one at a time, in the order of `Family.tensors`."""

    def add(self, spec: TensorSpec, weight: Weight) -> None:
        """Write one tensor."""
        ...

    def finish(self) -> None:
        """Write what is left, once every tensor was added."""
        ...

    def close(self) -> None:
        """Close the files. Idempotent; without `finish` before it, what was written is of no use."""
        ...


class OnnxWriter:
    """Writes one model into a directory that exists. A context manager; a WeightWriter."""

    def __init__(self, directory: Path, architecture: Architecture, *, accuracy_level: int = ACCURACY_LEVEL) -> None:
        self._directory = directory
        self._architecture = architecture
        self._accuracy_level = accuracy_level
        self._expected = find_family(architecture.family).tensors(architecture)
        self._expected.reverse()
        self._data = ExternalData(directory / DATA_NAME)
        self._projections: dict[str, Projection] = {}
        self._waiting: dict[str, Weight] = {}

    def add(self, spec: TensorSpec, weight: Weight) -> None:
        """Write one tensor. Raises ValueError when it is not the next one, or not of its shape."""
        if not self._expected or self._expected[-1] != spec:
            raise ValueError(f"{spec.name} was added; {self._expected[-1].name if self._expected else 'nothing'} was expected")
        if weight.shape != spec.shape:
            raise ValueError(f"{spec.name} has the shape {weight.shape}; {spec.shape} was expected")
        self._expected.pop()
        name = spec.name.rpartition(".")[0]
        if name.endswith(_QKV_PARTS) and not self._architecture.qk_norm:
            self._waiting[spec.name] = weight
            if len(self._waiting) == len(_QKV_PARTS) * (1 + self._architecture.qkv_bias):
                self._add_qkv(name.removesuffix(_QKV_PARTS[-1]))
        elif spec.role in ("norm", "bias"):
            self._add_vector(spec.name, [weight])
        else:
            self._add_matrix(name, [weight])

    def finish(self) -> None:
        """Write the graphs and genai_config.json. Raises ValueError when tensors are missing."""
        if self._expected:
            raise ValueError(f"{self._expected[-1].name} was not added")
        architecture = self._architecture
        self._tie_head()
        cos, sin = architecture.rope.tables(architecture.head_dim, architecture.context_length)
        self._data.add("rope.cos", [cos])
        self._data.add("rope.sin", [sin])
        self.close()
        self._write_graph(MODEL_NAME, lambda _: self._accuracy_level, tiled=True)
        stored = {projection.format.name for projection in self._projections.values() if projection.format is not None}
        if self._accuracy_level == ACCURACY_LEVEL and not stored.isdisjoint(PREFILL_LEVELS):
            self._write_graph(PREFILL_NAME, _prefill_level, tiled=False)
            filling = build_fill_model(architecture, self._projections, self._data.initializers, levels=_prefill_level)
            if filling is not None:
                (self._directory / FILL_NAME).write_bytes(filling.SerializeToString())
        (self._directory / NAME).write_text(genai_config(architecture, MODEL_NAME), encoding="utf-8")

    def _write_graph(self, name: str, levels: AccuracyLevels, *, tiled: bool) -> None:
        weights = self._data.initializers.values()
        model = build_model(self._architecture, self._projections, weights, levels=levels, tiled=tiled)
        (self._directory / name).write_bytes(model.SerializeToString())

    def close(self) -> None:
        """Close the data file. Idempotent."""
        self._data.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _add_qkv(self, prefix: str) -> None:
        """Store the three projections as one, or each by itself when their types differ."""
        parts = [f"{prefix}{part}" for part in _QKV_PARTS]
        weights = [self._waiting[f"{part}.weight"] for part in parts]
        biases = [self._waiting[f"{part}.bias"] for part in parts] if self._architecture.qkv_bias else []
        self._waiting.clear()
        if len({_format_name(weight) for weight in weights}) == 1:
            self._add_matrix(f"{prefix}{QKV}", weights)
            if biases:
                self._add_vector(f"{prefix}{QKV}.bias", biases)
            return
        for index, part in enumerate(parts):
            self._add_matrix(part, [weights[index]])
            if biases:
                self._add_vector(f"{part}.bias", [biases[index]])

    def _add_matrix(self, name: str, weights: Sequence[Weight]) -> None:
        """Store matrices of one type with their rows joined."""
        rows, columns = sum(weight.shape[0] for weight in weights), weights[0].shape[1]
        blocks = [weight for weight in weights if isinstance(weight, Quantized)]
        if not blocks:
            self._data.add(f"{name}.weight", [weight for weight in weights if isinstance(weight, np.ndarray)])
            self._projections[name] = Projection(rows, columns, None)
            return
        block_format = blocks[0].format
        packed, scales = zip(*(block_format.matmulnbits(weight) for weight in blocks), strict=True)
        if name == EMBEDDING:
            packed = tuple(part.reshape(len(part), -1) for part in packed)
        self._data.add(f"{name}.weight", packed)
        self._data.add(f"{name}.scales", scales)
        self._projections[name] = Projection(rows, columns, block_format)

    def _add_vector(self, name: str, parts: Sequence[Weight]) -> None:
        vectors = [part for part in parts if isinstance(part, np.ndarray)]
        if len(vectors) != len(parts):
            raise ValueError(f"{name} is a vector, which is stored in 32 bits")
        self._data.add(name, vectors)
        owner = name.removesuffix(".bias")
        if owner in self._projections:
            self._projections[owner] = replace(self._projections[owner], bias=True)

    def _tie_head(self) -> None:
        """Let a tied head read the bytes of the embedding: two initializers, one place in the file."""
        if not self._architecture.tied:
            return
        table = self._projections[EMBEDDING]
        shape: tuple[int, ...] = (table.rows, table.columns)
        if table.format is not None:
            shape = (table.rows, table.columns // BLOCK, table.format.packed_bytes)
            self._data.alias(f"{HEAD}.scales", f"{EMBEDDING}.scales", (table.rows, table.columns // BLOCK))
        self._data.alias(f"{HEAD}.weight", f"{EMBEDDING}.weight", shape)
        self._projections[HEAD] = table


def _prefill_level(block_format: BlockFormat) -> int:
    return PREFILL_LEVELS.get(block_format.name, ACCURACY_LEVEL)


def _format_name(weight: Weight) -> str | None:
    return weight.format.name if isinstance(weight, Quantized) else None
