"""The sentences that routing learns from: every action's examples and negatives, and a library of requests for nothing.

`none.json` beside this file holds the library, by kind of request, in both languages; the standard actions add theirs.
Knows sentences and what they ask for; knows no encoder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from edge_llm.actions.library import none_examples
from edge_llm.actions.manifest import LANGUAGES, Action, Language, SlotRole
from edge_llm.actions.templates import fill
from edge_llm.route.lexical import plain

NONE = -1
"""The label of a sentence that asks for no action."""
_FILLINGS = 2
"""How many sentences a template with slots becomes."""
_VALUES: dict[Language, dict[SlotRole, tuple[str, str]]] = {
    "en": {
        "recipient": ("mom", "David"),
        "amount": ("20 dollars", "50 euros"),
        "place": ("the train station", "Boston"),
        "time": ("tomorrow at nine", "Friday evening"),
        "duration": ("ten minutes", "two hours"),
        "text": ("I'm on my way", "see you soon"),
        "query": ("something nice", "the latest one"),
        "item": ("milk", "batteries"),
        "app": ("the app", "Amazon"),
        "link": ("this link", "example.org"),
        "number": ("four", "12"),
        "choice": ("the first", "the other"),
        "data": ("these", "the table"),
    },
    "zh": {
        "recipient": ("妈妈", "小李"),
        "amount": ("二十块钱", "50欧元"),
        "place": ("火车站", "上海"),
        "time": ("明天九点", "周五晚上"),
        "duration": ("十分钟", "两个小时"),
        "text": ("我在路上了", "待会见"),
        "query": ("好听的", "最新的"),
        "item": ("牛奶", "电池"),
        "app": ("这个应用", "淘宝"),
        "link": ("这个链接", "example.org"),
        "number": ("四", "12"),
        "choice": ("第一个", "另一个"),
        "data": ("这些", "这张表"),
    },
}


@dataclass(frozen=True)
class Examples:
    """Sentences in one language and what each asks for."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    """The action's place among those given; NONE; or `negative_of(place)`."""


@cache
def none_library() -> dict[Language, tuple[str, ...]]:
    """Sentences that ask for none of the standard actions, without repetition."""
    document = json.loads((files("edge_llm") / "route" / "none.json").read_text(encoding="utf-8"))
    others = none_examples()
    return {
        language: tuple(
            {plain(line): line for lines in (*document[language].values(), others[language]) for line in lines}.values()
        )
        for language in LANGUAGES
    }


def examples_for(actions: Sequence[Action], language: Language) -> Examples:
    """What is known of requests in `language`: first the actions' sentences, then those that ask for nothing.

    An action without examples in the language lends those of the other one, and its name where it has none at all. A
    sentence that is one action's negative and another one's example is only the example.
    """
    labelled: dict[str, tuple[str, int]] = {}
    for number, action in enumerate(actions):
        for text in _sentences(action, language):
            labelled.setdefault(plain(text), (text, number))
    for number, action in enumerate(actions):
        for text in action.negatives.get(language, ()):
            labelled.setdefault(plain(text), (text, negative_of(number)))
    for text in none_library()[language]:
        labelled.setdefault(plain(text), (text, NONE))
    texts, labels = zip(*labelled.values(), strict=True)
    return Examples(texts, labels)


def negative_of(action: int) -> int:
    """The label of a sentence that sounds like the action and asks for something else, or for nothing."""
    return NONE - 1 - action


def _sentences(action: Action, language: Language) -> list[str]:
    other: Language = "en" if language == "zh" else "zh"
    for spoken in (language, other):
        if lines := action.examples.get(spoken):
            return [text for line in lines for text in _filled(action, line, spoken)]
    return [action.name.in_language(language)]


def _filled(action: Action, template: str, language: Language) -> list[str]:
    values = [{slot.name: _VALUES[language][slot.role][turn] for slot in action.slots} for turn in range(_FILLINGS)]
    return list(dict.fromkeys(fill(template, row) for row in values))
