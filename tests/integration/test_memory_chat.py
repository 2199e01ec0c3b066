"""The default model answers from a memory with the default embedder, in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import edge_llm
from edge_llm import Chat, Done, Draft, Memory, Result
from edge_llm.memory import Mention
from edge_llm.model import Model

DENTIST = "The dentist moved your appointment to Thursday at half past nine."
OSAKA = "Your flight to Osaka leaves from gate 14."
CHINESE = "我们下周三晚上在外滩的老咖啡馆见面。"


@pytest.fixture(scope="module")
def model(smol_gguf: Path) -> Iterator[Model]:
    with edge_llm.load(smol_gguf, context_length=2048) as loaded:
        yield loaded


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=bytes(32)) as opened:
        anna = (Mention("from", "Anna Lee"),)
        # What is unusually near in meaning can be told only among enough that is not.
        others = [
            Draft(f"Invoice {number} of the power company was paid in full.", "mail", str(number)) for number in range(60)
        ]
        opened.add(others, source="bills")
        opened.add(
            [Draft(DENTIST, "mail", "1"), Draft(OSAKA, "mail", "2"), Draft(CHINESE, "message", "3", people=anna)], source="post"
        )
        yield opened


def ask(chat: Chat, question: str) -> Result:
    *_, done = chat.send(question, max_tokens=60)
    assert isinstance(done, Done)
    return done.result


def test_it_answers_from_what_was_found_and_says_so(model: Model, memory: Memory) -> None:
    chat = Chat(model, memory=memory)
    result = ask(chat, "From which gate does my flight to Osaka leave?")
    assert "14" in result.text
    assert result.recalled is not None
    cited = [memory.show(item).text for item in result.recalled.cited]
    assert cited[0] == OSAKA
    assert all("<pieces>" not in message.content for message in chat.messages)


def test_not_in_your_data(model: Model, memory: Memory) -> None:
    assert ask(Chat(model, memory=memory), "Who won the football world cup in 1998?").text == "Not in your data."


def test_across_languages(memory: Memory) -> None:
    assert memory.search("咖啡馆")[0].text == CHINESE
    hits = [hit.text for hit in memory.search("When do we meet at the coffee house?")]
    assert CHINESE in hits, "meaning finds what no word does"
    assert memory.search("牙医什么时候?")[0].text == DENTIST
