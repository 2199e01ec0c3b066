"""4-bit weights made into rotated int8 ones, for products that round a whole row to one scale.

Each group of 64 inputs is multiplied by a Hadamard matrix, the weights here and the activations in the graph
(quantize/fill_graph.py): products stay what they were, and what was an outlier is spread over its group.

A matrix is stored as MatMulNBits stores it: (rows, columns / 2) bytes, two codes a byte, the even column in the low half, zero
point 8; and one float32 scale for each block of 32 columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from runtimes.errors import BundleError

GROUP: Final = 64
_BLOCK = 32
_ZERO_POINT = 8
_STEPS = 127
_SLAB = 1 << 17
"""Weights rotated at once: what is made of them on the way fits a core's second-level cache."""

Float32 = npt.NDArray[np.float32]
Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class PackedMatrix:
    """A 4-bit matrix in a file: its shape, and where its codes and its scales start, in bytes."""

    rows: int
    columns: int
    codes: int
    scales: int


@dataclass(frozen=True)
class RotatedMatrix:
    """`codes` (columns, rows) times `scales` (rows,) is the weights' transpose, rotated, over 64."""

    codes: Int8
    scales: Float32


def rotation(size: int) -> Float32:
    """The Hadamard matrix of Sylvester's construction, (size, size) of 1 and -1; `size` is a power of two."""
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < size:
        matrix = np.kron(np.array([[1, 1], [1, -1]], np.float32), matrix)
    return matrix


def rotate_file(path: Path, matrices: Mapping[str, PackedMatrix], threads: int) -> dict[str, RotatedMatrix]:
    """Read and rotate every matrix, `threads` at a time. Raises BundleError when the file does not hold them, OSError."""
    size = path.stat().st_size
    for name, at in matrices.items():
        if max(at.codes + at.rows * at.columns // 2, at.scales + at.rows * at.columns // _BLOCK * 4) > size:
            raise BundleError(f"{path} ends before {name}. Pull or quantize the model again.")
    with ThreadPoolExecutor(threads) as pool:
        rotated = pool.map(lambda at: _rotate_from(path, at), matrices.values())
        return dict(zip(matrices, rotated, strict=True))


def _rotate_from(path: Path, at: PackedMatrix) -> RotatedMatrix:
    count = at.rows * at.columns
    codes = np.fromfile(path, np.uint8, count // 2, offset=at.codes).reshape(at.rows, -1)
    scales = np.fromfile(path, "<f4", count // _BLOCK, offset=at.scales).reshape(at.rows, -1)
    return rotate(codes, scales)


def rotate(packed: npt.NDArray[np.uint8], scales: Float32) -> RotatedMatrix:
    """Rotate a matrix and round each of its rows to int8.

    Args:
        packed: (rows, columns / 2), columns a multiple of 64.
        scales: (rows, columns / 32).
    """
    rows, columns = len(packed), packed.shape[1] * 2
    result = RotatedMatrix(np.empty((columns, rows), np.int8), np.empty(rows, np.float32))
    slab = max(1, _SLAB // columns)
    for start in range(0, rows, slab):
        part = slice(start, min(start + slab, rows))
        mixed = _rotate_slab(packed[part], scales[part])
        largest = _largest(mixed)
        largest[largest == 0] = 1
        mixed *= _STEPS / largest
        np.rint(mixed, out=mixed)
        result.codes[:, part] = mixed
        result.scales[part] = largest / (_STEPS * GROUP)
    return result


def _largest(values: Float32) -> Float32:
    """Of each column, the largest size. Halves are compared whole: numpy's own maximum along this axis is far slower."""
    sizes = np.abs(values)
    while len(sizes) % 2 == 0:
        middle = len(sizes) // 2
        sizes = np.maximum(sizes[:middle], sizes[middle:])
    largest: Float32 = sizes.max(0)
    return largest


def _rotate_slab(packed: npt.NDArray[np.uint8], scales: Float32) -> Float32:
    """(columns, rows) of the rotated weights. Every pass but the first runs along the rows, which lie side by side."""
    rows, blocks = scales.shape
    halves = packed.reshape(rows, blocks, _BLOCK // 2)
    codes = np.empty((rows, blocks, 2, _BLOCK // 2), np.uint8)
    np.bitwise_and(halves, 15, out=codes[:, :, 0])
    np.right_shift(halves, 4, out=codes[:, :, 1])
    values = codes.reshape(rows, blocks, _BLOCK).astype(np.float32)
    mixed = np.matmul(_BLOCK_ROTATION, values.transpose(1, 2, 0))
    mixed[:, 0] -= _ZERO_POINT * _BLOCK  # the others of its sums take the zero point as often as they add it
    mixed *= np.ascontiguousarray(scales.T)[:, None]
    even, odd = mixed[0::2], mixed[1::2]
    whole = np.empty((blocks // 2, 2, _BLOCK, rows), np.float32)
    np.add(even, odd, out=whole[:, 0])
    np.subtract(even, odd, out=whole[:, 1])
    return whole.reshape(blocks * _BLOCK, rows)


_BLOCK_ROTATION = np.ascontiguousarray(rotation(_BLOCK)[:, [*range(0, _BLOCK, 2), *range(1, _BLOCK, 2)]])
"""Of one block, its columns in the order in which codes are unpacked: the even ones first."""
