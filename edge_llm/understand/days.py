"""Days that are still to come, and days that come again. Knows no hours; see times.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from edge_llm.memory.periods import Found, feast, real_day
from edge_llm.memory.when_chinese import find_chinese
from edge_llm.memory.when_english import find_english
from edge_llm.understand.numbers import read_chinese

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul"
    "|aug|sept?|oct|nov|dec"
)
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
    *(f"twenty-{one}" for one in ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")),
    "thirtieth", "thirty-first",
)  # fmt: skip
_SAID_NTH = "|".join(one.replace("-", "[- ]") for one in sorted(_ORDINALS, key=len, reverse=True))
_SAID_LATE = "|".join(one.replace("-", "[- ]") for one in sorted(_ORDINALS[10:], key=len, reverse=True))
"""Without a month "the second" is mostly the second of several things."""
_NTH = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{_SAID_NTH})"
_FEASTS = {
    "christmas day": "christmas", "new year's day": "new year", "valentine's day": "valentine", "平安夜": "christmas eve",
    "圣诞": "christmas", "圣诞节": "christmas", "元旦": "new year", "万圣节": "halloween", "情人节": "valentine",
    "国庆": "national day", "国庆节": "national day", "春节": "spring festival", "中秋": "mid-autumn", "中秋节": "mid-autumn",
}  # fmt: skip
_NAMED_CHINESE = {
    "五一": (5, 1), "劳动节": (5, 1), "六一": (6, 1), "儿童节": (6, 1), "十一": (10, 1), "妇女节": (3, 8), "三八节": (3, 8),
    "教师节": (9, 10), "双十一": (11, 11), "双十二": (12, 12), "愚人节": (4, 1),
}  # fmt: skip
_CHINESE_DAY = "[一二三四五六日天]"
_CHINESE_COUNT = r"(?:\d{1,2}|三十一?|二十[一二三四五六七八九]?|十[一二三四五六七八九]?|[一二三四五六七八九])"


@dataclass(frozen=True)
class Day:
    """A day at [start, end) of a text."""

    start: int
    end: int
    date: date
    recurrence: str | None = None
    """The words that say that it comes again; `date` is the first."""
    every: int | None = None
    """Days from one time to the next, for what comes again."""
    hour: int | None = None
    """The hour that stands for it ("tonight"), where the words say none."""


def find_days(text: str, today: date) -> list[Day]:
    """Every day in a text that is not over, from left to right; of those that overlap the longest."""
    found = [*_own(text, today), *_periods(text, today)]
    kept: list[Day] = []
    for one in sorted(found, key=lambda one: (-(one.end - one.start), one.start)):
        if not any(other.start < one.end and one.start < other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _periods(text: str, today: date) -> list[Day]:
    """What memory's rules find, where it lies ahead."""
    found: list[Found] = [*find_english(text, today), *find_chinese(text, today)]
    days = []
    for one in found:
        length = (one.period.until - one.period.since).days
        if one.period.until <= today or (not one.is_sure and length > 31):
            continue
        if length > 7 and not one.is_relative:
            continue  # a month or a year is a time to look in, not to be somewhere
        is_tonight = re.search(r"tonight|evening|晚", text[one.start : one.end], re.IGNORECASE) is not None
        end = one.end
        part = re.search(
            r"\s*(?:morning|afternoon|evening|night|早上|上午|中午|下午|晚上|夜里|凌晨|傍晚|早晨)$", text[one.start : end], re.I
        )
        if part is not None and part.start() > 0:
            end, is_tonight = one.start + part.start(), False  # clock.py reads the part of the day
        if text[one.start : end][-1:] in "早晚" and end - one.start == 2:
            end, is_tonight = end - 1, False  # 明早
        days.append(Day(one.start, end, max(one.period.since, today), hour=20 if is_tonight else None))
    return days


def _own(text: str, today: date) -> list[Day]:
    days = []
    for pattern, reading in _RULES:
        for match in pattern.finditer(text):
            day = reading(match, today)
            if day is not None:
                days.append(Day(match.start(), match.end(), *day))
    return days


_Read = tuple[date, str | None, int | None, int | None]


def _next(today: date, number: int, *, weeks: int = 0) -> date:
    """The first such weekday after today, `weeks` later."""
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1 + 7 * weeks)


def _weekday_number(name: str) -> int:
    return next(number for number, full in enumerate(_NAMES) if full.startswith(name.lower()[:3]))


def _chinese_weekday(character: str) -> int:
    return 6 if character in "日天" else "一二三四五六".index(character)


def _english_weekday(match: re.Match[str], today: date) -> _Read | None:
    if len(match["day"]) < 6 and match["day"].lower() in ("sun", "sat", "wed", "mon") and not match["lead"]:
        return None
    return _next(today, _weekday_number(match["day"])), None, None, None


