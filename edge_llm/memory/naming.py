"""Whom a query names: the people known to memory whose names stand in it. Knows names as the columns hold them; no database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_llm.memory.analysis import fold, is_unspaced, tokens
from edge_llm.memory.word_lists import FUNCTION_WORDS, NAMES_AND_WORDS

_LONGEST_CHINESE = 4


@dataclass(frozen=True)
class Named:
    """A name in a query, at [start, end)."""

    text: str
    start: int
    end: int
    people: frozenset[int]
    """Everyone it may mean."""


def find_names(text: str, names: Mapping[str, frozenset[int]]) -> list[Named]:
    """The names in a query, from left to right. Words of one name in a row are one."""
    if not names:
        return []
    found = [*_spaced(text, names), *_unspaced(text, names)]
    return sorted(found, key=lambda named: named.start)


def without_names(text: str, named: Sequence[Named]) -> str:
    """The query without them, for comparing meanings: people say "I" and "you" to each other, hardly ever their names."""
    for name in reversed(named):
        text = text[: name.start] + text[name.end :]
    return " ".join(text.split())


def _spaced(text: str, names: Mapping[str, frozenset[int]]) -> list[Named]:
    found: list[Named] = []
    for token in tokens(text):
        typed = text[token.start : token.end]
        people = names.get(token.term)
        if people is None or is_unspaced(token.term) or token.term in FUNCTION_WORDS:
            continue
        if token.term in NAMES_AND_WORDS and not typed[:1].isupper():
            continue
        if found and re.fullmatch(r"[\s.]+", text[found[-1].end : token.start]) and found[-1].people & people:
            last = found.pop()
            people = last.people & people
            found.append(Named(text[last.start : token.end], last.start, token.end, people))
        else:
            found.append(Named(typed, token.start, token.end, people))
    return found


def _unspaced(text: str, names: Mapping[str, frozenset[int]]) -> list[Named]:
    if text.isascii():
        return []
    found, start = [], 0
    while start < len(text):
        for length in range(min(_LONGEST_CHINESE, len(text) - start), 1, -1):
            name = fold(text[start : start + length])
            if name in names and is_unspaced(name):
                found.append(Named(text[start : start + length], start, start + length, names[name]))
                start += length
                break
        else:
            start += 1
    return found
