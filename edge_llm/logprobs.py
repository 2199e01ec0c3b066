"""How likely the model held what came: logits in, natural logarithms of probabilities out. Knows no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_llm.events import Alternative, TokenLogprob

if TYPE_CHECKING:
    import numpy.typing as npt

    from runtimes.tokenizer import Tokenizer


def log_total(logits: npt.NDArray[np.float32]) -> float:
    """log(sum(exp(logits))), in float64. At least one logit is finite."""
    best = float(logits.max())
    return best + float(np.log(np.exp(logits - np.float32(best), dtype=np.float64).sum()))


def token_logprob(
    tokenizer: Tokenizer,
    token: int,
    logits: npt.NDArray[np.float32],
    masked: npt.NDArray[np.float32] | None,
    *,
    count: int,
    forced: bool,
) -> TokenLogprob:
    """What a row of logits says of the token that came.

    Args:
        logits: float32 (vocabulary_size,), as the model gave them.
        masked: the same with -inf for what a constraint does not allow; None without one.
        count: most alternatives.
    """
    total = log_total(logits)
    options = logits if masked is None else masked
    likeliest = np.argpartition(-options, min(count, options.size - 1))[:count]
    likeliest = likeliest[np.argsort(-options[likeliest], kind="stable")]
    return TokenLogprob(
        token=token,
        text=tokenizer.decode([token]),
        logprob=float(logits[token]) - total,
        allowed_logprob=0.0 if masked is None else log_total(masked) - total,
        alternatives=tuple(
            Alternative(int(other), tokenizer.decode([int(other)]), float(options[other]) - total)
            for other in likeliest
            if options[other] > -np.inf
        ),
        forced=forced,
    )
