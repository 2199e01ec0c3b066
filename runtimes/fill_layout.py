"""Where a graph that fills the KV buffers finds its weights: a text in the graph's metadata.

Such a graph has its large weights as inputs (runtimes/ort_fill.py), and what they are made from is in the bundle already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final

from runtimes.rotation import GROUP, PackedMatrix

METADATA: Final = "edge_llm.fill"
"""The metadata entry that holds the text."""


@dataclass(frozen=True)
class FillLayout:
    """Places in the bundle's file of weights, in bytes from its start."""

    matrices: Mapping[str, PackedMatrix]
    """By NAME; the graph's inputs are NAME.int8 and NAME.row_scales."""
    tables: Mapping[str, int]
    """Where each table starts that is looked up by token; by the name of the input that takes the rows."""

    def to_text(self) -> str:
        """What `from_text` reads."""
        matrices = {name: astuple(at) for name, at in self.matrices.items()}
        return json.dumps({"matrices": matrices, "tables": dict(self.tables)}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> FillLayout:
        """Raises ValueError when the text says nothing, or something impossible."""
        found: Any = json.loads(text)
        if not isinstance(found, dict) or not all(isinstance(found.get(key), dict) for key in ("matrices", "tables")):
            raise ValueError("no matrices and tables")
        matrices = {name: _read_matrix(name, numbers) for name, numbers in found["matrices"].items()}
        for name, offset in found["tables"].items():
            if type(offset) is not int or offset < 0:
                raise ValueError(f"{name} has no place")
        return cls(matrices, found["tables"])


def _read_matrix(name: str, numbers: object) -> PackedMatrix:
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(type(number) is int for number in numbers):
        raise ValueError(f"{name} is not placed by four numbers")
    at = PackedMatrix(*numbers)
    if min(at.rows, at.columns) < 1 or at.columns % GROUP or min(at.codes, at.scales) < 0:
        raise ValueError(f"{name} has an impossible shape or place")
    return at
