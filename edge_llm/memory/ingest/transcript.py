"""Conversations with this tool that were saved to a file (edge_llm/chat.py): one item for each turn.

Knows the file and nothing of models. The system message is an instruction to the model, not the person's, and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

VERSION = 1
_FILE_BYTES = 64 << 20
"""Largest file: what edge_llm/chat.py itself opens."""
_NEWEST = 1
"""Newest version of the file that is known."""
_START = re.compile(rb'\s*\{\s*"version"\s*:\s*\d')
_THREAD = "conversation"


@dataclass(frozen=True)
class TranscriptReader:
    """Saved conversations."""

    name: str = "transcript"
    suffixes: frozenset[str] = frozenset({".json"})

    def claims(self, head: bytes, path: Path) -> float:  # noqa: ARG002 - the seam has it
        """1 for a file that begins as a saved conversation, else 0."""
        return 1.0 if _START.match(head) is not None and b'"messages"' in head else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:  # noqa: ARG002 - the seam has it
        """Yield the turns of the person and of the model, in their order."""
        data = file.read(_FILE_BYTES + 1)
        if len(data) > _FILE_BYTES:
            raise UnreadableFileError(f"it has more than {_FILE_BYTES:,} bytes, which no saved conversation has")
        try:
            document = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"it is no saved conversation: {error}") from error
        turns = document.get("messages") if isinstance(document, Mapping) else None
        version = document.get("version") if isinstance(document, Mapping) else None
        if not isinstance(turns, list) or not isinstance(version, int):
            raise UnreadableFileError("it is no saved conversation: it lacks a version or messages")
        if version > _NEWEST:
            raise UnreadableFileError(f"it has version {version}, and this edge-llm reads up to {_NEWEST}. Update edge-llm")
        for number, turn in enumerate(turns):
            if not isinstance(turn, Mapping) or not isinstance(turn.get("content"), str):
                raise UnreadableFileError(f"turn {number} is no message")
            role, text = turn.get("role"), turn["content"]
            if role in ("user", "assistant") and text.strip():
                people = (Mention("from", is_owner=True),) if role == "user" else ()
                yield Draft(text, "chat", f"turn {number}: {role}", people=people, thread=_THREAD)


READER = TranscriptReader()
