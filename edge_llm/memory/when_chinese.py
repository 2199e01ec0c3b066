"""Chinese words for times, in simplified and traditional characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache

from edge_llm.memory.periods import (
    Found,
    Period,
    ago,
    days,
    feast,
    last_weekday,
    latest_day,
    latest_month,
    month,
    past,
    real_day,
    season,
    shifted,
    week,
    weekday,
    weekend,
    year,
)

_SIMPLE = str.maketrans("後個週禮這號兩內過點節慶國誕聖際勞動終來", "后个周礼这号两内过点节庆国诞圣际劳动终来")
_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NEAR_DAYS = {
    "大前天": -3, "前天": -2, "前晚": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "今天": 0, "今日": 0, "今早": 0, "今晚": 0,
    "今晨": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3,
}  # fmt: skip
_YEARS = {"大前年": -3, "前年": -2, "去年": -1, "今年": 0, "本年": 0, "明年": 1, "后年": 2}
_STEPS = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_SEASONS = {"春": 0, "夏": 1, "秋": 2, "冬": 3}
_FEASTS = {
    "元旦": "new year", "春节": "spring festival", "过年": "spring festival", "情人节": "valentine", "清明": "qingming",
    "五一": "labour day", "劳动节": "labour day", "中秋": "mid-autumn", "国庆": "national day", "十一": "national day",
    "双十一": "singles day", "圣诞": "christmas", "平安夜": "christmas eve", "万圣节": "halloween",
}  # fmt: skip
_UNITS = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month", "年": "year"}

_NUMBER = "(?:[0-9]{1,3}|[零一二两三四五六七八九十百半]{1,4})"
_STEP = "上上|下下|上|这|本|下"
_WEEK = "个?(?:周|星期|礼拜)"
_NEAR_YEAR = "大前年|前年|去年|今年|本年|明年|后年"
_YEAR = "(?:19|20)[0-9]{2}|二[零〇][零〇一二三四五六七八九]{2}"
_PART = "(?:早上|上午|中午|下午|晚上|夜里|凌晨|傍晚|早晨)?"
_FEAST = "|".join(sorted(_FEASTS, key=len, reverse=True))
_MONTH = "(?:[0-9]{1,2}|十[一二]?|[一二三四五六七八九])"
_DAY = "(?:[0-9]{1,2}|三十一?|二十[一二三四五六七八九]?|十[一二三四五六七八九]?|[一二三四五六七八九])"

Reading = Callable[[re.Match[str], date], "Period | None"]


def find_chinese(text: str, today: date) -> list[Found]:
    """Every time expression in a text; they may overlap."""
    if text.isascii():
        return []
    simple = text.translate(_SIMPLE)  # one character for one: places stay
    found = []
    for pattern, reading, is_sure, is_relative in _RULES:
        for match in _compiled(pattern).finditer(simple):
            period = reading(match, today)
            if period is not None:
                found.append(Found(match.start(), match.end(), period, is_sure, is_relative))
    return found


def _number(text: str) -> int | None:
    """0 to 999 in digits or characters; None for what is no number ("十十")."""
    if text.isascii():
        return int(text)
    match = re.fullmatch("(?:([一二两三四五六七八九])百)?零?(?:([一二三四五六七八九])?(十))?([一二两三四五六七八九])?", text)
    if match is None:
        return None
    hundreds, tens, ten, ones = match.groups()
    return 100 * _DIGITS.get(hundreds, 0) + (10 * _DIGITS.get(tens or "一", 1) if ten else 0) + _DIGITS.get(ones, 0)


def _year_number(text: str, today: date) -> int:
    if text in _YEARS:
        return today.year + _YEARS[text]
    return int("".join(character if character.isascii() else str(_DIGITS[character]) for character in text))


def _week_day(match: re.Match[str], today: date) -> Period:
    step, day = _STEPS[match[1]], match[2]
    if day is None:
        return week(today, step)
    if day == "末":
        return weekend(today, step)
    return weekday(today, _day_number(day), step)


def _day_number(character: str) -> int:
    return 6 if character in "日天" else _DIGITS[character] - 1


def _month_of_year(match: re.Match[str], today: date) -> Period | None:
    number = _number(match[2])
    return None if number is None or not 1 <= number <= 12 else month(_year_number(match[1], today), number)


def _day_of_year(match: re.Match[str], today: date) -> Period | None:
    month_number, day_number = _number(match[2]), _number(match[3])
    if month_number is None or day_number is None:
        return None
    if match[1] is None:
        return latest_day(today, month_number, day_number)
    return real_day(_year_number(match[1], today), month_number, day_number)


def _day_of_month(match: re.Match[str], today: date) -> Period | None:
    first, number = month(today.year, today.month + _STEPS[match[1]]).since, _number(match[2])
    return None if number is None else real_day(first.year, first.month, number)


def _bare_month(match: re.Match[str], today: date) -> Period | None:
    number = _number(match[1])
    return None if number is None or not 1 <= number <= 12 else latest_month(today, number)


def _counted(match: re.Match[str], today: date, reading: Callable[[date, int, str], Period]) -> Period | None:
    unit = _UNITS[match[2]]
    if match[1] == "半":
        count, unit = {"year": (6, "month"), "month": (15, "day")}.get(unit, (None, unit))
    else:
        count = _number(match[1])
    return None if not count else reading(today, count, unit)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A rule's pattern, once a text needs it: most questions are asked in another language."""
    return re.compile(pattern)


