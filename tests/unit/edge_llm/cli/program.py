"""The program as the tests here call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Outcome:
    """One run of the program."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Program: TypeAlias = Callable[..., Outcome]
"""Takes the arguments, gives what was printed and the exit code."""
