"""Parts of canonical values, for apps that want a value in another form: `{time.hour}`, `{recipient.digits}`.

The same parts as the Kotlin library's. Knows forms of values; knows no template and no action.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DURATION = re.compile(r"P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?", re.ASCII)
_SECONDS = (604_800, 86_400, 3_600, 60, 1)
_LONGEST_S = 2**31 - 1
"""A phone's int."""


def part(value: object, name: str) -> str | int | None:
    """The part `name` of a canonical value; None where the value has none, and nothing is then said of it.

    Args:
        value: a slot's canonical value.
        name: one of `PARTS`.
    """
    if value is None:
        return None
    return PARTS[name](value)


def _time(value: object) -> re.Match[str] | None:
    return _TIME.fullmatch(value) if isinstance(value, str) else None


def _date(value: object) -> str | None:
    found = _time(value)
    return found[1] if found else None


def _hour(value: object) -> int | None:
    found = _time(value)
    return int(found[2]) if found else None


def _minute(value: object) -> int | None:
    found = _time(value)
    return int(found[3]) if found else None


def _clock(value: object) -> str | None:
    found = _time(value)
    return f"{found[2]}:{found[3]}" if found else None


def _millis(value: object) -> int | None:
    found = _time(value)
    if not found or not found[5]:
        return None
    offset = "+00:00" if found[5] == "Z" else found[5]
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}:{found[4] or '00'}{offset}")
        return int((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()) * 1000
    except (ValueError, OverflowError):  # the 31st of June
        return None


def _duration_seconds(value: object) -> int | None:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found or not any(found.groups()):
        return None
    total = sum(int(count or 0) * seconds for count, seconds in zip(found.groups(), _SECONDS, strict=True))
    return total if total <= _LONGEST_S else None


def _digits(value: object) -> str | None:
    return "".join(symbol for symbol in value if symbol in "0123456789") if isinstance(value, str) else None


def _lines(value: object) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return "\n".join(value)


PARTS: Mapping[str, Callable[[object], str | int | None]] = {
    "date": _date,
    "clock": _clock,
    "hour": _hour,
    "minute": _minute,
    "millis": _millis,
    "seconds": _duration_seconds,
    "digits": _digits,
    "lines": _lines,
}
"""date, clock, hour, minute: of a time, as it is written in its own offset. millis: since 1970. seconds: of a duration.
digits: of a phone number. lines: of a list of texts."""
