"""From a request to an action's slots: `extract`, and `answer_slot` for the reply to a question.

A slot's role says what reads it; its name refines that (docs/actions.md). Every value says whose words it is made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import Any

from edge_llm.actions.manifest import Action, Slot, SlotRole
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.amounts import find_budget, find_money
from edge_llm.understand.choices import find_choice
from edge_llm.understand.clauses_chinese import clauses
from edge_llm.understand.contacts import HandleWanted
from edge_llm.understand.context import Context, Extracted
from edge_llm.understand.courtesy import LEAD, without_remark
from edge_llm.understand.cues import APP
from edge_llm.understand.durations import Duration, shown_duration
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.language import chinese_marks, has_cjk, language_of
from edge_llm.understand.messages import fields_in, message_in, quoted_in
from edge_llm.understand.model_slots import ask_model
from edge_llm.understand.numbers import plain, read_chinese, read_english
from edge_llm.understand.places import find_place
from edge_llm.understand.places_chinese import is_no_place, place_in_chinese
from edge_llm.understand.reading import PEOPLE, Reading
from edge_llm.understand.recipients import Named, find_anyone, in_one_breath, values_of
from edge_llm.understand.said_chinese import parted_figures, place_clause, points_only, said_in, spaced_items
from edge_llm.understand.spelling import Spelt, spelt
from edge_llm.understand.text_slots import bare_request, by_examples, find_text, items_of, trimmed
from edge_llm.understand.times import Time, find_times, shown_time
from edge_llm.understand.units import find_measures
from edge_llm.understand.which_time import ENDS, end_of, start_of

_TYPED = Provenance("typed")
_URL = re.compile(
    r"https?://[^\s，。]+|(?<![\w@.])(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|cn|de|fr|uk|edu|gov)"
    r"(?:/[^\s，。]*)?(?![\w@])",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"^(?:(?:with (?:the )?)?subject|主题).*?(?:,|，|saying|内容是?)\s*", re.IGNORECASE)
_SUBJECT_AFTER = re.compile(r"[，,。；;]\s*(?:邮件)?(?:主题|标题|题目)(?:就)?(?:写|是|为|叫|用|：)[^，,]*$")
_BODY = re.compile(
    r"^(?:and\s+)?(?:saying|says?|text|body|message|content|telling (?:him|her|them)|tell (?:him|her"
    r"|them))\b(?:\s+that\b)?\s*[:,]?\s*(?=\S)",
    re.I,
)
_CARRIERS = {
    action: re.compile(rf",?\s+(?:on|via|over|by|through|in)\s+(?:an?\s+)?(?:{app})[.!]?$", re.IGNORECASE)
    for action, app in (
        ("whatsapp.send", "whatsapp"), ("wechat.send", "wechat|weixin"), ("mail.send", "e-?mail|mail"),
        ("sms.send", "text(?: message)?|sms"),
    )
}  # fmt: skip
"""How a message's own app is named after it: "tell Anna I'm late on WhatsApp"."""
_ONE_UNIT = re.compile(r"\b(?:in|is|are in|make)\s+an?\s+[a-z]+\W*$", re.IGNORECASE)
_INSTEAD = re.compile(r"^.+\s+no,?\s+(?:(?:sorry|wait|actually),?\s+)?(?=[^\s])", re.IGNORECASE)
"""What a place is not: "London, no, Paris"."""
_MEAL = re.compile(r"\s+(?:lunch|dinner|brunch|breakfast|supper)$")
"""What is eaten there is no part of its name."""
_MEANWHILE = re.compile(
    r"\s+(?:while|because|since|as)\s+(?:i|i'm|we|we're|they)\b.*$|\s+to (?:get|help|cheer|put|keep|calm|wake"
    r"|send) (?:me|us)\b.*$",
    re.IGNORECASE,
)
_WEATHER_AT = re.compile(
    r"^(?!(?:what|how|the|is|any|check|show|tell|today|tomorrow|local|current|give|get|and|this|weekend|friday)\b)"
    r"(?P<x>[a-z][\w'’ -]{1,25}?)(?:'s)?\s+(?:weather|forecast)\b",
    re.IGNORECASE,
)
_HIM = re.compile(r"(?:告诉|通知|跟|给|问|和|打给|发给)(?:一?下)?[他她]")
"""How somebody is meant who was named before."""
_MOST_LISTS = 8
"""Of people, where several names are each more than one person's."""
_ABOUT_A_TEXT = ("share.text", "translate")
_DICTATED = (*_CARRIERS, *_ABOUT_A_TEXT, "note.add", "memory.search")
"""Actions whose text keeps every word: it is for somebody to read, or to look for."""
_IN_WORDS: tuple[SlotRole, ...] = ("text", "item", "query", "place", "app")
"""Roles that are read in the request without its remarks first: "remind me to ring them, I keep putting it off"."""
_ASKED = re.compile(rf"^(?:(?:{LEAD})\b[\s,]*)*(?:can|could|would|will) you\b", re.IGNORECASE)
_IS_QUESTION = re.compile(
    r"^(?:what|who|when|where|why|how|which|whose|did|do|does|is|are|was|were|will|would|can|could|should|has|have|if|whether"
    r"|any|shall|may|am)\b|\b(?:is|are|isn'?t|does|doesn'?t|right|can|could|will|would) (?:it|he|she|they|you|we|i)$",
    re.IGNORECASE,
)
_Values = tuple[SlotValue, ...]


