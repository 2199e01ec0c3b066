"""Requests with the words of each slot marked (tests/assistant_set/marked_*.txt), and the same read off labelled dialogues.

A line is an action's id, a tab, and the sentence: "reminder.add<TAB>remind me to [text:water the plants] at [time:nine]".
"none" asks for no action. Language models wrote them that had seen neither code nor dialogues; no held out dialogue is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.understand.language import language_of
from tests.assistant_dialogues import FOLDER, Dialogue, load, matches

_MARK = re.compile(r"\[(\w+):([^\[\]]+)\]")
_WORD = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+(?:['’][A-Za-z]+)?|\d+(?:[.,:]\d+)*|[^\s\w]|\w")
_LEAD = r"(?!(?:the|an?|my|some)\s|[一两二三四五六七八九十\d]*[份杯碗盒个首瓶袋盘支](?=..))"
_LONGEST = 24
ACTIONS: dict[str, Action] = {action.id: action for action in library()}


@dataclass(frozen=True)
class Marked:
    """A sentence, what it asks for, and where its slots are."""

    action: str
    words: str
    spans: tuple[tuple[str, int, int], ...]
    """(slot, start, end) in characters."""
    author: str


def marked_requests(language: str) -> list[Marked]:
    """All lines of the files of a language, in their order."""
    return [
        read_line(line, path.stem)
        for path in sorted(FOLDER.glob(f"marked_{language}_*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line
    ]


def read_line(line: str, author: str) -> Marked:
    """One line. Raises ValueError when it is none, or marks a slot that its action has not."""
    action, tab, marked = line.partition("\t")
    if not tab or (action != "none" and action not in ACTIONS):
        raise ValueError(f"{author}: no action and tab before {line!r}")
    slots = {slot.name for slot in ACTIONS[action].slots} if action != "none" else set()
    words, spans, position = "", [], 0
    for match in _MARK.finditer(marked):
        words += marked[position : match.start()]
        if match[1] not in slots:
            raise ValueError(f"{author}: {action} has no slot {match[1]!r} in {line!r}")
        spans.append((match[1], len(words), len(words) + len(match[2])))
        words += match[2]
        position = match.end()
    return Marked(action, words + marked[position:], tuple(spans), author)


def from_dialogues(language: str) -> list[Marked]:
    """The first words of developed dialogues that ask for one thing, with the texts of its slots found in them."""
    document = json.loads((FOLDER / "setting.json").read_text(encoding="utf-8"))
    people = {handle: (one["name"], *one["also"]) for one in document["people"] for handle in (one["name"], *one["handles"])}
    seen = [one for one in load() if one.half == "dev" and one.language == language == language_of(one.say[0])]
    found = [_read_dialogue(one, people) for one in seen if len(one.steps) == 1]
    return [one for one in found if one is not None]


def _read_dialogue(dialogue: Dialogue, people: Mapping[str, Sequence[str]]) -> Marked | None:
    step, words = dialogue.steps[0], dialogue.say[0]
    roles = {slot.name: slot.role for slot in ACTIONS[step.action].slots}
    spans = []
    for name, wanted in step.slots.items():
        if roles[name] not in ("text", "item", "query", "place", "app", "recipient"):
            continue
        for value in wanted if isinstance(wanted, list) else [wanted]:
            span = _find(words, value, bare=roles[name] != "text") or (
                _find_person(words, value, people) if roles[name] == "recipient" else None
            )
            if span is not None:
                spans.append((name, *span))
            elif dialogue.kind == "one":
                return None
    spans.sort(key=lambda span: span[1])
    if any(after[1] < before[2] for before, after in pairwise(spans)):
        return None
    return Marked(step.action, words, tuple(spans), dialogue.author)


def _find(words: str, wanted: Any, *, bare: bool) -> tuple[int, int] | None:
    """The longest run of tokens that is the value; `bare`: without an article or a measure word before it."""
    tokens = [match.span() for match in _WORD.finditer(words)]
    for length in range(min(len(tokens), _LONGEST), 0, -1):
        for first in range(len(tokens) - length + 1):
            start, end = tokens[first][0], tokens[first + length - 1][1]
            text = words[start:end]
            if (
                re.match(rf"{_LEAD if bare else ''}\w", text, re.IGNORECASE)
                and re.search(r"\w['’)]?$", text)
                and matches(text, wanted)
            ):
                return start, end
    return None


def _find_person(words: str, wanted: Any, people: Mapping[str, Sequence[str]]) -> tuple[int, int] | None:
    options = wanted["any"] if isinstance(wanted, dict) else [wanted]
    for name in (name for one in options for name in people.get(one, ())):
        for part in (name, *name.split()):
            start = words.casefold().find(part.casefold())
            if start >= 0:
                return start, start + len(part)
    return None


def by_author(requests: list[Marked]) -> Iterator[tuple[str, list[Marked]]]:
    """The requests of each author."""
    for author in dict.fromkeys(one.author for one in requests):
        yield author, [one for one in requests if one.author == author]


def path_of(language: str) -> Path:
    """The weights of a language."""
    return Path(__file__).parent.parent / "edge_llm" / "understand" / f"tagger_{language}.json"
