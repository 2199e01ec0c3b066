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
    """Rows of logits after a prompt and after what was fed of the last continuation."""

    def __init__(self, context: Context, prompt: list[int]) -> None:
        self._context = context
        self._prompt = prompt
        self._fed: list[int] = []
        self._rows: list[npt.NDArray[np.float32]] = []
        """The row after the prompt, then the one after each of `_fed`."""
        self._totals: list[float] = []

    def score(self, tokens: list[int]) -> list[float]:
        shared = 0
        while shared < min(len(self._fed), len(tokens) - 1) and self._fed[shared] == tokens[shared]:
            shared += 1
        if not self._rows or shared < len(tokens) - 1:
            self._feed(tokens[:-1], shared)
        return [float(row[token]) - total for token, row, total in zip(tokens, self._rows, self._totals, strict=False)]

    def _feed(self, tokens: list[int], shared: int) -> None:
        known = shared + 1 if self._rows else 0
        # the rows that are known stay; one more token than they have is fed without being a draft
        ids = self._prompt + tokens[:known]
        draft = tokens[known:]
        logits = None
        while logits is None:
            logits = self._context.advance(self, ids, draft).logits
        rows = list(logits)
        self._rows = self._rows[:known] + rows
        self._totals = self._totals[:known] + [log_total(row) for row in rows]
        self._fed = tokens
