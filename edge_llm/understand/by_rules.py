"""What rules read in a request for each slot of an action, by the slot's role; its name refines that (docs/actions.md).

Every value says whose words it is made of. The tagger may know better (extract.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from itertools import islice, product
from typing import Any

from edge_llm.actions.manifest import Action, Slot, SlotRole
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.amounts import find_budget, find_money
from edge_llm.understand.choices import find_choice
from edge_llm.understand.clauses_chinese import clauses
from edge_llm.understand.contacts import HandleWanted
from edge_llm.understand.context import Context
from edge_llm.understand.courtesy import LEAD, without_remark
from edge_llm.understand.cues import APP
from edge_llm.understand.durations import Duration, shown_duration
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.language import has_cjk
from edge_llm.understand.messages import fields_in, message_in, quoted_in
from edge_llm.understand.numbers import plain, read_chinese, read_english
from edge_llm.understand.places import find_place
from edge_llm.understand.places_chinese import is_no_place, place_in_chinese
from edge_llm.understand.reading import PEOPLE, Reading
from edge_llm.understand.recipients import Named, find_anyone, in_one_breath, values_of
from edge_llm.understand.said_chinese import parted_figures, place_clause, points_only, said_in, spaced_items
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
_TELL_THEM = re.compile(r"^(?:and\s+)?(?:tell|let) (?:him|her|them)(?: know)?(?: that)?\s+(?=\w)", re.IGNORECASE)
_ON_THE_WEB = re.compile(r"\s+(?:in|on|from) the (?:internet|web|net)$|\s+online$", re.IGNORECASE)
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
Values = tuple[SlotValue, ...]


def read_by_rules(reading: Reading, known: Collection[str] = ()) -> dict[str, Values]:
    """One value for each slot that the words fill, several where they have several meanings, none where they are silent.

    Args:
        known: slots that are not looked for.
    """
    action = reading.action
    alone = reading if action.id in _DICTATED else Reading(action, without_remark(reading.words), reading.context)
    found = {}
    for slot in action.slots:
        if slot.name in known:
            continue
        values = _BY_ROLE[slot.role](alone, slot) if slot.role in _IN_WORDS else ()
        if not values and (slot.required or slot.role not in _IN_WORDS):
            values = _BY_ROLE[slot.role](reading, slot)
        found[slot.name] = values
    return found


def texts_of(ruled: Mapping[str, Values]) -> dict[str, list[str]]:
    """The texts among the values, by slot: what the tagger learns to believe or not."""
    texts = {}
    for name, values in ruled.items():
        if len(values) == 1 and values[0].provenance == _TYPED:
            value = values[0].value
            texts[name] = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    return texts


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


def text_value(slot: Slot, text: str) -> SlotValue:
    """A text as the slot takes it: whole, or as the list it names."""
    if slot.schema.get("type") == "array":
        items = items_of(spaced_items(text))
        return typed(items, ", ".join(items))
    return typed(text)


def _recipients(reading: Reading, slot: Slot) -> Values:
    if slot.name == "number":  # the number that is written down, not whose it may be
        return tuple(typed(one.handle) for one in reading.named if one.handle is not None)[:1]
    sure = [one for one in reading.named if one.contacts or one.handle is not None]
    if not sure and all(one.name != "message" for one in reading.action.slots):  # who is named in a message is not who gets it
        sure = find_anyone(reading.words, reading.context.people)
    if not reading.named and (spoken_of := _HIM.search(reading.words)) is not None:  # "Tom那边，告诉他我晚到"
        sure = find_anyone(reading.words[: spoken_of.start()], reading.context.people)
    return values_of_people(reading, slot, sure)


def values_of_people(reading: Reading, slot: Slot, sure: list[Named]) -> Values:
    """The values of a recipient who is one of these people, or all of them where it takes a list."""
    wanted = handle_wanted(reading.action, slot)
    if slot.schema.get("type") == "array":
        return _several(reading, sure, wanted)
    values = values_of(sure[0], wanted) if sure else ()
    if not values and wanted == "name" and not sure and reading.named:  # WeChat itself asks who that is
        return (typed(reading.named[0].text),)
    return values


def _several(reading: Reading, sure: list[Named], wanted: HandleWanted) -> Values:
    """A list of all who are named; several lists where a name is more than one person's, to be asked about."""
    fitting = [values_of(one, wanted) for one in sure] or [(typed(one.text),) for one in reading.named[:1]]
    lists = islice(product(*(values for values in fitting if values)), _MOST_LISTS)
    return tuple(_listed(chosen) for chosen in lists if chosen)


