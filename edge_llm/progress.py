"""How far a pull, a conversion or an intake has come: the value that its caller is given, again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["wait", "download", "unpack", "convert", "read", "embed"]
"""wait: another process is doing the same. download, unpack: counted in bytes. convert: counted in the parts of a
conversion. read: counted in files. embed: counted in items of memory."""


@dataclass(frozen=True)
class Progress:
    """One step of a long job. Within a stage `done` never falls, except when a download has to start over."""

    stage: Stage
    done: int
    total: int
    """0 when it is not known."""
    item: str
    """What is being worked on: a file, a model or a store."""


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Called on the thread that does the work, a few times a second at least. What it raises ends the work; what was
downloaded so far stays, to be resumed."""