def _week_after(match: re.Match[str], today: date) -> _Read:
    """ "Friday next week", "a week on Monday"."""
    number = _weekday_number(match["day"])
    if match.groupdict().get("ahead"):
        return _next(today, number, weeks=1), None, None, None
    monday = today - timedelta(days=today.weekday())
    return monday + timedelta(days=7 + number), None, None, None


def _ordinal(text: str) -> int:
    said = text.lower().replace(" ", "-")
    return _ORDINALS.index(said) + 1 if said in _ORDINALS else int(re.sub(r"\D", "", text))


def _coming(day: int, month: int, year: int | None, today: date) -> date | None:
    for number in (year,) if year is not None else range(today.year, today.year + 9):
        period = real_day(number, month, day)
        if period is not None and (year is not None or period.since >= today):
            return period.since
    return None


def _english_date(match: re.Match[str], today: date) -> _Read | None:
    month = _MONTHS.index(match["month"].lower()[:3]) + 1
    number = _ordinal(match["number"])
    year = match.groupdict().get("year")
    found = _coming(number, month, int(year) if year else None, today)
    return None if found is None else (found, None, None, None)


def _day_of_month(match: re.Match[str], today: date) -> _Read | None:
    number = _ordinal(match["number"])
    for ahead in range(13):
        carried, month = divmod(today.month - 1 + ahead, 12)
        period = real_day(today.year + carried, month + 1, number)
        if period is not None and period.since > today:
            return period.since, None, None, None
    return None


def _slashed(match: re.Match[str], today: date) -> _Read | None:
    first, second = int(match[1]), int(match[2])
    month, day = (second, first) if first > 12 else (first, second)
    found = _coming(day, month, None, today)
    return None if found is None else (found, None, None, None)


def _chinese_date(match: re.Match[str], today: date) -> _Read | None:
    month, day = read_chinese(match["month"]), read_chinese(match["number"])
    if month is None or day is None:
        return None
    found = _coming(int(day), int(month), None, today)
    return None if found is None else (found, None, None, None)


def _chinese_day_of_month(match: re.Match[str], today: date) -> _Read | None:
    day = read_chinese(match["number"])
    if day is None:
        return None
    for ahead in range(13):
        carried, month = divmod(today.month - 1 + ahead, 12)
        period = real_day(today.year + carried, month + 1, int(day))
        if period is not None and period.since > today:
            return period.since, None, None, None
    return None


def _bare_chinese_weekday(match: re.Match[str], today: date) -> _Read:
    """ "周五" is the one of this week while it lasts, then that of the next."""
    number = _chinese_weekday(match["day"])
    return today + timedelta(days=(number - today.weekday()) % 7), None, None, None


def _recurring(match: re.Match[str], today: date) -> _Read:
    words, unit = match[0].strip(), match["unit"].lower()
    name = unit.removesuffix("s")
    if re.fullmatch(_SHORT, name, re.IGNORECASE):
        number = _weekday_number(name)
        return today + timedelta(days=(number - today.weekday()) % 7), words, 7, None
    if name in ("weekday", "workday", "working day"):
        ahead = 0 if today.weekday() < 5 else 7 - today.weekday()
        return today + timedelta(days=ahead), words, 1, None
    if name == "weekend":
        return today + timedelta(days=max(0, 5 - today.weekday())), words, 7, None
    return today, words, {"week": 7, "weekly": 7, "month": 30, "monthly": 30, "year": 365, "yearly": 365}.get(name, 1), None


def _chinese_recurring(match: re.Match[str], today: date) -> _Read:
    words = match[0]
    if match.groupdict().get("day"):
        number = _chinese_weekday(match["day"])
        return today + timedelta(days=(number - today.weekday()) % 7), words, 7, None
    if "工作日" in words:
        return today + timedelta(days=0 if today.weekday() < 5 else 7 - today.weekday()), words, 1, None
    return today, words, 7 if "周" in words or "星期" in words else 30 if "月" in words else 1, None


def _feast(match: re.Match[str], today: date) -> _Read | None:
    name = match["feast"].lower()
    known = _FEASTS.get(name, name)
    for year in (today.year, today.year + 1):
        period = feast(known, year)
        if period is None:
            continue
        first = period.since + timedelta(days=1) if known == "christmas" else period.since  # its days begin on the eve
        if first >= today:
            return first, None, None, None
    return None


