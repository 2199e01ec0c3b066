"""The figures of the store: storing, opening, forgetting, verifying, a new key; and the proof that forgetting leaves nothing.

    python -m tests.bench.bench_memory_store [--items 100000] [--folder DIR] [--json]

Messages are made up, in two languages, with a seed, and have vectors. The proof: before forgetting, and with each step of it
left out, the search must find something; after it, nothing, neither ours nor a plain one in every page as SQLite deciphers it.
Exit code 1 when it does not hold, or when a bound below is not met.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edge_llm.memory import erase, residue, vector_store
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.keys import RawKey
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.store import Store
from edge_llm.memory.vector_store import Segment, quantize
from edge_llm.memory.verify import verify

KEY = RawKey(bytes(range(32)))
STORE_10K_S = 10.0
OPEN_MS = 100.0
_DIMENSIONS = 384
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_START = datetime(2020, 1, 1, tzinfo=timezone.utc)


def messages(count: int, seed: int) -> Iterator[Draft]:
    """Messages of twelve words, two of them used nowhere else, and ten characters; from 200 people in 100 conversations."""
    chosen = random.Random(seed)
    words = ["".join(chosen.choices(_LETTERS, k=chosen.randint(3, 9))) for _ in range(5000)]
    for number in range(count):
        own = ["".join(chosen.choices(_LETTERS, k=10)) for _ in range(2)]
        han = "".join(chr(0x4E00 + min(int(chosen.expovariate(1 / 700)), 9000)) for _ in range(10))
        sender = Mention("from", f"Person {number % 200}", (f"person{number % 200}@example.org",))
        yield Draft(
            " ".join([*chosen.choices(words, k=10), *own]) + f" {han}", "message", f"{number}",
            time=_START + timedelta(minutes=number), people=(sender, Mention("to", is_owner=True)), thread=f"t{number % 100}",
        )  # fmt: skip


def add_vectors(store: Store, ids: Sequence[int]) -> dict[int, bytes]:
    """Random unit vectors; returns the codes of every hundredth."""
    generator = np.random.default_rng(1)
    kept = {}
    source = store.sources()[0].id
    for start in range(0, len(ids), 2048):
        batch = np.array(ids[start : start + 2048], np.int64)
        made = quantize(generator.standard_normal((len(batch), _DIMENSIONS)).astype(np.float32))
        with store.writing() as connection:
            model = vector_store.add_model(connection, "bench", _DIMENSIONS)
            vector_store.append(connection, store, model, source, Segment(batch, *made))
        kept |= {int(batch[row]): made.codes[row].tobytes() for row in range(0, len(batch), 100)}
    return kept


class Figures:
    """What was measured, in the order it was."""

    def __init__(self) -> None:
        self.values: dict[str, float | int | str] = {}

    @contextmanager
    def seconds(self, name: str) -> Iterator[None]:
        """Time a block."""
        began = time.perf_counter()
        yield
        self.values[name] = round(time.perf_counter() - began, 3)


def measure(folder: Path, items: int) -> Figures:
    """Fill a store of so many items and do everything to it once."""
    figures = Figures()
    with Store.open(folder / "small", KEY) as store:
        drafts = list(messages(10_000, 2))
        with figures.seconds("store 10,000 messages, s"):
            store.put("messages", "bench", drafts)
        with figures.seconds("put them again, s"):
            store.put("messages", "bench", drafts)
    with Store.open(folder / "large", KEY) as store:
        ids = store.put("messages", "bench", messages(items, 1)).added
        codes = add_vectors(store, ids)
    figures.values["items"] = items
    figures.values["file, MB"] = round((folder / "large").stat().st_size / 1e6, 1)
    with figures.seconds("open, s"):
        store = Store.open(folder / "large", KEY)
        store.items([ids[-1]])
    with store:
        _forgetting(store, ids, codes, figures)
        with figures.seconds("verify, s"):
            figures.values["verify"] = "clean" if verify(store).ok else "not clean"
        with figures.seconds("new key, s"):
            store.rotate(RawKey(bytes(32)))
    figures.values["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def _forgetting(store: Store, ids: Sequence[int], codes: dict[int, bytes], figures: Figures) -> None:
    """Forget one item, then a twentieth, the latter step by step."""
    with figures.seconds("forget one, s"):
        erase.forget(store, ids[5:6])
    gone = random.Random(3).sample(ids, len(ids) // 20)
    strings = _strings(store, gone, codes)
    figures.values["control: found before, of"] = f"{_present(store, strings)} of {len(strings)}"
    with figures.seconds("forget 5 %, s"):
        receipt = erase.forget(store, gone)
    figures.values["traces"] = receipt.traces
    with figures.seconds("search for residue, s"):
        found = residue.search(store, Receipt.from_json(json.loads(json.dumps(receipt.to_json()))))
    figures.values["left, by our search"] = len(found.left) + len(found.present)
    figures.values["held by others"] = len(found.held)
    figures.values["left, by a plain search"] = _present(store, strings)


def _strings(store: Store, ids: Sequence[int], codes: dict[int, bytes]) -> list[bytes]:
    """Words no other item has, sealed cells, and vectors, of some of the items."""
    chosen = list(ids)[:300]
    with store.reading() as connection:
        sealed = [connection.execute("SELECT sealed FROM items WHERE id = ?", (item,)).get[:24] for item in chosen]
    words = [word.encode() for item in store.items(chosen) for word in item.text.split()[10:12]]
    return [*words, *sealed, *(codes[item] for item in ids if item in codes)]


def _present(store: Store, strings: Sequence[bytes]) -> int:
    with store.reading() as connection:
        pages = connection.serialize("main")
    return sum(string in pages for string in strings)


BOUNDS: dict[str, Callable[[Any], bool]] = {
    "store 10,000 messages, s": lambda value: value <= STORE_10K_S,
    "open, s": lambda value: value * 1000 <= OPEN_MS,
    "left, by our search": lambda value: value == 0,
    "left, by a plain search": lambda value: value == 0,
    "control: found before, of": lambda value: not value.startswith("0 "),
    "verify": lambda value: value == "clean",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, report, and 1 when a bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the stores are made; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = measure(Path(folder), options.items)
    missed = [name for name, holds in BOUNDS.items() if not holds(figures.values[name])]
    if options.json:
        print(json.dumps({**figures.values, "missed": missed}, ensure_ascii=False, indent=2))
    else:
        for name, value in figures.values.items():
            print(f"{name:30} {value}{'   MISSED' if name in missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
