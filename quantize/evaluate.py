"""What shrinking cost: perplexity, KL divergence and top-1 agreement of a bundle against its reference.

Both models read the same windows of a text, on any runtime, and their next-token distributions are compared at every
position. Knows sessions and distributions; knows nothing of how either model was made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from runtimes.bundle import Bundle, read_bundle
from runtimes.contract import RuntimeConfig
from runtimes.errors import BundleError, ConfigError, PromptError, RuntimeFailedError
from runtimes.registry import open_session
from runtimes.tokenizer import open_bundle_tokenizer

if TYPE_CHECKING:
    from runtimes.contract import Logits, Session

_LOGITS_BYTES = 32 << 20
"""Most bytes of logits one model gives at a time."""
_BLOCK_BYTES = 4 << 20
"""Most bytes of one float64 temporary: small enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Evaluation:
    """A bundle (Q) measured against its reference (P) over the same positions. Logarithms are natural."""

    perplexity: float
    """exp of the bundle's mean negative log-likelihood of the text."""
    reference_perplexity: float
    """The same of the reference."""
    perplexity_ratio: float
    """perplexity / reference_perplexity."""
    kld_mean: float
    """Mean over positions of KL(P || Q) = sum over tokens of p * (log p - log q), in nats
    (Kullback and Leibler, 1951, https://doi.org/10.1214/aoms/1177729694)."""
    kld_p99: float
    """99th percentile of it, interpolated linearly."""
    top1_agreement: float
    """Share of positions where both models find the same token the likeliest, 0 to 1."""
    tokens: int
    """Positions compared."""


