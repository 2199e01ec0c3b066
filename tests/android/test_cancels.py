"""Answers cancelled and engines closed at random moments: no crash, no lost text, no memory kept.

`python -m tests.bench.bench_cancels` does it 1,000 times.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from library import Jars, run_on_host
from toolchain import Toolchain

ROUNDS = 40
GROWTH_BYTES = 48 << 20
"""Most that the resident memory may grow: half of what one engine that stays behind would hold."""


@dataclass(frozen=True)
class Cancels:
    """What happened in the rounds, as CancelsKt counts it."""

    cancelled: int
    closed: int
    finished: int
    """Answers that were faster than their end."""
    resident: list[int]
    """Bytes besides Java's heap, at eleven moments."""

    @property
    def growth(self) -> int:
        """From the first half's level to the second's, in bytes, without the first sample: the first reopening costs once."""
        return int(median(self.resident[-4:]) - median(self.resident[1:5]))


def cancel_at_random(tools: Toolchain, jars: Jars, phone: Path, rounds: int, seed: int) -> Cancels:
    """Raises ToolchainError with the library's words when text was lost or the process died."""
    arguments = [str(phone), str(rounds), str(seed)]
    output = run_on_host(tools, jars, "dev.edgellm.CancelsKt", arguments, properties={}, steady=True, timeout_s=3600)
    return Cancels(**json.loads(output))


@pytest.mark.timeout(900)
def test_cancels_and_closes_lose_nothing(tools: Toolchain, jars: Jars, phones: dict[int, Path]) -> None:
    found = cancel_at_random(tools, jars, phones[4], ROUNDS, seed=5)
    assert found.cancelled + found.closed == ROUNDS
    assert found.closed > 0
    assert found.growth < GROWTH_BYTES, found
