"""Yields items with everything that the seam cleans or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft, Mention
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _act(file: BinaryIO, reading: Reading) -> Iterator[Draft]:
    yield Draft(text=" a\x00b\r\nc\ud83d\ude00\ud800 \u202ed\u200b ", kind="mail", locator="1", title="t\ni\x07tle")
    yield Draft(text="  \n", kind="note", locator="blank")
    yield Draft(text="", kind="event", locator="1", title="only a title")
    yield Draft(
        text="early",
        kind="event",
        locator="1",
        time=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        people=(Mention("from", " Ann\x00a ", ("+49 30 1", "  ")),),
    )
    yield Draft(text="naive", kind="event", locator="naive", time=datetime(2024, 1, 1))
    yield Draft(text="never seen", kind="event", locator="after")


READER = BehaviourReader("unclean", _act)
