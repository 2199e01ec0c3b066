"""Times as people and programs write them, in English or Chinese: ISO 8601, seconds since 1970, or words.

dateparser reads what nothing else does; it is slow on what is no time, so what it may take is bounded. Knows no format.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone, tzinfo

from edge_llm.memory.ingest.chat_stamps import STAMP, Stamp
from edge_llm.memory.ingest.iso_time import parse_iso

_CHARS = 80
"""A longer text is no time."""
_REMEMBERED = 10_000
_SECONDS = 20.0
"""Most processor time for texts that only dateparser reads, in one file."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NUMBER = re.compile(r"\d{9,10}(?:\.\d{1,9})?|\d{13}")
_STAMP = re.compile(STAMP, re.IGNORECASE)
_CHINESE_CLOCK = re.compile(r"(\d{1,2})[点點时時](?:(\d{1,2})分?|(半))?整?")
_CLOCK = re.compile(r"\d[:点點时時]|\d\s*[ap]\.?m\b", re.IGNORECASE)
_YEARS = range(1900, 2101)


class TimeReader:
    """Reads the times of one file.

    Args:
        zone: for times without one.
        base: what "yesterday" is counted from.
    """

    def __init__(self, zone: tzinfo, base: datetime) -> None:
        self._zone = zone
        self._base = base.astimezone(zone)
        self._spent = 0.0
        self._known: dict[str, datetime | None] = {}

    def read(self, value: object) -> datetime | None:
        """The time, aware; None for what is none. A day without a time of day is noon."""
        if isinstance(value, bool) or value is None:
            return None
        text = str(value).strip()
        if not text or len(text) > _CHARS:
            return None
        if text not in self._known:
            found = self._parse(text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = found if found is not None and found.year in _YEARS else None
        return self._known[text]

    def _parse(self, text: str) -> datetime | None:
        if _NUMBER.fullmatch(text) is not None:
            return _EPOCH + timedelta(seconds=float(text) / (1000 if len(text) == 13 else 1))
        found = parse_iso(text.replace("/", "-") if re.match(r"\d{4}/", text) else text, self._zone)
        return found or self._parse_stamp(text) or self._parse_words(text)

    def _parse_stamp(self, text: str) -> datetime | None:
        """Chinese, year first: "2023年5月8日 下午3点半"."""
        clock = _CHINESE_CLOCK.sub(lambda match: f"{match[1]}:{30 if match[3] else int(match[2] or 0):02}", text)
        match = _STAMP.fullmatch(clock) if re.match(r"\d{4}\D", clock) else None
        stamp = Stamp.of(match) if match is not None else None
        local = stamp.read("ymd") if stamp is not None else None
        return None if local is None else local.replace(tzinfo=self._zone)

    def _parse_words(self, text: str) -> datetime | None:
        if self._spent > _SECONDS or not re.search(r"\w", text):
            return None
        from dateparser import parse

        settings = {
            "RETURN_AS_TIMEZONE_AWARE": False,
            "RELATIVE_BASE": self._base.replace(tzinfo=None),
            "PREFER_DAY_OF_MONTH": "first",
            "PREFER_DATES_FROM": "past",
        }
        begun = time.process_time()
        try:
            found: datetime | None = parse(text, languages=["en", "zh"], settings=settings)
        except (ValueError, OverflowError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
            found = None
        self._spent += time.process_time() - begun
        if found is None:
            return None
        if found.time() == datetime.min.time() and _CLOCK.search(text) is None:
            found = found.replace(hour=12)
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)
