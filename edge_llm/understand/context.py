"""What a request is read against: the moment, the person's language, the people they know, a model where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from edge_llm.actions.manifest import Language
from edge_llm.actions.values import SlotValue
from edge_llm.understand.contacts import ContactBook, NoContacts

if TYPE_CHECKING:
    from edge_llm.model import Model


@dataclass(frozen=True)
class Context:
    """The surroundings of one request."""

    now: datetime
    """With a time zone: canonical times carry its offset."""
    language: Language = "en"
    """Of questions and of what is shown; `language_of(words)` tells it."""
    people: ContactBook = field(default_factory=NoContacts)
    region: str = ""
    """Where phone numbers without a country code and amounts without a currency are at home: "CN", "US"."""
    model: Model | None = None
    """Asked for required text that code cannot find; None leaves it to a question."""

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("Context.now needs a time zone: canonical times carry their offset.")


@dataclass(frozen=True)
class Extracted:
    """What one request says of an action's slots."""

    slots: Mapping[str, SlotValue]
    missing: tuple[str, ...] = ()
    """Required slots that nothing was found for, in the order they should be asked."""
    ambiguous: Mapping[str, tuple[SlotValue, ...]] = field(default_factory=dict)
    """Slots for which several values fit ("Li" is two contacts): ask which. They are not in `slots`."""
    unresolved: Mapping[str, str] = field(default_factory=dict)
    """Words that name something nobody knows ("Bob" is no contact), by slot; the slot is in `missing` when required."""
