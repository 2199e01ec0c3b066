"""Drafts of what was asked for: an action, what the words say of its slots, and how a reply changes them.

Between routing and understanding on one side and the dialogue on the other. Keeps nothing and does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from edge_llm import usual
from edge_llm.actions.manifest import Action, Language, Slot
from edge_llm.actions.values import Call, SlotValue
from edge_llm.confidence import Confidence
from edge_llm.route import heads
from edge_llm.understand.answers import answer_slot, choose, without_lead
from edge_llm.understand.by_rules import handle_wanted, time_value
from edge_llm.understand.context import Context, Extracted
from edge_llm.understand.corrections import correct
from edge_llm.understand.extract import extract
from edge_llm.understand.language import language_of
from edge_llm.understand.numbers import find_numbers
from edge_llm.understand.questions import question, which
from edge_llm.understand.recipients import read_reply, values_of
from edge_llm.understand.spoken import plainly
from edge_llm.understand.text_slots import trimmed, without
from edge_llm.understand.times import find_times, moved

if TYPE_CHECKING:
    from edge_llm.memory.view import MemoryView
    from edge_llm.requested import RoutedPart

_ALSO_READ: Final = frozenset({"time", "duration", "amount", "recipient", "place"})
"""Roles that a reply to a question about another slot may fill on the way: "tomorrow, at Luigi's"."""

_MAY_ADD = _ALSO_READ | {"app", "number"}
_NAMED_WITH_MORE: Final = ("contact.add", "translate", "convert.currency", "convert.units", "chart.draw")
"""Actions whose text a reply may name with the rest: "刘洋，13911110000", "我爱你，翻成法语"."""
_SHORT_ADDITION: Final = 8
"""Most characters of a Chinese remark that adds to a proposal and is no request of its own."""
_REMARK: Final = 5
"""Most words of a remark that adds to a proposal."""


@dataclass(frozen=True)
class Draft:
    """A call in the making."""

    words: str
    action: Action
    extracted: Extracted
    confidence: Confidence

    @property
    def slots(self) -> Mapping[str, SlotValue]:
        """What is known."""
        return self.extracted.slots

    @property
    def ready(self) -> bool:
        """Nothing is missing and nothing has several meanings."""
        return not self.extracted.missing and not self.extracted.ambiguous

    @property
    def call(self) -> Call:
        """The call, once it is ready."""
        return Call(self.action, self.slots)


def draft(action: Action, words: str, context: Context, confidence: Confidence) -> Draft:
    """What a request says of an action's slots."""
    return Draft(words, action, extract(action, words, context), confidence)


def filled(given: Draft, values: Mapping[str, SlotValue]) -> Draft:
    """The draft with some values known."""
    extracted = given.extracted
    return replace(
        given,
        extracted=Extracted(
            {**extracted.slots, **values},
            tuple(name for name in extracted.missing if name not in values),
            {name: several for name, several in extracted.ambiguous.items() if name not in values},
            {name: said for name, said in extracted.unresolved.items() if name not in values},
        ),
    )


def ready(call: Call, confidence: Confidence) -> Draft:
    """A draft of a call that is whole already."""
    return Draft("", call.action, Extracted(dict(call.slots)), confidence)


def with_usual(given: Draft, memory: MemoryView) -> Draft:
    """The draft with what the person only referred to looked up in memory; the same object where nothing was."""
    found: dict[str, SlotValue] = {}
    for slot in given.action.slots:
        value = given.slots.get(slot.name)
        if value is None or slot.role not in usual.ROLES or not value.provenance.trusted or not usual.refers(value.shown):
            continue
        known = usual.look_up(memory, slot, value.shown)
        if known is not None:
            found[slot.name] = known
    return filled(given, found) if found else given


def question_of(unready: Draft, language: Language) -> tuple[str, str]:
    """The slot to ask for, and the question."""
    extracted = unready.extracted
    for name, values in extracted.ambiguous.items():
        return name, which(values, language)
    name = extracted.missing[0]
    return name, question(unready.action, name, language, unresolved=extracted.unresolved.get(name))


