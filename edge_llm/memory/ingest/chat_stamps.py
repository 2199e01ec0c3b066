"""Dates and times in front of chat messages, in any locale, and which of day, month and year stands where.

A single stamp does not say ("03/04/23"), the whole file nearly always does: messages come in the order of time. Knows
stamps; knows no messenger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal, TypeAlias

Order: TypeAlias = Literal["dmy", "mdy", "ymd"]
"""The order of day, month and year."""

_MORNING = "上午|凌晨|清晨|早上|午前|오전|vorm\\.?|fm|de\\.?|a\\.?\\s?m\\.?|ص|п\\.?д\\.?|π\\.?μ\\.?"
_AFTERNOON = "下午|傍晚|晚上|中午|午後|오후|nachm\\.?|em|du\\.?|p\\.?\\s?m\\.?|م|п\\.?п\\.?|μ\\.?μ\\.?"
STAMP = (
    r"(?P<a>\d{1,4})(?P<separator>年|\.\s?|/|-)(?P<b>\d{1,2})(?:月|\.\s?|/|-)(?P<c>\d{1,4})日?\.?(?:\s?г\.)?"
    rf"\s?[,،]?(?:\s|(?=[^\d\s,،]))(?:klo\s|kl\.\s)?(?:(?P<before>{_MORNING}|{_AFTERNOON})\s?)?"
    rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?(?:\s?(?P<after>{_MORNING}|{_AFTERNOON}))?(?:\s?ч\.)?"
)
"""A regular expression for a date and a time. Blanks of every width match \\s: before AM and PM stands U+202F."""
_IS_MORNING = re.compile(_MORNING, re.IGNORECASE)
_NOON = "中午"
_ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
_EXAMINED = 200_000


@dataclass(frozen=True)
class Stamp:
    """A date and time whose order is not known yet."""

    numbers: tuple[int, int, int]
    clock: tuple[int, int, int]
    separator: str
    has_half_day: bool
    """It says AM or PM, in whatever language."""

    @classmethod
    def of(cls, match: re.Match[str]) -> Stamp | None:
        """The stamp that a match of STAMP holds; None when its time of day is none."""
        half = match["before"] or match["after"]
        hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
        if half is not None:
            if hour > 12:
                half = None  # "下午 17:52": the clock counts to 24 all the same
            elif half == _NOON:
                hour = hour + 12 if hour < 3 else hour
            else:
                hour = hour % 12 + (0 if _IS_MORNING.fullmatch(half) else 12)
        if hour > 23 or minute > 59 or second > 59:
            return None
        numbers = (int(match["a"]), int(match["b"]), int(match["c"]))
        return cls(numbers, (hour, minute, second), match["separator"].strip(), half is not None)

    def read(self, order: Order) -> datetime | None:
        """The local time, read in that order; None when there is no such day."""
        named = dict(zip(order, self.numbers, strict=True))
        year = named["y"] + (2000 if named["y"] < 100 else 0)
        if not 1990 <= year < 2100:
            return None
        try:
            return datetime(year, named["m"], named["d"], *self.clock)
        except ValueError:
            return None


@dataclass
class OrderFinder:
    """Finds the order of day, month and year from stamps in the order of the file.

    The order with the fewest impossible days wins, then that with the fewest steps back in time. Where both leave a tie, it is
    month first for slashes with AM or PM, as Americans write, and day first for everything else.

    Args:
        latest: no message is later than this local time (when the file was written), if that is known.
    """

    latest: datetime | None = None
    _wrong: dict[Order, int] = field(default_factory=lambda: dict.fromkeys(_ORDERS, 0))
    _back: dict[Order, int] = field(default_factory=lambda: dict.fromkeys(_ORDERS, 0))
    _before: dict[Order, datetime] = field(default_factory=dict)
    _seen: int = 0
    _american: bool = False

    def add(self, stamp: Stamp) -> None:
        """One more stamp."""
        self._seen += 1
        if self._seen > _EXAMINED:
            return
        self._american = self._american or (stamp.separator == "/" and stamp.has_half_day)
        for order in _ORDERS:
            time = stamp.read(order)
            if time is None or (self.latest is not None and time > self.latest):
                self._wrong[order] += 1
            else:
                self._back[order] += time < self._before.get(order, time)
                self._before[order] = time

    def order(self) -> Order:
        """The likeliest order."""
        preferred: Sequence[Order] = ("mdy", "dmy", "ymd") if self._american else ("dmy", "mdy", "ymd")
        return min(preferred, key=lambda order: (self._wrong[order], self._back[order]))


def local_time(stamp: Stamp, order: Order, zone: tzinfo) -> datetime | None:
    """The time with its zone; None when there is no such day."""
    time = stamp.read(order)
    return None if time is None else time.replace(tzinfo=zone)
