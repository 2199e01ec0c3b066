"""Labelled dialogues with the assistant (tests/assistant_set): reading them, playing them, and judging what came of them.

A dialogue is what a person says, turn by turn, and the steps that must be proposed and, once approved, carried out; none where
the words ask for nothing or take it back. The person of this module approves a proposal only when it is what the label says.
A value of a label is a canonical value, `{"any": [...]}` of them, or a date where the words name no hour.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call
from edge_llm.conversation import Conversation
from edge_llm.turns import APPROVE, DENY, Answer, Declined, Done, Proposal, Question, Turn
from edge_llm.understand.contacts import Contact, People

FOLDER = Path(__file__).with_name("assistant_set")
ACTIONS = {action.id: action for action in library()}
_MEMORY_SEARCH = "memory.search"

Verdict: TypeAlias = Literal["right", "route", "slots", "asked", "not none", "not cancelled"]
"""As labelled; another action or none; other values; still asking; something came of words that ask for nothing."""


@dataclass(frozen=True)
class Step:
    """One action that must come of a dialogue."""

    action: str
    slots: Mapping[str, Any]
    free: frozenset[str]
    """Slots that may hold anything, or nothing."""


@dataclass(frozen=True)
class Dialogue:
    """What a person says, and what must come of it."""

    id: str
    language: str
    author: str
    """"ours", or a stranger: somebody who had seen neither the assistant's code nor the rest of the set."""
    half: str
    kind: str
    say: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass
class Recorder:
    """A carrier of one kind that records what reached it."""

    kind: CarrierKind
    calls: list[Call]

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """None."""

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The call."""
        return f"{carrier.kind} {call.canonical}"

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Record it."""
        self.calls.append(call)
        return ProviderResult(handed_over=self.kind != "python")


@dataclass
class Played:
    """What came of a dialogue."""

    dialogue: Dialogue
    verdict: Verdict
    turns: list[Turn]
    seconds: list[float]
    """Of each turn."""
    clarified: int = 0
    """Times it had to ask which action is meant."""
    wrong_proposed: bool = False
    """It proposed something else than was asked for, or proposed where something was missing."""
    executed: list[Call] = field(default_factory=list)
    wrong_executed: list[Call] = field(default_factory=list)
    """Of those with an effect."""


def recorders(calls: list[Call]) -> tuple[Recorder, ...]:
    """Carriers of every kind, all of which record into `calls`."""
    kinds: tuple[CarrierKind, ...] = ("python", "uri", "intent", "clipboard")
    return tuple(Recorder(kind, calls) for kind in kinds)


def load() -> list[Dialogue]:
    """All dialogues: ours before the strangers', English before Chinese."""
    found = []
    strangers = sorted(path.stem for path in FOLDER.glob("stranger*.json"))
    for name in ("en", "zh", *strangers):
        author, _, language = name.rpartition("_")
        for row in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")):
            steps = tuple(Step(one["action"], one["slots"], frozenset(one.get("free", ()))) for one in row["steps"])
            found.append(Dialogue(row["id"], language, author or "ours", row["half"], row["kind"], tuple(row["say"]), steps))
    return found


def setting() -> tuple[datetime, str, People]:
    """The clock, the region and the contacts of the set."""
    document = json.loads((FOLDER / "setting.json").read_text(encoding="utf-8"))
    contacts = [Contact(one["name"], tuple(one["handles"])) for one in document["people"]]
    also = [(name, known) for one, known in zip(document["people"], contacts, strict=True) for name in one["also"]]
    return datetime.fromisoformat(document["now"]), document["region"], People(contacts, nicknames=also)


def play(dialogue: Dialogue, conversation: Conversation, calls: list[Call], routed: Sequence[str] = ()) -> Played:
    """Say a dialogue's words one after the other, name the action where it is asked for, and approve what is as labelled.

    Args:
        calls: where the carriers record; emptied first.
        routed: what the router makes of the first words; tells an answer from the person's data from any other.
    """
    calls.clear()
    played = Played(dialogue, "route", [], [])
    for number, words in enumerate(dialogue.say, 1):
        turn = _ask(played, conversation, words)
        name = _named(turn, dialogue)
        if name is not None:
            played.clarified += 1
            turn = _ask(played, conversation, name)
        last = number == len(dialogue.say)
        if isinstance(turn, Proposal) and (last or dialogue.kind in ("missing", "ambiguous")):
            played.wrong_proposed |= not _is_plan(turn, dialogue)
    turn = played.turns[-1]
    if isinstance(turn, Proposal):
        played.turns.append(conversation.decide(turn, APPROVE if _is_plan(turn, dialogue) else DENY))
    played.executed = list(calls)
    played.wrong_executed = [
        call for call in calls if call.action.effect != "read" and not any(_is_step(call, step) for step in dialogue.steps)
    ]
    played.verdict = _judge(played, turn, routed)
    return played


