"""How far two machines' logits for the same tokens agree: token by token, where they part, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
"""One row a token of the answer, one column a token of the vocabulary."""
KLD = 0.01
"""Most mean divergence of Arm's distribution from x86's, in nats."""
MARGIN = {8: 0.5, 4: 0.5}
"""By bits: where Arm chooses another token, x86's choice leads Arm's by at most this, in x86's logits."""


@dataclass(frozen=True)
class Agreement:
    """One answer, seen by two machines."""

    tokens: int
    """Tokens of the answer."""
    agreed: int
    """Tokens before the two machines choose differently; `tokens` when they never do."""
    margin: float | None
    """Where they part: the lead, in the reference's logits, of its choice over the other's. Null when they never do."""
    kld: float
    """Mean Kullback-Leibler divergence of the other's distribution from the reference's, in nats."""
    largest_difference: float
    """Of any logit."""


def compare(reference: Logits, other: Logits) -> Agreement:
    """Both of the same tokens; raises ValueError when the shapes differ."""
    if reference.shape != other.shape:
        raise ValueError(f"{reference.shape} logits against {other.shape}")
    first, second = reference.argmax(axis=1), other.argmax(axis=1)
    parted = np.flatnonzero(first != second)
    at = int(parted[0]) if parted.size else len(first)
    margin = float(reference[at, first[at]] - reference[at, second[at]]) if parted.size else None
    return Agreement(len(first), at, margin, divergence(reference, other), float(np.abs(reference - other).max()))


def divergence(reference: Logits, other: Logits) -> float:
    """The mean over the rows of KL(reference || other), in nats."""
    p, q = _log_softmax(reference), _log_softmax(other)
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


def read_logits(path: Path, answers: Sequence[Sequence[int]]) -> list[Logits]:
    """What LogitsKt and the other writers wrote: the rows of all answers, one after the other."""
    rows = np.fromfile(path, dtype="<f4").reshape(sum(map(len, answers)), -1)
    ends = np.cumsum([len(answer) for answer in answers])
    return np.split(rows, ends[:-1])


def write_sequences(path: Path, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]] | None = None) -> None:
    """A line for each: `prompt ids | answer ids`."""
    pairs = zip(prompts, answers if answers is not None else [()] * len(prompts), strict=True)
    path.write_text("".join(f"{_words(prompt)} | {_words(answer)}\n" for prompt, answer in pairs), encoding="ascii")


def _words(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))


def _log_softmax(rows: Logits) -> npt.NDArray[np.float64]:
    shifted = rows.astype(np.float64) - rows.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
