"""Recurrence rules (RFC 5545 section 3.3.10): when something happens again, in bounded time, and in words.

dateutil does the arithmetic; here it is kept from running for ever. Knows local times only: no zones, no events.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge_llm.memory.ingest.ical_times import is_date, is_utc, parse_local

_RULE_CHARS = 1_000
_KEYS = frozenset({
    "FREQ", "UNTIL", "COUNT", "INTERVAL", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO",
    "BYMONTH", "BYSETPOS", "WKST",
})  # fmt: skip
_STEPS = {
    "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour", "MINUTELY": "minute",
    "SECONDLY": "second",
}  # fmt: skip
_IN_CHINESE = {"DAILY": "每天", "WEEKLY": "每周", "MONTHLY": "每月", "YEARLY": "每年", "HOURLY": "每小时"}
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
_WEEKDAYS = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday",
}  # fmt: skip
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second to last"}
_CYCLE_YEARS = 400
"""After so many years the calendar is the same again, weekdays included."""
_LAST_YEAR = 9999
_TRIED = 30_000
"""Most occurrences that are gone through: 80 years of days."""


@dataclass(frozen=True)
class Rule:
    """A rule that begins at a local time."""

    fields: Mapping[str, str]
    begin: datetime
    until: datetime | None

    @classmethod
    def parse(cls, text: str, begin: datetime, utc_offset: timedelta | None) -> Rule | None:
        """The rule in an RRULE; None for one that cannot be followed.

        Args:
            utc_offset: of the zone that `begin` is in, for an end that is given in UTC.
        """
        if len(text) > _RULE_CHARS:
            return None
        pairs = (part.partition("=") for part in text.strip().upper().split(";") if part.strip())
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        interval, frequency = fields.get("INTERVAL", "1"), fields.get("FREQ")
        # an interval of 0 would never end, and within a day a position that no set has would be looked for in every second
        if frequency not in _STEPS or not fields.keys() <= _KEYS or not re.fullmatch(r"0*[1-9]\d{0,6}", interval):
            return None
        if frequency in _WITHIN_A_DAY and "BYSETPOS" in fields:
            return None
        ends = fields.pop("UNTIL", "")
        until = parse_local(ends)
        if ends and until is None:
            return None
        if until is not None and is_date(ends):
            until += timedelta(hours=23, minutes=59, seconds=59)
        elif until is not None and is_utc(ends) and utc_offset is not None:
            until += utc_offset
        return cls(fields, begin, until)

    @property
    def frequency(self) -> str:
        """ "DAILY", "WEEKLY", ..."""
        return self.fields["FREQ"]

    def around(self, now: datetime, *, before: int, after: int, until: datetime) -> list[datetime]:
        """The last `before` occurrences that begin before `now`, and the first `after` from then on, none after `until`.

        The first occurrence is `begin` only if the rule says so.
        """
        from dateutil.rrule import rrulestr

        # dateutil looks for the next occurrence up to the year 9999, day by day where a rule has none: so begin near there
        shift = (_LAST_YEAR - max(self.begin.year, until.year)) // _CYCLE_YEARS * _CYCLE_YEARS
        text = ";".join(f"{name}={value}" for name, value in self.fields.items())
        past: deque[datetime] = deque(maxlen=before)
        coming: list[datetime] = []
        try:
            shifted = self.begin.replace(year=self.begin.year + shift)
            for number, found in enumerate(rrulestr(text, dtstart=shifted)):
                at = found.replace(year=found.year - shift)
                if at > until or (self.until is not None and at > self.until) or number > _TRIED or len(coming) >= after > 0:
                    break
                (past if at < now else coming).append(at)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
            pass  # a rule that contradicts itself has no further occurrence
        return [*past, *coming]

    def in_words(self, *, is_chinese: bool) -> str:
        """The rule as people say it: "every 2 weeks on Tuesday, 10 times"."""
        interval = int(self.fields.get("INTERVAL", "1"))
        step = _STEPS[self.frequency]
        words = f"every {step}" if interval == 1 else f"every {interval} {step}s"
        days = [_day_in_words(day) for day in self.fields.get("BYDAY", "").split(",")[:7] if day]
        if all(days) and days:
            words += f" on {', '.join(days)}"
        if "COUNT" in self.fields:
            words += f", {self.fields['COUNT'][:6]} times"
        if self.until is not None:
            words += f", until {self.until:%Y-%m-%d}"
        return f"{words} {_IN_CHINESE.get(self.frequency, '')}".strip() if is_chinese and interval == 1 else words


def _day_in_words(day: str) -> str:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", day.strip())
    if found is None:
        return ""
    ordinal = _ORDINALS.get(int(found[1]), found[1]) if found[1] else ""
    return f"the {ordinal} {_WEEKDAYS[found[2]]}" if ordinal else _WEEKDAYS[found[2]]
