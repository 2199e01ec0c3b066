"""The chat model as a second judge of hits: how likely it holds the question, once it has read a text.

A small model answers "is this relevant?" no better than a coin; how well it can guess the question from the text says more
(query likelihood: Ponte and Croft 1998; with language models: Sachan et al., arXiv:2204.07496).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from runtimes.errors import ContextOverflowError

if TYPE_CHECKING:
    from edge_llm.model import Model

WEIGHT: Final = 0.3
"""What one standard deviation among the texts counts for, in the units of a search's score. Measured: docs/memory.md."""
_MOST_BYTES = 1_200
"""Of a text that is read: the time it takes grows with its tokens, of which a Chinese character needs two or three."""


class ModelReranker:
    """A `Reranker` (see search.py) by a loaded model, which it does not close.

    Args:
        weight: what the model's opinion counts for; 0 changes nothing.
    """

    def __init__(self, model: Model, *, weight: float = WEIGHT) -> None:
        self._model = model
        self._weight = weight

    def __call__(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score for each text: standard deviations above the mean of all, times the weight.

        Raises:
            ContextOverflowError: a question longer than the model's context.
        """
        if not query.strip() or len(texts) < 2:
            return [0.0] * len(texts)
        likely = [self._likelihood(query.strip(), text.encode("utf-8", "replace")[:_MOST_BYTES]) for text in texts]
        mean = math.fsum(likely) / len(likely)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in likely) / len(likely))
        return [self._weight * (value - mean) / deviation if deviation else 0.0 for value in likely]

    def _likelihood(self, query: str, text: bytes) -> float:
        """How likely the model holds the question after as much of the text as its context has room for."""
        try:
            return self._model.score(_prompt(text.decode("utf-8", "ignore")), [f" {query}"])[0].logprob_mean
        except ContextOverflowError:
            if not text:
                raise
            return self._likelihood(query, text[: len(text) // 2])


def _prompt(text: str) -> str:
    return f"Message: {text}\nA question that this message answers:"
