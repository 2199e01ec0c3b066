"""A part of the labelled dialogues, played without a model and with the label's own action for a router: the
development half only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from edge_llm.actions.library import none_examples
from edge_llm.actions.values import Call
from edge_llm.assistant import Assistant
from edge_llm.confidence import understood
from edge_llm.home import Home
from edge_llm.route.router import Candidate, Routed
from tests.assistant_dialogues import ACTIONS, Dialogue, load, matches, play, recorders, setting

DIALOGUES = load()
QUICK = {one.id: one for one in DIALOGUES}
IDS = (
    "en-001", "en-006", "en-007", "en-013", "en-014", "en-018", "en-020", "en-023", "en-027", "en-062", "en-112",
    "en-121", "en-134", "zh-006", "zh-007", "zh-013", "zh-014", "zh-018", "zh-020", "zh-024", "zh-062", "zh-120",
    "zh-133",
)  # fmt: skip


@dataclass
class LabelRouter:
    """Finds the label's action in the first words, and none in a reply."""

    dialogue: Dialogue

    def route(self, words: str, k: int = 5) -> Routed:
        if words != self.dialogue.say[0] or not self.dialogue.steps:
            return Routed((), 0.95, understood(0.95, "nothing"))
        name = self.dialogue.steps[0].action
        return Routed((Candidate(ACTIONS[name], 0.9),), 0.05, understood(0.9, name))


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return []


@pytest.fixture(scope="module")
def assistant(calls: list[Call], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    now, region, people = setting()
    home = Home(tmp_path_factory.mktemp("home"))
    with Assistant(None, contacts=people, region=region, home=home, now=lambda: now, providers=recorders(calls)) as made:
        yield made


@pytest.mark.parametrize("name", IDS)
def test_a_dialogue_ends_as_labelled(name: str, assistant: Assistant, calls: list[Call]) -> None:
    dialogue = QUICK[name]
    object.__setattr__(assistant._parts, "router", lambda: LabelRouter(dialogue))
    played = play(dialogue, assistant.conversation(), calls)
    assert played.wrong_executed == []
    assert not played.wrong_proposed
    assert played.verdict == "right", [turn.text for turn in played.turns]


def test_the_set_covers_every_action_in_both_languages_and_both_halves() -> None:
    for language in ("en", "zh"):
        for half in ("dev", "held out"):
            some = [one for one in DIALOGUES if one.language == language and one.half == half]
            assert len([one for one in some if one.kind != "none"]) >= 75
            assert sum(one.kind == "none" for one in some) >= 10
        covered = [step.action for one in DIALOGUES if one.language == language for step in one.steps]
        assert all(covered.count(name) >= 2 for name in ACTIONS)
    turns = [one for one in DIALOGUES if one.kind in ("missing", "corrected", "ambiguous", "cancelled")]
    assert len(turns) * 3 >= sum(one.kind != "none" for one in DIALOGUES)


def test_no_dialogue_is_one_of_the_actions_examples() -> None:
    known = {words for action in ACTIONS.values() for lines in action.examples.values() for words in lines}
    known.update(words for lines in none_examples().values() for words in lines)
    folded = {words.strip(" ?!.。？！").casefold() for words in known}
    assert not [one.id for one in DIALOGUES if one.say[0].strip(" ?!.。？！").casefold() in folded and len(one.say[0]) > 12]


def test_the_labels_name_slots_that_the_actions_have() -> None:
    for one in DIALOGUES:
        for step in one.steps:
            names = {slot.name for slot in ACTIONS[step.action].slots}
            assert set(step.slots) | step.free <= names, one.id


@pytest.mark.parametrize(
    ("value", "wanted", "right"),
    [
        ("The wifi, please!", "wifi please", True),
        ("I'm late", "I'm early", False),
        ("2026-03-04T15:00:00+08:00", "2026-03-04T15:00+08:00", True),
        ("2026-03-04T15:00:00+08:00", "2026-03-04", True),
        ("2026-03-05T15:00:00+08:00", "2026-03-04", False),
        (["milk", "eggs"], ["milk", "eggs"], True),
        (["eggs"], ["milk", "eggs"], False),
        ("tea", {"any": ["coffee", "tea"]}, True),
        ("rent 900, food 400", {"rent": 900, "food": 400}, True),
        (5, 5.0, True),
    ],
)
def test_values_are_compared_as_a_person_would(value: object, wanted: object, right: bool) -> None:
    assert matches(value, wanted) is right
