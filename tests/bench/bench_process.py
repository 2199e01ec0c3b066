"""Whole processes, as a person feels them: the help, the first token, a quantization.

    python -m tests.bench.bench_process --home DIR [--json]

Exit code 1 when one of the bounds below is not met (median of the runs).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MODEL = "smollm2-135m-instruct"
PROMPT = "What is the capital of Japan?"
HELP_S = 0.3
FIRST_TOKEN_S = 1.5
QUANTIZE_S = 20.0
QUANTIZE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Row:
    """One measured command."""

    name: str
    median: float
    fastest: float
    slowest: float
    bound: float
    unit: str

    @property
    def met(self) -> bool:
        return self.median <= self.bound


def time_to_first_output(command: Sequence[str], home: Path) -> float:
    """Seconds from starting the process to the first byte on its standard output."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment(home)) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        elapsed = time.perf_counter() - start
        process.stdout.read()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return elapsed


def cost(command: Sequence[str], home: Path) -> tuple[float, float]:
    """Wall seconds and peak resident bytes of a command (the largest process, from the kernel's own accounting)."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_environment(home))
    _, status, usage = os.wait4(child.pid, 0)
    elapsed = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return elapsed, float(usage.ru_maxrss * unit)


def measure(home: Path, runs: int) -> list[Row]:
    """Run everything `runs` times after one warm-up."""
    edge_llm = [str(Path(sys.executable).with_name("edge-llm"))]
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / "int8"
        cost([*edge_llm, "quantize", MODEL, "-o", str(int8), "--bits", "8", "--format", "onnx"], home)
        first = [*edge_llm, "run", str(int8), PROMPT, "--temperature", "0", "--max-tokens", "8"]
        helped = [time_to_first_output([*edge_llm, "--help"], home) for _ in range(runs + 1)][1:]
        answered = [time_to_first_output(first, home) for _ in range(runs + 1)][1:]
        seconds, peaks = [], []
        for _ in range(runs):
            out = Path(folder) / "int4"
            elapsed, peak = cost([*edge_llm, "quantize", MODEL, "-o", str(out), "--bits", "4", "--format", "both"], home)
            seconds.append(elapsed)
            peaks.append(peak)
            shutil.rmtree(out)
    return [
        _row("edge-llm --help", helped, HELP_S, "s"),
        _row("edge-llm run, int8 onnx: first token", answered, FIRST_TOKEN_S, "s"),
        _row("edge-llm quantize --bits 4 --format both", seconds, QUANTIZE_S, "s"),
        _row("edge-llm quantize: peak memory", peaks, QUANTIZE_BYTES, "bytes"),
    ]


def _row(name: str, values: list[float], bound: float, unit: str) -> Row:
    return Row(name, statistics.median(values), min(values), max(values), bound, unit)


def _environment(home: Path) -> dict[str, str]:
    """With bytecode, as an installed package has it; the warm-up makes it here."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "EDGE_LLM_HOME": str(home)}


def main() -> int:
    """Print the rows; 1 when a bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=os.environ.get("EDGE_LLM_TEST_HOME"), required=False)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.home is None:
        parser.error("--home (or EDGE_LLM_TEST_HOME) names the models folder that holds the default model")
    rows = measure(Path(options.home), options.runs)
    if options.json:
        print(json.dumps([{**asdict(row), "met": row.met} for row in rows], indent=2))
    else:
        for row in rows:
            spread = f"({row.fastest:.3f}-{row.slowest:.3f})"
            verdict = "ok" if row.met else "over"
            print(f"{row.name:44} {row.median:14.3f} {spread} {row.unit:6} <= {row.bound:g} {verdict}")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
