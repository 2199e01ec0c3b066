"""A conversation with a memory: what the model is shown, what the answer leans on, and what is lost when it is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_llm import Chat, Done, EventStream, Message, Result
from edge_llm.memory import Draft, Memory, Recall
from edge_llm.memory.recall import NOT_IN_DATA
from runtimes.errors import ConfigError, ContextOverflowError, InputError, PromptError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

if TYPE_CHECKING:
    from edge_llm.model import Model
    from tests.unit.edge_llm.conftest import ModelMaker

KEY = bytes(range(32))
DENTIST = "The dentist moved your appointment to Thursday at half past nine."
OSAKA = "Your flight to Osaka leaves from gate 14."
ANSWER = "On Thursday at half past nine."
CONTEXT = 4096


def read(events: EventStream) -> Result:
    *_, done = events
    assert isinstance(done, Done)
    return done.result


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=KEY, embedder=WordEmbedder()) as opened:
        opened.add([Draft(DENTIST, "mail", "1"), Draft(OSAKA, "mail", "2")], source="mail")
        yield opened


@pytest.fixture
def model(make_model: ModelMaker) -> Model:
    return make_model([ANSWER, "From gate 14.", "Third.", "Fourth."], context_length=CONTEXT)


@pytest.fixture
def prompts(model: Model, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Message, ...]]:
    """What the model was asked, each time."""
    asked: list[tuple[Message, ...]] = []
    stream = model.chat_stream

    def record(messages: tuple[Message, ...], **options: object) -> EventStream:
        asked.append(tuple(messages))
        return stream(messages, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(model, "chat_stream", record)
    return asked


def id_of(memory: Memory, text: str) -> int:
    return next(item.id for item in memory.list() if item.text == text)


def test_an_answer_comes_with_what_it_was_made_from(memory: Memory, model: Model, prompts: list[tuple[Message, ...]]) -> None:
    chat = Chat(model, memory=memory)
    result = read(chat.send("When is the dentist appointment?"))
    assert result.text == ANSWER
    assert result.recalled is not None
    assert result.recalled.found
    dentist = id_of(memory, DENTIST)
    assert dentist in result.recalled.shown
    assert result.recalled.cited == (dentist,)
    assert DENTIST in prompts[0][-1].content
    assert prompts[0][-1].content.endswith("Question: When is the dentist appointment?")


def test_what_was_found_is_never_the_person_s_words(memory: Memory, model: Model, prompts: list[tuple[Message, ...]]) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("When is the dentist appointment?"))
    read(chat.send("Which gate is the flight to Osaka?"))
    assert chat.messages[0] == Message("user", "When is the dentist appointment?")
    assert prompts[1][:2] == chat.messages[:2]
    assert DENTIST not in prompts[1][0].content
    assert OSAKA in prompts[1][-1].content


@pytest.mark.parametrize(
    ("question", "answer"), [("Who won the football match?", NOT_IN_DATA), ("谁赢了足球赛?", "你的数据里没有。")]
)
def test_not_in_your_data(question: str, answer: str, memory: Memory, model: Model, prompts: list[tuple[Message, ...]]) -> None:
    chat = Chat(model, memory=memory)
    result = read(chat.send(question))
    assert (result.text, result.stop_reason, result.usage.completion_tokens) == (answer, "stop", 0)
    assert result.recalled is not None
    assert not result.recalled.found
    assert prompts == [], "no model was asked to make something up"
    assert chat.messages == (Message("user", question), Message("assistant", answer))


def test_beyond_the_data_only_after_saying_so(memory: Memory, model: Model, prompts: list[tuple[Message, ...]]) -> None:
    chat = Chat(model, memory=memory, recall=Recall(beyond_data=True))
    result = read(chat.send("Who won the football match?"))
    assert result.text == f"{NOT_IN_DATA}\n{ANSWER}"
    assert prompts[0] == (Message("user", "Who won the football match?"),)
    assert chat.messages[-1] == Message("assistant", result.text)


def test_a_follow_up_is_looked_for_with_what_went_before(
    memory: Memory, model: Model, prompts: list[tuple[Message, ...]]
) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("Which gate is the flight to Osaka?"))
    result = read(chat.send("Why?"))
    assert result.recalled is not None
    assert id_of(memory, OSAKA) in result.recalled.shown


def test_a_new_question_is_not_taken_for_a_follow_up(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("Which gate is the flight to Osaka?"))
    assert read(chat.send("Who won the football match?")).text == NOT_IN_DATA


def test_the_prompt_fits_and_leaves_room_for_the_answer(memory: Memory, make_model: ModelMaker) -> None:
    memory.add([Draft(f"The dentist wrote letter {n}: " + "word " * 200, "mail", str(n)) for n in range(20)], source="letters")
    for context in (1200, 2000, 4000):
        chat = Chat(make_model(["yes " * 100], context_length=context), memory=memory)
        result = read(chat.send("What did the dentist write?"))
        assert result.usage.prompt_tokens + 256 <= context
        assert result.recalled is not None
        assert result.recalled.found
    small = Chat(make_model(["yes"], context_length=1200), memory=memory, recall=Recall(tokens=200))
    recalled = read(small.send("What did the dentist write?")).recalled
    assert recalled is not None
    assert 1 <= len(recalled.passages) <= 4
    assert sum(len(passage.text) for passage in recalled.passages) <= 200
    assert all(len(passage.text) >= 24 for passage in recalled.passages), "no scraps"


def test_no_room_is_an_error_and_not_an_answer_without_data(memory: Memory, make_model: ModelMaker) -> None:
    chat = Chat(make_model(["yes"], context_length=500), memory=memory)
    with pytest.raises(ContextOverflowError):
        chat.send("When is the dentist appointment?")
    assert chat.messages == ()


def test_nonsense_is_refused(memory: Memory, model: Model) -> None:
    with pytest.raises(ConfigError, match=r"Recall\.items"):
        Recall(items=0)
    with pytest.raises(PromptError):
        Chat(model, memory=memory).send("  ")
    with pytest.raises(InputError, match="no memory"):
        Chat(model).keep("x")


def test_a_chat_that_was_shown_memory_is_not_written_to_a_plain_file(memory: Memory, model: Model, tmp_path: Path) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("When is the dentist appointment?"))
    with pytest.raises(InputError, match="not written to a plain file"):
        chat.save(tmp_path / "chat.json")
    assert not (tmp_path / "chat.json").exists()


def test_kept_and_resumed(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("When is the dentist appointment?"))
    chat.keep("teeth")
    read(chat.send("Which gate is the flight to Osaka?"))
    chat.keep("trip")
    assert memory.chats.names() == ["trip"], "it has one name at a time"
    other = Chat(model, memory=memory)
    other.resume("trip")
    assert other.messages == chat.messages
    with pytest.raises(InputError, match=r"'teeth'.*trip"):
        other.resume("teeth")


def test_turns_come_back_by_search_when_they_are_remembered(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory, recall=Recall(beyond_data=True))
    read(chat.send("My locker number is 77."))
    assert memory.chats.names() == []
    chat.remember = True
    read(chat.send("My parrot is called Zorro."))
    (name,) = memory.chats.names()
    later = Chat(model, memory=memory)
    result = read(later.send("How is my parrot called?"))
    assert result.recalled is not None
    texts = {passage.item.text for passage in result.recalled.passages}
    assert "My parrot is called Zorro." in texts
    assert not any("locker" in text for text in texts)
    assert {item.kind for item in memory.list(source=f"chat:{name}")} == {"chat"}


def test_a_conversation_is_not_shown_its_own_turns(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory, remember=True, recall=Recall(beyond_data=True))
    read(chat.send("My parrot is called Zorro."))
    assert read(chat.send("How is my parrot called?")).recalled.passages == ()  # type: ignore[union-attr]


def test_forgetting_reaches_the_open_chat(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("Which gate is the flight to Osaka?"))
    before = chat.messages
    read(chat.send("When is the dentist appointment?"))
    read(chat.send("Which gate is the flight to Osaka?"))
    memory.forget(ids=[id_of(memory, DENTIST)])
    assert chat.messages == before
    assert model._context._tokens == []


def test_forgetting_by_another_process_reaches_the_open_chat_at_its_next_turn(
    memory: Memory, model: Model, prompts: list[tuple[Message, ...]]
) -> None:
    chat = Chat(model, memory=memory)
    read(chat.send("When is the dentist appointment?"))
    with Memory.open(memory.path, key=KEY, embedder=WordEmbedder()) as other:
        other.forget(ids=[id_of(memory, DENTIST)])
    read(chat.send("Which gate is the flight to Osaka?"))
    assert not any("dentist" in message.content for message in prompts[-1])
    assert chat.messages[0].content == "Which gate is the flight to Osaka?"


def test_an_answer_under_way_is_not_kept_when_what_it_is_made_from_is_forgotten(memory: Memory, model: Model) -> None:
    chat = Chat(model, memory=memory, remember=True)
    events = chat.send("When is the dentist appointment?")
    next(events)
    memory.forget(ids=[id_of(memory, DENTIST)])
    read(events)
    assert chat.messages == ()
    assert memory.chats.names() == []
