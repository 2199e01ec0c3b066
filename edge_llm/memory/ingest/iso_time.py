"""Times as documents write them: ISO 8601 in the forms of W3C's "Date and Time Formats". Knows no document."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

_FORM = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


def parse_iso(text: str, zone: tzinfo) -> datetime | None:
    """The time, aware; None when the text is no time. Noon where it gives a day only, so that no time zone moves the day.

    Args:
        zone: for a text without one.
    """
    found = _FORM.fullmatch(text.strip()[:40])
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    clock = (12, 0, 0) if hour is None else (int(hour), int(minute), int(second or 0))
    try:
        at = datetime(int(year), int(month), int(day or 1), *clock, int((fraction or "0").ljust(6, "0")[:6]))
        return at.replace(tzinfo=_offset(offset, zone))
    except ValueError:
        return None


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text in "Zz":
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
