"""Slips that people put right while they speak: "at six, no, seven" is at seven, "on the desk, no, on the shelf" one place.

What is put right is told by its kind: a length by a length, a day by a day, an hour by an hour, a number by a number, a person
by a person, and words after a preposition by words after the same one. Where nothing before it is of that kind, the words stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from edge_llm.understand.clock import find_clocks
from edge_llm.understand.contacts import ContactBook
from edge_llm.understand.days import find_days
from edge_llm.understand.durations import find_durations
from edge_llm.understand.numbers import find_numbers
from edge_llm.understand.recipients import known_at

_MAKE = r"(?:make (?:that|it))"
_MARK = re.compile(
    r"\s*(?:[,;]|\.{2,}|…|\s[-–—])?\s*\b(?P<mark>"
    rf"no,?\s+(?:sorry|wait|{_MAKE}|i mean(?:t)?|actually|scratch that|rather|hang on|hold on)(?:,?\s+(?:no|i mean(?:t)?"
    rf"|{_MAKE}))*"
    rf"|(?:oh|wait|oops|whoops|sorry|hang on|hold on|actually|er+m?|u[mh]+),?\s+(?:no|i mean(?:t)?|{_MAKE}"
    rf"|wait)(?:,?\s+{_MAKE})?"
    rf"|i mean(?:t)?(?: to say)?|or rather|scratch that|{_MAKE}|no|sorry|actually)\b\s*[,:]?\s*(?=\w)",
    re.IGNORECASE,
)
_BARE: Final = ("no", "sorry", "actually")
"""Marks that are mostly something else: what they put right stands right before them."""
_NEAR: Final = 2
"""Most words between a value and a bare mark."""
_LONGEST: Final = 6
"""Most words after a preposition that are put right."""
_LEAD = re.compile(r"(?:at|on|for|in|to|by)\s+", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"(?:on|in|at|to|from|under|by|near|behind|with|for|beside|over|inside|next to|through|above|below|opposite)\b", re.I
)
_THING = re.compile(r"(?:to |from |at |in )?(?:the|my|our|an?)\s+\w", re.IGNORECASE)
_LAST_THING = re.compile(r"\b(?:(?:to|from|at|in)\s+)?(?:the|my|our|an?)\s+\w+(?:\s+\w+)?\s*$", re.IGNORECASE)
_TO = re.compile(r"(?:to|from|at|in)\s+", re.IGNORECASE)
_Span = tuple[int, int]


def repaired(words: str, people: ContactBook, today: date) -> str:
    """The words with what was put right in the place of what it puts right."""
    for mark in _MARK.finditer(words):
        before, after = words[: mark.start()], words[mark.end() :]
        if not before.strip():
            continue
        said = mark["mark"].lower()
        is_bare = said in _BARE
        is_excuse = is_bare and said != "no" and any(start == 0 for start, _ in _lengths(after))
        for spans in (_lengths, _days(today), *(() if is_excuse else (_hours, _counts))):  # "at six, sorry, ten minutes late"
            new = _by_kind(before, after, spans, is_bare=is_bare)
            if new is not None:
                return new
        if (new := _by_person(before, after, people, is_bare=is_bare)) is not None:
            return new
        if (new := _by_article(before, after)) is not None:
            return new
        if not is_bare and (new := _by_preposition(before, after)) is not None:
            return new
    return words


def _by_kind(before: str, after: str, spans: Callable[[str], Sequence[_Span]], *, is_bare: bool) -> str | None:
    lead = _LEAD.match(after)
    said = after if lead is None else after[lead.end() :]
    new = next((span for span in spans(said) if span[0] == 0), None)
    old = max(spans(before), default=None)
    if new is None or old is None or (is_bare and len(before[old[1] :].split()) > _NEAR):
        return None
    rest = said[new[1] :]
    kept = _LEAD.match(before, old[0])  # "at noon" is put right by an hour alone
    old = old if kept is None or kept.end() >= old[1] else (kept.end(), old[1])
    rest = "" if rest.strip() and before[old[1] :].strip().startswith(rest.strip()) else rest  # "at seven, home" once
    return f"{before[: old[0]]}{said[: new[1]]}{before[old[1] :]}{rest}"


def _by_article(before: str, after: str) -> str | None:
    new = _THING.match(after)
    old = None if new is None else _LAST_THING.search(before)
    if new is None or old is None:
        return None
    kept = _TO.match(before, old.start()) if _TO.match(after) is None else None
    return f"{before[: old.start() if kept is None else kept.end()]}{after}"


def _by_preposition(before: str, after: str) -> str | None:
    preposition = _PREPOSITION.match(after)
    if preposition is None:
        return None
    old = [match.start() for match in re.finditer(rf"\b{preposition[0]}\b", before, re.IGNORECASE)]
    if not old or len(before[old[-1] :].split()) > _LONGEST:
        return None
    return before[: old[-1]] + after


def _lengths(text: str) -> list[_Span]:
    return [(one.start, one.end) for one in find_durations(text)]


def _days(today: date) -> Callable[[str], list[_Span]]:
    def spans(text: str) -> list[_Span]:
        return [(one.start, one.end) for one in find_days(text, today)]

    return spans


def _hours(text: str) -> list[_Span]:
    return [(one.start, one.end) for one in find_clocks(text, is_bare=True)]


def _counts(text: str) -> list[_Span]:
    return [(one.start, one.end) for one in find_numbers(text)]


def _by_person(before: str, after: str, people: ContactBook, *, is_bare: bool) -> str | None:
    lead = _LEAD.match(after)
    said = after if lead is None else after[lead.end() :]
    new = known_at(said, 0, people)
    if new is None:
        return None
    words = list(re.finditer(r"\b[^\W\d_]{2,}", before))[-_LONGEST:]
    known = (known_at(before, word.start(), people) for word in (reversed(words[-_NEAR:] if is_bare else words)))
    old = next((one for one in known if one is not None and (not is_bare or not before[one.end :].strip())), None)
    return None if old is None else f"{before[: old.start]}{said[: new.end]}{before[old.end :]}{said[new.end :]}"
