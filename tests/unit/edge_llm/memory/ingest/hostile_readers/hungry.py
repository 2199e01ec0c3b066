"""Takes four gigabytes."""

from __future__ import annotations

from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    held = bytearray(4 << 30)
    raise AssertionError(f"it has {len(held)} bytes")


READER = BehaviourReader("hungry", _act)
