"""From a request to an action's slots: `extract`. Rules read them (by_rules.py); the tagger says which texts it believes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edge_llm.actions.manifest import Action, Slot
from edge_llm.actions.values import SlotValue
from edge_llm.understand.by_rules import Values, read_by_rules, text_value, texts_of, typed, values_of_people
from edge_llm.understand.context import Context, Extracted
from edge_llm.understand.language import chinese_marks, language_of
from edge_llm.understand.model_slots import ask_model
from edge_llm.understand.reading import Reading
from edge_llm.understand.recipients import known_at
from edge_llm.understand.spelling import Spelt, spelt
from edge_llm.understand.tagging import Texts
from edge_llm.understand.text_slots import bare_request, trimmed


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
    slots = dict(known or {})
    ambiguous: dict[str, Values] = {}
    unresolved: dict[str, str] = {}
    ruled = read_by_rules(reading, slots)
    texts = Texts(action, reading.words, reading.known_spans, texts_of(ruled))
    for slot in action.slots:
        if slot.name in slots:
            continue
        values = _believed(reading, texts, slot, ruled[slot.name])
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
                    slots[slot.name] = _as_typed(text_value(slot, said), read, words)
    missing = tuple(
        slot.name for slot in action.slots if slot.required and slot.name not in slots and slot.name not in ambiguous
    )
    return Extracted(slots, missing, ambiguous, unresolved)


def _stranger(reading: Reading, slot: Slot) -> str | None:
    """A name that no contact bears, or one whose contact has nothing that the action can use."""
    return None if slot.name == "number" or not reading.named else reading.named[0].text


def _believed(reading: Reading, texts: Texts, slot: Slot, values: Values) -> Values:
    """What rules read of a text or a person, or what the tagger says instead."""
    if len(values) > 1:
        return values
    if slot.role == "recipient":
        known = [known_at(reading.words, start, reading.context.people) for start in texts.starts(slot)]
        tagged = [one for one in known if one is not None and one.contacts]
        count = len(values[0].value) if values and isinstance(values[0].value, list) else len(values)
        is_more = len(tagged) > count and (not values or slot.schema.get("type") == "array")
        return values_of_people(reading, slot, tagged) if is_more else values
    if slot.role not in ("text", "query", "item", "place", "app"):
        return values
    read = values[0].value if values else None
    said = texts.believed(slot, read)
    if said is None or said == read:
        return values if said == read else ()
    return (typed(said, ", ".join(said)) if isinstance(said, list) else typed(said),)


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
