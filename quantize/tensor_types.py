"""The type each tensor of a model gets from a recipe, and the bytes that takes in either container."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from quantize.architecture import TensorSpec
from quantize.blocks import BLOCK, FORMATS
from quantize.recipe import FLOAT, Recipe, TypeName

Container: TypeAlias = Literal["onnx", "gguf"]
CONTAINERS: Final[tuple[Container, ...]] = ("onnx", "gguf")

_FLOAT_BYTES = 4
# MatMulNBits takes scales in the type of the activations, which are 32-bit floats here.
_SCALE_BYTES: Final = {"onnx": 4, "gguf": 2}


def assign_types(recipe: Recipe, specs: Iterable[TensorSpec]) -> dict[str, TypeName]:
    """Type by Hugging Face name. A matrix whose rows are not whole blocks stays in 32 bits."""
    found = {}
    for spec in specs:
        kind = recipe.type_of(spec)
        found[spec.name] = kind if kind in FORMATS and FORMATS[kind].fits(spec.shape) else FLOAT
    return found


def tensor_bytes(container: Container, shape: tuple[int, ...], kind: TypeName) -> int:
    """Bytes of a tensor in a type that `assign_types` gives, alignment left out."""
    weights = math.prod(shape)
    if kind == FLOAT:
        return weights * _FLOAT_BYTES
    return weights // BLOCK * (FORMATS[kind].packed_bytes + _SCALE_BYTES[container])