def extract(action: Action, words: str, context: Context, known: Mapping[str, SlotValue] | None = None) -> Extracted:
    """Read the slots of `action` in a request.

    Args:
        words: what the person said, as they said it.
        known: values from earlier turns; they stay, and their slots are not looked for.

    Returns:
        What was found, with what is missing and what has several meanings. Nothing is guessed: a name that is in no contact,
        or a required slot that the words do not fill, is missing.
    """
    marked = chinese_marks(words)
    read = spelt(marked) if language_of(words) == "en" else Spelt(marked, marked)
    reading = Reading(action, read.text, context)
    alone = reading if action.id in _DICTATED else Reading(action, without_remark(read.text), context)
    slots = dict(known or {})
    ambiguous: dict[str, _Values] = {}
    unresolved: dict[str, str] = {}
    for slot in action.slots:
        if slot.name in slots:
            continue
        values = _BY_ROLE[slot.role](alone, slot) if slot.role in _IN_WORDS else ()
        if not values and (slot.required or slot.role not in _IN_WORDS):
            values = _BY_ROLE[slot.role](reading, slot)
        if len(values) == 1:
            slots[slot.name] = _as_typed(values[0], read, words)
        elif values:
            ambiguous[slot.name] = values
        elif slot.role == "recipient" and (stranger := _stranger(reading, slot)) is not None:
            unresolved[slot.name] = stranger
    if context.model is not None:
        for slot in action.slots:
            if slot.required and slot.role in ("text", "query", "item") and slot.name not in slots:
                said = ask_model(context.model, action, slot, reading.timeless)
                if said is not None and _may_be_said(reading, said):
                    slots[slot.name] = _as_typed(_texts(slot, said), read, words)
    missing = tuple(
        slot.name for slot in action.slots if slot.required and slot.name not in slots and slot.name not in ambiguous
    )
    return Extracted(slots, missing, ambiguous, unresolved)


def handle_wanted(action: Action, slot: Slot) -> HandleWanted:
    """What a recipient of this action is called by."""
    if slot.schema.get("format") == "email" or action.id.startswith("mail."):
        return "mail"
    if slot.schema.get("type") == "array":
        return "any"
    return "name" if action.id.startswith(("wechat.", "alipay.")) else "phone"


