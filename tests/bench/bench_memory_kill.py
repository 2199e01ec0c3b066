"""Kills a process that changes a store, hundreds of times at random moments, and checks each time that nothing is lost.

    python -m tests.bench.bench_memory_kill [--kills 500] [--seed 1] [--folder DIR] [--json]

A writer (killed_writer.py) adds, changes, forgets, embeds and changes the key, and says so before and after. After SIGKILL:

* one of the keys it had or was about to have opens the store, and `verify` finds nothing wrong;
* every item whose storing was acknowledged is there and says what it said; every item whose forgetting was acknowledged is
  not, and a search for its residue finds nothing; what was cut off is as before or as after, item by item, and a forgetting
  all or nothing;
* each item is whole: text, index terms and people fit together, and a vector is that of the text.

Then the next writer goes on with the same file. Exit code 1 when anything was wrong. POSIX only.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from edge_llm.memory import residue, vector_store
from edge_llm.memory.analysis import index_terms
from edge_llm.memory.embedding import embedded_text
from edge_llm.memory.items import Item
from edge_llm.memory.keys import RawKey
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.records import Content
from edge_llm.memory.store import Store
from edge_llm.memory.vector_store import quantize
from edge_llm.memory.verify import verify
from runtimes.errors import EdgeLLMError, WrongKeyError
from tests.bench.killed_writer import Begun, Done, Message, Stored, SumEmbedder, draft, told, write_without_end

_AFTER_MESSAGES = (1, 2, 2, 3, 3, 4, 5, 7, 9)
"""A kill comes a random time after so many messages: from opening the store to some operations later, on slow machines too."""
_PATIENCE_S = 5.0
_PRELOADED = ["tests.bench.killed_writer", "apsw", "argon2", "cryptography.hazmat.primitives.ciphers.aead"]
_PRELOADED += [f"edge_llm.memory.{name}" for name in ("creating", "intake", "people", "rotate", "vector_store")]
_ROUNDS = ("", "", "add", "forget", "embed", "rotate")
"""What the writers do, in turn: all operations, or one of them again and again."""


@dataclass
class Expected:
    """What the store may hold after a kill. An item is (source, number); its version is None where it is not there."""

    allowed: dict[tuple[str, int], set[int | None]] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=list)
    together: tuple[tuple[str, int], ...] = ()
    """Items of a forgetting that was cut off."""
    receipts: list[dict[str, object]] = field(default_factory=list)
    begun: Begun | None = None

    def hear(self, message: Message) -> None:
        """Take in what the writer said."""
        if isinstance(message, Begun):
            self.begun = message
            self._begin(message)
        elif self.begun is not None and isinstance(message, Stored):
            for number in range(message.count):
                self._settle((self.begun.source, number), stored=True)
        elif self.begun is not None and isinstance(message, Done):
            self._finish(self.begun, message)
            self.begun, self.together = None, ()

    def _begin(self, begun: Begun) -> None:
        if begun.operation == "add":
            for source, number in self.allowed:
                if source == begun.source and number >= begun.count:
                    self.allowed[source, number].add(None)
            for number in range(begun.count):
                self.allowed.setdefault((begun.source, number), {None}).add(begun.version)
        elif begun.operation == "forget":
            self.together = begun.items
        elif begun.operation == "rotate":
            self.keys.append(begun.key)

    def _settle(self, item: tuple[str, int], *, stored: bool) -> None:
        """It was acknowledged that the item is stored (in the version it had or the one begun), or that it is gone."""
        self.allowed[item] = self.allowed[item] - {None} if stored else {None}

    def _finish(self, begun: Begun, done: Done) -> None:
        if begun.operation == "add":
            for source, number in self.allowed:
                if source == begun.source:
                    self._settle((source, number), stored=number < begun.count)
        elif begun.operation == "forget":
            for item in begun.items:
                self._settle(item, stored=False)
            if done.receipt is not None:
                self.receipts.append(done.receipt)
        elif begun.operation == "rotate":
            self.keys = [begun.key]

    def compare(self, held: dict[tuple[str, int], int]) -> list[str]:
        """What is wrong with what the store holds; what it may hold from now on is what it holds."""
        wrong = [f"{item} is there in version {held[item]}, and never was" for item in held if item not in self.allowed]
        missing = [item for item in self.together if item not in held]
        if missing and len(missing) != len(self.together):
            wrong.append(f"forgetting was cut off half-way: {len(missing)} of {len(self.together)} are gone")
        for item in self.together:
            self.allowed[item].add(None)
        for item, versions in self.allowed.items():
            if held.get(item) not in versions:
                wrong.append(f"{item} is {held.get(item)}, may be {sorted(versions, key=str)}")
        self.allowed = {item: {version} for item, version in held.items()}
        self.together = ()
        return wrong


@dataclass
class Report:
    """What came of all kills."""

    kills: int = 0
    acknowledged: int = 0
    """Items that were acknowledged, counted at each kill."""
    during: collections.Counter[str] = field(default_factory=collections.Counter)
    """What was going on when the kill came."""
    wrong: list[str] = field(default_factory=list)


def kill_often(folder: Path, kills: int, seed: int, *, mean_s: float = 0.15) -> Report:
    """Kill `kills` writers of one store in `folder`, each some operations and `mean_s` seconds or so after it began."""
    chosen = random.Random(seed)
    report = Report()
    path = folder / "memory"
    expected = Expected(keys=[chosen.randbytes(32)])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    for number in range(kills):
        hear, tell = context.Pipe(duplex=False)
        arguments = (
            str(path),
            expected.keys[0],
            chosen.getrandbits(32),
            number * 1_000 + 1,
            _ROUNDS[number % len(_ROUNDS)],
            tell,
        )
        writer = context.Process(target=write_without_end, args=arguments, daemon=True)
        writer.start()
        tell.close()
        _listen(hear, expected, _PATIENCE_S, messages=chosen.choice(_AFTER_MESSAGES))
        _listen(hear, expected, chosen.expovariate(1 / mean_s))
        if writer.pid is not None and writer.exitcode is None:
            os.kill(writer.pid, signal.SIGKILL)
        _listen(hear, expected, None)
        writer.join()
        if writer.exitcode != -signal.SIGKILL:
            report.wrong.append(f"kill {number}: the writer ended by itself with {writer.exitcode}")
        report.kills += 1
        report.during[expected.begun.operation if expected.begun is not None else "nothing"] += 1
        report.wrong += [f"kill {number}: {said}" for said in _check(path, expected)]
        report.acknowledged += len(expected.allowed)
        expected.begun = None
    return report


def _listen(hear: Connection, expected: Expected, seconds: float | None, *, messages: int | None = None) -> None:
    """Take in what is said for so long, or so many messages of it, or until the writer is dead and everything was heard."""
    deadline = None if seconds is None else time.monotonic() + seconds
    heard = 0
    try:
        while heard != messages and hear.poll(None if deadline is None else max(0.0, deadline - time.monotonic())):
            expected.hear(hear.recv())
            heard += 1
    except (EOFError, ConnectionResetError):  # the end, or a message that was cut off: it was never said
        return


def _check(path: Path, expected: Expected) -> list[str]:
    """Open what the kill left, and say what is wrong with it."""
    if not path.exists():
        return expected.compare({})
    opened = [key for key in expected.keys if _opens(path, key)]
    if len(opened) != 1:
        return [f"{len(opened)} of {len(expected.keys)} keys open the store"]
    expected.keys = opened
    try:
        with Store.open(path, RawKey(opened[0])) as store:
            return _check_store(store, expected)
    except EdgeLLMError as error:
        return [f"{type(error).__name__}: {error}"]


def _opens(path: Path, key: bytes) -> bool:
    try:
        Store.open(path, RawKey(key), read_only=True).close()
    except WrongKeyError:
        return False
    return True


def _check_store(store: Store, expected: Expected) -> list[str]:
    found = verify(store)
    wrong = [f"damaged: {found.damaged}"] if found.damaged else []
    wrong += [f"verify: {problem}" for problem in found.problems]
    if found.unscrubbed:
        wrong.append("what was forgotten is not scrubbed after opening")
    wrong += [f"left over: {entry.name}" for entry in store.path.parent.glob("*.rotating*")]
    held: dict[tuple[str, int], int] = {}
    items = store.items(store.select())
    for item in items:
        source, number, version = told(item.text)
        held[source, number] = version
        wrong += _check_item(item, source, number, version)
    wrong += _check_terms(store, items)
    wrong += _check_vectors(store, items)
    for document in expected.receipts[-1:]:
        searched = residue.search(store, Receipt.from_json(document))
        wrong += [f"residue: {searched.left[:3]} {searched.present[:3]}"] if not searched.clean else []
    expected.receipts.clear()
    return wrong + expected.compare(held)


def _check_item(item: Item, source: str, number: int, version: int) -> list[str]:
    """Whether all parts of an item are of one version."""
    whole = draft(source, number, version)
    people = [(part.role, part.person.name) for part in item.people]
    parts = (item.text, item.locator, item.source.name, people, item.thread is not None)
    fits = (whole.text, whole.locator, source, [(mention.role, mention.name) for mention in whole.people], True)
    return [] if parts == fits else [f"half an item: {(source, number, version)}: {people}"]


def _check_terms(store: Store, items: Sequence[Item]) -> list[str]:
    with store.reading() as connection:
        terms = {row[0]: row[1] for row in connection.execute("SELECT rowid, body FROM terms")}
    return [f"terms of another text: item {item.id}" for item in items if terms.get(item.id) != index_terms(item.text)]


def _check_vectors(store: Store, items: Sequence[Item]) -> list[str]:
    wrong = []
    texts = {item.id: embedded_text(Content(item.text, item.title, item.locator, item.external_id)) for item in items}
    with store.reading() as connection:
        for model in vector_store.models(connection):
            for info in vector_store.list_segments(connection, model):
                segment = vector_store.read_segment(connection, store, model, info.id)
                ids = segment.item_ids.tolist()
                codes = quantize(SumEmbedder(model.model_id).embed([texts.get(item_id, "") for item_id in ids])).codes
                wrong += [
                    f"a vector of another text: item {item_id} of {model.model_id}"
                    for row, item_id in enumerate(ids)
                    if (codes[row] != segment.codes[row]).any()
                ]
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, report, and 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the store is made; a temporary folder without it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        report = kill_often(Path(folder), options.kills, options.seed)
    figures = {
        "kills": report.kills,
        "during": dict(report.during.most_common()),
        "items_checked": report.acknowledged,
        "wrong": report.wrong,
        "seconds": round(time.monotonic() - began, 1),
    }
    if options.json:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:15} {value}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
