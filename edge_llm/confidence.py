"""How sure the assistant is, and why: one number and its reason, the same for proposals and answers.

Knows no model and no store: whoever measured something says here what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Basis: TypeAlias = Literal["in your data", "not in your data", "guess", "understood"]

ASK_BELOW = 0.6
"""Below this the assistant asks, or says that it guesses: at a calibrated 0.6 it would be wrong two times in five."""


@dataclass(frozen=True)
class Confidence:
    """A calibrated probability of being right, and what it rests on."""

    value: float
    """Between 0 and 1."""
    basis: Basis
    reason: str
    """For the person to read, such as "in your data (3 items)"."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.value <= 1.0:
            raise ValueError(f"a confidence is between 0 and 1, not {self.value}")

    @property
    def sure(self) -> bool:
        """Enough to go on without asking."""
        return self.value >= ASK_BELOW


def understood(value: float, what: str) -> Confidence:
    """The person's words were taken to mean `what`. A value under ASK_BELOW makes it a guess."""
    if value >= ASK_BELOW:
        return Confidence(value, "understood", f"understood as {what}")
    return Confidence(value, "guess", f"guess: {what}")


def from_items(value: float, items: int) -> Confidence:
    """An answer that rests on items of the person's data; none of them says that it is not there."""
    if items < 1:
        return Confidence(value, "not in your data", "not in your data")
    return Confidence(value, "in your data", f"in your data ({items} item{'' if items == 1 else 's'})")


def guess(value: float, reason: str = "guess") -> Confidence:
    """What the model said on its own."""
    return Confidence(value, "guess", reason)
