"""English words for times. Words that are more often something else ("may", "march", "second", "sun") need company."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache

from edge_llm.memory.periods import (
    Found,
    Period,
    ago,
    days,
    feast,
    last_weekday,
    latest_day,
    latest_month,
    month,
    next_weekday,
    past,
    real_day,
    season,
    shifted,
    week,
    weekday,
    weekend,
    year,
)

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = {"spring": 0, "summer": 1, "autumn": 2, "fall": 2, "winter": 3}
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS = {
    **{word: number for number, word in enumerate(_NUMBERS, 1)},
    "a": 1,
    "an": 1,
    "a couple of": 2,
    "couple of": 2,
    "a few": 3,
    "few": 3,
}
_FEASTS = {
    "christmas eve": "christmas eve", "christmas": "christmas", "new year's eve": "new year's eve",
    "new year's day": "new year",
    "new year's": "new year", "new year": "new year", "thanksgiving": "thanksgiving", "halloween": "halloween",
    "valentine's day": "valentine", "valentine's": "valentine", "chinese new year": "spring festival",
    "spring festival": "spring festival",
}  # fmt: skip

# Short names are only read beside a number: "Sat" is a verb, "Jan" a person.
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_MONTH_OR_SHORT = f"{_MONTH}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_DAY = "|".join(_DAYS)
_COUNT = r"\d{1,3}|" + "|".join(sorted(_COUNTS, key=len, reverse=True))
_UNIT = "day|week|month|year"
_YEAR = r"(?:19|20)\d{2}"
_NTH = r"(\d{1,2})(?:st|nd|rd|th)?"
_FEAST = "|".join(sorted(_FEASTS, key=len, reverse=True)).replace("'", "['’]")
_PART = r"(?:\s+(?:morning|afternoon|evening|night))?"

# What makes a time of a word that may be something else; not part of the expression, which begins after it.
_SINCE = "(?:(?<=since )|(?<=before )|(?<=after )|(?<=until )|(?<=till ))"
_DURING = f"(?:(?<=in )|(?<=during )|{_SINCE})"

# What every expression has one of. Without any, and most questions have none, no rule is compiled nor tried.
_HINT = re.compile(
    r"\d{4}|day|to(?:night|morrow)|this|last|previous|next|coming|past|ago|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    re.IGNORECASE,
)

Reading = Callable[[re.Match[str], date], "Period | None"]


def find_english(text: str, today: date) -> list[Found]:
    """Every time expression in a text; they may overlap."""
    found: list[Found] = []
    if not _HINT.search(text):
        return found
    for pattern, reading, is_sure, is_relative in _RULES:
        for match in _compiled(pattern).finditer(text):
            period = reading(match, today)
            if period is not None:
                found.append(Found(match.start(), match.end(), period, is_sure, is_relative))
    return found


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _count(text: str) -> int:
    text = " ".join(text.lower().split())
    return int(text) if text.isdigit() else _COUNTS[text]


def _month_number(text: str) -> int:
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(text.lower()[:3]))


def _full_year(text: str | None, today: date) -> int:
    return today.year if text is None else int(text)


def _which(text: str) -> int:
    return {"last": -1, "previous": -1, "this": 0, "next": 1, "coming": 1}[text.lower()]


def _step(match: re.Match[str], today: date) -> Period:
    """ "last month", "this week", "next year"."""
    step, unit = _which(match[1]), match[2].lower()
    if unit == "week":
        return week(today, step)
    if unit == "weekend":
        return weekend(today, step)
    if unit == "month":
        return month(today.year, today.month + step)
    if unit == "year":
        return year(today.year + step)
    return month(today.year, 3 * ((today.month - 1) // 3 + step) + 1, 3)  # quarter


def _stepped_day(match: re.Match[str], today: date) -> Period:
    """ "last Tuesday": the latest one before today; "this Tuesday" that of this week."""
    step, number = _which(match[1]), _DAYS.index(match[2].lower())
    if step == 0:
        return weekday(today, number)
    return last_weekday(today, number) if step < 0 else next_weekday(today, number)


def _stepped_season(match: re.Match[str], today: date) -> Period:
    step, which = _which(match[1]), _SEASONS[match[2].lower()]
    begun = [one for number in range(today.year - 2, today.year + 2) if (one := season(number, which)).since <= today]
    latest = begun[-1]
    is_now = latest.until > today
    if step > 0:
        return season(latest.since.year + 1, which)
    return season(latest.since.year - 1, which) if step < 0 and is_now else latest


def _stepped_month(match: re.Match[str], today: date) -> Period:
    step, number = _which(match[1]), _month_number(match[2])
    latest = latest_month(today, number)
    if step > 0:
        return month(latest.since.year + 1, number)
    if step == 0:
        return month(today.year, number)
    return month(today.year - 1, number) if latest.until > today else latest


def _stepped_feast(match: re.Match[str], today: date) -> Period | None:
    step, name = _which(match[1]), _FEASTS[match[2].lower().replace("’", "'")]
    this = feast(name, today.year)
    if this is None or step == 0:
        return this
    if step < 0:
        return this if this.until <= today else feast(name, today.year - 1)
    return this if this.since > today else feast(name, today.year + 1)


def _day_of(match: re.Match[str], today: date) -> Period | None:
    named = match.groupdict()
    month_number, day_number = _month_number(named["m"]), int(named["d"])
    if named["y"] is None:
        return latest_day(today, month_number, day_number)
    return real_day(int(named["y"]), month_number, day_number)


def _numeric(match: re.Match[str], _: date) -> Period | None:
    """3/14/2023, 14/3/2023, 14.3.2023: the month is what can be one; the first where both can, with slashes."""
    first, mark, second, number = int(match[1]), match[2], int(match[3]), int(match[4])
    by_day = mark == "." or first > 12
    return real_day(number, second, first) if by_day else real_day(number, first, second)


def _rule(pattern: str, reading: Reading, *, sure: bool = True, relative: bool = False) -> tuple[str, Reading, bool, bool]:
    return rf"(?i)(?<![\w'’-]){pattern}(?![\w'’]|-\w)", reading, sure, relative


_RULES = (
    _rule("today|tonight|this (?:morning|afternoon|evening)", lambda _, today: days(today), relative=True),
    _rule(f"yesterday{_PART}", lambda _, today: days(shifted(today, -1)), relative=True),
    _rule("last night", lambda _, today: days(shifted(today, -1), 2), relative=True),
    _rule(f"tomorrow{_PART}", lambda _, today: days(shifted(today, 1)), relative=True),
    _rule("(?:the )?day before yesterday", lambda _, today: days(shifted(today, -2)), relative=True),
    _rule("(?:the )?day after tomorrow", lambda _, today: days(shifted(today, 2)), relative=True),
    _rule("(last|previous|this|next) (week|weekend|month|quarter|year)", _step, relative=True),
    _rule(rf"(last|this|next|coming) ({_DAY}){_PART}", _stepped_day, relative=True),
    _rule(f"(last|this|next) ({'|'.join(_SEASONS)})", _stepped_season, relative=True),
    _rule(f"(last|this|next) ({_MONTH})", _stepped_month, relative=True),
    _rule(f"(last|this|next) ({_FEAST})", _stepped_feast, relative=True),
    _rule(rf"({_COUNT}) ({_UNIT})s? ago", lambda match, today: ago(today, _count(match[1]), match[2].lower()), relative=True),
    _rule(
        rf"(?:the )?(?:last|past|previous) ({_COUNT}) ({_UNIT})s",
        lambda match, today: past(today, _count(match[1]), match[2].lower()),
        relative=True,
    ),
    _rule(rf"(?:the )?past ({_UNIT})", lambda match, today: past(today, 1, match[1].lower()), relative=True),
    _rule(
        rf"{_SINCE}({_DAY}){_PART}",
        lambda match, today: last_weekday(today, _DAYS.index(match[1].lower())),
        relative=True,
    ),
    _rule(rf"on ({_DAY}){_PART}", lambda match, today: last_weekday(today, _DAYS.index(match[1].lower())), sure=False),
    _rule(rf"({_YEAR})-(\d{{1,2}})-(\d{{1,2}})", lambda match, _: real_day(*map(int, match.groups()))),
    _rule(rf"({_YEAR})/(\d{{1,2}})/(\d{{1,2}})", lambda match, _: real_day(*map(int, match.groups()))),
    _rule(rf"({_YEAR})-(0[1-9]|1[0-2])", lambda match, _: month(int(match[1]), int(match[2]))),
    _rule(rf"(\d{{1,2}})([/.])(\d{{1,2}})[/.]({_YEAR})", _numeric),
    _rule(rf"(?P<m>{_MONTH_OR_SHORT})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>{_YEAR}))?", _day_of),
    _rule(rf"(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH_OR_SHORT})\.?(?:,? (?P<y>{_YEAR}))?", _day_of),
    _rule(rf"({_MONTH_OR_SHORT})\.?,?(?: of)? ({_YEAR})", lambda match, _: month(int(match[2]), _month_number(match[1]))),
    _rule(
        rf"{_DURING}({_MONTH})(?! \d)",
        lambda match, today: latest_month(today, _month_number(match[1])),
    ),
    _rule(rf"({'|'.join(_SEASONS)})(?: of|,)? ({_YEAR})", lambda match, _: season(int(match[2]), _SEASONS[match[1].lower()])),
    _rule(
        rf"({_FEAST})(?: of|,)? ({_YEAR})", lambda match, _: feast(_FEASTS[match[1].lower().replace("’", "'")], int(match[2]))
    ),
    _rule(rf"Q([1-4]),? ({_YEAR})", lambda match, _: month(int(match[2]), 3 * int(match[1]) - 2, 3)),
    _rule(rf"{_DURING}({_YEAR})", lambda match, _: year(int(match[1]))),
    _rule(rf"({_YEAR})", lambda match, _: year(int(match[1])), sure=False),
)
