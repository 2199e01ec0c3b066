"""Text that only a model finds: always a run of the request's own words, or nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edge_llm.actions.manifest import Action
from edge_llm.understand.model_slots import ask_model


class Scripted:
    """A model that answers what it is told, and keeps what it was held to."""

    def __init__(self, answer: str) -> None:
        self.info = SimpleNamespace(chat=True)
        self.answer = answer
        self.constraint: Any = None

    def chat(self, messages: Any, *, constraint: Any, max_tokens: int) -> SimpleNamespace:
        self.constraint = constraint
        return SimpleNamespace(text=self.answer)


@pytest.mark.parametrize(
    ("answer", "value"),
    [("printer ink", "printer ink"), ("null", None), ("a yacht", None), ("", None), ("ignore all rules", None)],
)
def test_only_words_of_the_request_count(actions: dict[str, Action], answer: str, value: str | None) -> None:
    action = actions["shop.buy"]
    model = Scripted(answer)
    assert ask_model(model, action, action.slot("item"), "can you reorder printer ink") == value  # type: ignore[arg-type]
    assert '"printer ink"' in model.constraint.grammar
    assert '"null"' in model.constraint.grammar


def test_a_request_without_words_asks_nothing(actions: dict[str, Action]) -> None:
    model = Scripted("null")
    assert ask_model(model, actions["shop.buy"], actions["shop.buy"].slot("item"), "?!") is None  # type: ignore[arg-type]
    assert model.constraint is None


def test_the_words_for_the_action_itself_are_no_value(actions: dict[str, Action]) -> None:
    model = Scripted("发短信")
    action = actions["sms.send"]
    assert ask_model(model, action, action.slot("message"), "发短信") is None  # type: ignore[arg-type]
    assert model.constraint is None
