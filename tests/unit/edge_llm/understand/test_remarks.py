"""Remarks that change a value by what it holds: more of it, later, named more closely."""

from __future__ import annotations

from typing import Any

import pytest

from edge_llm.actions.manifest import Action
from edge_llm.understand.context import Context
from edge_llm.understand.corrections import correct
from edge_llm.understand.extract import extract


@pytest.mark.parametrize(
    ("action", "words", "remark", "slot", "value"),
    [
        ("shopping.add", "add milk to the shopping list", "oh, and a brown loaf as well", "items", ["milk", "brown loaf"]),
        ("shopping.add", "add milk to the shopping list", "also jam", "items", ["milk", "jam"]),
        ("meeting.schedule", "set up a meeting with Li Wei tomorrow at 2", "with mum too", "people",
         ["+8613800000003", "+8613800000001"]),
        ("alarm.set", "set an alarm for 7am tomorrow", "make it half an hour earlier", "time", "2026-11-30T06:30:00+08:00"),
        ("timer.set", "set a timer for 10 minutes", "add five more minutes", "duration", "PT15M"),
        ("timer.set", "set a timer for 10 minutes", "nah 12", "duration", "PT12M"),
        ("takeaway.order", "order a pizza from Dominos", "pepperoni pizza", "dish", "pepperoni pizza"),
        ("takeaway.order", "order a pizza from Dominos", "from Pizza Hut instead", "restaurant", "Pizza Hut"),
        ("reminder.add", "remind me at 5 to ring mum", "no, Li Wei", "text", "ring Li Wei"),
        ("sms.send", "text mum I'll be there at 6", "make it 7", "message", "I'll be there at 7"),
        ("calendar.add", "put dentist in my calendar for tuesday at 3", "sorry, it's the doctor not the dentist", "title",
         "the doctor"),
    ],
)  # fmt: skip
def test_a_remark_changes_what_is_there(
    actions: dict[str, Action], context: Context, action: str, words: str, remark: str, slot: str, value: Any
) -> None:
    before = extract(actions[action], words, context).slots
    changed = correct(before, actions[action], remark, context)
    assert changed is not None
    assert {name: one.value for name, one in changed.items()} == {slot: value}
