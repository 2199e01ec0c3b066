"""Plans beside what was measured: by others on planned devices, and by `edge-llm bench` on this machine.

    python -m tests.bench.bench_plan [--onnx DIR ...] [--rounds N] [--json]

The published rows need nothing. With --onnx, each bundle is benched and planned for in turns: a machine that slows down
meanwhile slows both. Exit code 1 when decode is more than 25 % from a published row, memory more than 20 %, or anything
more than 20 % from this machine's own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_llm.cli.machine import inspect_machine
from edge_llm.cli.speed import Load, measure
from quantize.estimates import decode_seconds, memory, prefill_seconds
from quantize.plan import NEW_TOKENS, PROMPT_TOKENS, plan
from quantize.planned_model import read_planned_model
from quantize.targets import TARGETS
from quantize.this_machine import MachineFacts
from quantize.this_machine import measure as measure_machine
from tests.bench.published_rows import ROWS, Row, with_published_types

DECODE_BOUND, MEMORY_BOUND, OWN_BOUND = 0.25, 0.20, 0.20
EXPORTED_CONTEXT = 2048


@dataclass(frozen=True)
class Comparison:
    """One figure, planned and measured."""

    where: str
    what: str
    planned: float
    measured: float
    bound: float | None
    """Largest deviation; None where none is promised."""

    @property
    def deviation(self) -> float:
        return self.planned / self.measured - 1

    @property
    def met(self) -> bool:
        return self.bound is None or abs(self.deviation) <= self.bound


def compare_published(row: Row) -> list[Comparison]:
    """What the formulas give for a published row."""
    target = with_published_types(TARGETS[row.target])
    where = f"{row.target}, {row.engine.name}, {row.form.shape.name} {row.form.recipe}"
    held = row.prompt_tokens + row.new_tokens / 2
    decode = 1 / decode_seconds(row.form, target, row.engine, held)
    found = [Comparison(where, "decode tok/s", decode, row.decode, None if row.extra else DECODE_BOUND)]
    if row.prefill is not None:
        prefill = row.prompt_tokens / prefill_seconds(row.form, target, row.engine, row.prompt_tokens)
        found.append(Comparison(where, "prefill tok/s", prefill, row.prefill, None))
    if row.rss_bytes is not None:
        taken = memory(row.form, target, row.engine, EXPORTED_CONTEXT).total_bytes
        found.append(Comparison(where, "memory MB", taken / 1e6, row.rss_bytes / 1e6, MEMORY_BOUND))
    return found


def compare_here(bundle: Path, rounds: int) -> list[Comparison]:
    """This machine's bench of a bundle beside plans for it, in turns; medians of both."""
    machine = inspect_machine()
    facts = MachineFacts(machine.processor, machine.usable_cores, machine.memory_bytes, machine.free_memory_bytes, ())
    planned, measured = [], []
    model = read_planned_model(bundle)
    bits = 8 if model.stored is None or not model.stored.recipe.isdigit() else int(model.stored.recipe)
    for _ in range(rounds):
        speed = measure(Load(bundle, "onnx", machine.usable_cores, PROMPT_TOKENS, NEW_TOKENS))
        measured.append((speed.prefill_tokens_per_s, speed.decode_tokens_per_s, speed.peak_rss_bytes / 1e6))
        target = measure_machine(model.shape, [bits], facts)
        option = plan(model, target, context=PROMPT_TOKENS + NEW_TOKENS, bits=[bits]).subject
        planned.append((option.prefill_tokens_per_s or 0.0, option.decode_tokens_per_s or 0.0, option.memory.total_bytes / 1e6))
    return [
        Comparison(f"this, onnxruntime, {bundle}", what, statistics.median(ours), statistics.median(real), OWN_BOUND)
        for what, ours, real in zip(
            ("prefill tok/s", "decode tok/s", "memory MB"), zip(*planned, strict=True), zip(*measured, strict=True), strict=True
        )
    ]


def _table(comparisons: Sequence[Comparison]) -> str:
    width = max(len(item.where) for item in comparisons)
    lines = [f"{'':<{width}}  {'':<14}{'planned':>9}{'measured':>9}{'off by':>8}{'bound':>7}"]
    for item in comparisons:
        bound = "" if item.bound is None else f"{item.bound:.0%}"
        figures = f"{item.planned:>9.1f}{item.measured:>9.1f}{item.deviation:>+8.0%}{bound:>7}"
        lines.append(f"{item.where:<{width}}  {item.what:<14}{figures}{'' if item.met else '  BEYOND THE BOUND'}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", action="append", default=[], metavar="DIR", help="a bundle to bench and plan for here")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="rows as JSON instead of a table")
    options = parser.parse_args()
    found = [item for row in ROWS for item in compare_published(row)]
    found += [item for path in options.onnx for item in compare_here(Path(path), options.rounds)]
    rows = [{**asdict(item), "deviation": item.deviation} for item in found]
    sys.stdout.write((json.dumps(rows, indent=2) if options.json else _table(found)) + "\n")
    return 0 if all(item.met for item in found) else 1


if __name__ == "__main__":
    sys.exit(main())
