"""Constraints on the fake runtime: what an answer may be, whatever the model says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edge_llm.constrain import Constraint
from runtimes.errors import AnswerError, ConfigError, ConstraintError

if TYPE_CHECKING:
    from tests.unit.edge_llm.conftest import ModelMaker

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 120}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_nonsense_is_written_as_the_schema_says(make_model: ModelMaker) -> None:
    result = make_model(seed=3).generate("x", constraint=Constraint.json_schema(PERSON))
    value = json.loads(result.text)
    assert list(value) == ["name", "age"]
    assert len(value["name"]) <= 8
    assert value["age"] is None or 0 <= value["age"] <= 120
    assert result.stop_reason == "stop"


def test_a_limit_that_cuts_it_short_is_an_error(make_model: ModelMaker) -> None:
    with pytest.raises(AnswerError, match="5 tokens") as caught:
        make_model(seed=3).generate("x", constraint=Constraint.json_schema(PERSON), max_tokens=5)
    assert caught.value.text == '{"nam'


def test_what_is_no_constraint(make_model: ModelMaker) -> None:
    with pytest.raises(ConstraintError, match="choices"):
        Constraint.choices([])
    with pytest.raises(ConfigError, match="stop"):
        make_model().generate("x", constraint=Constraint.choices(["a"]), stop=["b"])
