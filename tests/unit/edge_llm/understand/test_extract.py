"""Slots of the standard actions, from a request to its values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.understand.contacts import Contact, People
from edge_llm.understand.context import Context
from edge_llm.understand.extract import extract
from edge_llm.understand.questions import question, which
from tests.unit.edge_llm.understand.conftest import NOW


@pytest.mark.parametrize(
    ("action", "words", "values"),
    [
        ("sms.send", "text mum that I'm ten minutes late", {"recipient": "+8613800000001", "message": "I'm ten minutes late"}),
        ("wechat.send", "给妈妈发微信说我到家了", {"recipient": "Mum", "message": "我到家了"}),
        ("sms.send", "发短信给张三，告诉他会议改到四点", {"recipient": "+8613800000009", "message": "会议改到四点"}),
        ("sms.send", "要晚到了，跟王伟说一声", {"recipient": "+8613800000004", "message": "要晚到了"}),
        ("mail.send", "email mum about the trip", {"recipient": "mum@example.org", "subject": "the trip"}),
        ("call.start", "call 138 0013 8000", {"recipient": "+8613800138000"}),
        ("taxi.book", "打车去虹桥站", {"destination": "虹桥站"}),
        ("taxi.book", "get me a taxi to the airport at 5", {"destination": "airport", "time": "2026-11-29T17:00:00+08:00"}),
        ("directions.show", "the route from the station to the museum", {"destination": "museum", "origin": "station"}),
        ("shopping.add", "add milk and eggs to my shopping list", {"items": ["milk", "eggs"]}),
        ("shopping.add", "把牛奶加到购物清单", {"items": ["牛奶"]}),
        ("reminder.add", "明天九点提醒我给银行打电话", {"text": "给银行打电话", "time": "2026-11-30T09:00:00+08:00"}),
        ("timer.set", "set a two hour timer for the laundry", {"duration": "PT2H", "label": "laundry"}),
        ("restaurant.reserve", "book a table for two at Luigi's tonight", {"restaurant": "Luigi's",
        "time": "2026-11-29T20:00:00+08:00", "number": 2}),
        ("convert.currency", "how many dollars is 50 euros", {"amount": 50, "currency_from": "EUR", "currency_to": "USD"}),
        ("translate", "把早上好翻译成西班牙语", {"text": "早上好", "language": "西班牙语"}),
        ("app.open", "打开微信", {"app": "微信"}),
        ("calculate", "what's 12 times 7", {"expression": "12 * 7"}),
        ("memory.search", "when did I last see the dentist?", {"query": "when did I last see the dentist?"}),
    ],
)  # fmt: skip
def test_slots(actions: dict[str, Action], context: Context, action: str, words: str, values: dict[str, Any]) -> None:
    found = extract(actions[action], words, context)
    assert {name: slot.value for name, slot in found.slots.items()} == values


def test_a_contacts_number_says_where_it_is_from(actions: dict[str, Action], context: Context) -> None:
    found = extract(actions["sms.send"], "text Li Wei that dinner is ready", context)
    assert (found.slots["recipient"].provenance.origin, found.slots["recipient"].provenance.source) == (
        "contact",
        "contact Li Wei",
    )
    assert found.slots["message"].provenance.origin == "typed"


def test_a_name_that_is_no_contact_is_missing_and_named(actions: dict[str, Action], context: Context) -> None:
    found = extract(actions["sms.send"], "text Bob that I'm here", context)
    assert found.missing == ("recipient",)
    assert found.unresolved == {"recipient": "Bob"}
    assert "Bob" in question(actions["sms.send"], "recipient", "en", unresolved="Bob")


def test_two_people_of_a_name_are_asked_about(actions: dict[str, Action], context: Context) -> None:
    found = extract(actions["call.start"], "call Anna", context)
    assert found.missing == ()
    assert [value.value for value in found.ambiguous["recipient"]] == ["+4930123456", "+8613800000010"]
    assert which(found.ambiguous["recipient"], "en") == "Which one? 1. Anna Bell (+4930123456)  2. Anna Chen (+8613800000010)"


def test_two_people_of_a_name_are_asked_about_where_several_may_be_meant(actions: dict[str, Action], context: Context) -> None:
    """The first of them is not taken: the other may be whom the name belongs to."""
    found = extract(actions["meeting.schedule"], "schedule a meeting with Anna tomorrow at 5", context)
    assert "people" not in found.slots
    assert [value.value for value in found.ambiguous["people"]] == [["+4930123456"], ["+8613800000010"]]


def test_hidden_characters_of_a_name_are_written_out_in_a_question(actions: dict[str, Action], context: Context) -> None:
    people = People([Contact("Anna Bell", ("+15550100",)), Contact("Anna \u202eBell", ("+15559666",))])
    found = extract(actions["call.start"], "call Anna", replace(context, people=people))
    assert r"Anna \u202eBell (+15559666)" in which(found.ambiguous["recipient"], "en")


def test_what_is_known_stays(actions: dict[str, Action], context: Context) -> None:
    first = extract(actions["sms.send"], "text mum", context)
    second = extract(actions["sms.send"], "text Li Wei that I'm late", context, first.slots)
    assert second.slots["recipient"] == first.slots["recipient"]


def test_a_day_alone_sets_no_alarm(actions: dict[str, Action], context: Context) -> None:
    assert extract(actions["alarm.set"], "set an alarm for tomorrow", context).missing == ("time",)


def test_every_slot_has_a_question_in_both_languages(actions: dict[str, Action]) -> None:
    for action in actions.values():
        for slot in action.slots:
            assert question(action, slot.name, "en").endswith("?")
            assert question(action, slot.name, "zh").endswith(("？", "。"))


def test_a_relation_is_whoever_is_called_so() -> None:
    book = People([Contact("妈妈", ("+8613800000001",)), Contact("Boss", ("+8613800000002",))])
    assert [one.name for one in book.find("my mom")] == ["妈妈"]
    assert [one.name for one in book.find("老板")] == ["Boss"]
    assert book.find("we") == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=50), st.sampled_from(library()))
def test_any_words_for_any_action(words: str, action: Action) -> None:
    book = People([Contact("Anna", ("+4930123456",)), Contact("张三", ("+8613800000009",))])
    found = extract(action, words, Context(NOW, "en", book))
    assert set(found.slots) | set(found.missing) | set(found.ambiguous) <= {slot.name for slot in action.slots}
    assert not set(found.slots) & (set(found.missing) | set(found.ambiguous))
