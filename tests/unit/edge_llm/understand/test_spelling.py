"""Short ways of typing are read as what they stand for, and stay as they were typed where somebody else reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.manifest import Action
from edge_llm.understand.context import Context
from edge_llm.understand.courtesy import clauses, core
from edge_llm.understand.extract import extract
from edge_llm.understand.spelling import spelt


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("dont let me forget tmrw", "don't let me forget tomorrow"),
        ("we r out of tea n biscuits", "we are out of tea and biscuits"),
        ("dial oh seven double seven one four nine hundred", "dial 077714900"),
        ("whats smth nice", "what's something nice"),
        ("solve for n: n = 3u", "solve for n: n = 3u"),
        ("two or three", "two or three"),
    ],
)
def test_short_forms_are_spelt_out(typed: str, text: str) -> None:
    assert spelt(typed).text == text


def test_a_part_is_found_as_it_was_typed() -> None:
    said = spelt("txt dad im at ur place n ok tmrw")
    assert said.text == "text dad I'm at your place and ok tomorrow"
    assert said.as_typed("I'm at your place and ok tomorrow") == "im at ur place n ok tmrw"
    assert said.as_typed("dad") == "dad"
    assert said.as_typed("nobody") == "nobody"


@given(st.text(max_size=80))
def test_the_whole_is_as_it_was_typed(words: str) -> None:
    said = spelt(words)
    assert said.as_typed(said.text) == words or not said.text


def test_a_message_keeps_the_persons_spelling(actions: dict[str, Action], context: Context) -> None:
    found = extract(actions["sms.send"], "txt mum cant make it tmrw, r u ok", context).slots
    assert found["message"].value == "cant make it tmrw, r u ok"
    listed = extract(actions["shopping.add"], "we r out of milk n eggs, chuck em on the shopping list", context).slots
    assert listed["items"].value == ["milk", "eggs"]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Good morning dear, would you be so kind as to wake me at six", "wake me at six"),
        ("yo open spotify real quick", "open spotify"),
        ("could you please play jazz for me, thanks", "play jazz"),
        ("please", "please"),
    ],
)
def test_courtesies_are_no_part_of_a_request(words: str, left: str) -> None:
    assert core(words) == left


def test_a_sentence_has_clauses() -> None:
    assert list(clauses("cba cooking, so order me a pizza please. Thanks")) == ["cba cooking", "order me a pizza", "Thanks"]
