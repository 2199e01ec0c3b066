"""A model in one form: the type and bytes of each tensor, and of the whole bundle or file.

Adds up what write_onnx.py and write_gguf.py lay down, without writing it. Knows no device and no speed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quantize.architecture import TensorSpec
from quantize.blocks import BLOCK, FORMATS
from quantize.model_shape import ModelShape
from quantize.recipe import Recipe
from quantize.targets import BLOCK_KERNEL, FLOAT_KERNEL
from quantize.tensor_types import Container, assign_types, tensor_bytes
from quantize.write_onnx import PREFILL_LEVELS
from runtimes.rotation import GROUP

FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16"})
"""Types that are not quantized."""
_PAGE, _SMALL = 4096, 64  # where onnx_data.py starts large and small arrays
_GGUF_ALIGNMENT = 32
# Counted on the bundles of SmolLM2-135M (272 tensors, 30 layers): what stands beside the weights.
_GRAPH_BYTES_PER_TENSOR = 500
_FILL_BYTES_PER_TENSOR = 1_100
"""Of the graph that only fills the cache. A model that is too large for it has none, and would not notice so few bytes."""
GGUF_BYTES_PER_TENSOR = 70
_REPORT_BYTES_PER_TENSOR = 224
_FIXED_BYTES = 5_000


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as a file holds it."""

    spec: TensorSpec
    type: str
    """ggml's name."""
    bytes: int

    @property
    def weights(self) -> int:
        """Elements."""
        return math.prod(self.spec.shape)

    @property
    def kernel(self) -> str:
        """The kind of product it is multiplied in, by the names in targets.py."""
        return FLOAT_KERNEL if self.type in FLOATS else BLOCK_KERNEL

    @property
    def blocks(self) -> int:
        """Blocks of 32 weights; 0 for a type that has none."""
        return self.weights // BLOCK if self.type in FORMATS else 0


@dataclass(frozen=True)
class StoredModel:
    """A model in one form."""

    shape: ModelShape
    recipe: str
    """What people type after --bits, or what a file's maker calls it."""
    container: Container
    tensors: tuple[StoredTensor, ...]
    file_bytes: int
    """Of the bundle's directory, or of the .gguf file."""
    exists: bool = False
    """It is a file that is here, not one that could be made."""

    @property
    def weight_bytes(self) -> int:
        """Of all tensors."""
        return sum(tensor.bytes for tensor in self.tensors)

    @property
    def read_bytes(self) -> int:
        """Of the tensors that are read whole for every token."""
        return sum(tensor.bytes for tensor in self.tensors if self.shape.is_multiplied(tensor.spec))

    @property
    def types(self) -> frozenset[str]:
        """The types of its matrices."""
        return frozenset(tensor.type for tensor in self.tensors if len(tensor.spec.shape) > 1)


@dataclass(frozen=True)
class TextBytes:
    """What the vocabulary and chat template take in either container."""

    onnx: int
    gguf: int

    @staticmethod
    def guess(vocabulary_size: int) -> TextBytes:
        """From the vocabulary's size alone; a tokenizer.json takes 28 (SmolLM2, rebuilt) to 71 (Llama 3) bytes a token."""
        return TextBytes(onnx=_JSON_BYTES_PER_TOKEN * vocabulary_size, gguf=_GGUF_BYTES_PER_TOKEN * vocabulary_size)


_JSON_BYTES_PER_TOKEN: Final = 45
_GGUF_BYTES_PER_TOKEN: Final = 37


def store(shape: ModelShape, recipe: Recipe, container: Container, texts: TextBytes | None = None) -> StoredModel:
    """What `quantize.pipeline` would write: within 1 % of the bundle's bytes for a model of 50 MB or more.

    Args:
        texts: of the vocabulary; None guesses it.
    """
    types = assign_types(recipe, shape.tensors)
    tensors = tuple(
        StoredTensor(spec, types[spec.name], tensor_bytes(container, spec.shape, types[spec.name])) for spec in shape.tensors
    )
    found = texts or TextBytes.guess(shape.vocabulary_size)
    beside = _onnx_extra(shape, tensors) if container == "onnx" else _gguf_extra(tensors)
    text = found.onnx if container == "onnx" else found.gguf
    count = len(tensors) * _REPORT_BYTES_PER_TENSOR + _FIXED_BYTES
    return StoredModel(shape, recipe.name, container, tensors, sum(tensor.bytes for tensor in tensors) + beside + text + count)


def _onnx_extra(shape: ModelShape, tensors: Sequence[StoredTensor]) -> int:
    """The graphs, the rotary tables, and what is left of the pages."""
    has_prefill = any(tensor.type in PREFILL_LEVELS for tensor in tensors)
    fills = any(tensor.type in PREFILL_LEVELS and tensor.spec.shape[-1] % GROUP == 0 for tensor in tensors)
    graph = len(tensors) * (_GRAPH_BYTES_PER_TENSOR * (1 + has_prefill) + _FILL_BYTES_PER_TENSOR * fills)
    tables = 4 * shape.context_length * shape.head_dim
    end = weights = 0
    for size in _onnx_arrays(tensors):
        alignment = _PAGE if size >= _PAGE else _SMALL
        end = -(-end // alignment) * alignment + size
        weights += size
    return graph + tables + end - weights


def _onnx_arrays(tensors: Sequence[StoredTensor]) -> list[int]:
    """Bytes of each array of an ONNX data file, in order: codes and scales apart; query, key and value joined."""
    separate = any(".q_norm." in tensor.spec.name for tensor in tensors)
    joined: dict[str, int] = {}
    for tensor in tensors:
        codes = tensor.weights * FORMATS[tensor.type].bits // 8 if tensor.type in FORMATS else tensor.bytes
        prefix, found, part = tensor.spec.name.partition(".self_attn.")
        end = part.rpartition(".")[2]
        whole = f"{prefix}.qkv.{end}.{tensor.type}" if found and part[0] in "qkv" and not separate else tensor.spec.name
        for name, size in (("codes", codes), ("scales", tensor.bytes - codes)):
            joined[f"{whole}.{name}"] = joined.get(f"{whole}.{name}", 0) + size
    return [size for size in joined.values() if size]


def _gguf_extra(tensors: Sequence[StoredTensor]) -> int:
    padding = sum(-tensor.bytes % _GGUF_ALIGNMENT for tensor in tensors)
    return padding + len(tensors) * GGUF_BYTES_PER_TENSOR
