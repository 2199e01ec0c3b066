"""A graph that fills the KV buffers and gives no logits, over int8 weights made from the bundle's 4-bit codes.

Beside `attention_mask` and the KV buffers (see `ort_graph`) its inputs are, for each int8 product, `NAME.int8` (columns, rows)
and `NAME.row_scales` float32 (rows,), bound once; the rows that the tokens at hand have in each table of embeddings; and
`input_ids`, which of these rows each token is. As inputs they are in memory once and only where they are needed: of a weight
that is part of the graph ONNX Runtime would keep a layout of its own beside it, and a mapped table counts whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.errors import BundleError
from runtimes.fill_layout import METADATA, FillLayout
from runtimes.ort_graph import LoadedGraph, Signature
from runtimes.rotation import RotatedMatrix, rotate_file

if TYPE_CHECKING:
    from types import ModuleType

    import numpy.typing as npt

_TYPES: dict[str, np.dtype[Any]] = {"tensor(uint8)": np.dtype(np.uint8), "tensor(float)": np.dtype("<f4")}


@dataclass(frozen=True)
class _Table:
    """A table in the file of weights."""

    offset: int
    columns: int
    dtype: np.dtype[Any]

    def read(self, path: Path, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """These rows, one by one: a prompt names few of many. Raises OSError."""
        found = np.empty((rows.size, self.columns), self.dtype)
        size = found.itemsize * self.columns
        with path.open("rb", buffering=0) as stream:
            for row, into in zip(rows.tolist(), found, strict=True):
                stream.seek(self.offset + row * size)
                if stream.readinto(into.data) != size:
                    raise OSError(f"it ends before row {row} of a table")
        return found


class FillGraph(LoadedGraph):
    """The loaded graph and its weights. Bind the KV buffers before it runs."""

    def __init__(self, library: ModuleType, path: Path, weights: Path, signature: Signature, threads: int) -> None:
        """Load the graph, and make its int8 weights from the 4-bit ones in the file `weights`.

        Raises:
            RuntimeFailedError: the graph cannot be loaded.
            BundleError: it is not one of ours or not for these KV buffers, or the file does not hold what it says.
        """
        super().__init__(library, path, threads, reuse_plan=False)
        self._source = weights
        layout = self._read_layout(signature)
        inputs = {item.name: item for item in self.session.get_inputs()}
        self._tables = {
            name: _Table(offset, inputs[name].shape[1], _TYPES[inputs[name].type]) for name, offset in layout.tables.items()
        }
        try:
            self._weights: dict[str, RotatedMatrix] = rotate_file(weights, layout.matrices, threads)
        except OSError as error:
            raise self._unreadable(error) from error
        for name, matrix in self._weights.items():
            self._bind(f"{name}.int8", matrix.codes)
            self._bind(f"{name}.row_scales", matrix.scales)

    def run(self, chunk: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> None:
        """One pass over `chunk`. Raises RuntimeFailedError, BundleError when the file of weights is gone."""
        tokens, places = np.unique(chunk, return_inverse=True)
        try:
            rows = {name: table.read(self._source, tokens) for name, table in self._tables.items()}
        except OSError as error:
            raise self._unreadable(error) from error
        with self._telling(chunk.size):
            for name, values in rows.items():
                self._bind(name, values)
            self._pass_over(places.astype(np.int64), mask)

    def _read_layout(self, signature: Signature) -> FillLayout:
        """Where the weights are, by the graph's metadata, which its inputs have to confirm."""
        try:
            layout = FillLayout.from_text(self.session.get_modelmeta().custom_metadata_map.get(METADATA, ""))
        except ValueError as error:
            raise self._not_ours(f"where its weights are cannot be read ({error})") from error
        inputs = {item.name: item for item in self.session.get_inputs()}
        buffers = [f"past_key_values.{name}" for name in signature.names]
        expected = {"input_ids", "attention_mask", *buffers, *layout.tables}
        expected |= {f"{name}.{part}" for name in layout.matrices for part in ("int8", "row_scales")}
        outputs = {item.name for item in self.session.get_outputs()}
        if set(inputs) != expected or outputs != {f"present.{name}" for name in signature.names}:
            raise self._not_ours("its inputs or outputs differ")
        for name, at in layout.matrices.items():
            if inputs[f"{name}.int8"].shape != [at.columns, at.rows] or inputs[f"{name}.row_scales"].shape != [at.rows]:
                raise self._not_ours(f"{name} has another shape than its weights")
        for name in layout.tables:
            table = inputs[name]
            if table.type not in _TYPES or len(table.shape) != 2 or not isinstance(table.shape[1], int) or table.shape[1] < 1:
                raise self._not_ours(f"{name} is no table")
        if any(inputs[name].shape[1::2] != [signature.heads, signature.head_dim] for name in buffers):
            raise self._not_ours("its KV buffers have another shape")
        return layout

    def _not_ours(self, fact: str) -> BundleError:
        return BundleError(f"{self._path} is not a graph that edge-llm wrote for this model: {fact}. Quantize the model again.")

    def _unreadable(self, error: OSError) -> BundleError:
        return BundleError(f"Cannot read {self._source}: {error.strerror or error}. Quantize or pull the model again.")