class Comparison:
    """Collects the figures of an Evaluation, block after block, in float64."""

    def __init__(self) -> None:
        self._divergences: list[npt.NDArray[np.float64]] = []
        self._agreed = 0
        self._loss = 0.0
        self._reference_loss = 0.0

    def add(self, reference: Logits, candidate: Logits, targets: npt.NDArray[np.int64]) -> None:
        """Compare positions.

        Args:
            reference, candidate: float32 (rows, vocabulary), as a session gives them; not changed.
            targets: int64 (rows,): the token that really follows each position.

        Raises:
            RuntimeFailedError: a logit is NaN or infinite.
        """
        step = max(1, _BLOCK_BYTES // (8 * reference.shape[1]))
        for first in range(0, len(targets), step):
            rows = slice(first, first + step)
            self._add_block(reference[rows], candidate[rows], targets[rows])

    def result(self) -> Evaluation:
        """The figures over everything added, which must be something.

        Raises:
            RuntimeFailedError: a perplexity too large to write down; the artifact is broken.
        """
        divergences = np.concatenate(self._divergences)
        tokens = len(divergences)
        try:
            perplexity, reference = math.exp(self._loss / tokens), math.exp(self._reference_loss / tokens)
            ratio = math.exp((self._loss - self._reference_loss) / tokens)
        except OverflowError as error:
            raise RuntimeFailedError(
                "The model gives the text no probability at all: its weights are broken. Quantize it again."
            ) from error
        return Evaluation(
            perplexity=perplexity,
            reference_perplexity=reference,
            perplexity_ratio=ratio,
            kld_mean=float(divergences.mean()),
            kld_p99=float(np.quantile(divergences, 0.99)),
            top1_agreement=self._agreed / tokens,
            tokens=tokens,
        )

    def _add_block(self, reference: Logits, candidate: Logits, targets: npt.NDArray[np.int64]) -> None:
        p_log, q_log = _log_softmax(reference), _log_softmax(candidate)
        rows = np.arange(len(targets))
        self._reference_loss -= float(p_log[rows, targets].sum())
        self._loss -= float(q_log[rows, targets].sum())
        self._agreed += int((reference.argmax(axis=1) == candidate.argmax(axis=1)).sum())
        q_log -= p_log
        np.exp(p_log, out=p_log)
        divergences = -np.einsum("ij,ij->i", p_log, q_log)
        # Never negative (Gibbs' inequality); rounding can make it so by 1e-16 where the two are equal.
        self._divergences.append(np.maximum(divergences, 0.0))


def evaluate(
    bundle: Bundle | str | os.PathLike[str],
    reference: Bundle | str | os.PathLike[str],
    text: str,
    *,
    tokens: int = 4096,
    context: int = 512,
    runtime: str | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a bundle against a reference of the same model, such as quantize.reference builds.

    The text's first `tokens` tokens are cut into windows of `context`; each is read from an empty cache, after BOS where
    the model wants one (which then takes a window's first place), and every token but the first of a window is a target.
    A shorter text is measured as far as it goes: the result says over how many positions.

    Args:
        runtime: which runtime opens `bundle`; None takes the first for its format. The reference takes the first for its own.
        progress: called with positions done and positions in all, before the first window and after each chunk.

    Raises:
        BundleError: a bundle is damaged, or the two are not of one model.
        ConfigError: `tokens` or `context` is too small, or `context` longer than a model's.
        PromptError: the text is too short to measure anything.
        RuntimeFailedError: a model gives logits that are no numbers.
    """
    if tokens < 2 or context < 2:
        raise ConfigError(f"tokens is {tokens} and context {context}; each must be at least 2, a token and one to predict.")
    artifacts = [item if isinstance(item, Bundle) else read_bundle(item) for item in (reference, bundle)]
    windows = _windows(artifacts[0], artifacts[1], text, tokens, context)
    total = sum(len(window) - 1 for window in windows)
    config = RuntimeConfig(threads=threads, context_length=context)
    comparison, done = Comparison(), 0
    with open_session(artifacts[0], None, config) as original, open_session(artifacts[1], runtime, config) as shrunk:
        if original.capabilities.vocabulary_size != shrunk.capabilities.vocabulary_size:
            raise _other_model(artifacts[0], artifacts[1], "their vocabularies differ in size")
        if progress is not None:
            progress(0, total)
        for window in windows:
            for rows in _compare_window(original, shrunk, window, comparison):
                done += rows
                if progress is not None:
                    progress(done, total)
    return comparison.result()


def _windows(reference: Bundle, bundle: Bundle, text: str, tokens: int, context: int) -> list[list[int]]:
    """The token ids each window feeds. A last one that is too short to predict anything is left out."""
    tokenizer = open_bundle_tokenizer(reference)
    plain = tokenizer.encode(text, special=False)[:tokens]
    if plain != open_bundle_tokenizer(bundle).encode(text, special=False)[:tokens]:
        raise _other_model(reference, bundle, "they tokenize the text differently")
    before = tokenizer.encode("", bos=True)
    step = context - len(before)
    windows = [before + plain[first : first + step] for first in range(0, len(plain), step)]
    windows = [window for window in windows if len(window) > 1]
    if not windows:
        raise PromptError("The text is too short to evaluate anything on: it has no token to predict. Give a longer text.")
    return windows


def _compare_window(original: Session, shrunk: Session, window: list[int], comparison: Comparison) -> Iterator[int]:
    """Read one window from an empty cache; yields the number of positions compared after each chunk."""
    original.rewind(0)
    shrunk.rewind(0)
    step = max(1, _LOGITS_BYTES // (4 * original.capabilities.vocabulary_size))
    targets = np.asarray(window[1:], np.int64)
    for first in range(0, len(targets), step):
        chunk = window[first : min(first + step, len(targets))]
        expected = original.feed(chunk, rows=len(chunk))
        comparison.add(expected, shrunk.feed(chunk, rows=len(chunk)), targets[first : first + len(chunk)])
        yield len(chunk)


def _log_softmax(logits: Logits) -> npt.NDArray[np.float64]:
    """Natural log-probabilities, float64 of the same shape."""
    if not np.isfinite(logits).all():
        raise RuntimeFailedError("The model gives logits that are NaN or infinite: its weights are broken. Quantize it again.")
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _other_model(reference: Bundle, bundle: Bundle, fact: str) -> BundleError:
    return BundleError(
        f"{bundle.path} and its reference {reference.path} are not of one model: {fact}. "
        "Give the checkpoint the bundle was made from."
    )