def time_value(found: Time, slot: Slot, context: Context) -> SlotValue:
    """The canonical value of a time: ISO 8601 with offset, or a date where the slot wants one."""
    shown = shown_time(found.at, context.now, context.language)
    if found.recurrence:
        shown += f" ({found.recurrence})"
    if slot.schema.get("format") == "date":
        return SlotValue(found.at.date().isoformat(), shown.rpartition(" ")[0].rstrip(","), _TYPED)
    return SlotValue(found.at.isoformat(timespec="seconds"), shown, _TYPED)


def duration_value(duration: Duration, context: Context) -> SlotValue:
    """The canonical value of a length of time: ISO 8601."""
    return SlotValue(duration.iso, shown_duration(duration, context.language), _TYPED)


def typed(value: Any, shown: str | None = None) -> SlotValue:
    """A value in the person's own words."""
    return SlotValue(value, str(value) if shown is None else shown, _TYPED)


def _may_be_said(reading: Reading, said: str) -> bool:
    """Whether what a model picked can be a value. Where there is none, small models pick what is near: the request itself from
    its first word on, or who it is for."""
    folded = said.casefold().strip()
    requests = (reading.words, reading.timeless, bare_request(reading.timeless))
    is_request = any(words.casefold().strip().startswith(folded) for words in requests)
    is_person = any(folded in one.text.casefold() for one in reading.named)
    return trimmed(said) is not None and not is_request and not is_person


def _as_typed(value: SlotValue, read: Spelt, words: str) -> SlotValue:
    """A value that is a part of the request, as the person typed it and with their marks."""
    if isinstance(value.value, list) and value.shown == ", ".join(map(str, value.value)):
        items = [_typed_part(one, read, words) if isinstance(one, str) else one for one in value.value]
        return replace(value, value=items, shown=", ".join(map(str, items)))
    if not isinstance(value.value, str) or value.shown != value.value:
        return value
    said = _typed_part(value.value, read, words)
    return replace(value, value=said, shown=said)


def _typed_part(part: str, read: Spelt, words: str) -> str:
    marked = read.as_typed(part)
    start = read.typed.find(marked)
    return marked if start < 0 else words[start : start + len(marked)]


def _texts(slot: Slot, text: str) -> SlotValue:
    if slot.schema.get("type") == "array":
        items = items_of(spaced_items(text))
        return typed(items, ", ".join(items))
    return typed(text)


def _recipients(reading: Reading, slot: Slot) -> _Values:
    wanted = handle_wanted(reading.action, slot)
    if slot.name == "number":  # the number that is written down, not whose it may be
        return tuple(typed(one.handle) for one in reading.named if one.handle is not None)[:1]
    sure = [one for one in reading.named if one.contacts or one.handle is not None]
    if not sure and all(one.name != "message" for one in reading.action.slots):  # who is named in a message is not who gets it
        sure = find_anyone(reading.words, reading.context.people)
    if not reading.named and (spoken_of := _HIM.search(reading.words)) is not None:  # "Tom那边，告诉他我晚到"
        sure = find_anyone(reading.words[: spoken_of.start()], reading.context.people)
    if slot.schema.get("type") == "array":
        return _several(reading, sure, wanted)
    values = values_of(sure[0], wanted) if sure else ()
    if not values and wanted == "name" and not sure and reading.named:  # WeChat itself asks who that is
        return (typed(reading.named[0].text),)
    return values


def _several(reading: Reading, sure: list[Named], wanted: HandleWanted) -> _Values:
    """A list of all who are named; several lists where a name is more than one person's, to be asked about."""
    fitting = [values_of(one, wanted) for one in sure] or [(typed(one.text),) for one in reading.named[:1]]
    lists = islice(product(*(values for values in fitting if values)), _MOST_LISTS)
    return tuple(_listed(chosen) for chosen in lists if chosen)


def _listed(chosen: _Values) -> SlotValue:
    sources = ", ".join(filter(None, (one.provenance.source for one in chosen)))
    is_known = all(one.provenance.origin == "contact" for one in chosen)
    provenance = Provenance("contact" if is_known else "typed", sources)
    return SlotValue([one.value for one in chosen], ", ".join(one.shown for one in chosen), provenance)


