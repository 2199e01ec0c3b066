"""Parts of values: what each is, and that a value of another form has none."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.manifest import parse_action, placeholders
from edge_llm.actions.parts import PARTS, part
from edge_llm.actions.templates import IntentSpec, fill, intents

GOLDEN = Path(__file__).parents[3] / "golden" / "parts.json"


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text(encoding="utf-8")), ids=lambda case: str(case["value"]))
def test_parts_are_what_the_table_shared_with_kotlin_says(case: dict[str, Any]) -> None:
    assert {name: found for name in PARTS if (found := part(case["value"], name)) is not None} == case["parts"]


@given(st.integers(0, 4_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_wherever_it_is_written(seconds: int, minutes_east: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes_east)))
    assert part(moment.isoformat(), "millis") == seconds * 1000
    assert (part(moment.isoformat(), "hour"), part(moment.isoformat(), "minute")) == (moment.hour, moment.minute)


@given(st.sampled_from(sorted(PARTS)), st.one_of(st.text(), st.integers(), st.lists(st.text()), st.booleans()))
def test_any_value_has_the_part_or_has_none(name: str, value: object) -> None:
    assert isinstance(part(value, name), str | int | None)


def test_a_template_takes_parts_of_values_and_escapes_them() -> None:
    arguments = {"who": "+44 20 1", "when": "2026-11-24T07:05:00Z"}
    assert fill("{who.digits}?at={when.clock}", arguments, lambda text: text.replace(":", "%3A")) == "44201?at=07%3A05"
    assert fill("{when.seconds}", arguments) == ""
    assert placeholders("{who.digits}{when}") == ("who", "when")
    for bad in ("{who.nothing}", "{who.__class__}", "{.digits}", "{who.}"):
        with pytest.raises(ValueError, match="not the name of a slot"):
            placeholders(bad)


def test_numbers_stay_numbers_in_an_intent() -> None:
    document = {
        "id": "alarm.set",
        "name": "Alarm",
        "description": "Alarm",
        "effect": "local",
        "consent": "granted",
        "slots": {"time": {"role": "time", "schema": {}}, "label": {"role": "text", "schema": {}, "required": False}},
        "carriers": [
            {
                "kind": "intent",
                "target": "SET",
                "type": "text/plain",
                "extras": {"hour": "{time.hour}", "text": "at {time.hour}", "label": "{label}", "none": "{time.seconds}"},
            }
        ],
    }
    action = parse_action(document)
    expected = IntentSpec("SET", None, {"hour": 0, "text": "at 0"}, None, "text/plain")
    assert intents(action, {"time": "2026-11-24T00:05:00Z"}) == (expected,)
    with pytest.raises(Exception, match="not the name of a slot"):
        parse_action({**document, "preview": "Alarm at {time.hour}"})
