"""What a reply says anew of one slot in a way of its own: a message reworded, who it is for, how many come, until when."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edge_llm.actions.manifest import Action
from edge_llm.actions.values import SlotValue
from edge_llm.understand.by_rules import handle_wanted, typed
from edge_llm.understand.context import Context
from edge_llm.understand.moved_times import moved_time
from edge_llm.understand.numbers import find_numbers
from edge_llm.understand.recipients import known_at, values_of
from edge_llm.understand.which_time import ENDS

_REWORDED = re.compile(
    r"^.*?\b(?:rephrase|reword|rewrite|redo|say it)\b[^:]*:\s*(?P<new>.+)$|^(?:change|make) (?:the )?(?:message"
    r"|text)(?: to)?:\s*(?P<new2>.+)$",
    re.I,
)
_FOR_WHOM = re.compile(r"\b(?:they'?re|it'?s|that'?s|is|was|should be|meant) (?:meant )?(?:for|to)\s+(?=\w)", re.IGNORECASE)
_ALONE = re.compile(r"\b(?:just|only|now|then|of us|in all|total|altogether)\b", re.IGNORECASE)
COMING = re.compile(
    r"\b(?:com(?:ing|es?)|join\w*|bring\w*|invit\w*|us|people|everyone|guests?|friends?|kids|cousins|with|plus|can't make"
    r"|dropped out|not coming)\b",
    re.IGNORECASE,
)
"""Who else is coming, or is not."""


def said_anew(
    call_slots: Mapping[str, SlotValue], action: Action, text: str, rest: str, context: Context, *, is_marked: bool
) -> dict[str, SlotValue] | None:
    """What a reply says of one slot in a way of its own: a message reworded, who it is for, how many come, until when.

    Args:
        rest: the reply without what leads up to it.
    """
    reworded = _REWORDED.match(text)
    if reworded is not None and "message" in call_slots:
        return {"message": typed(reworded["new"] or reworded["new2"])}
    count = next((slot for slot in action.slots if slot.schema.get("type") == "integer"), None)
    if count is not None and COMING.search(rest) and (number := count_alone(re.split(r"[,;.]", rest)[0])) is not None:
        return {count.name: typed(number)}
    ends = next((slot for slot in action.slots if slot.name in ENDS and slot.name in call_slots), None)
    until = re.search(r"\b(?:until|till)\s+(.+)$", rest, re.IGNORECASE)
    if ends is not None and until is not None and (later := moved_time(call_slots, ends, until[1], context)) is not None:
        return later
    slot = next((one for one in action.slots if one.role == "recipient" and one.name in call_slots), None)
    meant = _FOR_WHOM.search(text) if slot is not None and is_marked else None
    person = None if meant is None else known_at(text, meant.end(), context.people)
    values = () if person is None or slot is None else values_of(person, handle_wanted(action, slot))
    if slot is None or len(values) != 1 or slot.schema.get("type") == "array" or values[0].value == call_slots[slot.name].value:
        return None
    return {slot.name: values[0]}


def count_alone(text: str) -> int | None:
    """The number that a clause is: "five", "five now"."""
    numbers = find_numbers(text)
    if len(numbers) != 1:
        return None
    rest = _ALONE.sub("", text[: numbers[0].start] + text[numbers[0].end :])
    return None if re.search(r"\w", rest) else int(numbers[0].value)
