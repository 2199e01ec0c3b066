"""The only decode loop: a context, a tokenizer and a sampler in, events out. Knows no chat and no files.

Speculation is part of it: where the text repeats itself, the tokens to come are guessed, fed together with the last one,
and sampled one after the other from the rows that come back, each as if it had been fed alone. The first that is not the
guess ends that; the rest of the rows is thrown away.

A mask stands between the logits and the sampler, for the rows of a guess too. Tokens that it determines are not sampled:
they are part of the answer at once, and are fed together with the next token that has to be.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from edge_llm.events import Done, EventStream, Result, StopReason, TextDelta, Timings, TokenLogprob, Usage
from edge_llm.logprobs import token_logprob
from edge_llm.sampling import GREEDY, Sampler, Sampling
from edge_llm.speculate import PromptLookup
from edge_llm.stream import TextStream
from runtimes.errors import AnswerError, ConfigError, ContextOverflowError, PromptError

_LONGEST_FORCED = 64
"""Forced tokens fed at once when the logits between them are wanted: a row of a vocabulary of 152,000 has 608 kB."""

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edge_llm.context import Context
    from edge_llm.mask import Mask
    from runtimes.tokenizer import Tokenizer


def generate(
    context: Context,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    *,
    sampling: Sampling = GREEDY,
    max_tokens: int | None = None,
    stop: Sequence[str] = (),
    stop_token_ids: Collection[int] = (),
    cancel: threading.Event | None = None,
    speculate: bool = True,
    load_s: float = 0.0,
    mask: Mask | None = None,
    logprobs: int = 0,
) -> EventStream:
    """Continue a prompt. The arguments are checked here; the model runs as the events are asked for.

    Whatever of the prompt the context still holds is not fed again. Closing the iterator ends the run.

    Args:
        prompt: token ids.
        max_tokens: most tokens of answer; None goes on until the model stops or the context is full.
        stop: texts that end the answer and are not part of it.
        stop_token_ids: tokens that end the answer.
        cancel: set it, from any thread, to end the answer within one token (or one chunk of the prompt).
        speculate: feed tokens that are likely to come ahead of time, where the session's capabilities make that worth while.
            The tokens stay the same, as far as the runtime rounds a row the same in a feed of one and of several.
        load_s: reported as it is in the result's timings.
        mask: what the answer may be, at its beginning. The answer ends where nothing can follow.
        logprobs: alternatives to report for each token; 0 reports no probabilities at all.

    Yields:
        TextDelta for each piece of text, then one Done.

    Raises:
        PromptError: an empty prompt. ContextOverflowError: one that is longer than the context; nothing was fed.
        ConfigError: max_tokens, stop or logprobs is out of range.
        ConstraintError: while running; the model has no token for what the mask wants.
        AnswerError: while running; the limit was reached before the mask was satisfied.
        RuntimeFailedError, SessionClosedError: while running. The context can be used again after the former.
    """
    if max_tokens is not None and max_tokens < 1:
        raise ConfigError(f"max_tokens is {max_tokens}; it must be at least 1.")
    if logprobs < 0:
        raise ConfigError(f"logprobs is {logprobs}; it must be at least 0.")
    if not prompt:
        raise PromptError("The prompt is empty. Write something to continue or to answer.")
    if len(prompt) > context.capabilities.context_length:
        raise ContextOverflowError(len(prompt), context.capabilities.context_length)
    limit = context.capabilities.context_length - len(prompt) + 1  # the last token need not be fed
    if max_tokens is not None:
        limit = min(limit, max_tokens)
    chooser = _Chooser(tokenizer, sampling, mask, logprobs)
    run = _Run(context, list(prompt), limit, chooser, cancel or threading.Event(), speculate=speculate)
    return _answer(run, TextStream(tokenizer, stop), frozenset(stop_token_ids), load_s)


def _answer(run: _Run, stream: TextStream, stop_token_ids: frozenset[int], load_s: float) -> EventStream:
    pieces: list[str] = []
    reason: StopReason = "stop"
    try:
        while not run.ended:
            if run.made == run.limit:
                reason = "length"
                break
            token = run.next_token()
            if token is None:
                reason = "cancelled"
                break
            if token in stop_token_ids:
                break
            run.append(token)
            if text := stream.push(token):
                pieces.append(text)
                yield TextDelta(text)
            if stream.stopped:
                break
    finally:
        run.context.release(run)
    if text := stream.end(cut_short=reason != "stop"):
        pieces.append(text)
        yield TextDelta(text)
    result = run.result("".join(pieces), reason, load_s)
    if reason == "length" and not run.satisfied:
        raise AnswerError(
            f"The answer was cut at {run.made} tokens, before it had the form that was asked for. "
            "Allow more tokens, open the model with a longer context, or bound the length of its texts.",
            result.text,
        )
    yield Done(result)


class _Chooser:
    """What decides one answer's tokens: the sampler, and the mask before it."""

    def __init__(self, tokenizer: Tokenizer, sampling: Sampling, mask: Mask | None, logprobs: int) -> None:
        self.mask = mask
        self.forced = deque(mask.forced() if mask else ())
        """Tokens that come next whatever the model says."""
        self.wants_logprobs = logprobs > 0
        self.logprobs: list[TokenLogprob] = []
        self._count = logprobs
        self._tokenizer = tokenizer
        self._sampler = Sampler(sampling)

    def choose(self, logits: npt.NDArray[np.float32] | None, ids: Sequence[int]) -> int:
        """The token after `ids`; logits may be None for one that is forced and of which nobody asks how likely it was."""
        if logits is None:
            return self.forced.popleft()
        masked = logits if self.mask is None else self.mask.apply(logits)
        forced = bool(self.forced)
        token = self.forced.popleft() if forced else self._sampler.sample(masked, ids)
        if self.wants_logprobs:
            self.logprobs.append(
                token_logprob(self._tokenizer, token, logits, masked if self.mask else None, count=self._count, forced=forced)
            )
        return token

    def append(self, token: int) -> None:
        """The token is part of the answer."""
        if self.mask is not None:
            self.mask.accept(token)
            if not self.forced:
                self.forced.extend(self.mask.forced())

    def possible(self, draft: list[int]) -> list[int]:
        """As much of a draft as the mask allows."""
        return draft if self.mask is None else draft[: self.mask.allowed_of(draft)]


