"""What a running model says: events one after the other, the last of which carries the whole result.

Plain values: no behaviour, no text handling.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from edge_llm.memory.recall import Recalled

StopReason: TypeAlias = Literal["stop", "length", "cancelled"]
"""Why an answer ended: the model (or a stop string) ended it, the token limit or the context did, or the caller did."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer."""

    prompt_tokens: int
    cached_tokens: int
    """How many of the prompt's tokens were still in the KV cache and were not fed again."""
    completion_tokens: int
    """Tokens of the answer; the token that ends the turn is not counted."""


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
class Result:
    """A whole answer."""

    text: str
    token_ids: tuple[int, ...]
    """The sampled tokens without the one that ended the turn. With a stop string, they may reach past `text`."""
    stop_reason: StopReason
    usage: Usage
    timings: Timings
    recalled: Recalled | None = None
    """What the answer was made from, in a chat with a memory."""


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
