"""How much each signal of a search counts, and how that was found. Knows signals by name; knows no item and no query.

The score of a candidate is the weighted sum of its signals. The weights make the items that answer a question as likely as
possible among all items, by multinomial logistic regression: convex, so there is one answer and no search for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """What one unit of each signal adds to a score."""

    words: float
    cover: float
    nearby_words: float
    reply: float
    meaning: float
    nearby_meaning: float
    sender: float
    question: float
    dated: float
    dated_when: float
    in_time: float

    def as_array(self) -> Table:
        """The weights in the order of SIGNALS."""
        return np.array([getattr(self, name) for name in SIGNALS], np.float64)

    @classmethod
    def of(cls, values: Iterable[float]) -> Weights:
        """Weights from numbers in the order of SIGNALS."""
        return cls(*(float(value) for value in values))


SIGNALS = tuple(field.name for field in fields(Weights))
"""Names of the signals, in the order of a table's columns."""
PARTS = {
    "words": ("words", "cover"),
    "meaning": ("meaning",),
    "neighbours": ("nearby_words", "reply", "nearby_meaning"),
    "people": ("sender",),
    "time": ("dated", "dated_when", "in_time"),
    "form": ("question",),
}
"""What people are shown of a score, and the signals that each part sums up."""

WEIGHTS = Weights(
    words=5.73,
    cover=3.98,
    nearby_words=14.39,
    reply=4.04,
    meaning=0.57,
    nearby_meaning=0.26,
    sender=2.82,
    question=-0.82,
    dated=0.49,
    dated_when=1.81,
    in_time=4.24,
)
"""Fitted on three of LoCoMo's conversations (383 questions), for two encoders together, by
`python -m tests.bench.bench_memory_recall LOCOMO.json --fit --embedder use --embedder all-minilm-l6-v2`."""


def tabulate(signals: Mapping[str, npt.NDArray[np.float32]]) -> Table:
    """Signals by name as one table, float64 (candidates, signals); one that is missing is 0."""
    count = len(next(iter(signals.values())))
    nothing = np.zeros(count, np.float32)
    return np.stack([signals.get(name, nothing) for name in SIGNALS], axis=1).astype(np.float64)


def scores(table: Table, weights: Weights) -> Table:
    """The score of each candidate."""
    total: Table = table @ weights.as_array()
    return total


def parts(signals: Table, weights: Weights) -> dict[str, float]:
    """What one candidate's score is made of; parts that are 0 are left out."""
    shares = dict(zip(SIGNALS, (signals * weights.as_array()).tolist(), strict=True))
    summed = {part: sum(shares[name] for name in names) for part, names in PARTS.items()}
    return {part: round(value, 4) for part, value in summed.items() if abs(value) >= 1e-4}


def fit(questions: Sequence[tuple[Table, Table]], *, ridge: float = 1e-3, rounds: int = 50) -> Weights:
    """The weights that make the answers of known questions likeliest: Newton's method with halved steps.

    Args:
        questions: for each one the signals of every item, float64 (items, signals), and the share of the answer that each
            item holds, float64 (items,), summing to 1.
        ridge: keeps weights small that the questions say little about. Signals are weighed by how large they usually are.
    """
    usual = np.sqrt(np.mean([np.mean(table**2, axis=0) for table, _ in questions], axis=0)) + 1e-9
    scaled = [(table / usual, answer) for table, answer in questions]
    weights = np.zeros(len(SIGNALS))
    loss, slope, curve = _loss(scaled, weights, ridge)
    for _ in range(rounds):
        step = np.linalg.solve(curve, slope)
        length = 1.0
        while True:
            tried = weights - length * step
            new = _loss(scaled, tried, ridge)
            if new[0] <= loss - 1e-4 * length * float(slope @ step) or length < 1e-4:
                break
            length /= 2
        settled = loss - new[0] < 1e-9
        weights, (loss, slope, curve) = tried, new
        if settled:
            break
    return Weights.of(weights / usual)


def _loss(questions: Sequence[tuple[Table, Table]], weights: Table, ridge: float) -> tuple[float, Table, Table]:
    """Mean surprise at the answers, with its gradient and Hessian."""
    loss = ridge * float(weights @ weights)
    slope, curve = 2 * ridge * weights, 2 * ridge * np.eye(len(weights))
    for table, answer in questions:
        score = table @ weights
        score -= score.max()
        chance = np.exp(score)
        chance /= chance.sum()
        mean = chance @ table
        loss -= float(answer @ np.log(chance + 1e-300)) / len(questions)
        slope = slope + table.T @ (chance - answer) / len(questions)
        curve = curve + ((table * chance[:, None]).T @ table - np.outer(mean, mean)) / len(questions)
    return loss, slope, curve
