"""The standard actions: all there, in both languages, and each fit to be proposed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_llm.actions.library import library, none_examples, parse_actions, read_actions
from edge_llm.actions.manifest import LANGUAGES, Action, action_document, placeholders
from runtimes.errors import ManifestError

STANDARD = [
    "call.start",
    "sms.send",
    "mail.send",
    "calendar.add",
    "reminder.add",
    "alarm.set",
    "timer.set",
    "contact.add",
    "map.show",
    "directions.show",
    "web.search",
    "app.open",
    "share.text",
    "music.play",
    "note.add",
    "shopping.add",
    "todo.add",
    "takeaway.order",
    "taxi.book",
    "shop.buy",
    "wechat.send",
    "whatsapp.send",
    "calculate",
    "convert.units",
    "convert.currency",
    "solve.equation",
    "memory.search",
    "chart.draw",
    "restaurant.reserve",
    "flight.book",
    "hotel.book",
    "weather.show",
    "translate",
    "meeting.schedule",
]


def test_every_standard_action_is_there() -> None:
    assert set(STANDARD) <= {action.id for action in library()}


@pytest.mark.parametrize("action", library(), ids=lambda action: action.id)
def test_an_action_speaks_both_languages(action: Action) -> None:
    for language in LANGUAGES:
        assert len(set(action.examples[language])) >= 10
        assert len(set(action.negatives[language])) >= 4
        assert action.name.in_language(language)
        assert action.description.in_language(language)
        shown = set(placeholders(action.preview.in_language(language)))
        assert shown == {slot.name for slot in action.slots if slot.required}
    assert all(slot.ask for slot in action.slots if slot.required)


@pytest.mark.parametrize("action", library(), ids=lambda action: action.id)
def test_what_reaches_beyond_the_device_asks(action: Action) -> None:
    reaches = any("http" in (carrier.target + (carrier.data or "")) for carrier in action.carriers)
    assert action.outward or not reaches
    assert action.effect != "purchase" or action.consent == "always"
    assert action.effect == "read" or action.consent != "none" or action.id == "chart.draw"


def test_no_sentence_asks_for_two_actions() -> None:
    seen: dict[str, str] = {}
    for action in library():
        for lines in action.examples.values():
            for line in lines:
                assert seen.setdefault(line, action.id) == action.id
    for lines in none_examples().values():
        assert not set(lines) & set(seen)
        assert len(set(lines)) == len(lines) >= 150


def test_a_file_holds_one_action_or_several(tmp_path: Path) -> None:
    several = [action_document(action) for action in library()[:2]]
    (tmp_path / "one.json").write_text(json.dumps(several[0]), encoding="utf-8")
    (tmp_path / "two.json").write_text(json.dumps({"actions": several}), encoding="utf-8")
    assert read_actions(tmp_path / "one.json") == library()[:1]
    assert read_actions(tmp_path / "two.json") == library()[:2]


@pytest.mark.parametrize(
    ("text", "fact"),
    [("{", "not JSON"), ('{"actions": 1}', "a list"), ('{"id": "a.b"}', "a.b is malformed"), ("[" * 100_000, "not JSON")],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, text: str, fact: str) -> None:
    path = tmp_path / "app.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=fact) as raised:
        read_actions(path)
    assert "app.json" in str(raised.value)


def test_an_action_twice_in_one_file_is_refused() -> None:
    one = action_document(library()[0])
    with pytest.raises(ManifestError, match="there twice"):
        parse_actions({"actions": [one, one]})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nothing\.json cannot be read"):
        read_actions(tmp_path / "nothing.json")
