"""Opens a socket, starts a program, forks, removes the file and writes another: as many of them as it is let."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from tests.unit.edge_llm.memory.ingest.hostile_readers.behaviour import BehaviourReader


def _attempts(path: Path) -> dict[str, Callable[[], object]]:
    return {
        "socket": socket.socket,
        "program": lambda: subprocess.run([sys.executable, "-c", ""], check=False),
        "fork": os.fork,
        "remove": path.unlink,
        "write": lambda: path.with_suffix(".stolen").write_bytes(b"x" * 10),
    }


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "let"


def _act(file: BinaryIO, reading: Reading) -> Iterator[Draft]:
    for name, attempt in _attempts(reading.path).items():
        yield Draft(text=f"{name}: {_outcome(attempt)}", kind="note", locator=name)


READER = BehaviourReader("networking", _act)
