"""Symmetric block formats: 32 weights of a row share one scale.

Codes and scales equal llama.cpp's reference to the last bit (`quantize_row_q4_0_ref` and `quantize_row_q8_0_ref`
in ggml/src/ggml-quants.c), and one set of codes is written to both containers: GGUF's blocks and ONNX Runtime's
MatMulNBits (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from quantize.architecture import Float32Array
from runtimes.errors import SourceError, UnsupportedModelError

BLOCK: Final = 32
"""Weights that share a scale."""

Codes: TypeAlias = npt.NDArray[np.uint8]
Scales: TypeAlias = npt.NDArray[np.float16]

# Rows are worked on in pieces of this many weights, so that scratch memory stays a few MB for any tensor.
_CHUNK_WEIGHTS = 1 << 19
_SCALE_BYTES = 2
_NIBBLE = np.uint8(4)
_LOW = np.uint8(15)
_SIGN = np.uint8(128)


@dataclass(frozen=True)
class Quantized:
    """A matrix in a block format. weight = (code - format.zero_point) * scale."""

    format: BlockFormat
    codes: Codes
    """uint8 (rows, columns), one code a byte."""
    scales: Scales
    """float16 (rows, columns / 32)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.codes.shape
        return rows, columns

    def take_rows(self, order: npt.NDArray[np.int64]) -> Quantized:
        """The same rows in another order: a row's codes do not depend on its neighbours."""
        return Quantized(self.format, self.codes[order], self.scales[order])


Weight: TypeAlias = Quantized | Float32Array
"""A tensor as the writers take it: in blocks, or as it is."""


