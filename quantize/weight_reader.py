"""Reads one tensor of a file as float32, in bounded pieces, and refuses values that are not finite.

Knows the plain float formats and how a piece of a file becomes rows of weights. Knows no file format: a reader
says where the bytes are and brings a decoder for formats of its own. Files are read, not mapped: a mapped file
that another program cuts short would end the process with SIGBUS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from runtimes.errors import SourceError

Decoder: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""uint8 (rows, bytes of a row) -> float32 (rows, columns)."""

_PIECE = 4 << 20
"""Bytes read at a time: temporaries of a decoder stay at a few times this."""


def _decode_f64(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.view("<f8").astype(np.float32)


def _decode_f32(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.view("<f4").astype(np.float32, copy=False)


def _decode_f16(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.view("<f2").astype(np.float32)


def _decode_bf16(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """bfloat16 is the upper half of a float32."""
    return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)


FLOAT_DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {"F64": _decode_f64, "F32": _decode_f32, "F16": _decode_f16, "BF16": _decode_bf16}
)
"""By the name that both GGUF and safetensors give them."""


def read_weight(
    stream: BufferedIOBase, offset: int, nbytes: int, shape: tuple[int, ...], decode: Decoder, where: str
) -> npt.NDArray[np.float32]:
    """Read a tensor stored row after row at `offset`.

    Args:
        nbytes: its size in the file, a multiple of its rows.
        shape: none of its dimensions 0; all but the last count rows.
        where: file and tensor, for messages.

    Returns:
        float32 of `shape`, C order, owned by the caller.

    Raises:
        SourceError: the file is shorter than it was, or a value is NaN or infinite.
    """
    rows = math.prod(shape[:-1])
    row_bytes = nbytes // rows
    weights = np.empty((rows, math.prod(shape[-1:])), np.float32)
    step = max(1, _PIECE // row_bytes)
    try:
        stream.seek(offset)
        for first in range(0, rows, step):
            piece = np.empty((min(step, rows - first), row_bytes), np.uint8)
            if stream.readinto(piece.data.cast("B")) != piece.nbytes:
                raise SourceError(f"{where} ends early: the file was cut short. Download it again.")
            # Conversions of hostile bytes overflow; what comes of it is refused just below.
            with np.errstate(all="ignore"):
                decoded = decode(piece)
            if not np.isfinite(decoded).all():
                raise SourceError(
                    f"{where} holds NaN or infinite weights, so the checkpoint is damaged. Download or train it again."
                )
            weights[first : first + len(piece)] = decoded
    except OSError as error:
        raise SourceError(f"{where} cannot be read: {error.strerror or error}. Check the disk and its permissions.") from error
    return weights.reshape(shape)
