"""How likely a model holds given texts as the continuation of one prompt. Nothing is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_llm.logprobs import log_total
from runtimes.errors import ContextOverflowError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edge_llm.context import Context


_ROWS = 64
"""Rows of logits asked for at once, and about as many kept: one of a vocabulary of 152,000 has 608 kB."""


@dataclass(frozen=True)
class Score:
    """How likely one continuation is."""

    continuation: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    """Natural logarithm of the probability of each token, given the prompt and the tokens before it."""

    @property
    def logprob_total(self) -> float:
        """Natural logarithm of the probability of the whole. The longer a text, the smaller: compare by `logprob_mean` where
        lengths differ."""
        return sum(self.logprobs)

    @property
    def logprob_mean(self) -> float:
        """The same per token."""
        return self.logprob_total / len(self.logprobs)


def score(context: Context, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[list[float]]:
    """Log-probabilities of the tokens of each continuation.

    The prompt is fed once. Continuations that begin alike share what they have in common, and their last tokens, whose
    logits nobody needs, are not fed at all.

    Args:
        prompt: token ids, at least one.
        continuations: token ids, at least one each.

    Raises:
        ContextOverflowError: the prompt with the longest of them is longer than the context; nothing was fed.
        RuntimeFailedError, SessionClosedError: while running.
    """
    longest = len(prompt) + max(map(len, continuations), default=1) - 1
    if longest > context.capabilities.context_length:
        raise ContextOverflowError(longest, context.capabilities.context_length)
    feeder = _Feeder(context, list(prompt))
    scores: list[list[float]] = [[] for _ in continuations]
    try:
        # in the order of a dictionary, so that those with a common beginning follow each other
        for index in sorted(range(len(continuations)), key=lambda index: list(continuations[index])):
            scores[index] = feeder.score(list(continuations[index]))
    finally:
        context.release(feeder)
    return scores


class _Feeder:
    """Scores one continuation after another, and keeps the rows that the next one may begin with."""

    def __init__(self, context: Context, prompt: list[int]) -> None:
        self._context = context
        self._prompt = prompt
        self._tokens: list[int] = []
        self._logprobs: list[float] = []
        self._rows: list[tuple[npt.NDArray[np.float32], float]] = []
        """The row after the prompt, then those after each of the first of `_tokens`; each with the log of its total."""

    def score(self, tokens: list[int]) -> list[float]:
        shared = 0
        while shared < min(len(self._tokens), len(tokens)) and self._tokens[shared] == tokens[shared]:
            shared += 1
        logprobs = self._logprobs[:shared]
        del self._rows[shared + 1 :]
        while (done := len(logprobs)) < len(tokens):
            rows = self._rows[done:] or self._feed(tokens, done)
            logprobs += [float(row[token]) - total for token, (row, total) in zip(tokens[done:], rows, strict=False)]
        self._tokens, self._logprobs = tokens, logprobs
        return logprobs

    def _feed(self, tokens: list[int], done: int) -> list[tuple[npt.NDArray[np.float32], float]]:
        """The rows after the first `done` tokens and after those that follow, but never after the last one."""
        draft = tokens[done:-1][:_ROWS]
        logits = None
        while logits is None:
            logits = self._context.advance(self, self._prompt + tokens[:done], draft).logits
        rows = [(row, log_total(row)) for row in logits]
        if len(self._rows) == done < _ROWS:
            self._rows += rows
        return rows
