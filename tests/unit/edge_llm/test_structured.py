"""Answers that are values: what a schema makes of them, what is missing, and reasoning before them."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from edge_llm import Message, TextDelta
from edge_llm.constrain import Constraint
from edge_llm.constrain_schema import read_answer
from edge_llm.structured import reasoning_limit
from runtimes.errors import AnswerError, CancelledError, ConfigError, ConstraintError

if TYPE_CHECKING:
    from tests.unit.edge_llm.conftest import ModelMaker

QUESTION = [Message("user", "Who?")]


class Person(BaseModel):
    name: str
    age: int = 18
    city: str | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: list[Person] = []


class Household(BaseModel):
    pet: Cat | Dog = Field(discriminator="kind")
    parent: Household | None = None


class Everything(BaseModel):
    """What pydantic describes with keywords or formats that no grammar expresses."""

    price: Decimal
    day: datetime.date
    key: uuid.UUID
    tags: set[int]
    prices: dict[str, int]
    pair: tuple[int, str]
    where: Path
    raw: bytes
    even: Annotated[int, Field(ge=2, le=8, multiple_of=2)]


class Strict(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def is_kind(cls, word: str) -> str:
        if word != "kind":
            raise ValueError("not a kind word")
        return word


def test_the_value_is_an_object_of_the_model(make_model: ModelMaker) -> None:
    result = make_model(['{"name": "Bo", "age": null, "city": "Oslo"}']).chat(QUESTION, schema=Person)
    assert result.value == Person(name="Bo", age=18, city="Oslo")
    assert result.value.name.upper() == "BO"  # mypy knows its type
    assert result.reasoning is None


def test_the_value_of_a_json_schema_is_plain(make_model: ModelMaker) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}}}
    result = make_model(['{"a": null, "b": ["x"]}']).chat(QUESTION, schema=schema)
    assert result.value == {"b": ["x"]}
    assert make_model(["Tokyo."]).chat(QUESTION).value is None


def test_missing_inside_of_what_is_nested() -> None:
    text = (
        '{"pet": {"kind": "dog", "friends": [{"name": "Bo", "age": null, "city": null}]}, '
        '"parent": {"pet": {"kind": "cat", "lives": null}, "parent": null}}'
    )
    value = read_answer(Household, text)
    assert value == Household(
        pet=Dog(kind="dog", friends=[Person(name="Bo")]), parent=Household(pet=Cat(kind="cat", lives=9), parent=None)
    )


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"properties": {"a": {"type": ["string", "null"]}}}, '{"a": null}', {"a": None}),
        ({"properties": {"a": {}}}, '{"a": null}', {"a": None}),
        ({"properties": {"a": {"enum": [1, None]}}}, '{"a": null}', {"a": None}),
        ({"properties": {"a": {"const": 1}}}, '{"a": null}', {}),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, '{"a": "b"}', {"a": "b"}),
        ({"properties": {}, "additionalProperties": True}, '{"x": null}', {"x": None}),
        (
            {"additionalProperties": {"properties": {"a": {"type": "null"}, "b": {"type": "string"}}}},
            '{"x": {"a": null, "b": null}}',
            {"x": {"a": None}},
        ),
        ({"prefixItems": [{"properties": {"a": {"type": "string"}}}, {}]}, '[{"a": null}, null]', [{}, None]),
        ({"anyOf": [{"type": "string"}, {"properties": {"a": {"type": "string"}}}]}, '{"a": null}', {}),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]},
            '{"a": null, "b": null}',
            {},
        ),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"properties": {"a": {"type": "string"}}}}}, '{"a": null}', {}),
        ({"$ref": "#"}, "null", None),
    ],
)
def test_only_a_null_that_stands_for_nothing_is_taken_out(schema: dict[str, Any], text: str, value: Any) -> None:
    assert read_answer(schema, text) == value


def test_objects_have_no_properties_they_do_not_name(make_model: ModelMaker) -> None:
    closed = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    text = make_model(['{"a": true, "b": 1}']).generate("x", constraint=Constraint.json_schema(closed)).text
    assert text == '{"a": true}'
    opened = {**closed, "additionalProperties": {"type": "integer"}}
    text = make_model(['{"a": true, "b": 1}']).generate("x", constraint=Constraint.json_schema(opened)).text
    assert text == '{"a": true, "b": 1}'


@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_schemas_of_one_object_do_not_exclude_each_other(make_model: ModelMaker, keyword: str) -> None:
    part = {"properties": {"b": {"type": "integer"}}, "required": ["b"]}
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"], keyword: [part]}
    text = make_model(['{"a": true, "b": 1}']).generate("x", constraint=Constraint.json_schema(schema)).text
    assert text == '{"a": true, "b": 1}'


def test_what_a_grammar_cannot_say_is_left_to_pydantic(make_model: ModelMaker) -> None:
    answer = (
        '{"price": 12.5, "day": "2026-02-03", "key": "12345678-1234-5678-1234-567812345678", "tags": [1, 1], '
        '"prices": {"tea": 3}, "pair": [1, "b"], "where": "a/b", "raw": "x", "even": 4}'
    )
    value = make_model([answer]).chat(QUESTION, schema=Everything).value
    assert (value.price, value.day, value.tags, value.even) == (Decimal("12.5"), datetime.date(2026, 2, 3), {1}, 4)
    with pytest.raises(ConstraintError, match="uniqueItems"):
        Constraint.json_schema(Everything.model_json_schema())


def test_an_answer_that_pydantic_refuses(make_model: ModelMaker) -> None:
    with pytest.raises(
        AnswerError, match=r"Strict refuses the answer \{\"word\": \"rude\"\}: word: Value error, not a kind word"
    ) as caught:
        make_model(['{"word": "rude"}']).chat(QUESTION, schema=Strict)
    assert caught.value.text == '{"word": "rude"}'
    assert caught.value.exit_code == 1


def test_a_schema_or_a_constraint(make_model: ModelMaker) -> None:
    model = make_model(["a"])
    with pytest.raises(ConfigError, match="one of them"):
        model.chat(QUESTION, schema=Person, constraint=Constraint.choices(["a"]))  # type: ignore[call-overload]
    with pytest.raises(ConstraintError, match="pydantic"):
        model.chat(QUESTION, schema=int)  # type: ignore[type-var]
    with pytest.raises(ConfigError, match="schema or a constraint"):
        model.chat(QUESTION, reason_first=True)
    for number in (0, -1):
        with pytest.raises(ConfigError, match="at least 1"):
            model.chat(QUESTION, constraint=Constraint.choices(["a"]), reason_first=number)


def test_a_field_that_json_cannot_hold() -> None:
    class Job(BaseModel):
        run: Callable[[], None]

    with pytest.raises(ConstraintError, match="Job has a field that JSON cannot hold"):
        Constraint.json_schema(Job)


def test_reasoning_comes_first_and_freely(make_model: ModelMaker) -> None:
    model = make_model(["Two and two, so it is four.", "\n4"])
    result = model.chat(QUESTION, constraint=Constraint.regex("[0-9]"), reason_first=True, logprobs=1)
    assert (result.text, result.reasoning) == ("4", "Two and two, so it is four.")
    assert result.usage.prompt_tokens == model.count_tokens(QUESTION)
    assert result.usage.completion_tokens == len("Two and two, so it is four.\n\n4")
    assert result.usage.forced_tokens == 2
    assert len(result.logprobs) == len(result.token_ids) == 1


def test_reasoning_has_a_limit(make_model: ModelMaker) -> None:
    choice = Constraint.choices(["yes", "no"])
    result = make_model(["Well, well, well, and so on."]).chat(QUESTION, constraint=choice, reason_first=9)
    assert result.reasoning == "Well, wel"
    assert result.text in ("yes", "no")
    assert [reasoning_limit(reason_first=True, room=room) for room in (1000, 100, 0)] == [256, 50, 1]
    assert reasoning_limit(reason_first=1, room=1000) == 1


@pytest.mark.parametrize(
    ("thought", "limit", "between"),
    [("<think>Hm.</think> More.", 99, "\n\n"), ("<think>Hm, and on and on", 12, "\n</think>\n\n"), ("Hm.", 99, "\n\n")],
)
def test_thinking_is_ended_before_the_answer(make_model: ModelMaker, thought: str, limit: int, between: str) -> None:
    model = make_model([thought])
    result = model.chat(QUESTION, constraint=Constraint.choices(["ok"]), reason_first=limit)
    said = thought.partition("</think>")[0][:limit]
    ended = "</think>" if "</think>" in thought else ""
    assert result.reasoning == said
    assert result.usage.completion_tokens == len(said + ended + between + "ok")


def test_cancelling_leaves_no_value(make_model: ModelMaker) -> None:
    model = make_model(["Hm. Hm. Hm."])
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        model.chat(QUESTION, schema=Person, cancel=cancel)
    choice = Constraint.choices(["yes", "no"])
    result = model.chat(QUESTION, constraint=choice, reason_first=True, cancel=cancel)
    assert (result.text, result.stop_reason, result.token_ids) == ("", "cancelled", ())


def test_a_stream_under_a_constraint_shows_its_text(make_model: ModelMaker) -> None:
    constraint = Constraint.json_schema(Person)
    answer = '{"name": "Bo", "age": 3, "city": null}'
    events = list(make_model([answer]).chat_stream(QUESTION, constraint=constraint))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == answer
