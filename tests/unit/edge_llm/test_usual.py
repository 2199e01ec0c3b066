"""What refers to "the usual", and what memory says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_llm import usual
from edge_llm.actions.library import library
from edge_llm.home import Home
from edge_llm.memory.items import Draft
from edge_llm.memory.memory import Memory
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

DISH = next(action for action in library() if action.id == "takeaway.order").slot("dish")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=bytes(32), embedder=WordEmbedder(), home=Home(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize(
    "words",
    [
        "my usual lunch",
        "the usual",
        "usual coffee",
        "my favourite song",
        "same as last time",
        "老样子",
        "我平时吃的午餐",
        "最喜欢的歌",
    ],
)
def test_words_that_stand_for_what_is_usual(words: str) -> None:
    assert usual.refers(words)


@pytest.mark.parametrize(
    "words",
    ["a regular coffee", "favourite restaurants in Paris", "noodles as usual", "unusual soup", "我经常迟到", "beef noodles"],
)
def test_words_that_say_it_themselves(words: str) -> None:
    assert not usual.refers(words)


def test_a_message_that_speaks_of_the_usual_stays_as_it_is(memory: Memory) -> None:
    memory.add([Draft("My usual place is the harbour cafe.", "note", "1")], source="notes")
    text = next(action for action in library() if action.id == "sms.send").slot("message")
    assert usual.look_up(memory, text, "our usual place tonight at eight") is None
    assert usual.look_up(memory, text, "see you at our usual place") is None


@pytest.mark.parametrize(
    ("note", "words", "value"),
    [
        ("My favourite colour is green. My usual lunch is beef noodles.", "my usual lunch", "beef noodles"),
        ("For lunch my usual is soup", "my usual lunch", "soup"),
        ("My usual lunch: ramen", "the usual", "ramen"),
        ("我平时吃的午餐是牛肉面。", "我平时吃的午餐", "牛肉面"),
    ],
)
def test_it_is_what_a_sentence_says_of_that_thing(memory: Memory, note: str, words: str, value: str) -> None:
    memory.add([Draft(note, "note", "1")], source="notes")
    found = usual.look_up(memory, DISH, words)
    assert found is not None
    assert found.shown == value
    assert found.provenance.origin == "memory"


def test_the_usual_of_something_else_is_not_taken(memory: Memory) -> None:
    memory.add([Draft("My usual lunch place is busy. My usual train is the 8:05.", "note", "1")], source="notes")
    assert usual.look_up(memory, DISH, "my usual breakfast") is None
