"""The weights of an ONNX model in one external data file, written tensor by tensor.

Knows ONNX's external data (https://onnx.ai/onnx/repo-docs/ExternalData.html). Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from typing_extensions import Self

Array: TypeAlias = npt.NDArray[Any]

# Whole pages, so that a runtime can map a tensor instead of reading it; small tensors only need their elements aligned.
_PAGE = 4096
_SMALL = 64


class ExternalData:
    """An open data file and the initializers that point into it. Close it, or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("wb")
        self.initializers: dict[str, TensorProto] = {}
        """By name, in the order they were added."""

    def add(self, name: str, parts: Sequence[Array]) -> None:
        """Append one tensor: `parts`, of one dtype, joined along the first axis."""
        size = sum(part.nbytes for part in parts)
        alignment = _PAGE if size >= _PAGE else _SMALL
        offset = -(-self._stream.tell() // alignment) * alignment
        self._stream.seek(offset)
        for part in parts:
            self._stream.write(np.ascontiguousarray(part).data)
        shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
        self._describe(name, helper.np_dtype_to_tensor_dtype(parts[0].dtype), shape, offset, size)

    def alias(self, name: str, original: str, shape: tuple[int, ...]) -> None:
        """Another initializer over the bytes of `original`, of the same type and size in another shape."""
        first = self.initializers[original]
        place = {entry.key: int(entry.value) for entry in first.external_data if entry.key != "location"}
        self._describe(name, first.data_type, shape, place["offset"], place["length"])

    def close(self) -> None:
        """Write what is buffered and close the file. Idempotent."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _describe(self, name: str, data_type: int, shape: tuple[int, ...], offset: int, size: int) -> None:
        tensor = TensorProto(name=name, data_type=data_type, dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self._path.name), ("offset", str(offset)), ("length", str(size))):
            tensor.external_data.add(key=key, value=value)
        self.initializers[name] = tensor
