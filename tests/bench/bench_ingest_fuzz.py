"""Damaged files of every format, read as memory reads them: no crash, no hang, no memory over the bound, no reader at a loss.

    python -m tests.bench.bench_ingest_fuzz [--inputs 10000] [--formats docx,pdf] [--seed 0] [--json]

Each input is a small real file damaged by a seed (tests/unit/edge_llm/memory/ingest/mutations.py) and read through `Workers`
under the limits given. Prints a row a format; exit code 1 when one of them has a crash, a hang, a process over its memory or
a reader that failed with anything but a refusal. With the defaults it takes some minutes a format.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil

from edge_llm.memory.ingest.formats import HEAD_BYTES, readers
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.worker import Workers
from runtimes.errors import UnreadableFileError
from tests.contract.reader_samples import SAMPLES
from tests.unit.edge_llm.memory.ingest.mutations import mutate

LIMITS = Limits(seconds=20, memory_bytes=512 << 20, expanded_bytes=64 << 20, items=100_000)

_COLUMNS = {
    "format": ("format", 12), "inputs": ("inputs", 8), "items": ("items", 10), "refused": ("refused", 9),
    "crashes": ("crash", 7), "hangs": ("hang", 6), "over_memory": ("memory", 8), "failed": ("failed", 8),
    "slowest_s": ("slowest s", 11), "slowest_claim_s": ("claims s", 10), "peak_mib": ("peak MiB", 10),
    "seconds": ("seconds", 10),
}  # fmt: skip


@dataclass
class Row:
    """What became of one format's inputs."""

    format: str
    inputs: int = 0
    items: int = 0
    refused: int = 0
    crashes: int = 0
    hangs: int = 0
    over_memory: int = 0
    failed: int = 0
    """The reader raised what it must not."""
    slowest_s: float = 0.0
    slowest_claim_s: float = 0.0
    """The longest that all readers together took to say whether a file is theirs, in this process."""
    peak_mib: int = 0
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)
    """Seeds and reasons of the first few that must not be."""

    @property
    def clean(self) -> bool:
        return not (self.crashes or self.hangs or self.over_memory or self.failed)


class _Peak:
    """Watches the largest resident size of this process's children."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> int:
        self._stop.set()
        self._thread.join()
        return self.bytes

    def _run(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.25):
            for child in me.children():
                with suppress(psutil.Error, OSError):  # it has just ended
                    self.bytes = max(self.bytes, _most_resident(child))


def _most_resident(process: psutil.Process) -> int:
    """The peak so far where the system keeps one for other processes to see, else what it is now."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        peak = re.search(r"VmHWM:\s+(\d+)", status.read_text(encoding="ascii"))
        return int(peak[1]) << 10 if peak is not None else 0
    return int(process.memory_info().rss)


def fuzz(name: str, inputs: int, seed: int, folder: Path) -> Row:
    """Read `inputs` damaged files of one format."""
    file_name, build = SAMPLES[name]
    whole, path, row = build(), folder / file_name, Row(name)
    reading = Reading(path, ZoneInfo("Europe/Berlin"), ("Ines Falk",), LIMITS)
    peak, begun = _Peak(), time.monotonic()
    with Workers(LIMITS) as workers:
        for number in range(seed, seed + inputs):
            damaged = mutate(whole, number)
            path.write_bytes(damaged)
            row.slowest_claim_s = max(row.slowest_claim_s, _claim_by_all(damaged, path))
            started = time.monotonic()
            try:
                row.items += sum(1 for _ in workers.read(path, reading, reader=name))
            except UnreadableFileError as error:
                _count(row, number, str(error))
            row.inputs += 1
            row.slowest_s = max(row.slowest_s, time.monotonic() - started)
    row.seconds = time.monotonic() - begun
    row.peak_mib = peak.close() >> 20
    return row


def _claim_by_all(data: bytes, path: Path) -> float:
    begun = time.monotonic()
    for reader in readers():
        reader.claims(data[:HEAD_BYTES], path)
    return time.monotonic() - begun


def _count(row: Row, number: int, reason: str) -> None:
    kinds = {
        "was ended by SIG": "crashes",
        "no item was found for": "hangs",
        "of memory allowed": "over_memory",
        "failed on it": "failed",
    }
    kind = next((kind for words, kind in kinds.items() if words in reason), "refused")
    setattr(row, kind, getattr(row, kind) + 1)
    if kind != "refused" and len(row.examples) < 10:
        row.examples.append(f"seed {number}: {reason[-300:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when something happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--formats", default=",".join(reader.name for reader in readers()))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = []
    if not options.json:
        print("".join(f"{title:>{width}}" for title, width in _COLUMNS.values()))
    for name in options.formats.split(","):
        with tempfile.TemporaryDirectory() as folder:
            row = fuzz(name, options.inputs, options.seed, Path(folder))
        rows.append(row)
        if not options.json:
            cells = ((getattr(row, field), width) for field, (_, width) in _COLUMNS.items())
            print(
                "".join(f"{cell:>{width}.3f}" if isinstance(cell, float) else f"{cell:>{width}}" for cell, width in cells),
                flush=True,
            )
            for example in row.examples:
                print("   ", example, file=sys.stderr)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    return 0 if all(row.clean for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