def _listed(chosen: Values) -> SlotValue:
    sources = ", ".join(filter(None, (one.provenance.source for one in chosen)))
    is_known = all(one.provenance.origin == "contact" for one in chosen)
    provenance = Provenance("contact" if is_known else "typed", sources)
    return SlotValue([one.value for one in chosen], ", ".join(one.shown for one in chosen), provenance)


def _times(reading: Reading, slot: Slot) -> Values:
    found = end_of(reading) if slot.name in ENDS else start_of(reading)
    return () if found is None else (time_value(found, slot, reading.context),)


def _durations(reading: Reading, _: Slot) -> Values:
    found = reading.durations
    return (duration_value(found[0].duration, reading.context),) if found else ()


def _amounts(reading: Reading, _: Slot) -> Values:
    found = find_money(reading.words, region=reading.context.region)
    money = found[0] if found else find_budget(reading.words, region=reading.context.region)
    if money is None:
        return ()
    return (typed(money.canonical, f"{money.amount:f} {money.currency}"),)


def _numbers(reading: Reading, slot: Slot) -> Values:
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


def _choices(reading: Reading, slot: Slot) -> Values:
    found = find_choice(reading.words, slot)
    return () if found is None else (typed(found),)


def _data(reading: Reading, slot: Slot) -> Values:
    if slot.name in ("expression", "equation"):
        expression = find_expression(bare_request(reading.words))
        if expression is None and has_cjk(reading.words):
            expression = next(filter(None, map(find_expression, reversed(clauses(reading.words)))), None)
        return () if expression is None else (typed(expression),)
    if slot.name == "items" and (figures := find_text(reading.words, "figures")) is not None:
        return (typed(parted_figures(figures)),)  # with what looks like times: "Monday 5, Tuesday 8"
    return _free(reading, slot) if slot.schema.get("type") == "string" else ()


def _places(reading: Reading, slot: Slot) -> Values:
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


def _free(reading: Reading, slot: Slot) -> Values:
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
    return () if said is None else (text_value(slot, said),)


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
    said = None if said is None else _TELL_THEM.sub("", said) or None
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


def _queries(reading: Reading, slot: Slot) -> Values:
    is_music = reading.action.id == "music.play"
    words = _MEANWHILE.sub("", reading.words) if is_music else reading.words
    said = (
        said_in(reading.words, reading.action, slot)
        or find_text(words, "query")
        or by_examples(reading.words, reading.action, slot.name)
    )
    if said is not None and reading.action.id == "web.search":
        said = _ON_THE_WEB.sub("", said) or said
    if said is not None and is_music:
        said = trimmed(_MEANWHILE.sub("", said).rstrip("? "))
    said = None if said is not None and points_only(said) else said
    return () if said is None else (typed(said),)


def _apps(reading: Reading, slot: Slot) -> Values:
    said = said_in(reading.words, reading.action, slot) or find_text(reading.words, "app" if slot.required else "app?")
    return () if said is None else (typed(said),)


def _links(reading: Reading, _: Slot) -> Values:
    found = _URL.search(reading.words)
    return () if found is None else (typed(found[0].rstrip(".,")),)


_BY_ROLE: Mapping[SlotRole, Callable[[Reading, Slot], Values]] = {
    "recipient": _recipients, "amount": _amounts, "place": _places, "time": _times, "duration": _durations, "text": _free,
    "query": _queries, "item": _free, "app": _apps, "link": _links, "number": _numbers, "choice": _choices, "data": _data,
}  # fmt: skip
