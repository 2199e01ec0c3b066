"""Messages: what is one, and the way through JSON and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.messages import Message, require_messages
from runtimes.errors import PromptError

messages = st.builds(Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.text())


@given(messages)
def test_json_and_back(message: Message) -> None:
    assert Message.from_json(json.loads(json.dumps(message.to_json()))) == message


@pytest.mark.parametrize(
    "value",
    [
        None,
        "hello",
        [],
        {},
        {"role": "user"},
        {"role": "user", "content": "a", "name": "b"},
        {"role": "robot", "content": "a"},
        {"role": ["user"], "content": "a"},
        {"role": "user", "content": None},
        {"role": "user", "content": ["a"]},
        {"role": "user", "content": "\ud800"},
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(PromptError):
        Message.from_json(value)


def test_a_conversation_needs_something_to_answer() -> None:
    with pytest.raises(PromptError, match="no messages"):
        require_messages([])
    with pytest.raises(PromptError, match="empty"):
        require_messages([Message("system", "Be brief."), Message("user", " \n")])
    turns = [Message("user", "a"), Message("assistant", "")]
    assert require_messages(iter(turns)) == tuple(turns)