def _stranger(reading: Reading, slot: Slot) -> str | None:
    """A name that no contact bears, or one whose contact has nothing that the action can use."""
    return None if slot.name == "number" or not reading.named else reading.named[0].text


def _times(reading: Reading, slot: Slot) -> _Values:
    found = end_of(reading) if slot.name in ENDS else start_of(reading)
    return () if found is None else (time_value(found, slot, reading.context),)


def _durations(reading: Reading, _: Slot) -> _Values:
    found = reading.durations
    return (duration_value(found[0].duration, reading.context),) if found else ()


def _amounts(reading: Reading, _: Slot) -> _Values:
    found = find_money(reading.words, region=reading.context.region)
    money = found[0] if found else find_budget(reading.words, region=reading.context.region)
    if money is None:
        return ()
    return (typed(money.canonical, f"{money.amount:f} {money.currency}"),)


def _numbers(reading: Reading, slot: Slot) -> _Values:
    names = {one.name for one in reading.action.slots}
    if "currency_from" in names:
        if reading.money:
            return (typed(plain(reading.money[0].amount)),)
    elif "from_unit" in names:
        measures = find_measures(reading.words)
        if measures:
            return (typed(plain(measures[0].value)),)
        if _ONE_UNIT.search(reading.words):
            return (typed(1),)
    elif slot.schema.get("type") == "integer":
        is_seat = any(one.name == "destination" for one in reading.action.slots)
        counts = [one for one in PEOPLE.finditer(reading.words) if is_seat or not one[0].endswith("张")]
        counted = min(counts, key=lambda one: (one[0].endswith(("位", "张")), one.start()), default=None)
        if counted is None:
            return ()
        said = counted["count"] or counted["for"] or counted["zh"]
        value = read_english(said) or read_chinese(said)
        return () if value is None else (typed(plain(value)),)
    return tuple(typed(plain(one.value)) for one in reading.numbers[:1])


def _choices(reading: Reading, slot: Slot) -> _Values:
    found = find_choice(reading.words, slot)
    return () if found is None else (typed(found),)


def _data(reading: Reading, slot: Slot) -> _Values:
    if slot.name in ("expression", "equation"):
        expression = find_expression(bare_request(reading.words))
        if expression is None and has_cjk(reading.words):
            expression = next(filter(None, map(find_expression, reversed(clauses(reading.words)))), None)
        return () if expression is None else (typed(expression),)
    if slot.name == "items" and (figures := find_text(reading.words, "figures")) is not None:
        return (typed(parted_figures(figures)),)  # with what looks like times: "Monday 5, Tuesday 8"
    return _free(reading, slot) if slot.schema.get("type") == "string" else ()


def _places(reading: Reading, slot: Slot) -> _Values:
    said = place_in_chinese(reading.timeless, reading.action.id, slot.name)
    if reading.action.id in ("calendar.add", "meeting.schedule") and (clause := place_clause(reading.timeless)) is not None:
        said = clause
    if said is not None and not (slot.name == "restaurant" and APP.match(said)):
        return (typed(said),)
    if slot.name == "restaurant":
        said = find_text(reading.timeless, "restaurant")
        said = None if said is None else _MEAL.sub("", said) or said
        said = None if said is not None and APP.match(re.sub("^[用在从上去]", "", said)) else said
    elif slot.name == "place" and not slot.required and any(one.name == "dish" for one in reading.action.slots):
        said = find_place(reading.words, "destination", is_timeless=reading.without_times)
    else:
        said = find_place(reading.words, slot.name, is_timeless=reading.without_times)
    if said is not None and is_no_place(reading.words, reading.action.id, slot.name, said):
        said = None
    if said is None and slot.required:
        said = by_examples(reading.timeless, reading.action, slot.name)
    if said is None and reading.action.id == "weather.show" and (at := _WEATHER_AT.match(bare_request(reading.timeless))):
        said = at["x"]
    return () if said is None else (typed(_INSTEAD.sub("", said)),)


