"""Sentences are tied to the passages whose words they use, and to no others."""

from __future__ import annotations

import pytest

from edge_llm.memory.citing import find_claims
from edge_llm.memory.packing import Passage
from tests.unit.edge_llm.memory.sample_items import item

PASSAGES = (
    Passage(1, item(11, "The dentist moved your appointment to Thursday at half past nine."), "", 1.0),
    Passage(2, item(12, "Your flight to Osaka leaves from gate 14.", sender="Katharina Braun"), "", 0.9),
    Passage(3, item(13, "我们下周三晚上在外滩的老咖啡馆见面。"), "", 0.8),
)
SHOWN = tuple(Passage(p.number, p.item, p.item.text, p.score) for p in PASSAGES)


def leans(answer: str, question: str = "what?") -> list[tuple[str, tuple[int, ...]]]:
    return [(answer[claim.start : claim.end], claim.items) for claim in find_claims(answer, SHOWN, question)]


def test_each_sentence_has_its_own_items() -> None:
    answer = "Your dentist's appointment is on Thursday at half past nine. The flight leaves from gate 14. Enjoy Japan!"
    assert leans(answer) == [
        ("Your dentist's appointment is on Thursday at half past nine.", (11,)),
        ("The flight leaves from gate 14.", (12,)),
        ("Enjoy Japan!", ()),
    ]


def test_chinese() -> None:
    assert leans("在外滩的老咖啡馆。护照在抽屉里。") == [("在外滩的老咖啡馆。", (13,)), ("护照在抽屉里。", ())]


def test_who_and_when_count() -> None:
    assert leans("Katharina Braun wrote it.") == [("Katharina Braun wrote it.", (12,))]
    assert leans("It was in May 2024.")[0][1] != ()


def test_echoing_the_question_is_no_evidence() -> None:
    question = "From which gate does the flight to Osaka leave?"
    assert leans("The flight to Osaka leaves from gate 14.", question)[0][1] == (12,)
    assert leans("The flight to Osaka leaves from gate 77.", question)[0][1] == ()


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ("", []),
        ("...", []),
        ("One line\nanother", ["One line", "another"]),
        ("It costs 3.50 euros. Cheap!", ["It costs 3.50 euros.", "Cheap!"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("一。二!三", ["一。", "二!三"]),
    ],
)
def test_sentences(answer: str, sentences: list[str]) -> None:
    assert [sentence for sentence, _ in leans(answer)] == sentences
