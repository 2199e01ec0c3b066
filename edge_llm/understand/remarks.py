"""What a remark changes of a value that is there, measured from it: "and eggs as well", "an hour later", "five more minutes",
"pepperoni pizza" for pizza, and "no, dad" for "call mum".

corrections.py asks here before it puts a new value in the place of the old one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from edge_llm.actions.manifest import Action, Slot
from edge_llm.actions.values import SlotValue
from edge_llm.understand.answers import answer_slot
from edge_llm.understand.by_rules import duration_value, typed
from edge_llm.understand.context import Context
from edge_llm.understand.durations import Duration, find_durations
from edge_llm.understand.numbers import find_numbers
from edge_llm.understand.repairs import repaired
from edge_llm.understand.times import shown_time

_MORE = re.compile(
    r"^(?:(?:oh|ah|um+|er+m?|wait|actually|sorry|ok(?:ay)?)\b[,\s]*)*"
    r"(?:(?:and|also|plus|add|put|throw in|as well as|(?:i|we) also need|need|with|invite)\b[,\s]*)+"
    r"(?P<x>.+?)(?P<too>(?:,?\s*(?:as well|too|also|on (?:there|it)(?: too)?|to (?:it|that|the list)))*)"
    r"(?:,?\s*(?:please|if you would|thanks))*$",
    re.IGNORECASE,
)
_ANOTHER_REQUEST = re.compile(r"(?:remind|call|text|set|tell|book|play|make|send)\b", re.IGNORECASE)
_LATER = re.compile(
    r"\b(?P<way>later|earlier|sooner|before that|after that)\b|^(?:push|move|put) (?:it|that) (?P<back>back|forward)", re.I
)
_STAYS = re.compile(
    r"\b(?:leave|keep)\s+(?:the\s+)?(?P<x>[\w' -]+?)(?:\s+(?:on|there|in|where)\b.*)?(?=[,.;!]|$)"
    r"|^(?:not )?(?:the\s+)?(?P<y>[\w' -]+?) (?:can|should) stay\b",
    re.IGNORECASE,
)
_TOO = re.compile(r"^(?:(?:oh|ah|um+|wait)\b[,\s]*)*(?P<x>[\w' -]{2,40}?)(?:,?\s+(?:too|as well))[!.]*$", re.IGNORECASE)
_FURTHER = re.compile(
    r"\b(?:more|extra|longer|another)\b|^add\b|^(?:再|多)?(?:加|多|延长|增加|延)(?:上|个)?(?=[\d一二两三四五六七八九十半])",
    re.IGNORECASE,
)
_SHORTER = re.compile(
    r"\b(?:less|shorter|fewer)\b|^take .* off\b|^(?:减|少|缩短|减少)(?:掉|个)?(?=[\d一二两三四五六七八九十半])", re.IGNORECASE
)
_MORE_PEOPLE = re.compile(
    r"^(?:再|也|还|把|要)*(?:加上?|叫上?|喊上?|带上?|拉上?)(?P<x>.+?)(?:也|一起|一块儿?|来|进来|都)*(?:参加|开)?[吧啊呗]?$"
)
_NAMES = re.compile(
    r"^(?:make (?:it|that|them)|it should be|i (?:mean(?:t)?|said)|that'?s|actually"
    r"|sorry)[\s,]+",
    re.IGNORECASE,
)
_ARTICLES = frozenset({"a", "an", "the", "some", "my", "of"})
_CODED = re.compile(r"\b(?P<name>[a-z]{3,})\s+(?P<code>\d+[a-z]?|(?-i:[A-Z])\d*)\b(?!['’:.]\w)", re.IGNORECASE)
_COUNTED: Final = frozenset(
    {"for", "about", "are", "make", "says", "the", "and", "until", "till", "from", "past", "half", "quarter"}
)
_TEXTS: Final = ("place", "text", "item", "query", "recipient")
_LONGEST = 6
"""Words of a remark that names a thing more closely."""


def remarked(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """The slots that a remark changes, measured from what they hold; None where it does not."""
    for change in (_kept, _added, _shifted, _lengthened, _refined):
        changed = change(slots, action, text, context)
        if changed is not None:
            return changed
    return _numbered(slots, action, text)


def put_right(value: SlotValue, new: str, context: Context) -> SlotValue | None:
    """A text in which what `new` is of the same kind as is replaced: "call mum" and "dad" make "call dad"."""
    if not isinstance(value.value, str):
        return None
    mended = repaired(f"{value.value}, no sorry, {new}", context.people, context.now.date())
    return None if "no sorry" in mended else typed(mended)


def _kept(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A list to take off without what is to stay: "leave the candles on"."""
    match = _STAYS.search(text)
    slot = next(
        (one for one in action.slots if one.role == "item" and isinstance(getattr(slots.get(one.name), "value", None), list)),
        None,
    )
    if match is None or slot is None or context.language != "en" or not action.id.endswith(".remove"):
        return None
    held = slots[slot.name]
    items = [item for item in held.value if item.lower() != (match["x"] or match["y"]).lower()]
    return {slot.name: typed(items, ", ".join(items))} if items else None


