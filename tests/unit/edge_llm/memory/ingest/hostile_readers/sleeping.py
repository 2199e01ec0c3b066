"""Waits for ever, and uses no processor time."""

from __future__ import annotations

import time
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    time.sleep(3600)


READER = BehaviourReader("sleeping", _act)
