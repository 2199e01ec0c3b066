"""The safetensors format: a JSON header that says where each tensor lies in one file.

Knows https://github.com/huggingface/safetensors#format and trusts none of it: a header is bounded, offsets must
fill the file without holes or overlap, and shapes must account for every byte. Knows no model.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from quantize.weight_reader import FLOAT_DECODERS, read_weight
from runtimes.errors import SourceError, UnsupportedModelError

HEADER_LIMIT = 16 << 20
"""Bytes. The format allows 100 MB; the largest real headers (50,000 tensors in one file) stay under 8 MB, and JSON
takes up to thirty times its own size once it is parsed."""
MAX_DIMENSIONS = 8

_LENGTH = struct.Struct("<Q")
_METADATA = "__metadata__"
_AGAIN = "Download the file again."
# Bits per element of every type the format has had so far.
_TYPE_BITS = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
}


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies in a file."""

    name: str
    type: str
    """The format's name of the element type: "F32", "BF16", ..."""
    shape: tuple[int, ...]
    offset: int
    """Bytes from the start of the file."""
    nbytes: int


class SafetensorsFile:
    """One open file. Weights are read when asked for."""

    def __init__(self, path: Path) -> None:
        """Read and check the header.

        Raises:
            SourceError: cut short, malformed, or contradicting itself.
            UnsupportedModelError: an element type the format did not have when this was written.
        """
        self.path = path
        try:
            self._stream: BufferedIOBase = path.open("rb")
        except OSError as error:
            raise SourceError(
                f"{path} cannot be read: {error.strerror or error}. Check the path and its permissions."
            ) from error
        try:
            self.tensors: Mapping[str, StoredTensor] = MappingProxyType(_read_tensors(self._stream, path))
            """By name, in the file's order."""
        except BaseException:
            self._stream.close()
            raise

    def require_floats(self, name: str) -> None:
        """Raises UnsupportedModelError when one of `tensors` is not stored as plain floats."""
        kind = self.tensors[name].type
        if kind not in FLOAT_DECODERS:
            raise UnsupportedModelError(
                f"{self.path}: {name!r} is stored as {kind}; weights are read from {', '.join(FLOAT_DECODERS)}. "
                "Take the checkpoint before it was quantized."
            )

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """One of `tensors`, which must not be empty, as float32 of its shape.

        Raises:
            SourceError: not finite, or the file was cut short meanwhile.
            UnsupportedModelError: not stored as plain floats.
        """
        self.require_floats(name)
        tensor = self.tensors[name]
        where = f"{self.path}: {name!r}"
        return read_weight(self._stream, tensor.offset, tensor.nbytes, tensor.shape, FLOAT_DECODERS[tensor.type], where)

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._stream.close()


def _read_tensors(stream: BufferedIOBase, path: Path) -> dict[str, StoredTensor]:
    try:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(_LENGTH.size)
        if len(start) < _LENGTH.size:
            raise _fail(path, f"it has {size} bytes, too few for a safetensors file.")
        (length,) = _LENGTH.unpack(start)
        if length > HEADER_LIMIT:
            raise _fail(path, f"its header claims {length} bytes; this reader takes up to {HEADER_LIMIT}.")
        if length > size - _LENGTH.size:
            raise _fail(path, f"its header claims {length} bytes and the file has {size}.")
        raw = stream.read(length)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}. Check the disk and its permissions.") from error
    first = _LENGTH.size + length
    entries = _parse_header(raw, path)
    tensors = [_parse_tensor(name, entry, first, path) for name, entry in entries.items() if name != _METADATA]
    _check_layout(tensors, first, size, path)
    return {tensor.name: tensor for tensor in tensors}


def _parse_header(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as error:
        raise _fail(path, f"its header is not valid JSON: {error}.") from error
    if not isinstance(header, dict):
        raise _fail(path, "its header is not a JSON object.")
    return header


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _parse_tensor(name: str, entry: Any, first: int, path: Path) -> StoredTensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _fail(path, f"tensor {name!r} is not described by dtype, shape and data_offsets.")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _TYPE_BITS:
        raise UnsupportedModelError(
            f"{path}: tensor {name!r} is of type {kind!r}, which this edge-llm does not know. Update it."
        )
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise _fail(path, f"tensor {name!r} has an absurd shape.")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _fail(path, f"tensor {name!r} has malformed data_offsets.")
    bits = _TYPE_BITS[kind]
    for dimension in shape:
        bits *= dimension
    nbytes = offsets[1] - offsets[0]
    if bits != 8 * nbytes:
        raise _fail(path, f"tensor {name!r} of type {kind} and shape {shape} does not take the {nbytes} bytes it claims.")
    return StoredTensor(name, kind, tuple(shape), first + offsets[0], nbytes)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _check_layout(tensors: list[StoredTensor], first: int, size: int, path: Path) -> None:
    """The format wants the tensors to fill the rest of the file: no holes, no overlap, nothing after them."""
    end = first
    for tensor in sorted(tensors, key=lambda item: (item.offset, item.nbytes)):
        if tensor.offset != end:
            relation = "overlaps the one before it" if tensor.offset < end else "leaves a hole before it"
            raise _fail(path, f"tensor {tensor.name!r} {relation} (it begins at byte {tensor.offset}, not {end}).")
        end += tensor.nbytes
    if end != size:
        raise _fail(path, f"its tensors end at byte {end} and the file has {size}.")


def _fail(path: Path, fact: str) -> SourceError:
    return SourceError(f"{path}: {fact} {_AGAIN}")
