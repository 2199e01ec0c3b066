"""Whether a request speaks of a choice or a flag of a function: "including human impact", "vegan", "without advice"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_llm.understand.parameters import Parameter, stem, words_of

_DENIAL = re.compile(
    r"(?i)\b(?:not|no|without|exclud\w+|don't|doesn't|except|disable\w*|ignor\w+|skip\w*|avoid\w*)\b(?:\s+\w+){0,3}\s*$"
)
_FILLER = frozenset(
    [
        "is",
        "include",
        "including",
        "included",
        "enable",
        "enabled",
        "allow",
        "use",
        "using",
        "get",
        "show",
        "apply",
        "with",
        "return",
        "has",
        "have",
        "flag",
        "whether",
        "true",
        "false",
        "do",
        "want",
        "required",
        "need",
        "only",
        "as",
        "format",
    ]
)


@dataclass(frozen=True)
class Member:
    """A choice that is mentioned at [start, end) of a text."""

    start: int
    end: int
    text: str
    """As the schema spells it."""
    is_loose: bool = False
    """Only some of its words are there, or another form of them."""


def find_members(words: str, parameter: Parameter, vocabulary: frozenset[str]) -> list[Member]:
    """The choices of `parameter` that the words mention, in the order they are said. Where none is there as it is spelt, other
    forms of its words count ("Retrieve the full history" is full; "economics" is economic), if the function's own name and
    description do not have them."""
    found: list[Member] = []
    lowered = words.lower()
    for choice in sorted(parameter.choices, key=len, reverse=True):
        plain = re.sub(r"[_-]+", " ", choice.lower()).strip()
        if not plain:
            continue
        for match in re.finditer(
            rf"(?<![a-z0-9]){re.escape(plain)}(?:s|es)?(?![a-z0-9#])", lowered.replace("_", " ").replace("-", " ")
        ):
            if not any(one.start < match.end() and match.start() < one.end for one in found):
                found.append(Member(match.start(), match.end(), choice))
                break
    if found:
        return sorted(found, key=lambda one: one.start)
    said = {stem(word): word for word in words_of(words)}
    for choice in parameter.choices:
        stems = [stem(word) for word in words_of(choice)]
        hits = [one for one in stems if any(_alike(one, other) for other in said) and one not in vocabulary]
        if stems and len(hits) == len(stems):
            at = next((lowered.find(word) for one, word in said.items() if _alike(stems[0], one)), 0)
            found.append(Member(max(at, 0), max(at, 0) + 1, choice, is_loose=True))
    return sorted(found, key=lambda one: one.start)


def is_mentioned(parameter: Parameter, words: str, vocabulary: frozenset[str]) -> bool:
    """Whether the words speak of a flag: every word of its name that says something and is not the function's own."""
    names = [one for one in parameter.name_words if one not in {stem(word) for word in _FILLER}]
    own = [one for one in names if one not in vocabulary] or names
    said = {stem(word) for word in words_of(words)}
    return bool(own) and all(any(_alike(one, other) for other in said) for one in own)


def is_denied(parameter: Parameter, words: str) -> bool:
    """Whether the words rule a flag out ("without advice")."""
    names = set(parameter.name_words)
    return any(
        stem(match[0].lower()) in names and _DENIAL.search(words[: match.start()]) is not None
        for match in re.finditer(r"[A-Za-z]+", words)
    )


def _alike(one: str, other: str) -> bool:
    shared = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one == other or (shared >= 5 and shared >= min(len(one), len(other)) - 1)
