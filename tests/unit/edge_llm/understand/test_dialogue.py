"""Replies to a question, and corrections."""

from __future__ import annotations

from typing import Any

import pytest

from edge_llm.actions.manifest import Action
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.answers import answer_slot, choose
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.extract import extract


@pytest.mark.parametrize(
    ("action", "slot", "words", "value"),
    [
        ("reminder.add", "time", "at three", "2026-11-29T15:00:00+08:00"),
        ("reminder.add", "time", "明天下午", "2026-11-30T15:00:00+08:00"),
        ("reminder.add", "time", "whenever", None),
        ("sms.send", "recipient", "王伟", "+8613800000004"),
        ("sms.send", "recipient", "+49 170 1234567", "+491701234567"),
        ("sms.send", "recipient", "Bob", None),
        ("sms.send", "message", "say I'm late", "I'm late"),
        ("sms.send", "message", "说我到家了", "我到家了"),
        ("taxi.book", "destination", "to the airport", "airport"),
        ("shopping.add", "items", "milk, eggs and bread", ["milk", "eggs", "bread"]),
        ("timer.set", "duration", "ten minutes", "PT10M"),
        ("timer.set", "duration", "ten", "PT10M"),
        ("reminder.add", "text", "to ring the vet", "ring the vet"),
        ("restaurant.reserve", "number", "four", 4),
        ("restaurant.reserve", "number", "四个", 4),
        ("convert.currency", "currency_to", "in euros", "EUR"),
    ],
)
def test_an_answer(actions: dict[str, Action], context: Context, action: str, slot: str, words: str, value: Any) -> None:
    answer = answer_slot(actions[action].slot(slot), words, context, action=actions[action])
    assert (None if answer is None else answer.value) == value


@pytest.mark.parametrize(
    ("action", "words", "correction", "slot", "value"),
    [
        ("reminder.add", "remind me tomorrow at 3 to call mum", "no, at 4", "time", "2026-11-30T16:00:00+08:00"),
        ("reminder.add", "remind me tomorrow at 3 to call mum", "no, Tuesday", "time", "2026-12-01T15:00:00+08:00"),
        ("reminder.add", "明天下午三点提醒我开会", "不对，是后天", "time", "2026-12-01T15:00:00+08:00"),
        ("reminder.add", "明天下午三点提醒我开会", "换成四点", "time", "2026-11-30T16:00:00+08:00"),
        ("alarm.set", "wake me up at seven", "7:30", "time", "2026-11-30T07:30:00+08:00"),
        ("alarm.set", "wake me up at seven", "half past", "time", "2026-11-30T07:30:00+08:00"),
        ("sms.send", "text Li Wei that I am late", "not Li Wei, mum", "recipient", "+8613800000001"),
        ("sms.send", "给张三发短信说我到了", "不是张三，是王伟", "recipient", "+8613800000004"),
        ("sms.send", "text Li Wei that I am late", "no, say I'm early", "message", "I'm early"),
        ("timer.set", "set a timer for 10 minutes", "make it 15 minutes", "duration", "PT15M"),
        ("timer.set", "set a timer for 10 minutes", "actually 20", "duration", "PT20M"),
        ("taxi.book", "打车去虹桥站", "不是虹桥站，是浦东机场", "destination", "浦东机场"),
        ("shopping.add", "add milk and eggs to the shopping list", "not milk, bread", "items", ["bread", "eggs"]),
        ("translate", "translate hello into French", "no, German", "language", "German"),
    ],
)
def test_a_correction_changes_one_slot(
    actions: dict[str, Action], context: Context, action: str, words: str, correction: str, slot: str, value: Any
) -> None:
    before = extract(actions[action], words, context).slots
    changed = correct(before, actions[action], correction, context)
    assert changed is not None
    assert {name: one.value for name, one in changed.items()} == {slot: value}


@pytest.mark.parametrize("words", ["sounds great", "what's the weather", "", "你好"])
def test_what_corrects_nothing_is_none(actions: dict[str, Action], context: Context, words: str) -> None:
    before = extract(actions["sms.send"], "text mum that I'm late", context).slots
    assert correct(before, actions["sms.send"], words, context) is None


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("2", 1),
        ("the first one", 0),
        ("第二个", 1),
        ("Chen", 1),
        ("the last", 1),
        ("Anna", None),
        ("9", None),
        ("the Bell one", 0),
        ("it's Chen", 1),
        ("Anna C", 1),
        ("not that one", None),
    ],
)
def test_which_of_several(words: str, place: int | None) -> None:
    values = [SlotValue(name, f"Anna {name}", Provenance("contact")) for name in ("Bell", "Chen")]
    assert choose(values, words) == (None if place is None else values[place])
