"""The seam between memory and file formats: an open file in, drafts out.

A format is one module in this folder with a `READER`, found by its file's name. A reader knows its format and nothing of
databases, people or embeddings. It runs in a process of its own (worker.py), because what it reads is hostile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import BinaryIO, Protocol

from edge_llm.memory.items import Draft


@dataclass(frozen=True)
class Limits:
    """How much one file may cost. A file that costs more is reported, with the limit it met."""

    file_bytes: int = 1 << 30
    """Largest file that is opened at all."""
    expanded_bytes: int = 256 << 20
    """Most bytes that compressed parts may unpack to, in all."""
    item_chars: int = 20_000
    """Longest text of one item; a longer one is cut into several, none of it lost."""
    items: int = 2_000_000
    """Most items of one file."""
    depth: int = 64
    """Deepest nesting (elements, MIME parts, JSON)."""
    seconds: float = 120.0
    """Longest time between two items."""
    memory_bytes: int = 1 << 30
    """Most memory of the process that reads."""


def _unheard(_note: str) -> None:
    """Nobody asked for notes."""


@dataclass(frozen=True)
class Reading:
    """One file to be read, and what its reader may assume."""

    path: Path
    timezone: tzinfo
    """For times that a file gives without one."""
    owner: tuple[str, ...] = ()
    """Names, numbers and addresses of the person whose data this is."""
    limits: Limits = field(default_factory=Limits)
    note: Callable[[str], None] = _unheard
    """Told what the person should know although the file was read: an assumed encoding, pages without text, parts left out."""


class Reader(Protocol):
    """One file format.

    Duties of an implementation (each is a test of the contract suite):

    * It streams: memory does not grow with the file beyond one item and the format's own index.
    * What it yields is complete and in the file's order; every locator is unique and the same at each reading.
    * It raises UnreadableFileError, and nothing else, for whatever bytes it is given; what it yielded before stands.
    """

    @property
    def name(self) -> str:
        """The module's own name; comes back as `Source.format`."""
        ...

    @property
    def suffixes(self) -> frozenset[str]:
        """Lower-case file name endings with the dot; several formats may share one."""
        ...

    def claims(self, head: bytes, path: Path) -> float:
        """How sure it is that this file is of its format: 0 no, 0.5 by its name, 1 by its content.

        Args:
            head: the file's first 4,096 bytes.
        """
        ...

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the file's items.

        Raises:
            UnreadableFileError: damaged, encrypted, another format, or over a limit. Names the place and the fact; the
                caller adds the file's name.
        """
        ...