def _weekend(_: re.Match[str], today: date) -> _Read:
    return today + timedelta(days=max(0, 5 - today.weekday())), None, None, None


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-]){pattern}(?![\w'’]|-\w)", re.IGNORECASE)


def _named_chinese(match: re.Match[str], today: date) -> _Read:
    month, number = _NAMED_CHINESE[match["named"]]
    day = date(today.year, month, number)
    return (day if day >= today else day.replace(year=today.year + 1)), None, None, None


def _part_of_month(match: re.Match[str], today: date) -> _Read:
    """The first, the fifteenth or the last day of a month."""
    first = today.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    if match["next"]:
        first, following = following, (following + timedelta(days=32)).replace(day=1)
    days = {"初": first, "中": first.replace(day=15), "底": following - timedelta(days=1), "末": following - timedelta(days=1)}
    day = days[match["part"][0]]
    return (day if day >= today else (day + timedelta(days=32)).replace(day=day.day)), None, None, None


_RULES = (
    (_rule(rf"(?P<lead>on |this |by |coming |this coming |before |until |for )?(?P<day>{_SHORT})"), _english_weekday),
    (_rule(rf"(?P<lead>)(?P<day>{_SHORT}) (?:of )?next week"), _week_after),
    (_rule(rf"(?P<lead>)next week (?:on )?(?P<day>{_SHORT})"), _week_after),
    (_rule(rf"(?P<ahead>a week (?:from|on)) (?P<day>{_SHORT})"), _week_after),
    (_rule(rf"(?P<month>{_MONTH})\.? (?:the )?(?P<number>{_NTH})(?:,? (?P<year>20\d\d))?(?!,? \d{{4}})"), _english_date),
    (
        _rule(rf"(?:the )?(?P<number>{_NTH})(?: of)? (?P<month>{_MONTH})\.?(?:,? (?P<year>20\d\d))?(?!,? \d{{4}})"),
        _english_date,
    ),
    (
        re.compile(  # the last of "10-12 April"
            rf"(?<=\d[-–])(?P<number>{_NTH})(?: of)? (?P<month>{_MONTH})\b(?:,? (?P<year>20\d\d))?(?!,? \d{{4}})", re.IGNORECASE
        ),
        _english_date,
    ),
    (
        re.compile(  # the first of "10-12 April"
            rf"(?<![\w'’-])(?:the )?(?P<number>{_NTH})(?=\s*(?:to|till|until|-|–|and|through)\s*(?:the )?{_NTH}(?: of)?"
            rf" (?P<month>{_MONTH})\b)",
            re.IGNORECASE,
        ),
        _english_date,
    ),
    (_rule(rf"(?:on )?the (?P<number>\d{{1,2}}(?:st|nd|rd|th)|{_SAID_LATE})(?: of (?:this|the) month)?"), _day_of_month),
    (_rule(rf"(?:on )?the (?P<number>{_SAID_NTH}) of (?:this|the) month"), _day_of_month),
    (_rule(r"(\d{1,2})/(\d{1,2})"), _slashed),
    (
        _rule(
            rf"(?:every|each) (?P<unit>day|morning|evening|night|afternoon|weekday|workday|working day|weekend|week|month"
            rf"|year|(?:{_SHORT})s?)"
        ),
        _recurring,
    ),
    (
        _rule(
            r"(?:on )?(?P<unit>daily|weekly|monthly|yearly|weekdays|weekends|mondays|tuesdays|wednesdays|thursdays|fridays"
            r"|saturdays|sundays)"
        ),
        _recurring,
    ),
    (re.compile(rf"(?<![上下这本每个])(?:周|星期|礼拜|週)(?P<day>{_CHINESE_DAY})"), _bare_chinese_weekday),
    (
        re.compile(
            rf"(?<![年\d一二三四五六七八九十])(?P<month>\d{{1,2}}|十[一二]?|[一二三四五六七八九])月"
            rf"(?P<number>{_CHINESE_COUNT})[日号號]?"
        ),
        _chinese_date,
    ),
    (
        re.compile(
            rf"(?<![月\d一二三四五六七八九十])(?P<number>{_CHINESE_COUNT})[号號](?!线|楼|门|店|院|桌|房"
            rf"|会议|厅|机|包间|包厢|车|馆|口|柜)"
        ),
        _chinese_day_of_month,
    ),
    (re.compile(rf"每(?:个)?(?:周|星期|礼拜)(?P<day>{_CHINESE_DAY})"), _chinese_recurring),
    (
        _rule(
            r"(?:on )?(?P<feast>christmas eve|christmas day|christmas|new year's day|new year's eve|halloween|thanksgiving"
            r"|valentine's day)"
        ),
        _feast,
    ),
    (re.compile("(?P<feast>平安夜|圣诞节?|元旦|万圣节|情人节|国庆节?|春节|中秋节?)"), _feast),
    (
        re.compile(
            r"(?P<named>五一|六一|十一(?=假|期间|长假|黄金周|去|住|出发|当天|那天)|劳动节|儿童节|妇女节|三八节|教师节|双十一|双十二|愚人节)(?:节|当天|期间|假期|那天)?"
        ),
        _named_chinese,
    ),
    (
        re.compile(r"(?:(?P<next>下个?月)|(?:本月|这个?月|(?<![\d一二三四五六七八九十个])月))(?P<part>初|底|末|中旬?)"),
        _part_of_month,
    ),
    (re.compile(r"(?<![每上下这个])周末|这个周末"), _weekend),
    (_rule(r"(?:at |on )?the weekend"), _weekend),
    (re.compile(r"每天|每日|每(?=[早晚])|(?:每个?)?工作日|每周(?![一二三四五六日天])|每个?月(?!\d)"), _chinese_recurring),
)
