"""Times that are still to come: "tomorrow at 3", "next Friday evening", "in 20 minutes", "明天下午三点半", "每周一早上八点".

Days come from the rules that search in memory uses (edge_llm/memory/when_*.py) where those look forward, and from rules here
where those look back ("Friday", "5 March"): who plans means the next one. What neither knows is asked of `dateparser`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from edge_llm.understand.clock import Clock, find_clocks, hour_of
from edge_llm.understand.days import Day, find_days
from edge_llm.understand.durations import FoundDuration, find_durations

DEFAULT_HOUR = 9
"""The hour of a day for which nobody said one; it is shown before anything happens."""
_TABLES_FROM, _ALARMS_TO = 11, 12
_GAP = re.compile(
    r"[吧呗啊呢哈]?\s*(?:,|，|的|我?要|我?得|at|on|in|the|in the|around|about|by|for|from|@|starting"
    r"|begin+ing|从|在)?\s*(?:the|at"
    r"|from)?\s*",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:to|till|until|-|–|—|through|and|到|至)\s*", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:^|(?<=\s))(?:first thing(?: on)?|at|on|by|for|around|about|in|from|between|this|starting|until|before"
    r"|@)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_NEAR_DAY = re.compile(r"(?:tomorrow|today|tonight|this|next|every|each)\b", re.IGNORECASE)
_BEFORE_DAY = re.compile(
    r"(?:^|(?<=\s))(?:first thing(?: on)?|by|for|from|starting|until|before|around"
    r"|about)\s+$",
    re.IGNORECASE,
)
"""Before "tomorrow" an "in" is not of the time: "bring it in tomorrow"."""
_CHINESE_BEFORE = re.compile(r"(?:在|于|从|定在|改到|换成)$")
_CHINESE_AFTER = re.compile(r"(?:之|以)?前(?![天往])")
_LATER = re.compile(r"^\s*(?:from now|later|之?后|以后|过后)", re.IGNORECASE)
_IN = re.compile(
    r"(?:\b(?:in|after|within)\s+(?:(?:like|about|around|roughly|maybe|another|say)\s+)?|再?过\s*)$", re.IGNORECASE
)
_PM_WORDS = re.compile(
    r"\b(?:dinner|supper|drinks|party|movie|lunch|pub|concert|tea|table|restaurant|reservation"
    r"|dine)\b|晚饭|晚餐|吃饭|聚餐|电影|派对|午饭|午餐|下班|位子|订位|包间|餐厅",
    re.IGNORECASE,
)
_AM_WORDS = re.compile(
    r"\b(?:wak(?:e|ing|en)|woken|(?:be|get(?: me| us)?|getting|am|'m|is|been) up (?:by|at)|breakfast|alarm|get up"
    r"|run)\b|起床|叫醒|早饭|早餐|闹钟"
    r"|晨跑",
    re.IGNORECASE,
)

_NAP = re.compile(r"午觉|午睡|午休|\bnap\b", re.IGNORECASE)
_WAKING = re.compile(r"[叫喊唤]我(?:起|醒|一[声下])?(?:$|[，,。！])|睡过|(?<!提)醒来?")
_WAKES_FROM = 5
"""Who asks to be called at an earlier hour, and says nothing of getting up, may have a nap in mind."""


@dataclass(frozen=True)
class Time:
    """A moment at [start, end) of a text."""

    start: int
    end: int
    at: datetime
    """With the time zone of "now"."""
    has_day: bool
    has_clock: bool
    """The person said an hour; False where `at` has the one that stands for a part of the day, or the default."""
    until: datetime | None = None
    """The end of a span ("from 3 to 4")."""
    recurrence: str | None = None
    """The words that say that it comes again ("every Monday"); `at` is the first time."""
    is_relative: bool = False
    """It counts from now ("in 20 minutes")."""
    apart: tuple[int, int] | None = None
    """Where its day stands, when that is somewhere else: "on Friday, somewhere quiet, at 12"."""
    is_half_said: bool = True
    """The words say which half of the day; "at 7" alone does not."""


def find_times(text: str, now: datetime, *, is_bare: bool = False) -> list[Time]:
    """Every time in a text that is to come, from left to right.

    Args:
        now: what the words count from, with its time zone.
        is_bare: the text is a reply about a time: "3" alone is an hour.
    """
    durations = find_durations(text)
    found = _relative(text, now, durations)
    taken = [(one.start, one.end) for one in found]
    # "for 2 hours" is no hour of the day
    clocks = find_clocks(text, is_bare=is_bare)
    spans = [(one.start, one.end) for one in clocks]  # "20 minutes before six" is no length
    lengths = [(one.start, one.end) for one in durations if not any(a <= one.start and one.end <= b for a, b in spans)]
    clocks = [clock for clock in clocks if not _overlaps(clock, [*taken, *lengths])]
    clocks = [clock for clock in clocks if not _is_count(text, clock, clocks)]
    days = [day for day in find_days(text, now.date()) if not _overlaps(day, taken)]
    found += [_resolved(text, now, group) for group in _groups(text, days, clocks)]
    return _in_said_month(text, sorted((_widened(text, one) for one in found), key=lambda one: one.start), now)


def _in_said_month(text: str, found: list[Time], now: datetime) -> list[Time]:
    """The times, where days of the month are those of the month named before them: "下个月去成都，10号到13号"."""
    if len(found) < 2 or not re.fullmatch(r"下个?月", text[found[0].start : found[0].end]):
        return found
    month = found[0].at.month
    later = [
        replace(one, at=one.at.replace(year=found[0].at.year, month=month))
        if re.match(r"[\d一二三四五六七八九十]+[号日]", text[one.start : one.end]) and one.at.month in (now.month, month)
        else one
        for one in found[1:]
    ]
    return later if later != found[1:] or any(one.has_day for one in later) else found


def parse_exact(text: str, now: datetime) -> datetime | None:
    """A time in a notation that the rules do not know, read by `dateparser`; None for what is none."""
    import dateparser

    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": now.replace(tzinfo=None), "RETURN_AS_TIMEZONE_AWARE": False}
    read = dateparser.parse(text, languages=["en", "zh"], settings=settings)
    return None if read is None else read.replace(tzinfo=read.tzinfo or now.tzinfo)


def shown_time(moment: datetime, now: datetime, language: str) -> str:
    """As a person reads it: "tomorrow, Monday 30 November, 15:00", "明天 11月30日 星期一 15:00"."""
    away = (moment.date() - now.date()).days
    year = "" if moment.year == now.year else moment.year
    if language == "zh":
        near = {0: "今天", 1: "明天", 2: "后天"}.get(away, "")
        name = "星期" + "一二三四五六日"[moment.weekday()]
        parts = (near, f"{f'{year}年' if year else ''}{moment.month}月{moment.day}日", name, f"{moment:%H:%M}")
        return " ".join(filter(None, parts))
    near = {0: "today, ", 1: "tomorrow, "}.get(away, "")
    name = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[moment.weekday()]
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    return f"{near}{name} {moment.day} {months[moment.month - 1]}{f' {year}' if year else ''}, {moment:%H:%M}"


def moved(moment: datetime, change: Time) -> datetime:
    """A time after a correction that gives only a day or only an hour: the other stays."""
    if change.has_day and not change.has_clock:
        return datetime.combine(change.at.date(), moment.timetz())
    if not change.has_day and not change.is_relative and change.has_clock:
        at = datetime.combine(moment.date(), change.at.timetz())
        if not change.is_half_said:  # the half of the day stays too
            other = at.replace(hour=(at.hour + 12) % 24)
            at = min(at, other, key=lambda one: abs(one - moment))
        return at
    return change.at


def at_usual_hour(found: Time, action: str, now: datetime) -> Time:
    """The time in the half of the day that an action is mostly for, where neither was said: nobody reserves a table before
    eleven without saying that it is the morning, and an alarm wakes."""
    if not found.has_clock or found.is_half_said:
        return found
    if action.startswith("restaurant.") and found.at.hour < _TABLES_FROM:
        return replace(found, at=found.at + timedelta(hours=12))
    if action.startswith("alarm.") and found.at.hour > _ALARMS_TO:
        at = found.at - timedelta(hours=12)
        return replace(found, at=at if at > now else at + timedelta(days=1))
    return found


def _relative(text: str, now: datetime, durations: Sequence[FoundDuration]) -> list[Time]:
    found = []
    for one in durations:
        before, after = _IN.search(text[: one.start]), _LATER.match(text[one.end :])
        if before is None and after is None:
            continue
        if before is not None and after is None and before[0].lower().startswith("within"):
            continue
        start = one.start if before is None else before.start()
        end = one.end + (after.end() if after else 0)
        is_days = one.duration.seconds % 86400 == 0
        try:
            at = one.duration.after(now)
        except OverflowError:
            continue
        if is_days:
            at = at.replace(hour=DEFAULT_HOUR, minute=0, second=0, microsecond=0)
        found.append(Time(start, end, at, has_day=True, has_clock=not is_days, is_relative=not is_days))
    return found


def _groups(text: str, days: Sequence[Day], clocks: Sequence[Clock]) -> list[tuple[Day | None, list[Clock], tuple[int, int]]]:
    """Days and hours that belong together: side by side, or the only ones."""
    parts: list[Day | Clock] = sorted([*days, *clocks], key=lambda part: (part.start, part.end))
    groups: list[tuple[Day | None, list[Clock], tuple[int, int]]] = []
    for part in parts:
        if groups:
            day, hours, (start, end) = groups[-1]
            gap = text[end : part.start]
            near = end >= part.start or _GAP.fullmatch(gap) is not None
            if isinstance(part, Day) and near and (day is None or (not part.recurrence and not day.recurrence)):
                groups[-1] = (part, hours, (start, max(end, part.end)))
                continue
            if isinstance(part, Clock) and (near or (hours and not hours[-1].is_part and _RANGE.fullmatch(gap))):
                groups[-1] = (day, [*hours, part], (start, max(end, part.end)))
                continue
        groups.append((part, [], (part.start, part.end)) if isinstance(part, Day) else (None, [part], (part.start, part.end)))
    # "lunch with Anna on Friday, somewhere quiet, at 12": the only day and the only hour are one time
    if len(groups) == 2:
        lone_day = [one for one in groups if one[0] is not None and all(clock.is_part for clock in one[1])]
        lone_hour = [one for one in groups if one[0] is None and not (one[1][0].is_part and len(one[1]) == 1)]
        if len(lone_day) == 1 and len(lone_hour) == 1:
            (day, parts_of_day, day_span), (_, hours, hour_span) = lone_day[0], lone_hour[0]
            return [(day, [*parts_of_day, *hours], hour_span if hour_span[0] > day_span[0] else day_span)]
    return groups


def _resolved(text: str, now: datetime, group: tuple[Day | None, list[Clock], tuple[int, int]]) -> Time:
    day, clocks, (start, end) = group
    exact = [clock for clock in clocks if not clock.is_part]
    parts = [clock for clock in clocks if clock.is_part]
    if exact and exact[0].half is None and parts:
        exact[0] = replace(exact[0], half=parts[0].half)
    if len(exact) > 1 and exact[0].half is None and exact[1].half is not None and exact[0].hour <= exact[1].hour % 12:
        exact[0] = replace(exact[0], half=exact[1].half)  # from 3 to 5pm
    if len(exact) > 1 and exact[1].half is None and exact[0].half is not None:
        same = replace(exact[1], half=exact[0].half)
        is_later = hour_of(same) * 60 + same.minute > hour_of(exact[0]) * 60 + exact[0].minute
        exact[1] = same if is_later else replace(exact[1], half="pm")
    chosen = next(iter(exact or parts), None)
    day_date = None if day is None else day.date
    if chosen is None:
        hour, minute = (DEFAULT_HOUR, 0) if day is None or day.hour is None else (day.hour, 0)
    else:
        hour, minute = _hour(text, now, day_date, chosen), chosen.minute
    carried = 1 if chosen is not None and chosen.hour == 24 else 0
    first = day_date or now.date()
    at = datetime.combine(first, time(hour % 24, minute), now.tzinfo) + timedelta(days=carried)
    if day_date is None and at <= now:
        at += timedelta(days=1)
    elif day is not None and day.recurrence and at <= now:
        at += timedelta(days=day.every or 1)
    until = None
    if len(exact) > 1:
        last = replace(exact[1], half=exact[1].half or ("pm" if hour >= 12 and exact[1].hour < 12 else None))
        until = datetime.combine(at.date(), time(hour_of(last), last.minute), now.tzinfo)
        if until <= at:
            until += timedelta(hours=12) if until + timedelta(hours=12) > at else timedelta(days=1)
    is_half_said = not exact or exact[0].half is not None or not 0 < exact[0].hour <= 12
    recurrence = None if day is None else day.recurrence
    apart = None if day is None or start <= day.start < end else (day.start, day.end)
    return Time(start, end, at, day is not None, bool(exact), until, recurrence, apart=apart, is_half_said=is_half_said)


def _hour(text: str, now: datetime, day: date | None, clock: Clock) -> int:
    """The hour that was meant. Where neither half of the day was said: what the sentence is about, then the next to come,
    then the waking day (7 to 18)."""
    if clock.half is not None or clock.hour > 12 or clock.hour == 0:
        return hour_of(clock)
    early, late = clock.hour % 12, clock.hour % 12 + 12
    if clock.hour == 12:
        return 12
    if _NAP.search(text):
        return late
    if _AM_WORDS.search(text) or (_WAKING.search(text) and early >= _WAKES_FROM):
        return early
    if _PM_WORDS.search(text):
        return late
    if day is None or day == now.date():
        minutes = now.hour * 60 + now.minute
        for hour in (early, late):
            if hour * 60 + clock.minute > minutes and 6 <= hour <= 23:
                return hour
    return early if early >= 7 else late


def _is_count(text: str, clock: Clock, clocks: Sequence[Clock]) -> bool:
    """ "a table for 4 at 7pm": the first number counts people."""
    is_for = re.search(r"\bfor\s+$", text[: clock.start], re.IGNORECASE) is not None
    return is_for and clock.half is None and any(re.match(r"\s+at\s+$", text[clock.end : other.start]) for other in clocks)


def _overlaps(part: Day | Clock, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < part.end and part.start < end for start, end in spans)


def _widened(text: str, found: Time) -> Time:
    """With the preposition before it, which is no part of anything else."""
    after = _CHINESE_AFTER.match(text, found.end)
    end = found.end if after is None else after.end()
    apart = None if found.apart is None else (_led(text, found.apart[0]), found.apart[1])
    return replace(found, start=_led(text, found.start), end=end, apart=apart)


def _led(text: str, start: int) -> int:
    """Where the preposition before a time begins; `start` where there is none."""
    is_day = _NEAR_DAY.match(text, start) is not None
    before = (_BEFORE_DAY if is_day else _BEFORE).search(text[:start]) or _CHINESE_BEFORE.search(text[:start])
    return start if before is None else before.start()
