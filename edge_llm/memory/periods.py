"""Stretches of days: a week, a month, the days around a feast. Plain calendar arithmetic; knows no language and no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The days since <= day < until."""

    since: date
    until: date


@dataclass(frozen=True)
class Found:
    """A time expression at [start, end) of a text."""

    start: int
    end: int
    period: Period
    is_sure: bool
    """It can hardly mean anything else. "Monday" may be part of a title."""
    is_relative: bool
    """It counts from today, as who looks for a message does. A date may also be what the message is about."""


Finder = Callable[[str, date], "list[Found]"]


def days(first: date, count: int = 1) -> Period:
    """`count` days from `first` on. Dates beyond what the calendar has are cut."""
    return Period(shifted(first, 0), shifted(first, count))


def shifted(day: date, by: int) -> date:
    """`by` days later, within the years 1 to 9999."""
    try:
        return day + timedelta(days=by)
    except OverflowError:
        return date.min if by < 0 else date.max


def week(day: date, weeks: int = 0) -> Period:
    """The week of a day, Monday to Sunday, or one `weeks` later."""
    return days(shifted(day, 7 * weeks - day.weekday()), 7)


def weekend(day: date, weeks: int = 0) -> Period:
    """Saturday and Sunday of that week."""
    return days(shifted(week(day, weeks).since, 5), 2)


def weekday(day: date, number: int, weeks: int = 0) -> Period:
    """Day `number` of that week, Monday 0."""
    return days(shifted(week(day, weeks).since, number))


def last_weekday(day: date, number: int) -> Period:
    """The latest such day before `day`."""
    return days(shifted(day, -((day.weekday() - number - 1) % 7 + 1)))


def next_weekday(day: date, number: int) -> Period:
    """The first such day after `day`."""
    return days(shifted(day, (number - day.weekday() - 1) % 7 + 1))


def month(year: int, number: int, count: int = 1) -> Period:
    """`count` months from month `number` on, 1 to 12 or beyond: 0 is December of the year before."""
    return Period(first_of(year, number), first_of(year, number + count))


def first_of(year: int, number: int) -> date:
    """The first day of a month; months beyond 1 to 12 are those of other years."""
    carried = year + (number - 1) // 12
    if not date.min.year <= carried <= date.max.year:
        return date.min if carried < date.min.year else date.max
    return date(carried, (number - 1) % 12 + 1, 1)


def year(number: int, count: int = 1) -> Period:
    """`count` whole years."""
    return month(number, 1, 12 * count)


def season(number: int, which: int) -> Period:
    """Spring 0 (March to May), summer 1, autumn 2, winter 3 (from December of that year on), as in the north."""
    return month(number, 3 + 3 * which, 3)


def real_day(year_number: int, month_number: int, day_number: int) -> Period | None:
    """One day, or None where the calendar has no such."""
    try:
        return days(date(year_number, month_number, day_number))
    except ValueError:
        return None


def latest_day(today: date, month_number: int, day_number: int) -> Period | None:
    """The latest such day that is not after today, or None where there is none."""
    for number in range(today.year, today.year - 5, -1):
        found = real_day(number, month_number, day_number)
        if found is not None and found.since <= today:
            return found
    return None


def latest_month(today: date, number: int) -> Period:
    """The latest such month that has begun."""
    return month(today.year if number <= today.month else today.year - 1, number)


def ago(today: date, count: int, unit: str) -> Period:
    """Around the time `count` units ago, as exactly as people say it: "two weeks ago" is some day in that week."""
    if unit == "day":
        return days(shifted(today, -count))
    if unit == "week":
        return days(shifted(today, -7 * count - 3), 7)
    if unit == "month":
        centre = _months_earlier(today, count)
        return days(shifted(centre, -15), 31)
    return year(max(today.year - count, 1))


def past(today: date, count: int, unit: str) -> Period:
    """The last `count` units up to now."""
    if unit == "month":
        first = _months_earlier(today, count)
    else:
        first = shifted(today, -count * {"day": 1, "week": 7, "year": 365}[unit])
    return Period(first, shifted(today, 1))


def _months_earlier(today: date, count: int) -> date:
    first = first_of(today.year, today.month - count)
    return (
        first
        if first in (date.min, date.max)
        else min(shifted(first, today.day - 1), shifted(first_of(first.year, first.month + 1), -1))
    )


# Feasts that follow the moon: the first day of the first month, and the fifteenth of the eighth.
_SPRING_FESTIVAL = {
    2000: (2, 5), 2001: (1, 24), 2002: (2, 12), 2003: (2, 1), 2004: (1, 22), 2005: (2, 9), 2006: (1, 29), 2007: (2, 18),
    2008: (2, 7), 2009: (1, 26), 2010: (2, 14), 2011: (2, 3), 2012: (1, 23), 2013: (2, 10), 2014: (1, 31), 2015: (2, 19),
    2016: (2, 8), 2017: (1, 28), 2018: (2, 16), 2019: (2, 5), 2020: (1, 25), 2021: (2, 12), 2022: (2, 1), 2023: (1, 22),
    2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3),
}  # fmt: skip
_MID_AUTUMN = {
    2010: (9, 22), 2011: (9, 12), 2012: (9, 30), 2013: (9, 19), 2014: (9, 8), 2015: (9, 27), 2016: (9, 15), 2017: (10, 4),
    2018: (9, 24), 2019: (9, 13), 2020: (10, 1), 2021: (9, 21), 2022: (9, 10), 2023: (9, 29), 2024: (9, 17), 2025: (10, 6),
    2026: (9, 25), 2027: (9, 15), 2028: (10, 3), 2029: (9, 22), 2030: (9, 12),
}  # fmt: skip
_FIXED = {
    "new year": (1, 1, 1), "valentine": (2, 14, 1), "qingming": (4, 4, 3), "labour day": (5, 1, 5), "national day": (10, 1, 7),
    "halloween": (10, 31, 1), "singles day": (11, 11, 1), "christmas eve": (12, 24, 1), "christmas": (12, 24, 3),
    "new year's eve": (12, 31, 1),
}  # fmt: skip


def feast(name: str, number: int) -> Period | None:
    """The days of a feast in a year; None where this calendar does not know them."""
    if name == "thanksgiving":  # the fourth Thursday of November
        first = first_of(number, 11)
        return days(shifted(first, (3 - first.weekday()) % 7 + 21), 4)
    moving = {"spring festival": (_SPRING_FESTIVAL, -1, 8), "mid-autumn": (_MID_AUTUMN, 0, 1)}
    if name in moving:
        table, lead, length = moving[name]
        return None if number not in table else days(shifted(date(number, *table[number]), lead), length)
    month_number, day_number, length = _FIXED[name]
    return days(date(number, month_number, day_number), length)
