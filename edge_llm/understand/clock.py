"""Hours of a day: "3pm", "half past three", "下午三点半", "noon". Knows no calendar; times.py puts hours and days together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from edge_llm.understand.numbers import read_chinese, read_english

Half = Literal["am", "pm"]

PARTS: Final[Mapping[str, tuple[int, Half]]] = {
    "early morning": (7, "am"), "morning": (9, "am"), "noon": (12, "pm"), "lunchtime": (12, "pm"), "midday": (12, "pm"),
    "afternoon": (15, "pm"), "evening": (19, "pm"), "tonight": (20, "pm"), "night": (21, "pm"), "midnight": (0, "am"),
    "凌晨": (5, "am"), "清晨": (7, "am"), "早晨": (8, "am"), "早上": (8, "am"), "早": (8, "am"), "上午": (10, "am"),
    "中午": (12, "pm"), "下午": (15, "pm"), "午后": (15, "pm"), "傍晚": (18, "pm"), "晚上": (20, "pm"), "晚": (20, "pm"),
    "夜里": (23, "pm"), "半夜": (0, "am"), "午夜": (0, "am"),
}  # fmt: skip
"""Parts of a day: the hour that stands for one, and the half it lies in."""
_EXACT = {"noon", "midday", "midnight", "中午", "午夜"}
_ALWAYS = {*_EXACT, "tonight", "lunchtime"}
"""Parts of a day that need nothing before them to be one."""

_HOUR_WORD = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_MINUTE_WORD = rf"(?:twenty|thirty|forty|fifty)(?:[ -](?:{_HOUR_WORD}))?|five|ten|fifteen|quarter|half|\d{{1,2}}"
_MINUTES = r"thirty|fifteen|forty[ -]five|ten|twenty(?:[ -]five)?|oh[ -]five|fifty(?:[ -]five)?|forty|thirty[ -]five"
"""Minutes that are said after an hour: "seven fifteen"."""
_MERIDIEM = r"(?P<meridiem>[ap]\.?\s?m\b\.?)"
_ENGLISH = tuple(
    re.compile(rf"(?<![\w.:/$€£¥+-]){pattern}", re.IGNORECASE)
    for pattern in (
        rf"(?:a\s+)?(?P<minute>{_MINUTE_WORD})\s+(?:(?P<unit>minutes|mins)\s+)?(?P<side>past|after|to|before"
        rf"|till)\s+(?P<hour>\d{{1,2}}"
        rf"|{_HOUR_WORD})\b(?![:.]\d)(?!\s+(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))(?:\s*{_MERIDIEM})?",
        rf"half[ -](?P<hour>{_HOUR_WORD}|\d{{1,2}})\b(?!\s+(?:an?\b|past\b|(?:minutes?|mins?|hours?|hrs?|days?|weeks?"
        rf"|price|dozen)\b)|[:.]\d)"
        rf"(?:\s*{_MERIDIEM})?",
        rf"(?P<hour>{_HOUR_WORD})[ -](?P<minute>{_MINUTES})\s*{_MERIDIEM}",
        rf"(?P<hour>{_HOUR_WORD})[ -](?P<minute>{_MINUTES})\b(?=\s*(?:$|[,.;?!]|(?:this|in the|on|tomorrow|tonight|today)\b))",
        rf"(?P<hour>\d{{1,2}})[:.](?P<minute>[0-5]\d)(?::[0-5]\d)?(?![\d/])(?:\s*{_MERIDIEM})?(?!\.\d|%)",
        rf"(?P<hour>\d{{1,2}}|{_HOUR_WORD})\s*{_MERIDIEM}",
        rf"(?P<hour>\d{{1,2}}|{_HOUR_WORD})\s*o['’]?\s?clock\b(?:\s*{_MERIDIEM})?",
        rf"(?:(?<=at )|(?<=by )|(?<=around )|(?<=about )|(?<=for )|(?<=until )|(?<=till )|(?<=from )|(?<=@)|(?<=@ ))"
        rf"(?P<hour>{_HOUR_WORD}|\d{{1,2}})(?:[ -](?P<minute>{_MINUTES}))?(?:[ -]?ish\b)?(?![\w%:]|,\d|\.\d|-\w"
        rf"|\s+(?:{{unit}}))",
    )
)
_UNITS = (
    "minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|seconds?|people|persons?|guests?|of\\b|dollars?|euros?|pounds?"
    "|yuan|"
    "percent|miles?|km|kilomet\\w+|items?|more|times|st|street|avenue|road|point|hundred|thousand|million|and a half"
    "|(?!this\\b)\\w+s\\b"
)
_RANGE = re.compile(
    rf"(?<![\w.:/$€£¥+-])(?P<from>from\s+|between\s+)?(?P<hour>\d{{1,2}}|{_HOUR_WORD})(?:[:.](?P<minute>[0-5]\d))?"
    rf"\s*{_MERIDIEM.replace('meridiem', 'first')}?\s*(?P<joint>-|–|—|to|until|till|and)\s*(?P<hour2>\d{{1,2}}|{_HOUR_WORD})"
    rf"(?:[:.](?P<minute2>[0-5]\d))?(?![\w:.]*\d)\s*{_MERIDIEM.replace('meridiem', 'second')}?(?!\s*(?:{_UNITS}))(?![\w/%-])",
    re.IGNORECASE,
)
"""From one hour to another: "2-4pm", "6 to 7:30 pm", "from nine to five"."""
_TWENTY_FOUR = re.compile(
    r"(?:(?<=at )|(?<=by )|(?<=from )|(?<=until )|(?<=till )|(?<=for )|(?<=alarm ))(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)"
    r"(?:\s?(?:hours|hrs|h)\b)?(?![\w:,.]*\d|\s*(?:yuan|rmb|dollars?|euros?|pounds?|quid|yen|\w+s\b))",
    re.IGNORECASE,
)
"""As timetables have it: "at 0645", "by 1430"."""
_SPACED = tuple(
    re.compile(rf"(?:(?<=at )|(?<=by )|(?<=until )|(?<=till )|(?<=@ )){pattern}(?:\s*{_MERIDIEM})?", re.IGNORECASE)
    for pattern in (
        rf"(?P<hour>{_HOUR_WORD}|\d{{1,2}}) hours\b(?!\s+(?:ago|later|of|from))",
        rf"(?P<hour>\d{{1,2}}) (?P<minute>[0-5]\d)(?![\w:%]|[.,]\d)(?!\s+(?:{_UNITS}|for\b))",
        rf"(?P<hour>{_HOUR_WORD}|\d{{1,2}})\s+and\s+(?:an?\s+)?(?P<minute>half|quarter)\b(?!\s+(?:of|an?|hours?|hrs?"
        rf"|minutes?|mins?)\b)",
    )
)
"""As it is typed in haste, "at 5 15", and as some translate it, "at six and half"."""
_CUED = re.compile(_ENGLISH[-1].pattern.replace("{unit}", _UNITS), re.IGNORECASE)
_PART = re.compile(
    r"\b(?P<lead>in the |at |this |during the |by )?(?P<part>early morning|morning|noon|lunchtime|midday|afternoon|evening"
    r"|tonight|night|midnight)\b"
    r"(?!\s+(?:show|run|club|market|shift|light|routine|coffee|tea|person|news))",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?P<part>凌晨|清晨|早晨|早上|上午|中午|下午|午后|傍晚|晚上|夜里|半夜|午夜|(?<=[今明后])早|(?<=[今明后天])晚|早|晚)?"
    r"(?:的)?"
    r"(?:(?P<hour>\d{1,2}|二十[一二三四]?|十[一二三四五六七八九]?|[零一二两三四五六七八九])"
    r"(?:(?:点钟?|點鐘?|时(?![候间]))(?P<minute>半|[一三]刻|整|过?[0-5]?\d分?"
    r"|过?(?!一[下起遍])[零二三四五]?十?[一二三四五六七八九十]分?)?(?!\d)|[:：](?P<digits>[0-5]\d)))"
)
_CHINESE_PART = re.compile(
    r"(?P<part>凌晨|清晨|早晨|早上|上午|中午|下午|午后|傍晚|晚上|夜里|半夜|午夜|(?<=[今明])早|(?<=[今明])晚|(?<=后天)早|"
    r"(?<=后天)晚|(?<=每)[早晚])"
)


_COUNTED_NIGHT = re.compile(r"\b(?:\d+|one|an?)\s+$", re.IGNORECASE)
_OF_A_DAY = re.compile(
    rf"(?:^|[,;:.!?@-]|\b(?:today|yesterday|tomorrow|tonight|\w+day|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun|every|each"
    rf"|the|early|late|mid|by"
    rf"|on|of|and|or|around|about|same|next|last|good|{_HOUR_WORD}|thirty|fifteen|\d\S*|[ap]m|o['’]?clock|\w+(?:st|nd"
    rf"|rd|th))\b|me|it)\s*$",
    re.IGNORECASE,
)
"""What stands before a part of the day that says when; "parents evening" and "movie night" say what."""


@dataclass(frozen=True)
class Clock:
    """An hour at [start, end) of a text."""

    start: int
    end: int
    hour: int
    minute: int = 0
    half: Half | None = None
    """None: the person said neither, and 3 may be 15."""
    is_part: bool = False
    """Only a part of the day was said ("evening"), and this is the hour that stands for it."""


def find_clocks(text: str, *, is_bare: bool = False) -> list[Clock]:
    """Every hour in a text, from left to right.

    Args:
        is_bare: the text is a reply about a time, where "3" alone is an hour.
    """
    found: list[Clock] = []
    for match in _RANGE.finditer(text):
        for end in _ends(match):
            _keep(found, end)
    for pattern in (*_SPACED, *_ENGLISH[:-1], _TWENTY_FOUR, _CUED, _CHINESE):
        for match in pattern.finditer(text):
            clock = _chinese(match) if pattern is _CHINESE else _english(match)
            if clock is not None:
                _keep(found, clock)
    _keep_parts(found, text)
    if is_bare and not any(not clock.is_part for clock in found):
        for match in re.finditer(
            rf"(?<![\w.:])(?:({_HOUR_WORD})|(\d{{1,2}}))(?:[ -](thirty|fifteen|forty[ -]five))?(?![\w:.%/])", text, re.I
        ):
            clock = _clock(match, match[1] or match[2], match[3], None)
            if clock is not None:
                _keep(found, clock)
                break
    return sorted(found, key=lambda clock: clock.start)


def _keep_parts(found: list[Clock], text: str) -> None:
    """The parts of a day that say when, besides the hours."""
    for pattern in (_PART, _CHINESE_PART):
        for match in pattern.finditer(text):
            name = match["part"].lower()
            is_said = pattern is _CHINESE_PART or match["lead"] or name in _ALWAYS or _OF_A_DAY.search(text[: match.start()])
            if not is_said or (name == "night" and _COUNTED_NIGHT.search(text[: match.start()])):
                continue
            hour, half = PARTS[name]
            _keep(found, Clock(match.start(), match.end(), hour, 0, half, name not in _EXACT))


def _keep(found: list[Clock], clock: Clock) -> None:
    if not any(one.start < clock.end and clock.start < one.end for one in found):
        found.append(clock)


def _clock(match: re.Match[str], hour_text: str, minute_text: str | None, half: Half | None) -> Clock | None:
    hour, minute = _number(hour_text), _number(minute_text or "0")
    if hour is None or minute is None or hour > 24 or minute > 59 or (half is not None and hour == 0 and half == "pm"):
        return None
    return Clock(match.start(), match.end(), hour, minute, half)


def _ends(match: re.Match[str]) -> tuple[Clock, ...]:
    """Both hours of a range; none where the numbers may be of anything else, or say minutes to an hour ("ten to five")."""
    is_marked = any(match[name] for name in ("from", "minute", "minute2", "first", "second"))
    minutes_to = match["joint"].lower() in ("to", "till") and not (match["from"] or match["minute"] or match["minute2"])
    hour = _number(match["hour"])
    is_short = match["joint"].lower() == "till" and hour is not None and hour % 5 != 0  # nobody says two minutes till four
    if not (is_marked or is_short) or hour is None or (minutes_to and not match["first"] and hour % 5 == 0):
        return ()
    if match["joint"].lower() == "and" and (match["from"] or "").lower().strip() != "between":
        return ()
    first = _clock(match, match["hour"], match["minute"], _half(match["first"]))
    last = _clock(match, match["hour2"], match["minute2"], _half(match["second"]))
    if first is None or last is None:
        return ()
    start = match.start("hour")
    return replace(first, start=start, end=match.start("joint")), replace(last, start=match.start("hour2"), end=match.end())


def _half(mark: str | None) -> Half | None:
    return None if not mark else "am" if mark[0] in "aA" else "pm"


def _english(match: re.Match[str]) -> Clock | None:
    groups = match.groupdict()
    half = _half(groups.get("meridiem"))
    minute = "thirty" if match[0].lower().startswith("half") and "minute" not in groups else groups.get("minute")
    clock = _clock(match, groups["hour"], minute, half)
    if clock is None or (half is not None and clock.hour > 12):
        return None if clock is None else Clock(clock.start, clock.end, clock.hour % 24, clock.minute, None)
    side = (groups.get("side") or "").lower()
    if side in ("to", "before", "till"):
        if clock.minute == 0 or (clock.minute % 5 and not groups.get("unit")):  # "6 to 7" is a span
            return None
        return Clock(clock.start, clock.end, (clock.hour - 1) or 12, 60 - clock.minute, half)
    return clock


def _chinese(match: re.Match[str]) -> Clock | None:
    hour = _number(match["hour"])
    said = match["digits"] or (match["minute"] or "").strip("过分")
    minute = {"": 0, "整": 0, "半": 30, "一刻": 15, "三刻": 45}.get(said)
    if minute is None:
        minute = _number(said)
    if hour is None or minute is None or hour > 24 or minute > 59:
        return None
    half: Half | None = None
    if match["part"]:
        half = "am" if PARTS[match["part"]][1] == "am" else "pm"
        if match["part"] == "中午" and hour in (10, 11):
            half = "am"
        if match["part"] in ("半夜", "夜里", "晚上", "晚") and (hour in (12, 0) or (hour < 5 and match["part"] != "晚上")):
            half = "am"
    return Clock(match.start(), match.end(), hour, minute, half)


def hour_of(clock: Clock) -> int:
    """The hour 0 to 23, where the half of the day was said or the number tells."""
    if clock.half == "pm" and clock.hour < 12:
        return clock.hour + 12
    if clock.half == "am" and clock.hour == 12:
        return 0
    return clock.hour % 24


def _number(text: str) -> int | None:
    text = text.strip()
    if text.isdecimal():
        return int(text)
    if text.lower() in ("quarter", "half"):
        return 15 if text.lower() == "quarter" else 30
    text = re.sub(r"^oh[ -]", "", text, flags=re.IGNORECASE)
    value = read_english(text) if text.isascii() else read_chinese(text.removeprefix("零") or "零")
    return None if value is None else int(value)
