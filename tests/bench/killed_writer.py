"""The process that bench_memory_kill.py kills: changes a store without end, and says before and after what it does.

What it says after a change is an acknowledgement: a kill may not undo it. What an item says follows from its source, its number
and its version, so that whoever reads the store later can tell whether it is whole.
"""

from __future__ import annotations

import itertools
import random
import re
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from edge_llm.memory import erase
from edge_llm.memory.embedding import embed_pending
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_llm.memory.embedder import Vectors

Operation: TypeAlias = Literal["add", "forget", "embed", "rotate", "open"]
SOURCES = ("mail", "notes", "聊")
MOST_ITEMS = 120
"""Of one source: small enough that a round has many changes, large enough for several pages and segments."""
_WORDS = ["train", "garden", "window", "doctor", "Monday", "bread", "letter", "winter"]
_LETTERS = "bcdfghjklmnpqrtvwxz"
"""Words get some: no two items share a string that a search for residue looks for."""
_SAID = re.compile(r"^(\S+) (\d+) (\d+): ")


@dataclass(frozen=True)
class Begun:
    """Something is about to change."""

    operation: Operation
    source: str = ""
    version: int = 0
    count: int = 0
    items: tuple[tuple[str, int], ...] = ()
    """What is to be forgotten: (source, number)."""
    key: bytes = b""
    model: str = ""


@dataclass(frozen=True)
class Stored:
    """So many items of the source that was begun are stored."""

    count: int


@dataclass(frozen=True)
class Done:
    """What was begun is done."""

    receipt: dict[str, object] | None = None


Message: TypeAlias = "Begun | Stored | Done"


def draft(source: str, number: int, version: int) -> Draft:
    """The one thing that item `number` of a source says in a version. Some are longer than a page."""
    chosen = random.Random(f"{source} {number} {version}")
    count = 400 if chosen.random() < 0.02 else 10
    words = [chosen.choice(_WORDS) + "".join(chosen.choices(_LETTERS, k=6)) for _ in range(count)]
    han = "".join(chr(0x4E00 + chosen.randrange(9000)) for _ in range(count))
    text = f"{source} {number} {version}: {' '.join(words)} {han}"
    people = (Mention("from", f"Sender {number % 5} v{version}"), Mention("to", f"Reader {number % 3}"))
    return Draft(text, "message", str(number), people=people, thread=f"t{number % 4}")


def told(text: str) -> tuple[str, int, int]:
    """Source, number and version of the item that says this. Raises ValueError."""
    found = _SAID.match(text)
    if found is None:
        raise ValueError(f"not what any item says: {text[:80]!r}")
    return found[1], int(found[2]), int(found[3])


class SumEmbedder:
    """A vector that follows from the text alone."""

    dimensions = 24

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """Unit vectors, drawn by the texts' checksums."""
        rows = [np.random.default_rng(zlib.crc32(f"{self.model_id} {text}".encode())).standard_normal(24) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimensions)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def close(self) -> None:
        """Nothing was loaded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def write_without_end(path: str, key: bytes, seed: int, first_version: int, only: str, told_by: Connection) -> None:
    """Open the store and change it until killed.

    Args:
        only: one operation to do again and again; "" chooses among all.
    """
    chosen = random.Random(seed)
    told_by.send(Begun("open"))
    with Store.open(Path(path), RawKey(key)) as store:
        told_by.send(Done())
        for version in itertools.count(first_version):
            kind = only or chosen.choices(["add", "forget", "embed", "rotate"], [5, 3, 3, 2])[0]
            _OPERATIONS[kind](store, chosen, version, told_by)


def _add(store: Store, chosen: random.Random, version: int, told_by: Connection) -> None:
    source = chosen.choice(SOURCES)
    count = chosen.randint(1, MOST_ITEMS)
    told_by.send(Begun("add", source, version, count))
    keep = chosen.random() < 0.5  # half of the items stay what they are, where there are any
    drafts = []
    held = {told(item.text)[1]: told(item.text)[2] for item in store.items(store.select(source=source))} if keep else {}
    for number in range(count):
        same = number in held and number % 2 == 0
        drafts.append(draft(source, number, held[number] if same else version))
    store.put(
        source,
        "text",
        drafts,
        committed=lambda changes: told_by.send(Stored(len(changes.added) + len(changes.changed) + changes.unchanged)),
    )
    told_by.send(Done())


def _forget(store: Store, chosen: random.Random, version: int, told_by: Connection) -> None:
    ids = store.select()
    if not ids:
        return
    if chosen.random() < 0.2:
        ids = store.select(source=chosen.choice(SOURCES))
    ids = sorted(chosen.sample(ids, chosen.randint(0, min(40, len(ids)))))
    items = tuple(told(item.text)[:2] for item in store.items(ids))
    told_by.send(Begun("forget", items=items))
    told_by.send(Done(erase.forget(store, ids).to_json()))


def _embed(store: Store, chosen: random.Random, version: int, told_by: Connection) -> None:
    model = f"model {version // 7}"
    told_by.send(Begun("embed", model=model))
    embed_pending(store, SumEmbedder(model))
    told_by.send(Done())


def _rotate(store: Store, chosen: random.Random, version: int, told_by: Connection) -> None:
    key = chosen.randbytes(32)
    told_by.send(Begun("rotate", key=key))
    store.rotate(RawKey(key))
    told_by.send(Done())


_OPERATIONS = {"add": _add, "forget": _forget, "embed": _embed, "rotate": _rotate}