class _Run:
    """One answer in the making: its tokens and what its steps cost."""

    def __init__(
        self,
        context: Context,
        prompt: list[int],
        limit: int,
        chooser: _Chooser,
        cancel: threading.Event,
        *,
        speculate: bool,
    ) -> None:
        self.context = context
        self.ids = prompt
        self.prompt_tokens = len(prompt)
        self.limit = limit
        """Most tokens to make."""
        self.made = 0
        """Tokens chosen so far, the one that ends the turn included."""
        can_speculate = context.capabilities.rewind and context.capabilities.row_cost < 1
        self._speculate = speculate and can_speculate
        self._lookup: PromptLookup | None = None
        self._logits: npt.NDArray[np.float32] | None = None
        """The row after `ids`, when it is known."""
        self._ahead: deque[tuple[int, npt.NDArray[np.float32]]] = deque()
        """Tokens fed beyond `ids`, each with the row after it."""
        self._chooser = chooser
        self._cancel = cancel
        self._began = perf_counter()
        self._first_token_s: float | None = None
        self._sampled = 0
        self._cached = 0
        self._prefilled = 0
        self._prefill_s = 0.0
        self._decode_s = 0.0

    @property
    def ended(self) -> bool:
        """The mask lets nothing follow."""
        mask = self._chooser.mask
        return mask is not None and mask.ended

    @property
    def satisfied(self) -> bool:
        """The mask lets the answer end here."""
        mask = self._chooser.mask
        return mask is None or mask.satisfied

    def next_token(self) -> int | None:
        """Choose the token after `ids`, or None when cancelled."""
        began = perf_counter()
        logits = None
        sampled = not self._chooser.forced
        if sampled or self._chooser.wants_logprobs:
            logits = self._next_logits()
            if logits is None:
                return None
        token = self._chooser.choose(logits, self.ids)
        self.made += 1
        if not sampled:
            return token
        self._sampled += 1
        if self._first_token_s is None:
            self._first_token_s = perf_counter() - self._began
            # a run displaced in the middle of its prompt feeds part of it twice
            self._cached = min(max(0, len(self.ids) - self._prefilled), self.prompt_tokens)
        else:
            self._decode_s += perf_counter() - began
        return token

    def append(self, token: int) -> None:
        """The token is part of the answer."""
        self._logits = None
        if self._ahead:
            drafted, logits = self._ahead.popleft()
            if drafted == token:
                self._logits = logits
            else:
                self._ahead.clear()
        self._chooser.append(token)
        if self._lookup is not None:
            self._lookup.append(token)
            return
        self.ids.append(token)
        if self._speculate:
            self._lookup = PromptLookup(self.ids, self.context.capabilities.row_cost)

    def _next_logits(self) -> npt.NDArray[np.float32] | None:
        draft = self._draft() if self._logits is None else []
        while self._logits is None and not self._cancel.is_set():
            began = perf_counter()
            step = self.context.advance(self, self.ids, draft)
            if self._sampled == 0 and step.fed:
                self._prefilled += step.fed
                self._prefill_s += perf_counter() - began
            if step.logits is not None:
                self._logits = step.logits[0]
                self._ahead.extend(zip(draft, step.logits[1:], strict=True))
        return None if self._cancel.is_set() else self._logits

    def _draft(self) -> list[int]:
        room = self.limit - self.made - 1
        if self._chooser.forced:
            return list(self._chooser.forced)[: min(room, _LONGEST_FORCED)]
        return [] if self._lookup is None else self._chooser.possible(self._lookup.draft(room))

    def result(self, text: str, reason: StopReason, load_s: float) -> Result:
        """What the run came to."""
        timings = Timings(
            load_s=load_s,
            first_token_s=self._first_token_s,
            prefill_tokens_per_s=self._prefilled / self._prefill_s if self._prefilled else None,
            decode_tokens_per_s=(self._sampled - 1) / self._decode_s if self._sampled > 1 else None,
        )
        answer = tuple(self.ids[self.prompt_tokens :])
        usage = Usage(self.prompt_tokens, self._cached, len(answer), forced_tokens=self.made - self._sampled)
        return Result(text, answer, reason, usage, timings, logprobs=tuple(self._chooser.logprobs[: len(answer)]))
