"""Yields as many items as the file's only line says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader, draft


def _act(file: BinaryIO, reading: Reading) -> Iterator[Draft]:
    yield from (draft(number) for number in range(2, int(file.read()) + 1))


READER = BehaviourReader("flooding", _act)