def replied(waiting: Draft, asked: str | None, words: str, context: Context) -> Draft | None:
    """The draft after a reply to a question, or after a correction; None where the words are neither."""
    dictated = asked is not None and waiting.action.slot(asked).role == "text"
    words = words if dictated and not _is_marked(plainly(words)) else plainly(words)
    if asked is not None:
        values = waiting.extracted.ambiguous.get(asked)
        if values is not None and (picked := choose(values, words)) is not None:
            return filled(waiting, {asked: picked})
        slot = waiting.action.slot(asked)
        if elsewhere := _elsewhere(waiting, slot, words, context):
            return filled(waiting, elsewhere)
        moved = correct(waiting.slots, waiting.action, words, context) if waiting.slots else None
        said = answer_slot(slot, words, context, action=waiting.action)
        may_be_both = said is not None and any(waiting.action.slot(name).role == slot.role for name in moved or ())
        if moved and asked not in moved and _is_marked(words) and not may_be_both:
            return filled(waiting, moved)
        if said is not None and (timed := _timed(waiting, asked, words, context)) is not None:
            return filled(waiting, timed)
        if said is not None and (ordered := _ordered(waiting, asked, words, context)) is not None:
            return filled(waiting, ordered)
        if said is not None:
            return filled(waiting, {**_also(waiting, asked, words, context), asked: said})
        several = _several(waiting, asked, words, context)
        if several:
            return _unsettled(waiting, {asked: several})
        return filled(waiting, moved) if moved else None
    changed = correct(waiting.slots, waiting.action, words, context)
    if not changed and context.language == "zh" and len(words) <= _SHORT_ADDITION and heads.action_of(words) is None:
        return added(waiting, words, context)  # "从公司走", "明早八点的": before any other action is looked for
    return filled(waiting, changed) if changed else None


def replied_to_plan(plan: Sequence[Draft], asked: str | None, words: str, context: Context) -> tuple[int, Draft | None]:
    """The step that a reply is about, and what it makes of it (see `replied`): the first that is not ready; else the last whose
    times, amounts or people it corrects, or whose text where it corrects none of them."""
    at = next((place for place, one in enumerate(plan) if not one.ready), None)
    if at is not None:
        return at, replied(plan[at], asked, words, context)
    last: tuple[int, Draft | None] = len(plan) - 1, None
    for place in reversed(range(len(plan))):
        changed = replied(plan[place], None, words, context)
        if changed is None:
            continue
        slots = [slot for slot in changed.action.slots if changed.slots.get(slot.name) != plan[place].slots.get(slot.name)]
        if any(slot.role in _ALSO_READ for slot in slots):
            return place, changed
        last = last if last[1] is not None else (place, changed)
    return last


def restated(waiting: Draft, routed: Sequence[RoutedPart], context: Context) -> Draft | None:
    """The draft after the person said more of the same request instead of answering: "in Leeds" for a hotel, "remind me to pay
    the rent at noon" after "remind me". What is not said again stays. None where the words ask for something else.
    """
    if len(routed) != 1 or not routed[0].actions or routed[0].actions[0].id != waiting.action.id:
        return None
    found = extract(waiting.action, routed[0].words, context)
    if waiting.ready:  # "京东上买" says where; what is said again whole is another request
        is_more = bool(found.slots) and not any(waiting.action.slot(name).required for name in {*found.slots, *found.ambiguous})
        return filled(waiting, found.slots) if is_more else None
    if not found.slots and not found.ambiguous:
        return None
    return _unsettled(filled(waiting, found.slots), found.ambiguous)


def added(waiting: Draft, words: str, context: Context) -> Draft | None:
    """The draft with what a short remark adds to it ("on Amazon", "for two people"); None where it adds nothing."""
    words = plainly(words)
    if len(words.split()) > _REMARK or len(words) > 8 * _REMARK:
        return None
    found = extract(waiting.action, words, context, waiting.slots).slots
    new = {
        slot.name: found[slot.name]
        for slot in waiting.action.slots
        if slot.name in found and slot.name not in waiting.slots and slot.role in _MAY_ADD
    }
    return filled(waiting, new) if new else None


def chosen(actions: Sequence[Action], words: str, language: Language) -> Action | None:
    """Which of the offered actions the words name: by its number, or by its name."""
    folded = words.strip().casefold().rstrip(".。!！")
    for action in actions:
        if action.name.in_language(language).casefold() in folded or (
            len(folded) > 2 and folded in action.name.in_language(language).casefold()
        ):
            return action
    numbers = [int(one.value) for one in find_numbers(words) if one.value == int(one.value)]
    return actions[numbers[0] - 1] if len(numbers) == 1 and 1 <= numbers[0] <= len(actions) else None