def _free(reading: Reading, slot: Slot) -> _Values:
    said: str | None
    if slot.name == "title" and reading.action.id == "contact.add":
        said = said_in(reading.words, reading.action, slot) or find_text(reading.words, "name")
    elif slot.name in ("subject", "message") and (fields := _fields(reading)) is not None:
        said = fields[slot.name == "message"]
    elif slot.name == "message":
        said = _message(reading)
    elif slot.name == "text" and (quoted := quoted_in(reading.words, is_all=reading.action.id in _ABOUT_A_TEXT)) is not None:
        said = quoted
    elif (in_chinese := _in_chinese(reading, slot)) is not None:
        said = in_chinese
    elif not slot.required:
        said = find_text(reading.timeless, f"{slot.name}?")
    else:
        said = find_text(reading.timeless, slot.name) or by_examples(reading.timeless, reading.action, slot.name)
        said = None if said is not None and points_only(said) else said
    return () if said is None else (_texts(slot, said),)


def _fields(reading: Reading) -> tuple[str, str] | None:
    """A mail's subject and text, where it is dictated so."""
    has_subject = any(one.name == "subject" for one in reading.action.slots)
    return fields_in(reading.words) if has_subject else None


def _message(reading: Reading) -> str | None:
    """What a message says: the words after all who get it, without the subject before it and the app's name after it."""
    known = [one for one in reading.named if one.contacts or one.handle is not None] or list(reading.named[:1])
    said = message_in(reading.words, (known[0].start, in_one_breath(reading.words, known)[-1].end) if known else None)
    if said is not None and any(one.name == "subject" for one in reading.action.slots):
        subject = find_text(reading.words, "subject")
        if said == subject:
            return None
        said = _SUBJECT.sub("", _SUBJECT_AFTER.sub("", said))
        if subject is not None and said.startswith(subject) and (body := message_in(said, None)) is not None:
            said = body
        said = _BODY.sub("", said) or None
    carrier = _CARRIERS.get(reading.action.id)
    said = said if said is None or carrier is None else carrier.sub("", said) or None
    if said is not None and said.endswith("?") and _ASKED.match(reading.words) and not _IS_QUESTION.search(said.rstrip("? ")):
        said = said.rstrip("? ")  # the request asks, the message does not
    return said


def _in_chinese(reading: Reading, slot: Slot) -> str | None:
    """What the cues of Chinese find; of an event's name without the day that stands before it."""
    said = said_in(reading.words if slot.name == "label" else reading.timeless, reading.action, slot)
    if said is None or slot.name not in ("title", "text") or "time" not in {one.name for one in reading.action.slots}:
        return said
    ahead = next((one for one in find_times(said, reading.context.now) if one.start == 0 and one.end < len(said)), None)
    return said if ahead is None else trimmed(said[ahead.end :].lstrip("的，, "))


def _queries(reading: Reading, slot: Slot) -> _Values:
    is_music = reading.action.id == "music.play"
    words = _MEANWHILE.sub("", reading.words) if is_music else reading.words
    said = (
        said_in(reading.words, reading.action, slot)
        or find_text(words, "query")
        or by_examples(reading.words, reading.action, slot.name)
    )
    if said is not None and is_music:
        said = trimmed(_MEANWHILE.sub("", said))
    return () if said is None else (typed(said),)


def _apps(reading: Reading, slot: Slot) -> _Values:
    said = said_in(reading.words, reading.action, slot) or find_text(reading.words, "app" if slot.required else "app?")
    return () if said is None else (typed(said),)


def _links(reading: Reading, _: Slot) -> _Values:
    found = _URL.search(reading.words)
    return () if found is None else (typed(found[0].rstrip(".,")),)


_BY_ROLE: Mapping[SlotRole, Callable[[Reading, Slot], _Values]] = {
    "recipient": _recipients, "amount": _amounts, "place": _places, "time": _times, "duration": _durations, "text": _free,
    "query": _queries, "item": _free, "app": _apps, "link": _links, "number": _numbers, "choice": _choices, "data": _data,
}  # fmt: skip
