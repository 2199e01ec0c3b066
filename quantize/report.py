"""What a conversion did and what it cost, as report.json (for programs) and report.md (for people).

Knows figures and words. Measures weights, time and memory; what the shrinking costs in answers is quantize.evaluate's.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantize.blocks import Quantized
from runtimes.memory import peak_memory_bytes

if TYPE_CHECKING:
    from quantize.architecture import Float32Array, Role
    from quantize.recipe import TypeName
    from quantize.source import Source
    from quantize.tensor_types import Container

JSON_NAME: Final = "report.json"
MARKDOWN_NAME: Final = "report.md"
SCHEMA_VERSION = 1

_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
_WORST = 5
_CHUNK_WEIGHTS = 1 << 19


@dataclass(frozen=True)
class TensorRecord:
    """One tensor as it was written."""

    name: str
    """Hugging Face's."""
    role: Role
    shape: tuple[int, ...]
    type: TypeName
    bytes: int
    error: float
    """Relative squared error, sum (w - q)^2 / sum w^2, of the stored weights q against the source's w."""

    @property
    def weights(self) -> int:
        """Elements."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Cost:
    """What a conversion took, over all of its formats, up to the writing of the report."""

    seconds: float
    """By the clock on the wall."""
    cpu_seconds: float
    """User and system, all threads, with the processes that were started and have ended."""
    peak_memory_bytes: int
    """The most this process ever had resident."""


class Stopwatch:
    """Measures a Cost from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def read(self) -> Cost:
        """What was spent so far."""
        return Cost(round(time.perf_counter() - self._wall, 3), round(_cpu_seconds() - self._cpu, 3), peak_memory_bytes())


@dataclass(frozen=True)
class Report:
    """All that is known of one bundle's making."""

    source: Mapping[str, Any]
    """`describe_source`."""
    recipe: Mapping[str, Any]
    format: Container
    tensors: tuple[TensorRecord, ...]
    cost: Cost

    @property
    def weights(self) -> int:
        """Elements of all tensors; a tied head counts once."""
        return sum(tensor.weights for tensor in self.tensors)

    @property
    def bits_per_weight(self) -> float:
        """Bits stored per weight: codes, scales, norms and biases; rotary tables, graph and vocabulary left out."""
        return 8 * sum(tensor.bytes for tensor in self.tensors) / self.weights

    @property
    def types(self) -> dict[TypeName, int]:
        """Weights (elements) by type, most first."""
        counts: dict[TypeName, int] = {}
        for tensor in self.tensors:
            counts[tensor.type] = counts.get(tensor.type, 0) + tensor.weights
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def write(self, directory: Path) -> None:
        """Write both files."""
        text = json.dumps(self._document(), indent=2, ensure_ascii=False, allow_nan=False)
        (directory / JSON_NAME).write_text(text + "\n", encoding="utf-8")
        (directory / MARKDOWN_NAME).write_text(self._markdown(), encoding="utf-8")

    def _document(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "edge_llm": _own_version(),
            "source": dict(self.source),
            "recipe": dict(self.recipe),
            "format": self.format,
            "weights": self.weights,
            "bits_per_weight": self.bits_per_weight,
            "types": {row.pop("type"): row for row in self._mix()},
            "cost": asdict(self.cost),
            "tensors": [asdict(tensor) for tensor in self.tensors],
        }

    def _mix(self) -> list[dict[str, Any]]:
        """One row per type: tensors, weights, bytes, and the error over all of its weights."""
        rows = []
        for name, weights in self.types.items():
            tensors = [tensor for tensor in self.tensors if tensor.type == name]
            rows.append(
                {
                    "type": name,
                    "tensors": len(tensors),
                    "weights": weights,
                    "bytes": sum(tensor.bytes for tensor in tensors),
                    "mean_error": sum(tensor.error * tensor.weights for tensor in tensors) / weights,
                }
            )
        return rows

    def _markdown(self) -> str:
        worst = sorted(self.tensors, key=lambda tensor: -tensor.error)[:_WORST]
        stored = ", ".join(f"{kind} {count:,}" for kind, count in self.source["stored_types"].items())
        lines = [
            f"# {self.source['name']}, recipe {self.recipe['name']}, {self.format}",
            "",
            f"* Source: {self.source['format']}, SHA-256 `{self.source['sha256']}`, weights stored as {stored}.",
            f"* {self.source['note']}",
            f"* {self.weights:,} weights at {self.bits_per_weight:.3f} bits each.",
            f"* Took {self.cost.seconds:.1f} s ({self.cost.cpu_seconds:.1f} s of processor time, all formats together) and at "
            f"most {self.cost.peak_memory_bytes / 1e6:,.0f} MB of memory. Made by edge-llm {_own_version()}.",
            "",
            "## Types",
            "",
            "The error is the mean of sum (w - q)^2 / sum w^2 over the tensors of a type, each with the weight of its size.",
            "",
            "| type | tensors | weights | bytes | error |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| {row['type']} | {row['tensors']} | {row['weights']:,} | {row['bytes']:,} | {row['mean_error']:.2e} |"
                for row in self._mix()
            ),
            "",
            "## Tensors that lost most",
            "",
            "| tensor | type | error |",
            "|---|---|---:|",
            *(f"| `{tensor.name}` | {tensor.type} | {tensor.error:.2e} |" for tensor in worst),
            "",
            "What this costs in answers is measured with `edge-llm eval`.",
            "",
        ]
        return "\n".join(lines)


def describe_source(source: Source) -> dict[str, Any]:
    """What a bundle says of the checkpoint it was made from. Reads all of it, for its SHA-256."""
    dequantized = not source.stored_types.keys() <= _FLOATS
    note = (
        "The reference is the source's weights as they come out of its own quantized types: what was lost before is in "
        "neither, and formats on the same lattice of values look better than they would on the original weights."
        if dequantized
        else "The reference is the source's own floating-point weights."
    )
    return {
        "name": source.name,
        "format": source.format,
        "sha256": source.sha256,
        "stored_types": dict(source.stored_types),
        "dequantized": dequantized,
        "note": note,
    }


def relative_error(weights: Float32Array, stored: Quantized | Float32Array) -> float:
    """sum (w - q)^2 / sum w^2 in float64; 0 for weights that are all 0. `stored` has the shape of `weights`."""
    lost = whole = 0.0
    for part in _row_chunks(weights.shape):
        if isinstance(stored, Quantized):
            values = stored.format.dequantize(Quantized(stored.format, stored.codes[part], stored.scales[part]))
        else:
            values = stored[part]
        exact = weights[part].astype(np.float64)
        whole += float(np.sum(exact * exact))
        exact -= values
        lost += float(np.sum(exact * exact))
    return lost / whole if whole else 0.0


def _row_chunks(shape: tuple[int, ...]) -> Iterable[slice]:
    rows = max(1, _CHUNK_WEIGHTS // int(np.prod(shape[1:], dtype=np.int64)))
    return (slice(start, start + rows) for start in range(0, shape[0], rows))


def _own_version() -> str:
    try:
        return version("edge-llm")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
