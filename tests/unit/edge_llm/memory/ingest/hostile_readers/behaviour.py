"""A reader that does what a test wants: the worker's limits are shown on code that really breaks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft


def draft(number: int) -> Draft:
    """An ordinary item."""
    return Draft(text=f"item {number}", kind="message", locator=str(number))


@dataclass(frozen=True)
class BehaviourReader:
    """Claims files with its name as their suffix; yields an item, then acts."""

    name: str
    act: Callable[[BinaryIO, Reading], Iterator[Draft] | None]

    @property
    def suffixes(self) -> frozenset[str]:
        return frozenset({f".{self.name}"})

    def claims(self, head: bytes, path: Path) -> float:
        return float(path.suffix in self.suffixes)

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        yield draft(1)
        yield from self.act(file, reading) or ()
