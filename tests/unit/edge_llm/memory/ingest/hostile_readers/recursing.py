"""Calls itself for ever."""

from __future__ import annotations

from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    _act(file, reading)


READER = BehaviourReader("recursing", _act)
