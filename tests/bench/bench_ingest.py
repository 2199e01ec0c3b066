"""How fast files become drafts, through the process that bounds their readers: no store and no embedder.

    python -m tests.bench.bench_ingest [--json]

Makes its own files in a temporary folder. Prints seconds; exit code 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_llm.memory.ingest.formats import find_reader
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.walk import walk
from edge_llm.memory.ingest.worker import Workers
from runtimes.errors import CancelledError
from tests.unit.edge_llm.memory.ingest import documents

MESSAGES = 10_000
NOTES = 2_000
FILES = 10_000


def _messages(folder: Path) -> Path:
    """A WhatsApp export of 10,000 messages in two languages."""
    begun, path = datetime(2023, 8, 5, 17, 52), folder / "_chat.txt"
    said = ("Are you coming on Friday?", "我们明天下午三点见面吧", "The deposit is due, says Tomas", "好的，没问题")
    path.write_text(
        "".join(
            f"[{begun + timedelta(minutes=number):%d.%m.%y, %H:%M:%S}] {('Ines Falk', 'Tomas Reyes')[number % 2]}: "
            f"{said[number % 4]} {number}\n"
            for number in range(MESSAGES)
        ),
        encoding="utf-8",
    )
    return path


def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """What is measured -> seconds, and the most it may take."""
    limits = Limits()
    reading = Reading(folder, ZoneInfo("Europe/Berlin"), limits=limits)
    chat, found = _messages(folder), dict[str, tuple[float, float]]()
    notes, tree = folder / "notes", folder / "tree"
    for number in range(NOTES):
        path = notes / f"{number}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# Note {number}\n\nAsk Ines about the kettle.\n", encoding="utf-8")
    for number in range(FILES):
        path = tree / f"{number // 100}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    pages = folder / "long.pdf"
    pages.write_bytes(documents.pdf([[documents.LONG] * 40] * 100))
    with Workers(limits) as workers:

        def read(path: Path) -> int:
            return sum(1 for _ in workers.read(path, reading))

        found["start a process and read one note"] = _timed(lambda: read(notes / "0.md")), 2.0
        found[f"one file of {MESSAGES:,} messages"] = _timed(lambda: read(chat)), 3.0
        found[f"{NOTES:,} notes"] = _timed(lambda: sum(map(read, sorted(notes.iterdir())))), 10.0
        found["a PDF of 100 full pages"] = _timed(lambda: read(pages)), 20.0
        found[f"find the reader of {NOTES:,} files"] = _timed(lambda: [find_reader(path) for path in notes.iterdir()]), 5.0
        found[f"walk {FILES:,} files"] = _timed(lambda: sum(1 for _ in walk([tree], print))), 1.0
        found["cancel in the middle of a file"] = _cancelling(workers, chat, reading), 0.5
    return found


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _cancelling(workers: Workers, path: Path, reading: Reading) -> float:
    cancel = threading.Event()
    drafts = workers.read(path, reading, cancel=cancel)
    next(drafts)
    cancel.set()
    begun = time.perf_counter()
    try:
        for _ in drafts:
            continue
    except CancelledError:
        return time.perf_counter() - begun
    raise AssertionError("the reading was not cancelled")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when one is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    if options.json:
        print(json.dumps({name: {"seconds": seconds, "most": most} for name, (seconds, most) in found.items()}, indent=2))
    else:
        for name, (seconds, most) in found.items():
            print(f"{name:40}{seconds:9.3f} s   (at most {most:g})")
    return 0 if all(seconds <= most for seconds, most in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
