"""The table of docs/android.md is what `plan` says today: a failing row shows the cells that belong there."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantize.plan import plan
from quantize.planned_model import read_planned_model
from quantize.targets import find_target

DOCS = Path(__file__).parents[3] / "docs" / "android.md"
MEMORIES_GB = (6, 8, 12, 16)
CONTEXT = 2048


def rows() -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return [row for row in cells if len(row) == 9 and row[1] in ("4", "8")]


@pytest.mark.parametrize(
    "row", [row for row in rows() if not row[0].startswith("smollm2")], ids=lambda row: f"{row[0]}-{row[1]}"
)
def test_a_row_is_what_plan_says(row: list[str]) -> None:
    model = read_planned_model(row[0])
    written = []
    for memory in MEMORIES_GB:
        planned = plan(model, find_target("snapdragon-8-gen3").with_memory(memory * 10**9), context=CONTEXT, bits=[int(row[1])])
        form = next(option for option in planned.options if option.container == "onnx" and option.recipe == row[1])
        tokens = f"{form.largest_context:,}"
        written.append(tokens if form.fits else f"({tokens})" if form.largest_context else "-")
    assert form.decode_tokens_per_s is not None
    size, total = form.file_bytes / 1e9, form.memory.total_bytes / 1e9
    assert row[2:] == [f"{size:.2f}", f"{total:.2f}", *written, f"{form.decode_tokens_per_s:.0f}"]


def test_the_table_is_there() -> None:
    assert len(rows()) >= 10
