"""What rendering one chat template may use of time and memory, and the size of a template's values.

Knows no Jinja nodes: `sandbox.py` decides where to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from time import monotonic

from jinja2.exceptions import SecurityError

_TOTAL = 64
"""Characters a render may make in all, in times `Budget.size`: text is written into a block, then by a macro, then again."""


INTEGER_BITS = 60
"""Longest integer. Below 61 bits Python gives different integers different hashes, so that no dictionary grows slow."""


class BoundExceededError(SecurityError):
    """A template went past its bounds."""


@dataclass
class Budget:
    """What one render may use."""

    size: int
    """Most units of any one value, and characters of the output (see `measure`)."""
    seconds: float
    _deadline: float = field(init=False)
    _made: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._deadline = monotonic() + self.seconds

    def check_time(self) -> None:
        """Raises BoundExceededError when the time is over."""
        if monotonic() > self._deadline:
            raise BoundExceededError(f"it ran for more than {self.seconds:g} seconds")

    def check_size(self, size: int) -> None:
        """Raises BoundExceededError for a value of more than `size` units."""
        if size > self.size:
            raise BoundExceededError(f"it made a value of more than {self.size} characters")

    def check_value(self, value: object) -> None:
        """Raises BoundExceededError for a value that is too large, or when time or memory is used up."""
        self.check_time()
        self.check_size(measure(value, self.size))
        if isinstance(value, str | list | tuple | dict):
            self.count_made(len(value))

    def count_made(self, characters: int) -> None:
        """Counts characters and elements made. Raises BoundExceededError when there are too many in all."""
        self._made += characters
        if self._made > self.size * _TOTAL:
            raise BoundExceededError(f"it made more than {self.size * _TOTAL} characters")


def measure(value: object, limit: int) -> int:
    """Units `value` takes when written out: characters, and one for each element; stops counting past `limit`.

    An integer of more than `INTEGER_BITS` is past any limit.

    A list that holds the same list twice counts it twice, as writing, comparing or hashing it would: sixty such lists
    inside one another are small in memory and endless to print.
    """
    total, rest = 0, [value]
    while rest and total + len(rest) <= limit:
        item = rest.pop()
        if isinstance(item, str):
            total += len(item) + 1
        elif isinstance(item, int):
            total += 1 if item.bit_length() <= INTEGER_BITS else limit + 1
        elif isinstance(item, Mapping):
            total += 1
            rest.extend(item.keys())
            rest.extend(item.values())
        elif isinstance(item, list | tuple | Set | type({}.values())):
            total += 1
            rest.extend(item)
        else:
            total += 1
    return total + len(rest)
