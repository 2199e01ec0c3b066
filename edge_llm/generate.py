"""The only decode loop: a context, a tokenizer and a sampler in, events out. Knows no chat and no files.

Speculation is part of it: where the text repeats itself, the tokens to come are guessed, fed together with the last one,
and sampled one after the other from the rows that come back, each as if it had been fed alone. The first that is not the
guess ends that; the rest of the rows is thrown away.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from edge_llm.events import Done, EventStream, Result, StopReason, TextDelta, Timings, Usage
from edge_llm.sampling import GREEDY, Sampler, Sampling
from edge_llm.speculate import PromptLookup
from edge_llm.stream import TextStream
from runtimes.errors import ConfigError, ContextOverflowError, PromptError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edge_llm.context import Context
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

    Yields:
        TextDelta for each piece of text, then one Done.

    Raises:
        PromptError: an empty prompt. ContextOverflowError: one that is longer than the context; nothing was fed.
        ConfigError: max_tokens or stop is out of range.
        RuntimeFailedError, SessionClosedError: while running. The context can be used again after the former.
    """
    if max_tokens is not None and max_tokens < 1:
        raise ConfigError(f"max_tokens is {max_tokens}; it must be at least 1.")
    if not prompt:
        raise PromptError("The prompt is empty. Write something to continue or to answer.")
    if len(prompt) > context.capabilities.context_length:
        raise ContextOverflowError(len(prompt), context.capabilities.context_length)
    limit = context.capabilities.context_length - len(prompt) + 1  # the last token need not be fed
    if max_tokens is not None:
        limit = min(limit, max_tokens)
    run = _Run(context, list(prompt), limit, sampling, cancel or threading.Event(), speculate=speculate)
    return _answer(run, TextStream(tokenizer, stop), frozenset(stop_token_ids), load_s)


def _answer(run: _Run, stream: TextStream, stop_token_ids: frozenset[int], load_s: float) -> EventStream:
    pieces: list[str] = []
    reason: StopReason = "length"
    try:
        while run.sampled < run.limit:
            token = run.next_token()
            if token is None:
                reason = "cancelled"
                break
            if token in stop_token_ids:
                reason = "stop"
                break
            run.append(token)
            if text := stream.push(token):
                pieces.append(text)
                yield TextDelta(text)
            if stream.stopped:
                reason = "stop"
                break
    finally:
        run.context.release(run)
    if text := stream.end(cut_short=reason != "stop"):
        pieces.append(text)
        yield TextDelta(text)
    yield Done(run.result("".join(pieces), reason, load_s))


class _Run:
    """One answer in the making: its tokens, its sampler and what its steps cost."""

    def __init__(
        self,
        context: Context,
        prompt: list[int],
        limit: int,
        sampling: Sampling,
        cancel: threading.Event,
        *,
        speculate: bool,
    ) -> None:
        self.context = context
        self.ids = prompt
        self.prompt_tokens = len(prompt)
        self.limit = limit
        """Most tokens to sample."""
        self.sampled = 0
        can_speculate = context.capabilities.rewind and context.capabilities.row_cost < 1
        self._speculate = speculate and can_speculate
        self._lookup: PromptLookup | None = None
        self._ahead: deque[tuple[int, npt.NDArray[np.float32]]] = deque()
        self._sampler = Sampler(sampling)
        self._cancel = cancel
        self._began = perf_counter()
        self._first_token_s: float | None = None
        self._prefilled = 0
        self._prefill_s = 0.0
        self._decode_s = 0.0

    def next_token(self) -> int | None:
        """Sample the token after `ids`, or None when cancelled."""
        began = perf_counter()
        logits = self._next_logits()
        if logits is None:
            return None
        token = self._sampler.sample(logits, self.ids)
        self.sampled += 1
        if self._first_token_s is None:
            self._first_token_s = perf_counter() - self._began
        else:
            self._decode_s += perf_counter() - began
        return token

    def append(self, token: int) -> None:
        """The sampled token is part of the answer."""
        if self._lookup is not None:
            self._lookup.append(token)
            return
        self.ids.append(token)
        if self._speculate:
            self._lookup = PromptLookup(self.ids, self.context.capabilities.row_cost)

    def _next_logits(self) -> npt.NDArray[np.float32] | None:
        if self._ahead:
            drafted, logits = self._ahead.popleft()
            if drafted == self.ids[-1]:
                return None if self._cancel.is_set() else logits
            self._ahead.clear()
        draft = [] if self._lookup is None else self._lookup.draft(self.limit - self.sampled - 1)
        while not self._cancel.is_set():
            began = perf_counter()
            step = self.context.advance(self, self.ids, draft)
            if self.sampled == 0 and step.fed:
                self._prefilled += step.fed
                self._prefill_s += perf_counter() - began
            if step.logits is not None:
                self._ahead.extend(zip(draft, step.logits[1:], strict=True))
                return None if self._cancel.is_set() else step.logits[0]
        return None

    def result(self, text: str, reason: StopReason, load_s: float) -> Result:
        """What the run came to."""
        # a run displaced in the middle of its prompt feeds part of it twice
        cached = max(0, self.prompt_tokens - self._prefilled) if self._first_token_s is not None else 0
        timings = Timings(
            load_s=load_s,
            first_token_s=self._first_token_s,
            prefill_tokens_per_s=self._prefilled / self._prefill_s if self._prefilled else None,
            decode_tokens_per_s=(self.sampled - 1) / self._decode_s if self.sampled > 1 else None,
        )
        answer = tuple(self.ids[self.prompt_tokens :])
        return Result(text, answer, reason, Usage(self.prompt_tokens, cached, len(answer)), timings)
