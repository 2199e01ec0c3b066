"""The reply to a question about one slot: "at three", "Anna", "the second one", "我到家了". Here a bare word counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge_llm.actions.manifest import Action, Slot
from edge_llm.actions.values import SlotValue
from edge_llm.understand.amounts import HOME_CURRENCIES, code_of, find_currencies, find_money
from edge_llm.understand.by_rules import duration_value, handle_wanted, time_value, typed
from edge_llm.understand.choices import find_choice
from edge_llm.understand.context import Context
from edge_llm.understand.durations import find_durations
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.language import has_cjk
from edge_llm.understand.numbers import FIGURES, find_numbers, plain, read_chinese
from edge_llm.understand.places import clean_place, find_place
from edge_llm.understand.places_chinese import of_two_places, place_reply
from edge_llm.understand.recipients import find_named, read_reply, values_of
from edge_llm.understand.said_chinese import reply_text, spaced_items
from edge_llm.understand.text_slots import items_of, trimmed, without
from edge_llm.understand.times import Time, at_usual_hour, find_times, parse_exact
from edge_llm.understand.units import unit_at

_SAY = re.compile(
    r"^(?:(?:just |please )*(?:say|tell (?:him|her|them)|ask (?:him|her|them)|write|it should say|the message is"
    r"|it'?s called|call it|it'?s"
    r"|that)(?: that)?\b[:,]?\s+"
    r"|(?:就?说|内容是|就?写|叫做?|就是|告诉(?:他|她)|就?(?:跟|和|给)(?:他|她|他们|她们|对方)[说讲](?:一声|一下)?)[：:，,]?\s*)",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"^(?:(?:h+m+|u[mh]+|er+m?|well|oh|ok(?:ay)?|maybe|perhaps|probably|i think|i guess|let me (?:see|think)"
    r"|let's (?:say|have)|how about|what about"
    r"|i'll (?:have|take|go (?:for|with))|go (?:for|with))\b[\s,.…]*)+(?=\w)",
    re.IGNORECASE,
)
"""What people say before an answer."""
_BESIDES = re.compile(
    r"(?:,?\s+(?:i (?:guess|suppose|think|reckon|believe)|please|thanks|thank you|cheers|if (?:you can|you could|possible)"
    r"|would be (?:good|nice|great|lovely|fine|perfect)|will do|i'?d say|maybe|probably|or so|(?:right|straight) away"
    r"|as soon as (?:possible|you can)|asap|quickly|quick|now)(?=[\s,.!?]*$|,?\s))+[\s.!?]*$",
    re.IGNORECASE,
)
"""What people say after an answer."""
_LEFT_OVER = re.compile(r"(?:[\s,]+(?:to|until|till|and|from|for|on|at|the|-|–)?)+$", re.IGNORECASE)
"""What joined times that were taken out."""
_FROM_TO = re.compile(r"^(?:from\s+)?(?P<origin>(?-i:[A-Z])[\w'’ -]*?)\s+to\s+(?P<to>(?-i:[A-Z])[\w'’ -]*)$", re.IGNORECASE)
"""Both ends of a journey: "Shanghai to Osaka"."""
_SAID_BY_ME = re.compile(r"\b(?:i|i'm|i'll|i'd|we|we're|we'll|my)\b", re.IGNORECASE)
_AFTER_PLACE = re.compile(r"[\s,]+(?:i|i'm|i'll|i'd|we|we're|we'll|is|will|would|where|because|that)\b.*$", re.IGNORECASE)
_PLACE_LEAD = re.compile(r"^(?:to|from|at|in|near|the|it'?s|去|到|在|从|是)\s*", re.IGNORECASE)
_RULED_OUT = re.compile(r"[,;]?\s*\bnot (?:the )?\w+(?:'s)?\s*$|^not (?:the )?\w+(?: one)?[,;.]\s*", re.IGNORECASE)
"""Who is not meant: "Baker of course, not Hughes"."""
_ORDINALS = (
    ("first", "1st", "former", "第一", "前面", "上面", "头一个", "前一个"), ("second", "2nd", "第二"), ("third", "3rd", "第三"),
    ("fourth", "4th", "第四"),
    ("fifth", "5th", "第五"),
)  # fmt: skip


_NO_SIGN = re.compile(
    r"\b(?:the|one|ending|ends|with|in|that|is|her|him|his|call|text|number|at|from|my|it|to|please|guy|of|i|mean)\b"
)
"""Words of a choice that tell nobody from another."""


def answer_slot(slot: Slot, words: str, context: Context, *, action: Action | None = None) -> SlotValue | None:
    """The value that a reply gives to the slot that was asked for, or None where it gives none.

    Args:
        action: whose slot it is; says whether its recipient is a number, a mail address or a name. None: a number.
    """
    text = words.strip()
    if not text:
        return None
    if slot.role == "time":
        return _time(slot, text, context, "" if action is None else action.id)
    if slot.role == "duration":
        durations = find_durations(text) or find_durations(f"{text.strip(' .!')} minutes")  # "ten" are minutes
        return duration_value(durations[0].duration, context) if durations else None
    if slot.role == "recipient":
        return _recipient(slot, text, context, action)
    if slot.role == "amount":
        return _amount(text, context)
    if slot.role == "number":
        return _number(text)
    if slot.role == "choice":
        return _choice(slot, text)
    if slot.role == "place":
        return _place(slot, text, context, action)
    if slot.name in ("expression", "equation"):
        expression = find_expression(text)
        return None if expression is None else typed(expression)
    plain = None if action is None else reply_text(text, action, slot)
    return _text(slot, plain or text)


def _place(slot: Slot, text: str, context: Context, action: Action | None) -> SlotValue | None:
    if action is not None and any(one.role == "time" for one in action.slots):  # "from Gatwick on Friday"
        timeless = without(text, [(one.start, one.end) for one in find_times(text, context.now)])
        text = _LEFT_OVER.sub("", timeless).lstrip(" ,") or text
    if (route := _FROM_TO.match(text)) is not None and slot.name in ("origin", "destination"):
        text = route["origin" if slot.name == "origin" else "to"]
    place = find_place(text, slot.name) if re.match(r"(?:take|drive|navigate|i want|从|打车)", text, re.IGNORECASE) else None
    if place is None and _SAID_BY_ME.search(text):  # "from Shenzhen I start", "I go from London"
        place = find_place(text, slot.name)
        place = None if place is None else clean_place(_AFTER_PLACE.sub("", place))
    bare = place_reply(text) if has_cjk(text) else _BESIDES.sub("", text)
    place = place or of_two_places(text, slot.name) or clean_place(_PLACE_LEAD.sub("", bare))
    return None if place is None else typed(place)


def choose(values: Sequence[SlotValue], words: str) -> SlotValue | None:
    """Which of several values a reply picks: its number, its place in the row, or words that only one of them has."""
    text = _RULED_OUT.sub("", words.strip().strip(".。!！").lower())
    text = re.sub(r"[，,\s]*(?:而)?(?:不是|不要)[^，,]+", "", text) or text  # "是Hughes，不是Baker"
    if (by_figures := _by_figures(values, text)) is not None:
        return by_figures
    for number, names in enumerate(_ORDINALS[: len(values)]):
        if any(re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])" if name.isascii() else name, text) for name in names):
            return values[number]
    bare = re.fullmatch(r"(?:the |number |no\.? |option |选|要|就|第)?(\d)(?: one|号|个)?|([一二三四五])", text)
    if bare is not None:
        said = int(bare[1]) if bare[1] else int(read_chinese(bare[2]) or 0)
        return values[said - 1] if 1 <= said <= len(values) else None
    if re.search(r"\b(?:last|latter)\b|最后|(?:后|下)(?:面|边|一个)|末尾", text):
        return values[-1]
    initial = re.fullmatch(r"(?:the )?(\w+) (\w)\.?", text)
    if initial is not None:  # "Tom H"
        fit = [
            one for one in values if re.search(rf"\b{re.escape(initial[1])}\b.*\b{re.escape(initial[2])}", one.shown.lower())
        ]
        if len(fit) == 1:
            return fit[0]
    words_said = re.findall(r"[a-z0-9@.+]{2,}|[\u3400-\u9fff]+", _NO_SIGN.sub(" ", text))
    hits = [value for value in values if any(word in value.shown.lower() for word in words_said)]
    best = max((sum(word in value.shown.lower() for word in words_said) for value in hits), default=0)
    hits = [value for value in hits if sum(word in value.shown.lower() for word in words_said) == best]
    return hits[0] if len(hits) == 1 else None


def without_lead(words: str) -> str:
    """A reply without what only leads up to it: "hmm, maybe ..."."""
    return _AHEAD.sub("", words.strip())


def _by_figures(values: Sequence[SlotValue], text: str) -> SlotValue | None:
    """The one whose number ends, or begins, as the reply says: "尾号3003", "139开头的"."""
    said = "".join(FIGURES.get(one, one) for one in text)
    figures = re.search(r"\d{3,}", said)
    if figures is None:
        return None
    numbers = [re.sub(r"\D", "", str(value.value)) for value in values]
    if re.search(r"开头|打头|begin|start", text):
        fits = [number.removeprefix("86").startswith(figures[0]) for number in numbers]
    else:
        fits = [number.endswith(figures[0]) for number in numbers]
    return values[fits.index(True)] if sum(fits) == 1 else None


def _time(slot: Slot, text: str, context: Context, action: str = "") -> SlotValue | None:
    times = find_times(text, context.now, is_bare=True)
    if times:
        return time_value(at_usual_hour(times[0], action, context.now), slot, context)
    if len(text) > 40 or not re.search(r"\d", text):
        return None
    exact = parse_exact(text, context.now)
    if exact is None or exact < context.now:
        return None
    return time_value(Time(0, len(text), exact, has_day=True, has_clock=True), slot, context)


def _recipient(slot: Slot, text: str, context: Context, action: Action | None) -> SlotValue | None:
    named = read_reply(text, context.people, region=context.region)
    if named is None:
        return None
    if slot.schema.get("type") == "array" and (several := _people(slot, text, context, action)) is not None:
        return several
    wanted = "phone" if action is None else handle_wanted(action, slot)
    values = values_of(named, wanted)
    if len(values) == 1:
        value = values[0]
        return SlotValue([value.value], value.shown, value.provenance) if slot.schema.get("type") == "array" else value
    return typed(named.text) if not values and wanted in ("name", "any") and named.text else None


def _people(slot: Slot, text: str, context: Context, action: Action | None) -> SlotValue | None:
    """Several people who are named in one reply: "with Anna and James"."""
    found = [one for one in find_named(f"with {text}", context.people, region=context.region) if one.contacts or one.handle]
    wanted = "phone" if action is None else handle_wanted(action, slot)
    each = [values_of(one, wanted) for one in found]
    if len(each) < 2 or any(len(values) != 1 for values in each):
        return None
    return SlotValue([one[0].value for one in each], ", ".join(one[0].shown for one in each), each[0][0].provenance)


def _amount(text: str, context: Context) -> SlotValue | None:
    money = find_money(text, region=context.region)
    if money:
        return typed(money[0].canonical, f"{money[0].amount:f} {money[0].currency}")
    numbers, currency = find_numbers(text), HOME_CURRENCIES.get(context.region)
    if not numbers or currency is None:
        return None
    return typed({"amount": f"{numbers[0].value:f}", "currency": currency}, f"{numbers[0].value:f} {currency}")


def _number(text: str) -> SlotValue | None:
    numbers = find_numbers(text)
    if numbers:
        return typed(plain(numbers[0].value))
    chinese = re.search(r"[零一二两三四五六七八九十百千万亿]+", text)
    value = None if chinese is None else read_chinese(chinese[0])
    return None if value is None else typed(plain(value))


def _choice(slot: Slot, text: str) -> SlotValue | None:
    bare = re.sub(r"^(?:in|into|to|it'?s|from|换成|成|用|到|要)\s*", "", text.strip(" .。!！"), flags=re.IGNORECASE)
    bare = re.sub(r"(?<=[\u3400-\u9fff])的$", "", bare)
    if slot.name.startswith("currency"):
        found = find_currencies(text)
        code = found[0].code if found else code_of(bare)
        return None if code is None else typed(code)
    if slot.name in ("from_unit", "to_unit"):
        unit = unit_at(bare)
        return None if unit is None else typed(unit[0])
    said = find_choice(text, slot)
    if said is None and "enum" not in slot.schema:
        said = trimmed(bare)
    return None if said is None else typed(said)


def _text(slot: Slot, text: str) -> SlotValue | None:
    if slot.name != "message" and slot.role in ("text", "item", "query"):
        text = _BESIDES.sub("", without_lead(text)) or text
    if slot.name in ("text", "title"):  # "to ring the vet"
        text = re.sub(r"^to\s+(?=\w)", "", text, flags=re.IGNORECASE)
    if slot.role == "query":
        text = re.sub(r"^(?:for|about)\s+(?=\w)", "", text, flags=re.IGNORECASE)
    said = trimmed(_SAY.sub("", text).strip().strip('"“”'))
    if said is None:
        return None
    if slot.schema.get("type") == "array":
        items = items_of(spaced_items(said))
        return typed(items, ", ".join(items)) if items else None
    return typed(said)
