"""What the requests of one sentence have in common: a message to two people, one day for an alarm and a taxi, and a calendar
entry for what was just booked ("book a table at Luigi's on Friday at 7 and add it to my calendar").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from edge_llm.actions.manifest import Action
from edge_llm.actions.values import SlotValue
from edge_llm.confidence import Confidence
from edge_llm.planning import Draft, draft, filled
from edge_llm.understand.by_rules import handle_wanted, time_value, typed
from edge_llm.understand.context import Context
from edge_llm.understand.courtesy import core
from edge_llm.understand.durations import find_durations
from edge_llm.understand.reading import Reading
from edge_llm.understand.recipients import find_named, in_one_breath, values_of
from edge_llm.understand.text_slots import trimmed
from edge_llm.understand.times import DEFAULT_HOUR, Time, find_times, moved

_ABOUT_IT = re.compile(
    r"\b(?:add|put|stick|pop|save|enter|log|write|note|mark|chuck|bung)\s+(?:it|that|this|them|both)\b|^remind (?:me"
    r"|us)(?:\s+about"
    r" (?:it|that|this))?(?=\W*$|\s+(?:an?|the|\w+)\s+(?:\w+\s+){0,2}(?:before|beforehand|earlier|in advance|ahead)\b)",
    re.IGNORECASE,
)
"""A request about what the one before it arranges."""
_BEFORE = re.compile(r"\b(?:before|beforehand|earlier|in advance|ahead)\b", re.IGNORECASE)
_DAY_BEFORE = re.compile(r"\bthe (day|night|evening|morning) before\b", re.IGNORECASE)
_ARRANGES = re.compile(
    r"^(?:add|put in|book|reserve|order|get|make|arrange|set up|call|find|schedule)\s+(?:(?:me|us)\s+)?(?:(?:an?"
    r"|the)\s+)?",
    re.IGNORECASE,
)


def drafts(action: Action, words: str, context: Context, confidence: Confidence) -> list[Draft]:
    """What a request says, once for each who is named where the action reaches one: "text Anna and James I'm late"."""
    first = draft(action, words, context, confidence)
    slot = next((one for one in action.slots if one.role == "recipient" and one.schema.get("type") != "array"), None)
    value = None if slot is None else first.slots.get(slot.name)
    if slot is None or value is None or slot.name == "number":
        return [first]
    named = find_named(words, context.people, region=context.region)
    each = [values_of(one, handle_wanted(action, slot)) for one in in_one_breath(words, named)]
    if len(each) < 2 or any(len(values) != 1 for values in each) or each[0][0] != value:
        return [first]
    return [filled(first, {slot.name: values[0]}) for values in each]


def together(plan: Sequence[Draft], context: Context) -> list[Draft]:
    """The drafts of one sentence, each with what it takes from those before it: their day, or what they arrange."""
    done: list[Draft] = []
    for one in plan:
        made = one
        if done:
            about = _about(done[-1], one, context) if context.language == "en" else None
            made = about or _on_the_day(done, one, context) or one
        done.append(made)
    return done


def _about(before: Draft, one: Draft, context: Context) -> Draft | None:
    """A calendar entry, or a reminder, of what the request before it arranges."""
    name = {"calendar.add": "title", "reminder.add": "text"}.get(one.action.id)
    held = before.slots.get("time")
    if name is None or before.action.id == one.action.id or not _ABOUT_IT.search(core(one.words)):
        return None
    said = Reading(before.action, core(before.words), context).timeless
    title = trimmed(_ARRANGES.sub("", said))
    values: dict[str, SlotValue] = {} if title is None else {name: typed(title)}
    if held is not None and not find_times(one.words, context.now):
        values["time"] = held
    if held is not None and (at := _ahead(datetime.fromisoformat(held.value), one.words)) is not None:
        values["time"] = time_value(Time(0, 0, at, has_day=True, has_clock=True), one.action.slot("time"), context)
    return filled(one, values) if values else None


def _ahead(moment: datetime, words: str) -> datetime | None:
    """So long before a moment as the words say: "an hour before", "the evening before"."""
    if not _BEFORE.search(words):
        return None
    part = _DAY_BEFORE.search(words)
    if part is not None:
        day = moment - timedelta(days=part[1].lower() != "morning")
        hours = {"day": moment.hour, "night": 20, "evening": 19, "morning": DEFAULT_HOUR}
        return day.replace(hour=hours[part[1].lower()], minute=moment.minute if part[1].lower() == "day" else 0)
    lengths = find_durations(words)
    return moment - timedelta(seconds=lengths[0].duration.seconds) if lengths else None


def _on_the_day(done: Sequence[Draft], one: Draft, context: Context) -> Draft | None:
    """An hour without a day is on the day that was said before."""
    slot = next((slot for slot in one.action.slots if slot.role == "time" and slot.name in one.slots), None)
    times = find_times(one.words, context.now)
    if slot is None or len(times) != 1 or times[0].has_day or times[0].is_relative or not times[0].has_clock:
        return None
    days = [
        time for earlier in done for time in find_times(earlier.words, context.now) if time.has_day and not time.is_relative
    ]
    if not days or days[-1].recurrence:
        return None
    at = moved(days[-1].at, times[0])
    return filled(one, {slot.name: time_value(replace(times[0], at=at), slot, context)})
