"""Lengths of time: "an hour and a half", "90 min", "一个半小时", "三刻钟"; canonically ISO 8601 (PT1H30M)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from edge_llm.understand.numbers import CHINESE_NUMBER, ENGLISH_NUMBER, read_chinese, read_english

_ENGLISH_UNITS = {
    "second": (0, 1), "sec": (0, 1), "s": (0, 1), "minute": (0, 60), "min": (0, 60), "hour": (0, 3600), "hr": (0, 3600),
    "h": (0, 3600), "day": (0, 86400), "week": (0, 604800), "fortnight": (0, 1209600), "month": (1, 0), "year": (12, 0),
}  # fmt: skip
"""(months, seconds) of one unit."""
_CHINESE_UNITS = {
    "秒钟": (0, 1), "秒": (0, 1), "分钟": (0, 60), "分": (0, 60), "刻钟": (0, 900), "小时": (0, 3600), "钟头": (0, 3600),
    "钟": (0, 3600), "天": (0, 86400), "日": (0, 86400), "周": (0, 604800), "星期": (0, 604800), "礼拜": (0, 604800),
    "月": (1, 0), "年": (12, 0),
}  # fmt: skip
_ENGLISH_UNIT = "seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|fortnights?|months?|years?"
_ENGLISH_PART = (
    rf"(?:(?P<half>half\s+(?:an?\s+)?|(?:a\s+)?quarter\s+(?:of\s+)?an\s+|three\s+quarters\s+of\s+an\s+)"
    rf"|(?P<count>{ENGLISH_NUMBER}|an?|a\s+couple\s+of|a\s+few)(?P<more>\s+and\s+a\s+half)?[\s-]*)"
    rf"(?P<unit>{_ENGLISH_UNIT}|(?<=\d)[hs])(?![A-Za-z0-9_])(?P<after>\s+and\s+a\s+half|\s+and\s+a\s+quarter)?"
)
_ENGLISH = re.compile(rf"(?<![A-Za-z0-9_.]){_ENGLISH_PART}", re.IGNORECASE)
_HALVES = re.compile(r"(?<![\w-]\s)(?<![\w-])hour and a (?P<part>half|quarter)\b", re.IGNORECASE)
"""As it is said without its article: "hour and a half on the timer"."""
_COMPACT = re.compile(
    r"(?<![\w.])(\d{1,2}|an?(?= hour)|one(?= hour)|two(?= hours))\s?h(?:(?:ou)?rs?)?\s?(\d{1,2}|twenty|thirty|forty"
    r"|fifteen|ten)(?:\s?m(?:in(?:ute)?s?)?)?\b(?![:.]\d|\s?[ap]\.?m\b)",
    re.IGNORECASE,
)
"""Hours and minutes without a word between them: "1h20", "1hr 20"."""
_SECONDS = re.compile(
    r"(?<![\w.])(\d{1,2}) ?min(?:ute)?s? (\d{1,2})(?: ?s(?:ec(?:ond)?s?)?)?\b(?! ?[ap]m\b|:"
    r"|\s+(?:people|of)\b)",
    re.IGNORECASE,
)
"""Minutes and seconds without a word between them: "1 min 30"."""
_RINGS = re.compile(r"\b(?:wake|remind|ping|nudge|alarm)\b", re.IGNORECASE)
_BARE = re.compile(r"(?<=\bin )\d{1,2}(?=\s+to\s+[a-z]|\s*[,.!?]|\s*$)", re.IGNORECASE)
"""Minutes, where something is to ring: "wake me in 20"."""
_CHINESE = re.compile(
    rf"(?<![点點\d.一二三四五六七八九十])(?P<count>半|{CHINESE_NUMBER})\s*(?:个|個)?(?P<more>半)?(?:的)?"
    r"(?P<unit>秒钟|秒|分钟|刻钟|小时|钟头|天|周|星期|礼拜|(?<=个)月|年|分(?!之))(?P<after>半)?"
)
_JOIN = re.compile(r"\s*(?:,\s*)?(?:and\s+|又|零|加)?\s*", re.IGNORECASE)
_FRACTIONS = {"half": Decimal("0.5"), "quarter": Decimal("0.25"), "three": Decimal("0.75")}


@dataclass(frozen=True)
class Duration:
    """A length of time. Months are kept apart: they are not all as long."""

    months: int = 0
    seconds: int = 0

    @property
    def iso(self) -> str:
        """ISO 8601: "PT1H30M", "P3D", "P2M"."""
        years, months = divmod(self.months, 12)
        days, rest = divmod(self.seconds, 86400)
        hours, rest = divmod(rest, 3600)
        minutes, seconds = divmod(rest, 60)
        date = "".join(f"{count}{unit}" for count, unit in ((years, "Y"), (months, "M"), (days, "D")) if count)
        time = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
        return f"P{date}{'T' if time else ''}{time}" if date or time else "PT0S"

    def after(self, moment: datetime) -> datetime:
        """This long after `moment`; the last day of a month where the month is too short. Raises OverflowError."""
        if self.months:
            number = moment.year * 12 + moment.month - 1 + self.months
            year, month = divmod(number, 12)
            if not 1 <= year <= 9999:
                raise OverflowError(f"no year {year} in the calendar")
            day = min(moment.day, calendar.monthrange(year, month + 1)[1])
            moment = moment.replace(year=year, month=month + 1, day=day)
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class FoundDuration:
    """A length of time at [start, end) of a text."""

    start: int
    end: int
    duration: Duration


def find_durations(text: str) -> list[FoundDuration]:
    """Every length of time in a text, from left to right; "1 hour and 20 minutes" is one."""
    parts = [
        FoundDuration(match.start(), match.end(), Duration(0, int(3600 * _said(match[1]) + 60 * _said(match[2]))))
        for match in _COMPACT.finditer(text)
    ]
    parts += [
        FoundDuration(one.start(), one.end(), Duration(0, 5400 if one["part"].lower() == "half" else 4500))
        for one in _HALVES.finditer(text)
    ]
    parts += [FoundDuration(m.start(), m.end(), Duration(0, 60 * int(m[1]) + int(m[2]))) for m in _SECONDS.finditer(text)]
    if _RINGS.search(text):
        parts += [FoundDuration(one.start(), one.end(), Duration(0, 60 * int(one[0]))) for one in _BARE.finditer(text)]
    for pattern, reading in ((_ENGLISH, _english), (_CHINESE, _chinese)):
        for match in pattern.finditer(text):
            duration = reading(match)
            if duration is not None and not any(one.start < match.end() and match.start() < one.end for one in parts):
                parts.append(FoundDuration(match.start(), match.end(), duration))
    joined: list[FoundDuration] = []
    for part in sorted(parts, key=lambda one: one.start):
        last = joined[-1] if joined else None
        # a smaller unit right after a larger one belongs to it
        if last is not None and _JOIN.fullmatch(text[last.end : part.start]) and _is_smaller(part.duration, last.duration):
            whole = Duration(last.duration.months + part.duration.months, last.duration.seconds + part.duration.seconds)
            joined[-1] = FoundDuration(last.start, part.end, whole)
        else:
            joined.append(part)
    return joined


def shown_duration(duration: Duration, language: str) -> str:
    """As a person reads it: "1 hour 30 minutes", "1 小时 30 分钟"."""
    years, months = divmod(duration.months, 12)
    days, rest = divmod(duration.seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    counts = (years, months, days, hours, minutes, seconds)
    if language == "zh":
        units = ("年", "个月", "天", "小时", "分钟", "秒")
        return " ".join(f"{count} {unit}" for count, unit in zip(counts, units, strict=True) if count) or "0 秒"
    names = ("year", "month", "day", "hour", "minute", "second")
    shown = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in zip(counts, names, strict=True) if count]
    return " ".join(shown) or "0 seconds"


def _said(number: str) -> Decimal:
    return read_english(number) or Decimal(0)


def _is_smaller(part: Duration, than: Duration) -> bool:
    return (part.months, part.seconds) < (than.months, than.seconds)


def _made(count: Decimal, unit: tuple[int, int]) -> Duration | None:
    months, seconds = count * unit[0], count * unit[1]
    if months != months.to_integral_value() or months + seconds <= 0 or months > 12_000 or seconds > 10**10:
        return Duration(0, 15 * 86400) if months == Decimal("0.5") else None
    return Duration(int(months), int(seconds))


def _english(match: re.Match[str]) -> Duration | None:
    name = match["unit"].lower()
    unit = _ENGLISH_UNITS[name if name in _ENGLISH_UNITS else name.removesuffix("s")]
    if match["half"]:
        said = match["half"].lower()
        count: Decimal | None = next(value for word, value in _FRACTIONS.items() if word in said.replace("three", "three half"))
        if said.startswith("three"):
            count = _FRACTIONS["three"]
    else:
        said = " ".join(match["count"].lower().split())
        count = {"a couple of": Decimal(2), "a few": Decimal(3)}.get(said) or read_english(said)
    if count is None:
        return None
    extra = (match["more"] or match["after"] or "").lower()
    count += Decimal("0.5") if "half" in extra else Decimal("0.25") if "quarter" in extra else 0
    return _made(count, unit)


def _chinese(match: re.Match[str]) -> Duration | None:
    count = read_chinese(match["count"])
    if count is None:
        return None
    if match["more"] or match["after"]:
        count += Decimal("0.5")
    return _made(count, _CHINESE_UNITS[match["unit"]])
