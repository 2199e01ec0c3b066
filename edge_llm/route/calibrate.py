"""Scores learned from examples, and the probabilities they stand for. Numbers only: knows no sentence and no action.

Kernel ridge regression onto one-hot labels, solved in closed form. The same solution tells what every example would have
scored had it been left out (Rasmussen & Williams 2006, eq. 5.12), so probabilities are fitted to honest scores without a
second set of examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edge_llm.route.lexical import Matrix

Labels: TypeAlias = "npt.NDArray[np.int64]"
Scores: TypeAlias = "npt.NDArray[np.floating[Any]]"

_RIDGE = 0.15
_CLEARLY = 0.2
"""By how much an action's score must lead none's."""
_STEPS = 40
_PENALTY = 1e-4
_ASKED = 0.7
"""Share of what is said to an assistant that asks for one of its actions."""
_GATE_TEMPERATURE = 0.5
_TEMPERATURES = (0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5)


@dataclass(frozen=True)
class Fit:
    """What was learned from n examples of c actions, and of none."""

    kept: Labels
    """Which of the examples it rests on."""
    weights: Matrix
    """(kept, c + 1): the last column is none."""
    gate: tuple[float, float]
    """The log-odds that any action is asked for: of the logarithm of the best one's share, and a constant."""
    temperature: float
    """Of the softmax over actions."""

    def probabilities(self, kernel: Matrix) -> tuple[Scores, float]:
        """The probability of each action (c,), and of none; together they make 1.

        Args:
            kernel: (n,) of a sentence with each example that was given to `fit`.
        """
        import numpy as np

        scores = kernel[self.kept] @ self.weights
        actions = scores[:-1]
        asked = float(_logistic(_gate_rows(scores[None]) @ np.array(self.gate))[0])
        shares = np.exp((actions - actions.max()) / self.temperature)
        result: Scores = asked * shares / shares.sum()
        return result, 1.0 - asked


def fit(gram: Matrix, labels: Labels, actions: int) -> Fit:
    """Learn from examples.

    An example of none that the others clearly say is an action's gives way: an app may add what the library of other
    requests holds. What is written as an action's negative gives way only to another action.

    Args:
        gram: (n, n) kernel.
        labels: (n,) the action in [0, actions); -1 for none; -2 - action for a negative of that action.
        actions: at least one.
    """
    import numpy as np

    columns = np.where(labels < 0, actions, labels)
    inverse = _ridged(gram)
    _, left_out = _solve(inverse, columns, actions)
    lead = left_out[:, :-1].max(axis=1) - left_out[:, -1]
    elsewhere = (labels < -1) & (left_out[:, :-1].argmax(axis=1) != -2 - labels)
    claimed = ((labels == -1) & (lead > _CLEARLY)) | (elsewhere & (lead > 0))
    kept = np.flatnonzero(~claimed)
    weights, left_out = _solve(_without(inverse, kept, np.flatnonzero(claimed)), columns[kept], actions)
    columns = columns[kept]
    asked = columns < actions
    gate = _fit_gate(_gate_rows(left_out), asked)
    return Fit(kept, weights.astype(np.float32), gate, _fit_temperature(left_out[asked, :-1], columns[asked]))


def _ridged(gram: Matrix) -> Scores:
    """The inverse of the kernel with its ridge."""
    import numpy as np

    result: Scores = np.linalg.inv(gram + _RIDGE * np.eye(len(gram), dtype=np.float32))
    return result


def _without(inverse: Scores, kept: Labels, gone: Labels) -> Scores:
    """The inverse of a matrix without some rows and columns, from that of the whole (the block form of Schur's complement)."""
    import numpy as np

    across = inverse[np.ix_(kept, gone)]
    result: Scores = inverse[np.ix_(kept, kept)] - across @ np.linalg.solve(inverse[np.ix_(gone, gone)], across.T)
    return result


def _solve(inverse: Scores, columns: Labels, actions: int) -> tuple[Scores, Scores]:
    """Weights (n, c + 1), and the scores of each example when it is left out, from the inverse of the kernel with its ridge."""
    import numpy as np

    targets = np.eye(actions + 1, dtype=np.float32)[columns]
    weights: Scores = inverse @ targets
    return weights, targets - weights / np.diag(inverse)[:, None]


def _gate_rows(scores: Scores) -> Scores:
    """(n, 2): the logarithm of the best action's share among all scores and none's, and 1.

    None's score is not given apart: the examples of none come in groups of near relations, so it is higher for each of them
    than for a sentence from elsewhere, and a gate that leans on it refuses too little (0.91 against 0.92 in scope).
    """
    import numpy as np

    scaled = scores / _GATE_TEMPERATURE
    total = np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1)
    return np.stack([scaled[:, :-1].max(axis=1) - total, np.ones(len(scores))], axis=1)


def _fit_gate(rows: Scores, asked: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Logistic regression by Newton's method; the two kinds weigh what is expected of them, however many there are of each."""
    import numpy as np

    share = np.where(asked, _ASKED / max(asked.sum(), 1), (1 - _ASKED) / max((~asked).sum(), 1))
    gate = np.zeros(2)
    for _ in range(_STEPS):
        found = _logistic(rows @ gate)
        slope = rows.T @ (share * (found - asked)) + _PENALTY * gate
        curve = (rows * (share * found * (1 - found))[:, None]).T @ rows + _PENALTY * np.eye(2)
        step = np.linalg.solve(curve, slope)
        gate = gate - step
        if np.abs(step).max() < 1e-6:
            break
    return float(gate[0]), float(gate[1])


def _fit_temperature(scores: Scores, columns: Labels) -> float:
    """The temperature under which the actions that were asked for are likeliest."""
    import numpy as np

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        peak = scaled.max(axis=1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(columns)), columns]).mean())

    return min(_TEMPERATURES, key=loss)


def _logistic(values: Scores) -> Scores:
    import numpy as np

    result: Scores = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return result
