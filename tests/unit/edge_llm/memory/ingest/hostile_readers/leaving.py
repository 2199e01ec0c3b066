"""Ends the process without a word."""

from __future__ import annotations

import os
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> None:
    os._exit(3)


READER = BehaviourReader("leaving", _act)