def _added(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A list with what a remark adds to it."""
    people = _MORE_PEOPLE.match(text)
    match = _MORE.match(text) or _TOO.match(text) or people
    if match is None or _ANOTHER_REQUEST.match(match["x"]):
        return None
    for slot in action.slots:
        value = slots.get(slot.name)
        if value is None or not isinstance(value.value, list) or slot.role not in ("item", "recipient"):
            continue
        if slot.role == "item" and match[0].lower().startswith("with "):
            continue
        if slot.role == "item" and match is people:
            continue
        more = answer_slot(slot, match["x"], context, action=action)
        if more is None or not isinstance(more.value, list):
            continue
        new = [item for item in more.value if item not in value.value]
        if new:
            whole = [*value.value, *new]
            return {slot.name: SlotValue(whole, f"{value.shown}, {more.shown}", more.provenance)}
    return None


def _shifted(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A time so much earlier or later."""
    match, lengths = _LATER.search(text), find_durations(text)
    slot = _held(slots, action, "time")
    if match is None or not lengths or slot is None or slot.schema.get("format") == "date":
        return None
    way = (match["way"] or match["back"]).lower()
    sign = -1 if way in ("earlier", "sooner", "before that", "forward") else 1
    at = datetime.fromisoformat(slots[slot.name].value) + timedelta(seconds=sign * lengths[0].duration.seconds)
    return {slot.name: typed(at.isoformat(timespec="seconds"), shown_time(at, context.now, context.language))}


def _lengthened(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A length with so much more or less."""
    lengths = find_durations(text)
    slot = _held(slots, action, "duration")
    sign = 1 if _FURTHER.search(text) else -1 if _SHORTER.search(text) else 0
    if slot is None or not sign:
        return None
    was = find_durations(slots[slot.name].shown)
    said = [one.duration.seconds for one in lengths] or [60 * int(one.value) for one in find_numbers(text)]
    if not was or not said or (seconds := was[0].duration.seconds + sign * said[0]) <= 0:
        return None
    return {slot.name: duration_value(Duration(was[0].duration.months, seconds), context)}


def _refined(slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """A thing named more closely: all words that were said, and more."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if not 1 < len(words) <= _LONGEST:
        return None
    for slot in action.slots:
        value = slots.get(slot.name)
        if value is not None and isinstance(value.value, list) and slot.role == "item":
            text = _NAMES.sub("", text)
            words = re.findall(r"[^\W\d_]+", text.lower())
            old = next((item for item in value.value if words[-len(item.split()) :] == item.lower().split() != words), None)
            items = [text if item == old else item for item in value.value]
            if old is not None and not _MORE.match(text):
                return {slot.name: typed(items, ", ".join(items))}
        if slot.role not in ("item", "query") or value is None or not isinstance(value.value, str):
            continue
        had = [word for word in re.findall(r"[^\W\d_]+", value.value.lower()) if word not in _ARTICLES]
        if had and had != words and words[-len(had) :] == had:
            answer = answer_slot(slot, text, context, action=action)
            return None if answer is None else {slot.name: answer}
    return None


def _numbered(slots: Mapping[str, SlotValue], action: Action, text: str) -> dict[str, SlotValue] | None:
    """A text with another number after the same word: "it's Terminal 2 I'm flying from" for "Hongqiao Terminal 1"."""
    for said in _CODED.finditer(text):
        if said["name"].lower() in _COUNTED:
            continue
        for slot in action.slots:
            value = slots.get(slot.name)
            if value is None or slot.role not in _TEXTS or not isinstance(value.value, str) or value.shown != value.value:
                continue
            old = re.search(rf"\b{re.escape(said['name'])}\s+(\d+[a-z]?|(?-i:[A-Z])\d*)\b", value.value, re.IGNORECASE)
            if old is not None and old[1].lower() != said["code"].lower():
                return {slot.name: typed(value.value[: old.start(1)] + said["code"] + value.value[old.end(1) :])}
    return None


def _held(slots: Mapping[str, SlotValue], action: Action, role: str) -> Slot | None:
    return next((slot for slot in action.slots if slot.role == role and slot.name in slots), None)
