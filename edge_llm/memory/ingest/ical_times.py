"""Dates, times and durations as calendars write them (RFC 5545 section 3.3). Knows no zones and no events."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?)?(?:\.\d+)?(Z)?", re.IGNORECASE)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?", re.IGNORECASE
)


def parse_local(text: str) -> datetime | None:
    """A date or a time without its zone; midnight for a date. None when it is neither."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None


def is_date(text: str) -> bool:
    """Whether it names a day and no time of day."""
    return "T" not in text.upper()


def is_utc(text: str) -> bool:
    """Whether a time is in UTC."""
    return text.strip().upper().endswith("Z")


def parse_duration(text: str) -> timedelta | None:
    """A duration; None when it is none, or negative."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or found[1] == "-" or not any(found.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