def _rule(pattern: str, reading: Reading, *, sure: bool = True, relative: bool = False) -> tuple[str, Reading, bool, bool]:
    return pattern, reading, sure, relative


_RULES = (
    _rule(
        f"(?:{'|'.join(_NEAR_DAYS)})(?!头条){_PART}",
        lambda match, today: days(shifted(today, next(by for word, by in _NEAR_DAYS.items() if match[0].startswith(word)))),
        relative=True,
    ),
    _rule(f"({_STEP}){_WEEK}([一二三四五六日天末])?{_PART}", _week_day, relative=True),
    _rule(
        "(?<![上下这本一二两三四五六七八九十0-9])(?:周|星期|礼拜)([一二三四五六日天])" + _PART,
        lambda match, today: last_weekday(today, _day_number(match[1])),
        sure=False,
    ),
    _rule(
        f"({_STEP})个?月(?![一二三四五六七八九十0-9])份?",
        lambda match, today: month(today.year, today.month + _STEPS[match[1]]),
        relative=True,
    ),
    _rule(f"({_STEP})个?月({_DAY})[日号]", _day_of_month, relative=True),
    _rule(f"({_NEAR_YEAR})", lambda match, today: year(_year_number(match[1], today)), relative=True),
    _rule(f"({_NEAR_YEAR})({_MONTH})月份?", _month_of_year, relative=True),
    _rule(f"({_NEAR_YEAR})({_MONTH})月({_DAY})[日号]?", _day_of_year, relative=True),
    _rule(
        f"({_NEAR_YEAR})的?([春夏秋冬])[天季]?",
        lambda match, today: season(_year_number(match[1], today), _SEASONS[match[2]]),
        relative=True,
    ),
    _rule(
        f"({_NEAR_YEAR})的?({_FEAST})节?(?:假期|期间|黄金周)?",
        lambda match, today: feast(_FEASTS[match[2]], _year_number(match[1], today)),
        relative=True,
    ),
    _rule(f"({_NEAR_YEAR})年?初", lambda match, today: month(_year_number(match[1], today), 1, 3), relative=True),
    _rule(f"({_NEAR_YEAR})年?[底末终]", lambda match, today: month(_year_number(match[1], today), 11, 2), relative=True),
    _rule(f"({_NEAR_YEAR})上半年", lambda match, today: month(_year_number(match[1], today), 1, 6), relative=True),
    _rule(f"({_NEAR_YEAR})下半年", lambda match, today: month(_year_number(match[1], today), 7, 6), relative=True),
    _rule(
        f"({_NUMBER})个?(天|日|周|星期|礼拜|月|年)(?:多)?(?:以前|之前|前)",
        lambda match, today: _counted(match, today, ago),
        relative=True,
    ),
    _rule(
        f"(?:最近|过去|近)(?:的)?({_NUMBER})个?(天|日|周|星期|礼拜|月|年)(?:以?来|内|里)?",
        lambda match, today: _counted(match, today, past),
        relative=True,
    ),
    _rule(f"({_YEAR})年", lambda match, today: year(_year_number(match[1], today))),
    _rule(f"({_YEAR})年的?({_MONTH})月份?", _month_of_year),
    _rule(f"({_YEAR})年的?({_MONTH})月({_DAY})[日号]?", _day_of_year),
    _rule(f"({_YEAR})年的?([春夏秋冬])[天季]?", lambda match, today: season(_year_number(match[1], today), _SEASONS[match[2]])),
    _rule(f"({_YEAR})年的?({_FEAST})节?", lambda match, today: feast(_FEASTS[match[2]], _year_number(match[1], today))),
    _rule(
        f"(?<![0-9一二三四五六七八九十年个])()({_MONTH})月({_DAY})[日号]",
        lambda match, today: latest_day(today, _number(match[2]) or 0, _number(match[3]) or 0),
    ),
    _rule(f"(?<![0-9一二三四五六七八九十年个])({_MONTH})月份?(?![0-9一二三四五六七八九十饼球亮])", _bare_month, sure=False),
)
