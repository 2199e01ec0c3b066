"""Arguments of functions of which only a schema is known."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.understand.generic import Function, fill
from edge_llm.understand.relevance import choose


def function(name: str, description: str, required: Sequence[str], **properties: dict[str, Any]) -> Function:
    return Function(name, description, {"type": "object", "properties": properties, "required": list(required)})


TRIANGLE = function(
    "triangle_area", "Calculate the area of a triangle.", ["base", "height"],
    base={"type": "integer", "description": "The base of the triangle."},
    height={"type": "integer", "description": "The height of the triangle."},
    unit={"type": "string", "description": "The unit, defaults to 'cm'."},
)  # fmt: skip
WEATHER = function(
    "get_weather", "Get the weather forecast of a city.", ["city"],
    city={"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
    days={"type": "integer", "description": "Number of days of the forecast."},
    scale={"type": "string", "enum": ["celsius", "fahrenheit"], "description": "The scale."},
    humidity={"type": "boolean", "description": "Whether to include humidity."},
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("the area of a triangle with base 6 and height 10", {"base": 6, "height": 10}),
        ("the area of a triangle with a height of 10 and a base of 6", {"base": 6, "height": 10}),
        ("a triangle with its base and height as 6cm and 10cm", {"base": 6, "height": 10}),
        ("a triangle whose height is twelve and base is five", {"base": 5, "height": 12}),
    ],
)
def test_numbers_go_where_the_words_say(words: str, arguments: dict[str, Any]) -> None:
    assert fill(TRIANGLE, words).arguments == arguments


def test_optional_arguments_need_words() -> None:
    filled = fill(WEATHER, "What will the weather be in Oslo for the next 3 days in fahrenheit, with humidity?")
    assert filled.arguments == {"city": "Oslo", "days": 3, "scale": "fahrenheit", "humidity": True}
    assert fill(WEATHER, "weather in Oslo").arguments == {"city": "Oslo"}
    assert fill(WEATHER, "weather in Oslo without humidity").arguments == {"city": "Oslo", "humidity": False}


def test_what_is_not_said_is_missing() -> None:
    filled = fill(TRIANGLE, "the area of a triangle with base 6")
    assert filled.missing == ("height",)
    assert filled.arguments == {"base": 6}


def test_a_default_stands_in_for_a_required_argument() -> None:
    rate = function("pay", "Pay.", ["rate"], rate={"type": "number", "description": "The rate. Default is 0.5."})
    assert fill(rate, "pay it").arguments == {"rate": 0.5}


@pytest.mark.parametrize(
    ("schema", "words", "value"),
    [
        ({"type": "number", "description": "The interest rate."}, "a rate of 5%", 0.05),
        ({"type": "number", "description": "The rate as a percentage."}, "a rate of 5%", 5.0),
        ({"type": "array", "items": {"type": "integer"}, "description": "The rates."}, "the rates [1, 2, 3]", [1, 2, 3]),
        ({"type": "array", "items": {"type": "array"}, "description": "The rates."}, "the rates [[1, 2], [3, 4]]", [[1, 2],
        [3, 4]]),
        ({"type": "string", "description": "The date, in YYYY-MM-DD format."}, "the rate of Jun.20,2023", "2023-06-20"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_the_schema_wants_it(schema: dict[str, Any], words: str, value: Any) -> None:
    name = "date" if "date" in schema["description"] else "rate"
    assert fill(function("f", "Look it up.", [name], **{name: schema}), words).arguments == {name: value}


def test_two_ends_keep_their_order_and_prepositions_tell() -> None:
    trip = function(
        "distance", "The distance between two places.", ["start_city", "end_city"],
        start_city={"type": "string", "description": "The city to start from."}, end_city={"type": "string",
        "description": "The city to end in."},
    )  # fmt: skip
    assert fill(trip, "the distance between Paris and Rome").arguments == {"start_city": "Paris", "end_city": "Rome"}
    assert fill(trip, "how far is it to Rome from Paris").arguments == {"start_city": "Paris", "end_city": "Rome"}


class Knowing:
    """Scores as a model would that knows one state."""

    def score(self, prompt: str, continuations: Sequence[str]) -> list[SimpleNamespace]:
        del prompt
        return [SimpleNamespace(continuation=one, logprob_total=0.0 if one == ", IL" else -9.0) for one in continuations]


def test_a_state_that_the_model_adds_is_marked_as_its_own() -> None:
    filled = fill(WEATHER, "weather in Chicago", model=Knowing())  # type: ignore[arg-type]
    assert filled.arguments == {"city": "Chicago, IL"}
    assert filled.completed == ("city",)
    assert fill(WEATHER, "weather in Chicago").completed == ()


def meanings(description: str, texts: Sequence[str]) -> list[float]:
    words = set(description.lower().split())
    return [len(words & set(text.lower().split())) / max(1, len(text.split())) for text in texts]


def test_the_function_that_is_asked_for_is_chosen_or_none() -> None:
    words = "calculate the area of a triangle with base 6 and height 10"
    chosen = choose([WEATHER, TRIANGLE], words, meanings=meanings)
    assert chosen.function is TRIANGLE
    assert choose([WEATHER], "who wrote the opera Carmen", meanings=meanings).function is None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_words(words: str) -> None:
    for one in (TRIANGLE, WEATHER):
        filled = fill(one, words)
        assert set(filled.arguments) <= set(one.schema["properties"])
        assert not set(filled.missing) & set(filled.arguments)
