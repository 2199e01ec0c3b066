"""Answers that are values: reasoning before the constraint takes hold, and the value read from what was written.

Knows how such an answer is put together; knows no grammar.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from edge_llm.constrain_schema import read_answer
from edge_llm.continuation import encode_continuation
from runtimes.errors import CancelledError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_llm.constrain_schema import Schema
    from edge_llm.events import Result
    from runtimes.tokenizer import Tokenizer

REASONING_TOKENS = 256
"""Most tokens of reasoning where the caller names no number."""
_BEGIN, _END = "<think>", "</think>"
"""Around the reasoning of models that were trained to reason first (Qwen3, DeepSeek-R1)."""


class Run(Protocol):
    """One whole answer to a prompt of token ids."""

    def __call__(self, ids: list[int], max_tokens: int | None, *, stop: Sequence[str] = (), free: bool = False) -> Result:
        """`free`: without the constraint, and without probabilities."""
        ...


def reasoning_limit(*, reason_first: bool | int, room: int) -> int:
    """Most tokens of reasoning: as many as were asked for, and never more than half of the context's room.

    Raises ConfigError for a number below 1.
    """
    most = REASONING_TOKENS if reason_first is True else int(reason_first)
    if most < 1:
        raise ConfigError(f"reason_first is {reason_first}; it must be True or at least 1 token.")
    return max(1, min(most, room // 2))


def reason_then_answer(run: Run, tokenizer: Tokenizer, ids: list[int], limit: int, max_tokens: int | None) -> Result:
    """Let the model write freely, then answer under its constraint in the same turn.

    The result's tokens, text and probabilities are the answer's; `usage` and `timings` begin with the reasoning. When it is
    cancelled while it reasons, the text is empty.
    """
    thought = run(ids, limit, stop=(_END,), free=True)
    said = thought.text.strip()
    if thought.stop_reason == "cancelled":
        return replace(thought, text="", token_ids=(), reasoning=said)
    written = tokenizer.decode(thought.token_ids)
    bridge = f"\n{_END}\n\n" if _BEGIN in written and _END not in written else "\n\n"
    between = [*thought.token_ids, *encode_continuation(tokenizer, bridge)]
    answer = run([*ids, *between], max_tokens)
    usage = replace(
        answer.usage,
        prompt_tokens=len(ids),
        cached_tokens=thought.usage.cached_tokens,
        completion_tokens=len(between) + answer.usage.completion_tokens,
        forced_tokens=len(between) - len(thought.token_ids) + answer.usage.forced_tokens,
    )
    timings = replace(
        answer.timings,
        first_token_s=thought.timings.first_token_s,
        prefill_tokens_per_s=thought.timings.prefill_tokens_per_s,
    )
    return replace(answer, usage=usage, timings=timings, reasoning=said)


def with_value(result: Result, schema: Schema) -> Result[Any]:
    """The result with the value that its text says.

    Raises:
        CancelledError: it was cancelled, so that there is no value.
        AnswerError: a check of the pydantic model's own refuses the value.
    """
    if result.stop_reason == "cancelled":
        raise CancelledError("The answer was cancelled before its value was whole.")
    return replace(result, value=read_answer(schema, result.text))
