"""Crashes the process, as native code can."""

from __future__ import annotations

import os
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    os.abort()


READER = BehaviourReader("crashing", _act)
