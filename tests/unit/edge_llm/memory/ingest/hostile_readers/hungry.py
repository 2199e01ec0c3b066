"""Takes four gigabytes, a little at a time."""

from __future__ import annotations

from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    held = [bytearray(16 << 20) for _ in range(256)]
    raise AssertionError(f"it has {len(held)} blocks")


READER = BehaviourReader("hungry", _act)