def _unsettled(given: Draft, ambiguous: Mapping[str, tuple[SlotValue, ...]]) -> Draft:
    """The draft with several meanings of some slots in the place of what they had."""
    extracted = given.extracted
    return replace(
        given,
        extracted=Extracted(
            {name: value for name, value in extracted.slots.items() if name not in ambiguous},
            tuple(name for name in extracted.missing if name not in ambiguous),
            {**extracted.ambiguous, **ambiguous},
            {name: said for name, said in extracted.unresolved.items() if name not in ambiguous},
        ),
    )


def _several(waiting: Draft, asked: str, words: str, context: Context) -> tuple[SlotValue, ...]:
    """Who a reply may mean, where more than one person bears the name."""
    slot = waiting.action.slot(asked)
    if slot.role != "recipient" or slot.schema.get("type") == "array":
        return ()
    named = read_reply(words, context.people, region=context.region)
    values = () if named is None else values_of(named, handle_wanted(waiting.action, slot))
    return values if len(values) > 1 else ()


def _elsewhere(waiting: Draft, asked: Slot, words: str, context: Context) -> dict[str, SlotValue]:
    """What a reply that is no text says of a slot beside the text that was asked for: "tomorrow at five", a number."""
    if asked.role not in ("text", "item", "query"):
        return {}
    bare = words.strip(" .!")
    for slot in waiting.action.slots:
        if slot.name in waiting.slots or slot.role not in ("time", "recipient"):
            continue
        if slot.role == "time":
            times = find_times(bare, context.now)
            if len(times) == 1 and trimmed(bare[: times[0].start] + bare[times[0].end :]) is None:
                return {slot.name: time_value(times[0], slot, context)}
        elif slot.name == "number" and re.fullmatch(
            r"(?:it'?s |his |her |the number is )?(?:\+?[\d ()-]{6,20}|\S+@\S+\.\w+)", bare
        ):
            said = answer_slot(slot, bare, context, action=waiting.action)
            return {} if said is None else {slot.name: said}
    return {}


def _also(waiting: Draft, asked: str, words: str, context: Context) -> dict[str, SlotValue]:
    """Other slots that a reply fills on the way. A reply that is free text fills only the slot it was asked for."""
    if waiting.action.slot(asked).role == "item" and language_of(words) == "zh":  # "机械键盘，五百块以内"
        found = _others(waiting, asked, words, context)
        return {name: value for name, value in found.items() if waiting.action.slot(name).role == "amount"}
    if waiting.action.slot(asked).role in ("text", "query", "item", "data") and waiting.action.id not in _NAMED_WITH_MORE:
        return {}
    return _others(waiting, asked, words, context)


def _others(waiting: Draft, asked: str, words: str, context: Context) -> dict[str, SlotValue]:
    found = extract(waiting.action, words, context, waiting.slots).slots
    return {
        slot.name: found[slot.name]
        for slot in waiting.action.slots
        if slot.name in found
        and slot.name not in waiting.slots
        and slot.name != asked
        and (slot.role in _ALSO_READ or waiting.action.id in _NAMED_WITH_MORE or slot.schema.get("type") == "integer")
    }


def _timed(waiting: Draft, asked: str, words: str, context: Context) -> dict[str, SlotValue] | None:
    """What is to be done, and the hour that a reply names with it: "下午两点取护照" after "明天提醒我": tomorrow."""
    slot = next((one for one in waiting.action.slots if one.role == "time" and one.required), None)
    times = find_times(words, context.now)
    if asked not in ("text", "title") or slot is None or len(times) != 1 or not times[0].has_clock:
        return None
    said = answer_slot(
        waiting.action.slot(asked), without(words, [(times[0].start, times[0].end)]), context, action=waiting.action
    )
    if said is None:
        return None
    before = waiting.slots.get(slot.name)
    at = times[0].at if before is None else moved(datetime.fromisoformat(before.value), times[0])
    return {asked: said, slot.name: time_value(replace(times[0], at=at), slot, context)}


def _ordered(waiting: Draft, asked: str, words: str, context: Context) -> dict[str, SlotValue] | None:
    """What is to be eaten, and where it is from: "a chicken burger from Wendy's"."""
    if waiting.action.id != "takeaway.order" or asked != "dish" or not re.search(r"\b(?:from|to)\b", words):
        return None
    found = dict(extract(waiting.action, f"order {without_lead(words)}", context).slots)
    return found if asked in found and len(found) > 1 else None


def _is_marked(words: str) -> bool:
    """Whether words begin as a correction does."""
    return (
        words.strip()
        .casefold()
        .startswith(("no,", "not ", "actually", "wait", "sorry", "i mean", "不对", "不是", "错了", "等等", "改", "换"))
    )
