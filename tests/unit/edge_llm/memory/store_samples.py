"""Small stores with made-up messages, for what is tested on a store."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from edge_llm.memory import vector_store
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.vector_store import Segment, quantize

KEY = RawKey(bytes(range(32)))
OTHER_KEY = RawKey(bytes(range(1, 33)))
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
DIMENSIONS = 32
_WORDS = ["train", "garden", "window", "doctor", "Monday", "bread", "letter", "winter", "candle", "music", "river", "holiday"]
_HAN = "今天明我们去公园图书馆吃饭买菜电影会议医生学校朋友家里火车票生日快乐"


def messages(count: int, seed: int = 0, *, prefix: str = "") -> list[Draft]:
    """Messages in two languages, one a minute, in two conversations, from a few people."""
    chosen = random.Random(seed)
    made = []
    for number in range(count):
        text = " ".join(chosen.choices(_WORDS, k=8)) + " " + "".join(chosen.choices(_HAN, k=8))
        sender = Mention("from", f"Person {number % 7}", (f"person{number % 7}@example.org",))
        made.append(
            Draft(
                f"{prefix}{text}", "message", f"{number}", time=NOON + timedelta(minutes=number),
                people=(sender, Mention("to", is_owner=True)), thread=f"thread {number % 2}",
            )
        )  # fmt: skip
    return made


def open_store(folder: Path, *, read_only: bool = False, timeout_s: float = 5.0) -> Store:
    """The store of a test's folder."""
    return Store.open(folder / "memory", KEY, read_only=read_only, timeout_s=timeout_s)


def add_vectors(store: Store, ids: Sequence[int], seed: int = 0) -> dict[int, bytes]:
    """Give items vectors; returns their codes."""
    found = {}
    generator = np.random.default_rng(seed)
    with store.writing() as connection:
        model = vector_store.add_model(connection, "m", DIMENSIONS)
        for source in store.sources():
            own = [item.id for item in store.items(ids) if item.source.id == source.id]
            if own:
                vectors = generator.standard_normal((len(own), DIMENSIONS)).astype(np.float32)
                made = quantize(vectors)
                vector_store.append(connection, store, model, source.id, Segment(np.array(own, np.int64), *made))
                found |= {item_id: made.codes[row].tobytes() for row, item_id in enumerate(own)}
    return found


def plain_pages(store: Store) -> bytes:
    """Every page as SQLite deciphers it, freed ones too: an opinion that is not our own."""
    with store.reading() as connection:
        return connection.serialize("main")
