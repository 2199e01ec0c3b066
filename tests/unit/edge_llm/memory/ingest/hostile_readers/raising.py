"""Raises what a parser's author did not think of."""

from __future__ import annotations

from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    raise KeyError("no\nsuch\x00key")


READER = BehaviourReader("raising", _act)
