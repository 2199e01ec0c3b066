"""What every reader's test does: bytes in, drafts out."""

from __future__ import annotations

import io
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_llm.memory.ingest.reader import Limits, Reader, Reading
from edge_llm.memory.items import Draft


def read(reader: Reader, data: bytes, *, limits: Limits | None = None, notes: list[str] | None = None) -> list[Draft]:
    """Everything the reader finds."""
    told: list[str] = [] if notes is None else notes
    reading = Reading(Path("file"), ZoneInfo("Europe/Berlin"), limits=limits or Limits(), note=told.append)
    return list(reader.read(io.BytesIO(data), reading))


def texts(reader: Reader, data: bytes) -> str:
    """Every item's text, one after the other."""
    return "\n".join(draft.text for draft in read(reader, data))
