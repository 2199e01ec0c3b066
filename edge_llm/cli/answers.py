"""Shows an answer while it is made, and lets Ctrl-C end it early without ending the program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Any

from edge_llm.cli.output import say

if TYPE_CHECKING:
    from edge_llm import Event, ModelInfo, Result


def show_answer(events: Iterable[Event], *, quiet: bool = False) -> Result:
    """Print the pieces of an answer on stdout as they come, then the end of the line; returns the whole.

    Args:
        quiet: print nothing (the caller prints the result in another form).
    """
    from edge_llm import Done, TextDelta

    result: Result | None = None
    shown = ""
    try:
        for event in events:
            if isinstance(event, Done):
                result = event.result
            elif isinstance(event, TextDelta) and not quiet:
                say(event.text, end="")
                shown = event.text or shown
    finally:
        # Also after Ctrl-C or an error: what comes next on the terminal starts on a line of its own.
        if shown and not shown.endswith("\n"):
            say()
    if result is None:
        raise RuntimeError("A run ended without its Done event.")
    return result


def result_document(result: Result, info: ModelInfo) -> dict[str, Any]:
    """What `run --json` prints, and `chat --json` for each turn. Rates in tokens per second, times in seconds."""
    usage, timings = result.usage, result.timings
    probabilities = {"logprobs": [asdict(its) for its in result.logprobs]} if result.logprobs else {}
    return {
        "text": result.text,
        "stop_reason": result.stop_reason,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
            "forced_tokens": usage.forced_tokens,
        },
        "timings": {
            "load_s": timings.load_s,
            "first_token_s": timings.first_token_s,
            "prefill_tokens_per_s": timings.prefill_tokens_per_s,
            "decode_tokens_per_s": timings.decode_tokens_per_s,
        },
        "runtime": info.runtime,
        "model": info.name,
        **probabilities,
    }


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
    """Within the block Ctrl-C sets the event that is yielded; a second one interrupts the program as usual."""
    cancelled = threading.Event()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancelled
    finally:
        signal.signal(signal.SIGINT, before)
