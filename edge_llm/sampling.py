"""Logits in, one token id out: greedy or seeded, with the filters people know. Knows no model and no text.

The filters run in llama.cpp's default order: repetition penalty, top-k, top-p, min-p, temperature. Top-p and min-p
therefore look at the model's own probabilities, not at those the temperature has reshaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runtimes.errors import ConfigError, RuntimeFailedError

if TYPE_CHECKING:
    import numpy.typing as npt

_FIRST_GUESS = 512
"""Candidates looked at first for top-p: nearly always enough."""
_GROWTH = 16
"""How many times more are looked at next. Sorting a vocabulary of 152,000 takes 12 ms, a token of a small model."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. The defaults take the likeliest one. Raises ConfigError out of range."""

    temperature: float = 0.0
    """0 takes the likeliest token; 1 samples the model's own distribution; more is flatter."""
    top_k: int = 0
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the fewest likeliest tokens whose probability sums to at least this (Holtzman et al., arXiv:1904.09751)."""
    min_p: float = 0.0
    """Drop tokens less likely than this share of the likeliest one (Nguyen et al., arXiv:2407.01082)."""
    repetition_penalty: float = 1.0
    """Divides the positive and multiplies the negative logits of recent tokens (Keskar et al., arXiv:1909.05858)."""
    repetition_window: int = 64
    """How many of the last tokens, prompt included, count as recent; 0 counts all."""
    seed: int | None = None
    """The same seed chooses the same tokens from the same logits. None takes a new one for each answer. Logits are the
    same to the bit when the cache is (see `Model.clear_cache`)."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ConfigError(f"temperature is {self.temperature}; it must be at least 0.")
        for name, share in (("top_p", self.top_p), ("min_p", self.min_p)):
            if not 0 <= share <= 1:
                raise ConfigError(f"{name} is {share}; it must be from 0 to 1.")
        if not 0 < self.repetition_penalty < math.inf:
            raise ConfigError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0 (1 does nothing).")
        for name, count in (("top_k", self.top_k), ("repetition_window", self.repetition_window)):
            if count < 0:
                raise ConfigError(f"{name} is {count}; it must be at least 0.")
        if self.seed is not None and self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; it must be at least 0.")


GREEDY = Sampling()
"""Always the likeliest token."""


class Sampler:
    """Chooses the tokens of one answer.

    Its random numbers are the raw stream of PCG64, which numpy keeps the same in every version (NEP 19).
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._bits = np.random.PCG64(sampling.seed)

    def sample(self, logits: npt.NDArray[np.float32], history: Sequence[int]) -> int:
        """The next token id.

        Args:
            logits: float32 (vocabulary_size,); -inf marks a token that must not be chosen. Not changed.
            history: token ids so far, prompt included; only the repetition penalty reads them.

        Raises:
            RuntimeFailedError: a logit is NaN or +inf, or every one is -inf.
        """
        sampling = self._sampling
        scores = self._penalised(logits, history)
        best = int(scores.argmax())  # the lowest id among equals; a NaN if there is one
        if not math.isfinite(scores[best]):
            raise RuntimeFailedError(
                f"The model gave the logit {scores[best]} for token {best}. Its file is damaged or its numbers overflow; "
                "pull or quantize it again."
            )
        if sampling.temperature == 0 or sampling.top_k == 1:
            return best
        ids = _kept_by_top_k_and_top_p(scores, sampling, best)
        if sampling.min_p > 0:
            ids = ids[scores[ids] >= scores[best] + np.float32(math.log(sampling.min_p))]
        return int(ids[self._draw(scores[ids] - scores[best])])

    def _penalised(self, logits: npt.NDArray[np.float32], history: Sequence[int]) -> npt.NDArray[np.float32]:
        penalty, window = self._sampling.repetition_penalty, self._sampling.repetition_window
        if penalty == 1 or not history:
            return logits
        recent = np.unique(np.asarray(history[-window:], np.int64))
        scores = logits.copy()
        scores[recent] = np.where(scores[recent] > 0, scores[recent] / penalty, scores[recent] * penalty)
        return scores

    def _draw(self, scores: npt.NDArray[np.float32]) -> int:
        """An index into `scores`, whose largest is 0, drawn from softmax(scores / temperature)."""
        with np.errstate(over="ignore"):  # a temperature near 0 sends the others to -inf, where exp is 0
            cumulative = np.exp(scores.astype(np.float64) / self._sampling.temperature).cumsum()
        uniform = (self._bits.random_raw() >> 11) * 2.0**-53
        # uniform < 1, yet the product may round up to the total
        return min(int(cumulative.searchsorted(uniform * cumulative[-1], side="right")), scores.size - 1)


def _kept_by_top_k_and_top_p(scores: npt.NDArray[np.float32], sampling: Sampling, best: int) -> npt.NDArray[np.int64]:
    """Ids of the tokens that may be drawn; never empty, always holding `best`."""
    if sampling.top_k == 0 and sampling.top_p == 1:
        return np.flatnonzero(scores > -np.inf)
    if sampling.top_p == 1:
        return _likeliest(scores, sampling.top_k)
    if sampling.top_k > 0:
        ids = _likeliest(scores, sampling.top_k)
        cumulative = _weights(scores[ids], scores[best]).cumsum()
        return ids[: _count_reaching(cumulative, sampling.top_p * cumulative[-1])]
    wanted = sampling.top_p * _weights(scores, scores[best]).sum()
    count = _FIRST_GUESS
    while True:
        ids = _likeliest(scores, count)
        cumulative = _weights(scores[ids], scores[best]).cumsum()
        if cumulative[-1] >= wanted or count >= scores.size:
            return ids[: _count_reaching(cumulative, wanted)]
        count *= _GROWTH


def _likeliest(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Ids of the `count` largest scores above -inf, largest first, equals in order of their ids."""
    if count < scores.size:
        threshold = np.partition(scores, scores.size - count)[scores.size - count]
        above = np.flatnonzero(scores > threshold)
        # which of the equals at the threshold get in must not hang on how numpy partitions
        level = np.flatnonzero(scores == threshold)[: count - above.size]
        ids = np.concatenate((above, level))
    else:
        ids = np.arange(scores.size)
    ids = ids[scores[ids] > -np.inf]
    return ids[np.argsort(-scores[ids], kind="stable")]


def _weights(scores: npt.NDArray[np.float32], best: np.float32) -> npt.NDArray[np.float64]:
    """Probabilities up to a common factor: exp(score - best)."""
    weights: npt.NDArray[np.float32] = np.exp(scores - best)
    return weights.astype(np.float64)


def _count_reaching(cumulative: npt.NDArray[np.float64], wanted: float) -> int:
    """How many of the first entries it takes to reach `wanted`."""
    return min(int(cumulative.searchsorted(wanted)) + 1, cumulative.size)
