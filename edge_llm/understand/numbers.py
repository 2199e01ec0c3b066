"""Numbers as people write and say them, in English and Chinese: "1,250.50", "twenty-five", "一百二十", "3.5万", "half"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_ONES = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
FIGURES = {one: str(number) for number, one in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}
"""Characters for single figures, as a telephone number is said."""
_POWERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SUFFIXES = {"k": 1000, "m": 10**6, "bn": 10**9, **_POWERS}
# "50k" and "5M" count; "298K" is a temperature and "1.75m" a length
_CHINESE = {character: number for number, character in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "仨": 3, "〇": 0}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE_POWERS = {"万": 10**4, "亿": 10**8}

_WORD = "|".join([*_ONES, *_TENS])
_ENGLISH_WORDS = (
    rf"(?:(?:an?\s+(?=hundred|thousand|million|billion|trillion))|(?:{_WORD}))"
    rf"(?:[\s-]+(?:and\s+)?(?:{_WORD}|{'|'.join(_POWERS)})(?![a-z]))*(?:\s+point(?:\s+(?:{_WORD}))+)?"
    rf"(?:{'|'.join(_POWERS)})?"
)
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
ENGLISH_NUMBER = rf"(?:(?:{_DIGITS})(?:\s+(?:hundred|thousand|million|billion|trillion)\b)?|\b{_ENGLISH_WORDS}\b)"
"""A regular expression, to be matched without case, for one number in English; `read_english` gives its value."""
CHINESE_NUMBER = rf"(?:(?:{_DIGITS})[十百千万亿]*|[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二两三四五六七八九]+)?)"
"""A regular expression for one number in Chinese; `read_chinese` gives its value."""

_FOUND = re.compile(
    rf"(?P<sign>(?<![\w)])[-−])?(?:(?P<digits>(?<![A-Za-z_^\d])(?:{_DIGITS}))(?:(?P<exponent>e[+-]?\d+)|(?:(?P<suffix>(?-i:k"
    rf"|M|bn))\b)?(?:\s+"
    rf"(?P<power>{'|'.join(_POWERS)})\b)?|(?P<wan>[万亿千百]+))(?P<percent>\s*(?:%|percent\b))?"
    rf"|\b(?P<words>{_ENGLISH_WORDS})\b(?P<percent2>\s*(?:%|percent\b))?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Number:
    """A number at [start, end) of a text."""

    start: int
    end: int
    value: Decimal
    is_percent: bool = False
    """A per cent sign or word follows, which is inside [start, end); `value` is what stands before it."""
    is_whole: bool = True
    """It was said without a decimal point."""


def read_english(text: str) -> Decimal | None:
    """The value of what `ENGLISH_NUMBER` matches, or of "a", "an" and "half"; None for anything else."""
    words = text.lower().replace("-", " ").split()
    if words in (["a"], ["an"]):
        return Decimal(1)
    if words in (["half"], ["half", "a"], ["half", "an"]):
        return Decimal("0.5")
    head = words[0].replace(",", "") if words else ""
    if re.fullmatch(r"\d*\.?\d+", head):
        value = Decimal(head)
        for word in words[1:]:
            if word not in _POWERS:
                return None
            value *= _POWERS[word]
        return value
    if "point" in words:
        at = words.index("point")
        whole = _words_value(words[:at])
        digits = [_ONES.get(word) for word in words[at + 1 :]]
        if whole is None or not digits or any(digit is None for digit in digits):
            return None
        return Decimal(f"{whole}.{''.join(map(str, digits))}")
    value_of_words = _words_value(words)
    return None if value_of_words is None else Decimal(value_of_words)


def read_chinese(text: str) -> Decimal | None:
    """The value of what `CHINESE_NUMBER` matches, or of "半"; None for what is no number ("十十")."""
    if text == "半":
        return Decimal("0.5")
    mixed = re.fullmatch(rf"({_DIGITS})([十百千万亿]*)", text)
    if mixed is not None:
        value = Decimal(mixed[1].replace(",", ""))
        for unit in mixed[2]:
            value *= _CHINESE_UNITS.get(unit) or _CHINESE_POWERS[unit]
        return value
    whole, point, fraction = text.partition("点")
    if whole and all(character in _CHINESE for character in whole):  # 二零二六, 一三八
        number: int | None = int("".join(str(_CHINESE[character]) for character in whole))
        if len(whole) == 1 or any(character in "零〇" for character in whole) or len(whole) > 2:
            return Decimal(f"{number}.{''.join(str(_CHINESE[one]) for one in fraction)}") if point else Decimal(number or 0)
        return None
    number = _chinese_value(whole)
    if number is None:
        return None
    return Decimal(f"{number}.{''.join(str(_CHINESE[one]) for one in fraction)}") if point else Decimal(number)


def find_numbers(text: str) -> list[Number]:
    """Every number in a text, from left to right. Chinese characters count only beside digits ("3万"): alone they are
    more often part of a word, and who looks for a unit reads them with `read_chinese`."""
    found = []
    for match in _FOUND.finditer(text):
        if match["words"] is not None:
            value = read_english(match["words"])
            whole = "point" not in match["words"].lower()
        else:
            value = _digits_value(match)
            whole = "." not in match["digits"]
        if value is None:
            continue
        if match["sign"]:
            value = -value
        found.append(Number(match.start(), match.end(), value, bool(match["percent"] or match["percent2"]), whole))
    return found


def plain(value: Decimal) -> int | float:
    """The JSON number of a value: an int where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def _digits_value(match: re.Match[str]) -> Decimal:
    value = Decimal(match["digits"].replace(",", "") + (match["exponent"] or ""))
    for unit in match["wan"] or "":
        value *= _CHINESE_UNITS.get(unit) or _CHINESE_POWERS[unit]
    for word in filter(None, (match["suffix"], match["power"])):
        value *= _SUFFIXES[word.lower()]
    return value


def _words_value(words: list[str]) -> int | None:
    total = current = 0
    is_empty = True
    for word in words:
        if word in ("a", "an"):
            current = 1
        elif word in _ONES:
            current += _ONES[word]
        elif word in _TENS:
            current += _TENS[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in _POWERS:
            total, current = total + max(current, 1) * _POWERS[word], 0
        elif word != "and":
            return None
        is_empty = False
    return None if is_empty else total + current


def _chinese_value(text: str) -> int | None:
    total = section = digit = 0
    last = 10**9
    for character in text:
        if character in _CHINESE:
            digit = _CHINESE[character]
        elif character in _CHINESE_UNITS:
            unit = _CHINESE_UNITS[character]
            if unit >= last:
                return None
            section, last, digit = section + (digit or 1) * unit, unit, 0
        elif character in _CHINESE_POWERS:
            total, section, digit, last = (total + section + digit or 1) * _CHINESE_POWERS[character], 0, 0, 10**9
        else:
            return None
    before = text[-2:-1]
    if digit and before in ("百", "千", "万", "亿"):  # 一百二 is 120, 一万二 is 12000
        digit *= (_CHINESE_UNITS.get(before) or _CHINESE_POWERS[before]) // 10
    return total + section + digit if text else None
