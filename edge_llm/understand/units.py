"""Units of measure and conversions: "5 miles in km", "30摄氏度是多少华氏度". Names only; converting is a tool's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from edge_llm.understand.numbers import CHINESE_NUMBER, ENGLISH_NUMBER, read_chinese, read_english

_UNITS = {
    "kilometer": r"kilomet(?:er|re)s?|kms?|公里|千米", "meter": r"met(?:er|re)s?|m|米|公尺",
    "centimeter": r"centimet(?:er|re)s?|cms?|厘米|公分",
    "millimeter": r"millimet(?:er|re)s?|mm|毫米", "mile": r"miles?|mi|英里", "yard": r"yards?|yds?|码",
    "foot": r"foot|feet|ft|英尺",
    "inch": r"inch(?:es)?|英寸|寸", "nautical_mile": r"nautical miles?|海里", "kilogram": r"kilograms?|kilos?|kgs?|公斤|千克",
    "gram": r"grams?|grammes?|g|克", "milligram": r"milligrams?|mg|毫克", "pound": r"pounds?|lbs?|磅",
    "ounce": r"ounces?|oz|盎司",
    "stone": r"stones?|英石", "tonne": r"tonnes?|metric tons?|吨", "jin": "斤|市斤", "liter": r"lit(?:er|re)s?|l|升|公升",
    "milliliter": r"millilit(?:er|re)s?|ml|毫升", "gallon": r"gallons?|gal|加仑", "pint": r"pints?|品脱", "cup": r"cups?",
    "quart": r"quarts?",
    "tablespoon": r"tablespoons?|tbsp|汤匙", "teaspoon": r"teaspoons?|tsp|茶匙",
    "celsius": r"(?:degrees? )?(?:celsius|centigrade|°c|c)|摄氏度?|℃",
    "fahrenheit": r"(?:degrees? )?(?:fahrenheit|°f|f)|华氏度?|℉", "kelvin": r"kelvins?|k|开尔文",
    "second": r"seconds?|secs?|秒钟?",
    "minute": r"minutes?|mins?|分钟?", "hour": r"hours?|hrs?|小时", "day": r"days?|天", "week": r"weeks?|周|星期",
    "month": r"months?|个?月", "year": r"years?|年",
    "square_meter": r"square met(?:er|re)s?|sqm|m2|m²|平方米|平米",
    "square_kilometer": r"square kilomet(?:er|re)s?|km2|平方公里", "acre": r"acres?|英亩",
    "hectare": r"hectares?|公顷", "mu": "亩", "square_foot": r"square f(?:ee|oo)t|sqft|平方英尺",
    "kilometer_per_hour": r"kilomet(?:er|re)s? per hour|km/h|kph|公里每小时|时速公里",
    "mile_per_hour": r"miles? per hour|mph|英里每小时", "meter_per_second": r"met(?:er|re)s? per second|m/s|米每秒",
    "knot": r"knots?|节",
    "joule": r"joules?|焦耳?", "kilojoule": r"kilojoules?|kj|千焦", "calorie": r"calories?|cal|卡路里",
    "kilocalorie": r"kilocalories?|kcal|千卡|大卡",
    "watt": r"watts?|瓦特?", "kilowatt": r"kilowatts?|kw|千瓦", "horsepower": r"horsepower|hp|马力", "byte": r"bytes?|字节",
    "kilobyte": r"kilobytes?|kb",
    "megabyte": r"megabytes?|mb|兆", "gigabyte": r"gigabytes?|gb", "terabyte": r"terabytes?|tb", "bar": r"bars?|巴",
    "pascal": r"pascals?|pa|帕", "psi": "psi",
    "atmosphere": r"atmospheres?|atm|大气压", "degree": r"degrees?|度", "radian": r"radians?|弧度",
}  # fmt: skip


def _bounded(pattern: str) -> str:
    depth, part, parts = 0, "", []
    for character in pattern + "|":
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    return "|".join(rf"(?:{one})(?![A-Za-z0-9/²])" if not re.search("[\u3400-\u9fff]", one) else one for one in parts)


_NAMED = [(name, re.compile(_bounded(pattern), re.IGNORECASE)) for name, pattern in _UNITS.items()]
_ANY = "|".join(sorted((_bounded(pattern) for pattern in _UNITS.values()), key=len, reverse=True))
_COUNTED = re.compile(
    rf"(?P<count>[-−]?(?:{ENGLISH_NUMBER}|{CHINESE_NUMBER}|半))\s*(?P<unit>[A-Za-z°℃℉²/\u3400-\u9fff]+(?: [a-z]+){{0,3}})",
    re.IGNORECASE,
)
_INCHES = re.compile(r"([\d一二三四五六七八九十]+)(?:英寸|寸)")
_MORE = re.compile(r"(?<=[米斤升丈吨尺])([一二三四五六七八九]{1,2}|半)(?![十百千万个点分\d小])")
"""A tenth, or a half, of the unit before it: "两米三", "一米七五", "2斤半"."""
_TARGET = re.compile(
    r"(?:\b(?:in|into|to|as|are in|is in)\s+|how (?:many|much)\s+(?!is\b|are\b|does\b)"
    r"|(?:等于|是|合|有|换算?成|转换?成|换|化成|变成|折合)(?:多少|几)?|多少|几)"
    r"(?P<unit>[A-Za-z°℃℉²/\u3400-\u9fff][A-Za-z°℃℉²/\u3400-\u9fff ]*)",
    re.IGNORECASE,
)


_CONVERSION = 8
"""Most words of a bare conversion."""
_CONVERTS = re.compile(
    r"(?:what(?:'?s| is| are)|how much is|how far is|how long is|convert|change|turn)?\s*(?:the\s+)?[\d.,]", re.IGNORECASE
)


@dataclass(frozen=True)
class Measure:
    """A number with its unit at [start, end) of a text."""

    start: int
    end: int
    value: Decimal
    unit: str
    """Its English name in the singular: "kilometer"."""


def unit_at(text: str, start: int = 0) -> tuple[str, int] | None:
    """The unit whose name begins at `start`, the longest one, with its end."""
    best: tuple[str, int] | None = None
    for name, pattern in _NAMED:
        match = pattern.match(text, start)
        if match is not None and (best is None or match.end() > best[1]):
            best = (name, match.end())
    return best


def find_measures(text: str) -> list[Measure]:
    """Every number with a unit, from left to right."""
    found = []
    match = _COUNTED.search(text)
    while match is not None:
        unit = unit_at(text, match.start("unit"))
        written = match["count"].replace("−", "-")
        value = read_english(written.lstrip("-")) if written.isascii() else read_chinese(written.lstrip("-"))
        if unit is not None and value is not None:
            read, more = value, _MORE.match(text, unit[1])
            if more is not None:  # 两米三, 2斤半
                tenths = [read_chinese(one) or Decimal(0) for one in more[1]]
                value += sum((one / (1 if more[1] == "半" else 10**at) for at, one in enumerate(tenths, 1)), Decimal(0))
            end = unit[1] if more is None else more.end()
            if unit[0] == "foot" and (inches := _INCHES.match(text, unit[1])) is not None:
                value, end = (value if more is None else read) + (read_chinese(inches[1]) or Decimal(0)) / 12, inches.end()
            found.append(Measure(match.start(), end, -value if written.startswith("-") else value, unit[0]))
        match = _COUNTED.search(
            text, match.start() + 1 if unit is None else unit[1]
        )  # "换算一下五英尺": the first 一 counts none
    return found


def target_unit(text: str, *, beyond: Measure | None = None) -> str | None:
    """The unit that something is to be converted into, or None."""
    for match in _TARGET.finditer(text):
        if beyond is not None and beyond.start <= match.start("unit") < beyond.end:
            continue
        unit = unit_at(text, match.start("unit"))
        if unit is not None and (beyond is None or unit[0] != beyond.unit):
            return unit[0]
    return None


def conversion_of(words: str) -> str | None:
    """The id of the action that converts, where a few words are a measure and another unit for it: "180c in f"."""
    if len(words.split()) > _CONVERSION or not _CONVERTS.match(words):
        return None
    measures = find_measures(words)
    if len(measures) != 1 or target_unit(words, beyond=measures[0]) is None:
        return None
    return "convert.units"