def matches(value: Any, wanted: Any) -> bool:
    """Whether a slot's value is what the label says."""
    if isinstance(wanted, Mapping) and set(wanted) == {"any"}:
        return any(matches(value, one) for one in wanted["any"])
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(matches, value, wanted))
    if isinstance(wanted, bool | int | float):
        return not isinstance(value, Mapping | list) and float(value) == wanted
    if isinstance(wanted, Mapping):
        if isinstance(value, str):  # figures of a chart, as they were said
            return _figures(value) == wanted
        return (
            isinstance(value, Mapping) and set(value) == set(wanted) and all(matches(value[key], wanted[key]) for key in wanted)
        )
    if not isinstance(value, str):
        return False
    if re.fullmatch(r"\d{4}-\d\d-\d\d", wanted):
        return value[:10] == wanted
    if re.match(r"\d{4}-\d\d-\d\dT", wanted):
        return datetime.fromisoformat(value) == datetime.fromisoformat(wanted)
    return _folded(value) == _folded(wanted)


def _ask(played: Played, conversation: Conversation, words: str) -> Turn:
    start = time.perf_counter()
    turn = conversation.ask(words)
    played.seconds.append(time.perf_counter() - start)
    played.turns.append(turn)
    return turn


def _named(turn: Turn, dialogue: Dialogue) -> str | None:
    """How the person answers the question which action is meant; None where it was not asked, or none of them is."""
    if not isinstance(turn, Question) or turn.action is not None:
        return None
    language: Literal["en", "zh"] = "zh" if dialogue.language == "zh" else "en"
    names = [ACTIONS[step.action].name.in_language(language) for step in dialogue.steps]
    return next((name for name in names if name in turn.text), None)


def _is_plan(proposal: Proposal, dialogue: Dialogue) -> bool:
    calls = [review.call for review in proposal.reviews]
    return len(calls) == len(dialogue.steps) and all(map(_is_step, calls, dialogue.steps))


def _is_step(call: Call, step: Step) -> bool:
    return call.action.id == step.action and not wrong_slots(call, step)


def wrong_slots(call: Call, step: Step) -> list[str]:
    """Slots of a call that are not what the label says."""
    names = (set(step.slots) | set(call.slots)) - step.free
    return sorted(
        name for name in names
        if name not in step.slots or name not in call.slots
        or not _is_value(name, call.slots[name].value, step.slots[name])
    )  # fmt: skip


def _is_value(name: str, value: Any, wanted: Any) -> bool:
    if name == "expression" and isinstance(value, str):
        any_of = wanted["any"] if isinstance(wanted, dict) else [wanted]
        return any(_is_expression(value, one) for one in any_of)
    return matches(value, wanted)


def _is_expression(value: str, wanted: str) -> bool:
    """The same sum or equation, however it is written."""
    import sympy
    from sympy.parsing.sympy_parser import implicit_multiplication, parse_expr, standard_transformations

    rules = (*standard_transformations, implicit_multiplication)
    try:
        sides = [[parse_expr(side.replace("^", "**"), transformations=rules) for side in t.split("=")] for t in (value, wanted)]
    except (SyntaxError, TypeError, ValueError):
        return False
    differences = [sum(side[:1]) - sum(side[1:]) for side in sides]
    return bool(sympy.simplify(differences[0] - differences[1]) == 0) and len(sides[0]) == len(sides[1])


def _figures(text: str) -> dict[str, float]:
    found = re.findall(r"([^\d,，、;；:：]+?)\s*[:：=]?\s*(\d+(?:\.\d+)?)", text)
    return {name.strip(): float(number) for name, number in found}


def _folded(text: str) -> str:
    """Text without what does not matter: case, width, signs and articles."""
    kept = "".join(
        " " if unicodedata.category(character)[0] in "PZ" and character not in "+@'’" else character
        for character in unicodedata.normalize("NFKC", text).casefold()
    )
    words = kept.replace("’", "'").split()
    while words and words[0] in ("the", "a", "an", "my", "some"):
        words = words[1:]
    return " ".join(words)


def _judge(played: Played, turn: Turn, routed: Sequence[str]) -> Verdict:
    """`turn` is the last one before the person's word."""
    dialogue, last = played.dialogue, played.turns[-1]
    if dialogue.kind == "none":
        return "right" if isinstance(turn, Answer) and not played.executed else "not none"
    if dialogue.kind == "cancelled":
        return "right" if isinstance(turn, Declined) and not played.executed else "not cancelled"
    wanted = [step.action for step in dialogue.steps]
    if wanted == [_MEMORY_SEARCH]:
        return "right" if isinstance(turn, Answer) and list(routed) == wanted else "route"
    if isinstance(last, Done):
        right = len(last.calls) == len(wanted) and all(map(_is_step, last.calls, dialogue.steps))
        if right and [call.canonical for call in played.executed] == [call.canonical for call in last.calls]:
            return "right"
    if isinstance(turn, Question):
        return "asked" if turn.action is not None and turn.action.id in wanted else "route"
    calls = turn.reviews if isinstance(turn, Proposal) else ()
    proposed = [review.call for review in calls] or list(getattr(last, "calls", ()))
    return "slots" if [call.action.id for call in proposed] == wanted else "route"