class BlockFormat(ABC):
    """One block format; use the instances Q4_0 and Q8_0."""

    name: ClassVar[str]
    """ggml's name of the type."""
    bits: ClassVar[int]
    """Bits of a code."""

    @property
    def zero_point(self) -> int:
        """The code that means 0."""
        return 1 << (self.bits - 1)

    @property
    def block_bytes(self) -> int:
        """Bytes a block takes in GGUF: a float16 scale and the packed codes."""
        return _SCALE_BYTES + self.packed_bytes

    @property
    def packed_bytes(self) -> int:
        """Bytes the codes of a block take, in either container."""
        return BLOCK * self.bits // 8

    @staticmethod
    def fits(shape: tuple[int, ...]) -> bool:
        """Whether a tensor of this shape can be held: a matrix whose rows are whole blocks."""
        return len(shape) == 2 and shape[1] % BLOCK == 0 and 0 not in shape

    def quantize(self, weights: Float32Array, name: str = "a tensor") -> Quantized:
        """Round a float32 (rows, columns) matrix to this format; `name` is the tensor, for messages.

        Raises:
            SourceError: NaN or infinite weights, weights too large for a float16 scale, or rows that are not whole blocks.
        """
        if not self.fits(weights.shape):
            raise SourceError(f"{name} of shape {weights.shape} has no rows of whole blocks of {BLOCK}. Keep it in 32 bits.")
        rows, columns = weights.shape
        codes = np.empty((rows, columns), np.uint8)
        scales = np.empty((rows, columns // BLOCK), np.float16)
        for part in _row_chunks(rows, columns):
            blocks = np.ascontiguousarray(weights[part], dtype=np.float32).reshape(-1, BLOCK)
            step = self._steps(blocks)
            _check(step, blocks, name)
            # A step below 2^-128 has no float32 reciprocal; its float16 scale is 0, so its codes do not matter.
            with np.errstate(divide="ignore", over="ignore"):
                inverse = np.reciprocal(step)
            inverse[~np.isfinite(inverse)] = 0
            codes[part] = self._round(blocks * inverse).reshape(-1, columns)
            scales[part] = step.astype(np.float16).reshape(-1, columns // BLOCK)
        return Quantized(self, codes, scales)

    def dequantize(self, quantized: Quantized) -> Float32Array:
        """The weights as every runtime sees them: float32 (rows, columns)."""
        rows, columns = quantized.shape
        weights = np.empty((rows, columns), np.float32)
        for part in _row_chunks(rows, columns):
            codes = quantized.codes[part].reshape(-1, BLOCK).astype(np.float32) - np.float32(self.zero_point)
            scales = quantized.scales[part].reshape(-1, 1).astype(np.float32)
            weights[part] = (codes * scales).reshape(-1, columns)
        return weights

    def gguf_bytes(self, quantized: Quantized) -> Codes:
        """The tensor as GGUF stores it: uint8 (rows, columns / 32 * block_bytes), each block its scale, then its codes."""
        rows, columns = quantized.shape
        stored = np.empty((rows, columns // BLOCK, self.block_bytes), np.uint8)
        stored[..., :_SCALE_BYTES] = quantized.scales.astype("<f2").view(np.uint8).reshape(rows, -1, _SCALE_BYTES)
        for part in _row_chunks(rows, columns):
            blocks = quantized.codes[part].reshape(-1, columns // BLOCK, BLOCK)
            stored[part, :, _SCALE_BYTES:] = self._pack_gguf(blocks)
        return stored.reshape(rows, -1)

    def from_gguf_bytes(self, stored: Codes) -> Quantized:
        """The inverse of `gguf_bytes`."""
        rows, row_bytes = stored.shape
        if row_bytes % self.block_bytes:
            raise SourceError(
                f"Rows of {row_bytes} bytes are not whole {self.name} blocks. Download or convert the file again."
            )
        blocks = np.ascontiguousarray(stored).reshape(rows, -1, self.block_bytes)
        scales = np.ascontiguousarray(blocks[..., :_SCALE_BYTES]).view("<f2").astype(np.float16).reshape(rows, -1)
        return Quantized(self, self._unpack_gguf(blocks[..., _SCALE_BYTES:]).reshape(rows, -1), scales)

    def matmulnbits(self, quantized: Quantized) -> tuple[Codes, Float32Array]:
        """The inputs B and scales of MatMulNBits, without zero points: they default to `zero_point`.

        Returns:
            uint8 (rows, columns / 32, packed_bytes) and float32 (rows, columns / 32).
        """
        rows, columns = quantized.shape
        packed = self._pack_onnx(quantized.codes).reshape(rows, columns // BLOCK, self.packed_bytes)
        return packed, quantized.scales.astype(np.float32)

    @abstractmethod
    def _steps(self, blocks: Float32Array) -> Float32Array:
        """The step between codes, per block: float32 (blocks, 1)."""

    @abstractmethod
    def _round(self, scaled: Float32Array) -> Codes:
        """Codes of weights measured in steps; may write to `scaled`."""

    @abstractmethod
    def _pack_gguf(self, blocks: Codes) -> Codes:
        """Codes of each block (last axis) as GGUF packs them."""

    @abstractmethod
    def _unpack_gguf(self, packed: Codes) -> Codes:
        """The inverse of `_pack_gguf`."""

    @abstractmethod
    def _pack_onnx(self, codes: Codes) -> Codes:
        """Codes as MatMulNBits packs them."""


class FourBit(BlockFormat):
    """Codes 0 to 15. The weight of largest magnitude, sign included, gets code 0: -8 steps."""

    name: ClassVar[str] = "Q4_0"
    bits: ClassVar[int] = 4

    def _steps(self, blocks: Float32Array) -> Float32Array:
        # argmax takes the first of equal magnitudes, as the reference's strict comparison does.
        largest = np.abs(blocks).argmax(axis=1)
        signed = np.take_along_axis(blocks, largest[:, None], axis=1)
        # Adding 0 turns -0 into 0, where the reference starts, so that a block of zeros has the same sign in its scale.
        return (signed + np.float32(0)) / np.float32(-8)

    def _round(self, scaled: Float32Array) -> Codes:
        scaled += np.float32(8.5)
        return np.minimum(scaled.astype(np.uint8), _LOW)

    def _pack_gguf(self, blocks: Codes) -> Codes:
        # A byte holds elements i (low) and i + 16 (high) of its block.
        half = BLOCK // 2
        return blocks[..., :half] | (blocks[..., half:] << _NIBBLE)

    def _unpack_gguf(self, packed: Codes) -> Codes:
        return np.concatenate([packed & _LOW, packed >> _NIBBLE], axis=-1)

    def _pack_onnx(self, codes: Codes) -> Codes:
        # A byte holds two neighbours, the first one low.
        return codes[:, 0::2] | (codes[:, 1::2] << _NIBBLE)


class EightBit(BlockFormat):
    """Codes 1 to 255: -127 to 127 steps, rounded half away from zero."""

    name: ClassVar[str] = "Q8_0"
    bits: ClassVar[int] = 8

    def _steps(self, blocks: Float32Array) -> Float32Array:
        largest: Float32Array = np.abs(blocks).max(axis=1, keepdims=True)
        return largest / np.float32(127)

    def _round(self, scaled: Float32Array) -> Codes:
        # roundf: adding a half would itself round, so the fraction is looked at instead.
        whole = np.trunc(scaled)
        scaled -= whole
        whole += np.trunc(scaled * 2)
        whole += self.zero_point
        return whole.astype(np.uint8)

    def _pack_gguf(self, blocks: Codes) -> Codes:
        return blocks ^ _SIGN  # offset binary to two's complement

    def _unpack_gguf(self, packed: Codes) -> Codes:
        return packed ^ _SIGN

    def _pack_onnx(self, codes: Codes) -> Codes:
        return codes


Q4_0: Final = FourBit()
Q8_0: Final = EightBit()
FORMATS: Final[Mapping[str, BlockFormat]] = MappingProxyType({item.name: item for item in (Q4_0, Q8_0)})
"""Every block format, by ggml's name of the type."""


def find_format(name: str) -> BlockFormat:
    """The block format of this name. Raises UnsupportedModelError."""
    if name not in FORMATS:
        raise UnsupportedModelError(f"No block format is called {name!r}. There are: {', '.join(FORMATS)}.")
    return FORMATS[name]


def _row_chunks(rows: int, columns: int) -> Iterator[slice]:
    count = max(1, _CHUNK_WEIGHTS // columns)
    return (slice(start, start + count) for start in range(0, rows, count))


def _check(steps: Float32Array, blocks: Float32Array, name: str) -> None:
    # Both formats' steps are NaN or infinite exactly when a weight of the block is.
    if not np.isfinite(steps).all():
        raise SourceError(
            f"{name} has weights that are NaN or infinite ({_count_bad(blocks)} in one part). Download the model again."
        )
    if np.abs(steps).max() > np.finfo(np.float16).max:
        raise SourceError(
            f"{name} has weights up to {np.abs(blocks).max():g}, too large for a float16 scale. Download it again."
        )


def _count_bad(blocks: Float32Array) -> int:
    return int(np.count_nonzero(~np.isfinite(blocks)))
