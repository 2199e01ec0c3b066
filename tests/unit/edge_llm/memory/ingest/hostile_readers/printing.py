"""Prints, as libraries do, and tells a note."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader, draft


def _act(file: BinaryIO, reading: Reading) -> Iterator[Draft]:
    sys.stdout.write('{"done": true}\n')
    sys.stdout.flush()
    os.write(1, b"\x00\x00\x00\x02{}")
    sys.stderr.write("warning\n")
    reading.note("two things to know\nand a second line")
    yield draft(2)


READER = BehaviourReader("printing", _act)
