"""Tensors in, a GGUF file out (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

The header, which names every tensor with its type and place, is the `gguf` package's work; weights follow it on disk
as they arrive. Knows block formats and GGUF's row order. Knows no vocabulary: metadata comes ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from quantize.architecture import Architecture, Float32Array, TensorSpec
from quantize.blocks import Quantized, Weight
from quantize.families import find_family
from quantize.families.family import ROPE_FACTORS
from quantize.recipe import FLOAT, TypeName
from quantize.tensor_types import tensor_bytes
from runtimes.gguf_reader import Value

if TYPE_CHECKING:
    from typing_extensions import Self

MetadataValue: TypeAlias = Value | Sequence[str]
"""An array of numbers is a memoryview, whose format says of which width; an integer is written as unsigned 32 bits."""

_ALIGNMENT = 32
_INTEGERS: Final = ((0, 1 << 32, "UINT32"), (-(1 << 31), 0, "INT32"), (0, 1 << 64, "UINT64"), (-(1 << 63), 0, "INT64"))
_ARRAYS: Final = {
    "B": "UINT8",
    "b": "INT8",
    "H": "UINT16",
    "h": "INT16",
    "I": "UINT32",
    "i": "INT32",
    "f": "FLOAT32",
    "Q": "UINT64",
    "q": "INT64",
    "d": "FLOAT64",
}


class GGUFWriter:
    """Writes one model file. A context manager; a `quantize.write_onnx.WeightWriter`."""

    def __init__(
        self, path: Path, architecture: Architecture, metadata: Mapping[str, MetadataValue], types: Mapping[str, TypeName]
    ) -> None:
        """Write the header.

        Args:
            metadata: every key of the file, `general.architecture` among them.
            types: the type each tensor will arrive in, by its Hugging Face name.

        Raises:
            OSError: the disk said no.
        """
        self._architecture = architecture
        self._family = find_family(architecture.family)
        self._types = dict(types)
        self._expected = self._family.tensors(architecture)
        factors = self._family.gguf_rope_factors(architecture)
        self._write_header(path, metadata, factors)
        self._expected.reverse()
        self._stream = path.open("ab")
        self._pad()
        if factors is not None:
            self._write(factors)

    def add(self, spec: TensorSpec, weight: Weight) -> None:
        """Write one tensor. Raises ValueError when it is not the next one, or not of the shape and type announced."""
        if not self._expected or self._expected[-1] != spec:
            raise ValueError(f"{spec.name} was added; {self._expected[-1].name if self._expected else 'nothing'} was expected")
        kind = weight.format.name if isinstance(weight, Quantized) else FLOAT
        if weight.shape != spec.shape or kind != self._types[spec.name]:
            raise ValueError(f"{spec.name} is {kind} {weight.shape}; {self._types[spec.name]} {spec.shape} was announced")
        self._expected.pop()
        order = self._family.gguf_row_order(self._architecture, spec)
        if isinstance(weight, Quantized):
            ordered = weight if order is None else weight.take_rows(order)
            self._write(ordered.format.gguf_bytes(ordered))
        else:
            self._write(weight if order is None else weight[order])

    def finish(self) -> None:
        """Close the file. Raises ValueError when tensors are missing."""
        if self._expected:
            raise ValueError(f"{self._expected[-1].name} was not added")
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent; without `finish` before it, the file is not whole."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _write_header(self, path: Path, metadata: Mapping[str, MetadataValue], factors: Float32Array | None) -> None:
        # Imported here: the package takes a while to load, and the ONNX format does without it.
        import gguf

        header = gguf.GGUFWriter(path, self._family.gguf_architecture)
        for key, value in metadata.items():
            if key == "general.architecture":
                continue  # the package writes it by itself
            kind, items = _value_type(value)
            header.add_key_value(
                key, value, gguf.GGUFValueType[kind], sub_type=None if items is None else gguf.GGUFValueType[items]
            )
        if factors is not None:
            header.add_tensor_info(ROPE_FACTORS, factors.shape, factors.dtype, factors.nbytes)
        for spec in self._expected:
            name = self._types[spec.name]
            size = tensor_bytes("gguf", spec.shape, name)
            kind = gguf.GGMLQuantizationType[name]
            header.add_tensor_info(spec.gguf_name, spec.shape, np.dtype(np.float32), size, raw_dtype=kind)
        try:
            header.write_header_to_file()
            header.write_kv_data_to_file()
            header.write_ti_data_to_file()
        finally:
            header.close()

    def _write(self, array: npt.NDArray[np.float32] | npt.NDArray[np.uint8]) -> None:
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        self._stream.write(np.ascontiguousarray(little).data.cast("B"))
        self._pad()

    def _pad(self) -> None:
        self._stream.write(bytes(-self._stream.tell() % _ALIGNMENT))


def _value_type(value: MetadataValue) -> tuple[str, str | None]:
    """GGUF's names for the type of a value and, of an array, of its items."""
    if isinstance(value, bool):
        return "BOOL", None
    if isinstance(value, int):
        return next(name for low, high, name in _INTEGERS if low <= value < high), None
    if isinstance(value, float):
        return "FLOAT32", None
    if isinstance(value, str):
        return "STRING", None
    return "ARRAY", _ARRAYS[value.format] if isinstance(value, memoryview) else "STRING"
