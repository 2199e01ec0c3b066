"""One request, read once: the times, lengths, sums, people and numbers in it, and the words that are left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from edge_llm.actions.manifest import Action
from edge_llm.understand.amounts import Money, find_money
from edge_llm.understand.context import Context
from edge_llm.understand.durations import FoundDuration, find_durations
from edge_llm.understand.numbers import Number, find_numbers
from edge_llm.understand.recipients import Named, find_named
from edge_llm.understand.text_slots import without
from edge_llm.understand.times import Time, find_times

_FOR = re.compile(r"(?:\b(?:for|lasting|of|about)\s+(?:about\s+)?|持续|时长|为期)$", re.IGNORECASE)

_SHOWN = ("weather.show", "calendar.show")
_POSSESSIVE = re.compile(r"(?<=day|row)['’]s\b", re.IGNORECASE)
"""As in "Friday's weather", which is asked for; a thing that is named by its day is not."""
PEOPLE = re.compile(
    r"(?P<count>\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s+(?:people|persons?|guests?|adults?"
    r"|of us|passengers?|tickets?|seats?|travell?ers?|pax)\b"
    r"|\b(?:for|table|table of|party of|seats?)\s+(?P<for>\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?!\s*"
    r"(?::|[ap]\.?m\b|minutes?|hours?|days?|nights?|weeks?|o'clock))(?=\s|$|[,.])"
    r"|(?P<zh>\d+|[一二两三四五六七八九十]+|俩|仨)(?:个?(?:大人|成人|成年人|人(?![民生]))|位|张|名)",
    re.IGNORECASE,
)
"""How many people: "for two", "4 guests", "三个人", "四位"."""

NIGHTS = re.compile(r"(?:住|订|待)?(?P<count>\d{1,2}|[一二两三四五六七八九十]+)(?:个)?(?:晚上?|夜)(?!上)")
"""How long somebody stays: "住三晚"."""


@dataclass(frozen=True)
class Reading:
    """What code finds in a request. Each part is looked for when it is first asked for."""

    action: Action
    words: str
    context: Context

    @cached_property
    def times(self) -> Sequence[Time]:
        """Times to come, from left to right."""
        words = self.words
        if self.action.id in _SHOWN:
            words = _POSSESSIVE.sub("  ", words)
        if any(slot.schema.get("type") == "integer" for slot in self.action.slots):
            words = PEOPLE.sub(lambda counted: "_" * len(counted[0]), words)  # "a table for two at seven" is at seven
        return find_times(words, self.context.now)

    @cached_property
    def durations(self) -> Sequence[FoundDuration]:
        """Lengths of time that are no part of a time ("in 20 minutes" is one)."""
        if "time" not in {slot.role for slot in self.action.slots}:
            return find_durations(self.words)
        return [
            one
            for one in find_durations(self.words)
            if not any(time.start < one.end and one.start < time.end for time in self.times)
        ]

    @cached_property
    def money(self) -> Sequence[Money]:
        """Sums with a currency."""
        return find_money(self.words, region=self.context.region)

    @cached_property
    def numbers(self) -> Sequence[Number]:
        """Numbers that are no part of a time or a length of time."""
        taken = [(one.start, one.end) for one in self.times] + [(one.start, one.end) for one in self.durations]
        return [one for one in find_numbers(self.words) if not any(start < one.end and one.start < end for start, end in taken)]

    @cached_property
    def named(self) -> Sequence[Named]:
        """Who is named, the surest first."""
        return find_named(self.words, self.context.people, region=self.context.region)

    @cached_property
    def known_spans(self) -> dict[str, list[tuple[int, int]]]:
        """Where times, lengths of time and contacts are named, whatever the action makes of them."""
        return {
            "time": [(one.start, one.end) for one in find_times(self.words, self.context.now)],
            "duration": [(one.start, one.end) for one in find_durations(self.words)],
            "person": [(one.start, one.end) for one in self.named if one.contacts or one.handle is not None],
        }

    @cached_property
    def timeless(self) -> str:
        """The words without those that another slot of the action takes: times and lengths of time."""
        return self.without_times(self.words)

    def without_times(self, text: str) -> str:
        """`text`, a part of the request or all of it, without the words that say when."""
        roles = {slot.role for slot in self.action.slots}
        spans: list[tuple[int, int]] = []
        whole = text == self.words
        if "time" in roles:
            times = self.times if whole else find_times(text, self.context.now)
            spans += [(one.start, one.end) for one in times] + [one.apart for one in times if one.apart is not None]
        if "duration" in roles:
            for one in self.durations if whole else find_durations(text):
                before = _FOR.search(text[: one.start])
                spans.append((before.start() if before else one.start, one.end))
        return without(text, spans)
