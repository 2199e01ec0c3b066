"""Times in a query: "what did Anna send last Tuesday", "上周三的账单". What was meant, and the query without it.

Knows how to join what the languages' rules find ("since May", "from Monday to Friday"). Each language is a file:
when_english.py, when_chinese.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from edge_llm.memory.periods import Found
from edge_llm.memory.when_chinese import find_chinese
from edge_llm.memory.when_english import find_english

_LONGEST = 400
"""Characters of a query in which times are looked for."""
_BEFORE = re.compile(
    r"(?:\b(?P<open>since|after)|\b(?P<close>before|until|till|up to)"
    r"|\b(?P<none>from|on|in|at|during|of|for|by|within|over|between)|(?P<chinese>从|自从?|在))(?:\s+the)?\s*$",
    re.IGNORECASE,
)
_COUNTED_FROM = re.compile(r"\b(?:day|week|month|year)s? (?:before|after)\s*$", re.IGNORECASE)
"""What goes before counts from the time that was found, which nobody can be sure of."""
_AFTER = re.compile(r"^\s*(?:(?P<open>以来|之?后|以后|至今)|(?P<close>之前|以前)|(?P<none>的?时候|期间|那天|的))")
_JOIN = re.compile(r"^\s*(?:to|and|until|till|through|-|–|—|到|至|和)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class TimeRange:
    """A time that was read in a query."""

    text: str
    """The words that say it."""
    since: datetime | None
    until: datetime | None
    """since <= time < until; None is open."""
    is_filter: bool
    """It counts from today and can mean nothing else: only items of that time are wanted. Otherwise they come first."""


@dataclass(frozen=True)
class Timed:
    """A query parted into what is looked for and when it was."""

    rest: str
    """The query without the words that say when; whole where they may mean something else."""
    range: TimeRange | None = None


def read_times(query: str, now: datetime) -> Timed:
    """Find the time that a query speaks of. Of several that do not belong together, a date rather than "last week", which
    then counts from that date and not from now; and nothing is filtered.

    Args:
        query: what was typed. What stands in quotation marks is looked for as it is, and is no time.
        now: what "yesterday" counts from; its time zone is the one that days are counted in.
    """
    head = re.sub('["“「『«][^"”」』»]*["”」』»]', lambda quoted: "\0" * len(quoted[0]), query[:_LONGEST])
    found = _longest(find_english(head, now.date()) + find_chinese(head, now.date()))
    if not found:
        return Timed(query)
    joined = len(found) > 1 and _JOIN.match(head[found[0].end : found[1].start]) is not None
    apart = len(found) > 1 and not joined
    first = next((one for one in found if one.is_sure and not one.is_relative), found[0]) if apart else found[0]
    start, end, period = first.start, first.end, first.period
    if _COUNTED_FROM.search(head[:start]):
        return Timed(query)
    before, after = _BEFORE.search(head[:start]), _AFTER.search(head[end:])
    opened = next((kind for match in (before, after) if match for kind in ("open", "close") if match[kind]), None)
    if before is not None:
        start = before.start()
    since: date | None = period.since
    until: date | None = period.until
    if joined:
        since, until, end, opened = period.since, _end_after(period.since, found[1]), found[1].end, None
    elif after is not None:
        end += after.end()
    if opened == "open":
        since, until = (period.until if _is_after(before, after) else period.since), None
    elif opened == "close":
        since, until = None, period.since
    words = query[start:end].strip()
    zone = now.tzinfo
    span = TimeRange(words, _start(since, zone), _start(until, zone), first.is_sure and first.is_relative and not apart)
    rest = f"{query[:start].rstrip()} {query[end:].lstrip()}".strip() if first.is_sure else query
    return Timed(rest, span)


def _end_after(since: date, last: Found) -> date:
    """The end of a span that begins `since`. A month without its year is the one after that."""
    until = last.period.until
    if not last.is_sure and until.year > since.year:
        until = until.replace(year=since.year if until.replace(year=since.year) > since else since.year + 1)
    return max(until, since)


def _is_after(before: re.Match[str] | None, after: re.Match[str] | None) -> bool:
    """ "after May" begins when May is over; "since May" does not."""
    said = ((before and before["open"]) or (after and after["open"]) or "").lower()
    return said in ("after", "后", "之后", "以后")


def _longest(found: list[Found]) -> list[Found]:
    """From left to right, of those that overlap the longest."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end - one.start > kept[-1].end - kept[-1].start:
            kept[-1] = one
    return kept


def _start(day: date | None, zone: tzinfo | None) -> datetime | None:
    """Midnight at the beginning of a day."""
    return None if day is None else datetime.combine(day, time.min, zone)
