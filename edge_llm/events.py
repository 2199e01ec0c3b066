"""What a running model says: events one after the other, the last of which carries the whole result.

Plain values: no behaviour, no text handling.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from edge_llm.memory.recall import Recalled

StopReason: TypeAlias = Literal["stop", "length", "cancelled"]
"""Why an answer ended: the model (or a stop string) ended it, the token limit or the context did, or the caller did."""


Value = TypeVar("Value", default=None)
"""What a schema makes of an answer."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer."""

    prompt_tokens: int
    cached_tokens: int
    """How many of the prompt's tokens were still in the KV cache and were not fed again."""
    completion_tokens: int
    """Tokens of the answer; the token that ends the turn is not counted."""
    forced_tokens: int = 0
    """How many of them a constraint determined, so that they were fed together and not sampled."""


@dataclass(frozen=True)
class Timings:
    """Where the time of one answer went. A rate is None when there was nothing to measure it on."""

    load_s: float
    """Seconds that loading the model took, before this answer."""
    first_token_s: float | None
    """Seconds from the call to the first sampled token; None when no token was sampled."""
    prefill_tokens_per_s: float | None
    """Prompt tokens fed (the cached ones are not) per second of feeding them."""
    decode_tokens_per_s: float | None
    """Tokens sampled after the first per second since the first."""


@dataclass(frozen=True)
class Alternative:
    """A token that might have come instead."""

    token: int
    text: str
    logprob: float
    """Natural logarithm of the model's probability, as for `TokenLogprob`."""


@dataclass(frozen=True)
class TokenLogprob:
    """How likely the model held one token of an answer. Penalties, filters and temperature do not show in it."""

    token: int
    text: str
    """What it added; part of a character is U+FFFD."""
    logprob: float
    """Natural logarithm of its probability among all tokens."""
    allowed_logprob: float
    """That of all tokens together which the constraint allowed here; 0 without one. `logprob - allowed_logprob` is that of the
    token among those allowed."""
    alternatives: tuple[Alternative, ...]
    """The likeliest tokens that were allowed, likeliest first; the one that came may be among them."""
    forced: bool = False
    """The constraint determined it."""


@dataclass(frozen=True)
class Result(Generic[Value]):
    """A whole answer."""

    text: str
    token_ids: tuple[int, ...]
    """The tokens without the one that ended the turn. With a stop string, they may reach past `text`."""
    stop_reason: StopReason
    usage: Usage
    timings: Timings
    recalled: Recalled | None = None
    """What the answer was made from, in a chat with a memory."""
    value: Value = None  # type: ignore[assignment]  # None is the type's own default
    """What the answer says, read by the schema that was asked for: an object of the pydantic model, or plain JSON."""
    reasoning: str | None = None
    """What the model wrote before the constraint took hold, where it was asked to reason first."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """One for each of `token_ids`, when asked for."""


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer: whole characters, never part of a stop string."""

    text: str


@dataclass(frozen=True)
class Done:
    """The last event of every run that was not closed before its end."""

    result: Result


Event: TypeAlias = TextDelta | Done
EventStream: TypeAlias = Generator[Event, None, None]
"""Events as they come. The model runs while the next one is asked for; `close()` ends the run."""
