"""A conversation: what it remembers of each way an answer can end, and its file."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_llm import Chat, Done, EventStream, Message, Result, TextDelta
from edge_llm.events import StopReason
from runtimes.errors import ConfigError, ContextOverflowError, InputError, PromptError, RuntimeFailedError, StorageError

if TYPE_CHECKING:
    from tests.unit.edge_llm.conftest import ModelMaker

FIRST = (Message("user", "one?"), Message("assistant", "First answer."))


def read(events: EventStream) -> Result:
    *_, done = events
    assert isinstance(done, Done)
    return done.result


@pytest.fixture
def chat(make_model: ModelMaker) -> Chat:
    """A chat whose first turn was answered."""
    chat = Chat(make_model(["First answer.", "Second answer."]))
    read(chat.send("one?"))
    return chat


def test_turns_are_remembered_and_not_fed_again(chat: Chat) -> None:
    result = read(chat.send("two?"))
    assert result.text == "Second answer."
    assert chat.messages == (*FIRST, Message("user", "two?"), Message("assistant", "Second answer."))
    first_turn = chat.model.count_tokens(FIRST[:1]) + len("First answer.")
    assert result.usage.cached_tokens == first_turn


def test_the_system_message_comes_first_and_survives_a_reset(make_model: ModelMaker) -> None:
    chat = Chat(make_model(["a"]), system="Be brief.")
    read(chat.send("hi"))
    assert chat.messages[0] == Message("system", "Be brief.")
    chat.reset()
    assert chat.messages == (Message("system", "Be brief."),)
    chat.system = None
    assert chat.messages == ()


@pytest.mark.parametrize("ending", ["cancel", "close", "another turn", "reset", "interrupt"])
def test_an_answer_cut_short_is_kept_as_far_as_it_was_shown(chat: Chat, ending: str) -> None:
    cancel = threading.Event()
    events = chat.send("two?", cancel=cancel)
    shown = [next(events) for _ in range(6)]
    assert shown == [TextDelta(character) for character in "Second"]
    kept = (*FIRST, Message("user", "two?"), Message("assistant", "Second"))
    if ending == "cancel":
        cancel.set()
        assert read(events).stop_reason == "cancelled"
    elif ending == "close":
        events.close()
    elif ending == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            events.throw(KeyboardInterrupt())
    elif ending == "another turn":
        read(chat.send("three?"))
        kept = (*kept, Message("user", "three?"), Message("assistant", "Second answer."))
    else:
        chat.reset()
        kept = ()
    assert chat.messages == kept
    assert list(events) == []


def test_an_answer_cancelled_before_its_first_word_leaves_no_trace(chat: Chat) -> None:
    cancel = threading.Event()
    cancel.set()
    assert read(chat.send("two?", cancel=cancel)).stop_reason == "cancelled"
    assert chat.messages == FIRST
    chat.send("two?")
    chat.send("two?").close()
    assert chat.messages == FIRST
    assert read(chat.send("two?")).text == "Second answer."


@pytest.mark.parametrize(("max_tokens", "reason"), [(6, "length"), (None, "stop")])
def test_an_answer_that_ended_is_kept(chat: Chat, max_tokens: int | None, reason: StopReason) -> None:
    result = read(chat.send("two?", max_tokens=max_tokens))
    assert result.stop_reason == reason
    assert chat.messages[-1] == Message("assistant", result.text)


def test_what_is_refused_leaves_no_trace(chat: Chat) -> None:
    with pytest.raises(PromptError):
        chat.send(" ")
    with pytest.raises(ConfigError):
        chat.send("two?", max_tokens=0)
    with pytest.raises(ContextOverflowError) as caught:
        chat.send("x" * 1000)
    assert caught.value.needed > 1000
    assert caught.value.context_length == 512
    assert chat.messages == FIRST
    assert read(chat.send("two?")).text == "Second answer."


def test_a_failed_answer_leaves_no_trace(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    events = chat.send("two?")
    next(events)

    def fail(*_: object) -> int:
        raise RuntimeFailedError("the backend failed")

    with monkeypatch.context() as broken:
        broken.setattr("runtimes.fake.FakeSession._append", fail)
        with pytest.raises(RuntimeFailedError):
            next(events)
    assert chat.messages == FIRST
    assert read(chat.send("two?")).text == "Second answer."


def test_save_and_load(chat: Chat, make_model: ModelMaker, tmp_path: Path) -> None:
    chat.system = "Sei höflich. 🙂"
    path = tmp_path / "chat.json"
    chat.save(path)
    other = Chat(make_model(["a"]), system="other")
    other.load(path)
    assert other.messages == chat.messages
    assert other.system == "Sei höflich. 🙂"
    chat.system = None
    chat.save(path)
    other.load(path)
    assert other.messages == chat.messages == FIRST
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["chat.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"version": 1}',
        b'{"version": true, "messages": []}',
        b'{"version": "1", "messages": []}',
        b'{"version": 0, "messages": []}',
        b'{"version": 2, "messages": []}',
        b'{"version": 1, "messages": {}}',
        b'{"version": 1, "messages": [{"role": "robot", "content": "hi"}]}',
        b'{"version": 1, "messages": [{"role": "user", "content": 5}]}',
    ],
)
def test_a_file_that_is_no_conversation_changes_nothing(chat: Chat, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"chat\.json"):
        chat.load(path)
    with pytest.raises(InputError, match="does not exist"):
        chat.load(tmp_path / "none.json")
    assert chat.messages == FIRST


def test_a_failed_save_keeps_the_older_file(chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat.json"
    path.write_text("older")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space"):
        chat.save(path)
    assert path.read_text() == "older"
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["chat.json"]
    with pytest.raises(StorageError):
        chat.save(tmp_path / "nowhere" / "chat.json")
