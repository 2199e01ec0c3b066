"""Slips that are put right in the same breath."""

from __future__ import annotations

import pytest

from edge_llm.understand.contacts import People
from edge_llm.understand.repairs import repaired
from tests.unit.edge_llm.understand.conftest import NOW


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("wake me at six, no seven", "wake me at seven"),
        ("remind me at noon no make that eleven to ring Bob", "remind me at eleven to ring Bob"),
        ("set an alarm for eight, sorry I mean eight thirty", "set an alarm for eight thirty"),
        ("timer for ten minutes, no wait, fifteen minutes", "timer for fifteen minutes"),
        ("lunch on monday, actually make it tuesday at one", "lunch on tuesday at one"),
        ("order two pizzas, no, three", "order three pizzas"),
        ("text mum, no sorry, Li Wei that I'm late", "text Li Wei that I'm late"),
        ("text Li Wei I left it on your desk no sorry on the shelf", "text Li Wei I left it on the shelf"),
    ],
)
def test_the_last_word_counts(people: People, words: str, meant: str) -> None:
    assert repaired(words, people, NOW.date()) == meant


@pytest.mark.parametrize(
    "words",
    [
        "text mum there is no milk", "tell mum I have no idea", "note: no parking on monday", "text Li Wei sorry I mean it",
        "no, tomorrow", "is there no 5 past bus", "set an alarm for seven, no wait",
    ],
)  # fmt: skip
def test_what_puts_nothing_right_stays(people: People, words: str) -> None:
    assert repaired(words, people, NOW.date()) == words
