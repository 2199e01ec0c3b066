"""Which of the times of a request is the one that is asked for, and which is the end: "from the 12th for three nights".

times.py reads them; extract.py writes them into slots.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from edge_llm.understand.clauses_chinese import spans
from edge_llm.understand.durations import Duration
from edge_llm.understand.language import has_cjk
from edge_llm.understand.numbers import read_chinese, read_english
from edge_llm.understand.reading import NIGHTS, Reading
from edge_llm.understand.times import Time, at_usual_hour, moved

ENDS: Final = ("end", "until", "return", "end_time")
"""Names of slots that hold when something is over."""
_RINGS = re.compile(
    r"\b(?:wake me(?: up)?|get me up|remind me|(?:(?:set|need|make|put) (?:an?\s+|my\s+)?)?(?:alarm"
    r"|reminder)(?= (?:for|at|to)\b))\b",
    re.IGNORECASE,
)
_ASKS_CHINESE = re.compile(r"提醒|叫醒|[叫喊催]我|闹钟|闹铃")
_MUST_CHINESE = re.compile(r"(?:我|咱们?)(?:得|要|该|必须)|要[醒起出]")
_WEEKDAY = re.compile(r"(?:周|星期|礼拜)[一二三四五六日天]")
_TODAY = re.compile(r"今天|今日|today", re.IGNORECASE)
_HALF_A_DAY = timedelta(hours=12)
_NIGHTS = re.compile(
    r"\b(?P<count>\d{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen)\s+(?P<unit>nights?|weeks?)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"morning|noon|midnight|evening|afternoon|night|[早晚]上|中午|下午|半夜|凌晨|傍晚", re.IGNORECASE)


def start_of(reading: Reading) -> Time | None:
    """When it is to be. A day alone wakes nobody, and nobody reserves a table for seven in the morning."""
    times, action = reading.times, reading.action.id
    if not times:
        return None
    chosen = next((one for one in times if one.has_clock), times[0]) if len(times) == 2 and not times[0].has_day else times[0]
    chosen = _cued(reading.words, times) or chosen
    if action == "taxi.book" and not chosen.has_clock and _TODAY.fullmatch(reading.words[chosen.start : chosen.end]):
        return None  # "今天下雨，叫个车": at once
    if action.startswith("restaurant."):
        chosen = at_usual_hour(chosen, action, reading.context.now)
    if action.startswith("alarm.") and not (chosen.has_clock or _PARTS.search(reading.words[chosen.start : chosen.end])):
        return None
    return chosen


def end_of(reading: Reading) -> Time | None:
    """When it is over: the end of a span, the nights of a stay after its first day, or a later time."""
    times = reading.times
    span = next((one for one in times if one.until is not None), None)
    if span is not None and span.until is not None:
        return replace(span, at=span.until, recurrence=None)
    if not times:
        return None
    if reading.action.id == "hotel.book" and (days := _nights(reading.words)):
        return replace(times[0], at=times[0].at + timedelta(days=days))
    later = next((one for one in times[1:] if one.at > times[0].at), None)
    if len(times) > 1 and _WEEKDAY.match(reading.words[times[1].start : times[1].end]) and times[0].has_day:
        ahead = (times[0].at.date() - times[1].at.date()).days  # "下周一到周三"
        return later if ahead <= 0 else replace(times[1], at=times[1].at + timedelta(days=7 * -(-(ahead + 1) // 7)))
    if later is None and len(times) > 1 and times[1].has_day:  # "from the 3rd to the 5th", today being the 4th
        following = Duration(months=1).after(times[1].at)
        return replace(times[1], at=following) if following > times[0].at else None
    return later


def _nights(words: str) -> int:
    """How many nights are said; 0 where none are."""
    chinese, english = NIGHTS.search(words), _NIGHTS.search(words)
    if chinese is not None:
        return int(read_chinese(chinese["count"]) or 0)
    count = 0 if english is None else int(read_english(english["count"]) or 0)
    return count * (7 if english is not None and english["unit"].lower().startswith("week") else 1)


def _cued(words: str, times: Sequence[Time]) -> Time | None:
    """The hour right after what asks for it, on the day of another one: "I've a 6am train tomorrow so wake me at 4:45"."""
    if has_cjk(words):
        return _asked_in_chinese(words, times)
    cue = max((match.end() for match in _RINGS.finditer(words)), default=None)
    if cue is None or len(times) < 2:
        return None
    after = next((one for one in times if one.start >= cue - 1 and one.has_clock), None)
    if after is None or after is times[0] or after.has_day:
        return after
    day = next((one for one in times if one.has_day and one.end <= cue), None)
    return after if day is None else replace(after, at=moved(day.at, replace(after, is_half_said=False)))


def _asked_in_chinese(words: str, times: Sequence[Time]) -> Time | None:
    """The hour in the clause that asks to be rung at, or after what the person has to do then: "我眯一会儿 一点十分叫醒我"."""
    if len(times) < 2 or _ASKS_CHINESE.search(words) is None:
        return None
    asking = [(start, end) for start, end in spans(words) if _ASKS_CHINESE.search(words, start, end)]
    inside = [one for one in times if one.has_clock and any(start <= one.start < end for start, end in asking)]
    inside = inside or [one for one in times if one.has_day and any(start <= one.start < end for start, end in asking)]
    must = _MUST_CHINESE.search(words)
    if not inside and must is not None:
        inside = [one for one in times if one.has_clock and 0 <= one.start - must.end() < 4]
    if len(inside) != 1 or inside[0] is times[0]:
        return None
    event = next((one for one in times if one is not inside[0] and one.has_day and one.end <= inside[0].start), times[0])
    if inside[0].has_day or (event.at.date() == inside[0].at.date() and event.at > inside[0].at):
        return inside[0]
    at = moved(event.at, replace(inside[0], is_half_said=False))
    if event.has_clock and not inside[0].is_half_said and at + _HALF_A_DAY <= event.at:  # 7:50 before a match at eight at night
        at += _HALF_A_DAY
    return replace(inside[0], at=at) if event.has_day or event.has_clock else inside[0]
