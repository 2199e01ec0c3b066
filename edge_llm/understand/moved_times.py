"""What a correction moves in time: to another hour or day, so much earlier, or both ends of a stay at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from edge_llm.actions.manifest import Action, Slot
from edge_llm.actions.values import SlotValue
from edge_llm.understand.by_rules import typed
from edge_llm.understand.context import Context
from edge_llm.understand.durations import Duration, find_durations
from edge_llm.understand.times import find_times, moved, shown_time

_SHIFT = re.compile(r"(?P<earlier>提前|提早|早|往前(?:提|挪|调)?)|推迟|延后|延迟|延|晚|往后(?:推|挪|延|调)?|推后")


def shifted(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """The time moved by a length: "提前半小时"."""
    slot = next((one for one in action.slots if one.role == "time" and one.name in call_slots), None)
    match = _SHIFT.search(text)
    lengths = find_durations(text)
    if slot is None or match is None or len(lengths) != 1 or lengths[0].start < match.end() or find_times(text, context.now):
        return None
    before = datetime.fromisoformat(call_slots[slot.name].value)
    length = timedelta(seconds=lengths[0].duration.seconds)
    at = before - length if match["earlier"] else before + length
    value = at.date().isoformat() if slot.schema.get("format") == "date" else at.isoformat(timespec="seconds")
    return {slot.name: typed(value, shown_time(at, context.now, context.language))}


def moved_time(call_slots: Mapping[str, SlotValue], slot: Slot, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A slot whose time is another hour or day; what is not said anew stays."""
    times = find_times(text, context.now, is_bare=True)
    if not times:
        return None
    before = call_slots.get(slot.name)
    at = times[0].at
    if before is not None:
        try:
            at = moved(datetime.fromisoformat(before.value), times[0])
        except ValueError:
            at = times[0].at
    if at < context.now and not times[0].has_day:
        at = times[0].at
    value = at.date().isoformat() if slot.schema.get("format") == "date" else at.isoformat(timespec="seconds")
    return {slot.name: typed(value, shown_time(at, context.now, context.language))}


def both_ends(
    call_slots: Mapping[str, SlotValue], slots: Sequence[Slot], text: str, context: Context
) -> dict[str, SlotValue] | None:
    """Where something begins and where it ends, moved together: "the 4th to the 7th"."""
    held = [slot for slot in slots if slot.name in call_slots]
    times = find_times(text, context.now)
    if len(held) != 2 or len(times) != 2 or re.search(r"\b(?:to|till|until)\b", text) is None:
        return None
    first = moved_time(call_slots, held[0], text[: times[1].start], context)
    last = moved_time(call_slots, held[1], text[times[1].start :], context)
    if first is None or last is None:
        return None
    begins, ends = (datetime.fromisoformat(one[slot.name].value) for one, slot in zip((first, last), held, strict=True))
    if ends <= begins:  # of the same month
        at = Duration(months=12 * (begins.year - ends.year) + begins.month - ends.month).after(ends)
        last = {held[1].name: typed(at.isoformat(timespec="seconds"), shown_time(at, context.now, context.language))}
    return {**first, **last}
