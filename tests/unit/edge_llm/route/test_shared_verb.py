"""Requests that share a verb or a thing, written out; and what they have in common."""

from __future__ import annotations

import pytest

from edge_llm.actions.library import library
from edge_llm.confidence import understood
from edge_llm.route import split_requests
from edge_llm.several import drafts, together
from edge_llm.understand.context import Context
from tests.assistant_dialogues import setting

ACTIONS = {action.id: action for action in library()}


@pytest.mark.parametrize(
    ("words", "requests"),
    [
        ("set a timer for 10 minutes and another for 25", ["set a timer for 10 minutes", "set a timer for 25 minutes"]),
        (
            "a five minute timer for the eggs and a twelve minute one for the bread",
            ["a five minute timer for the eggs", "set a twelve minute timer for the bread"],
        ),
        ("timers for 3 minutes and 8 minutes", ["set a timer for 3 minutes", "set a timer for 8 minutes"]),
        (
            "two alarms please, one at 6 and one at 6:30 tomorrow morning",
            ["set an alarm for 6 tomorrow morning", "set an alarm for 6:30 tomorrow morning"],
        ),
        ("wake me at 5 and again at quarter past tomorrow", ["wake me at 5 tomorrow", "wake me at quarter past 5 tomorrow"]),
        (
            "remind me at 2 to ring the vet and at 5 to feed the fish",
            ["remind me at 2 to ring the vet", "remind me at 5 to feed the fish"],
        ),
        (
            "remind me to take my tablet at 2 and ring Mum at 6",
            ["remind me to take my tablet at 2", "remind me to ring Mum at 6"],
        ),
        ("alarm at 6 tomorrow and a cab to the docks at 7", ["alarm at 6 tomorrow", "a cab to the docks at 7"]),
        ("text Anna I'm leaving and show me the way to the pool", ["text Anna I'm leaving", "show me the way to the pool"]),
        # one request
        ("text Emma I've set a timer for 10 minutes and another for 20", None),
        ("set a timer for an hour and twenty minutes", None),
        ("tell Anna I need an alarm and a taxi to work", None),
        ("remind me to buy milk and eggs at 5", None),
        ("wake me at 7 and a half", None),
    ],
)
def test_what_is_taken_apart(words: str, requests: list[str] | None) -> None:
    assert split_requests(words) == (requests or [words])


@pytest.mark.parametrize(
    ("first", "second", "slots"),
    [
        (
            ("restaurant.reserve", "book a table for two at Luigi's on Friday at 7"),
            ("calendar.add", "add it to my calendar"),
            {"title": "table for two at Luigi's", "time": "2026-03-06T19:00:00+08:00"},
        ),
        (
            ("taxi.book", "get me a taxi to the airport for 6am tomorrow"),
            ("reminder.add", "remind me an hour before"),
            {"text": "taxi to the airport", "time": "2026-03-05T05:00:00+08:00"},
        ),
        (
            ("calendar.add", "add a dentist appointment on Monday at 10"),
            ("reminder.add", "remind me the evening before"),
            {"text": "dentist appointment", "time": "2026-03-08T19:00:00+08:00"},
        ),
        (
            ("alarm.set", "alarm for half five tomorrow"),
            ("taxi.book", "a taxi to the station at quarter past six"),
            {"destination": "station", "time": "2026-03-05T06:15:00+08:00"},
        ),
        (
            ("weather.show", "what's the weather on Friday"),
            ("alarm.set", "set an alarm for 7 tomorrow"),
            {"time": "2026-03-05T07:00:00+08:00"},
        ),
    ],
)
def test_what_a_request_takes_from_the_one_before_it(
    first: tuple[str, str], second: tuple[str, str], slots: dict[str, str]
) -> None:
    now, region, people = setting()
    context = Context(now, "en", people, region)
    plan = [made for name, words in (first, second) for made in drafts(ACTIONS[name], words, context, understood(0.9, name))]
    assert {name: value.value for name, value in together(plan, context)[1].slots.items()} == slots
