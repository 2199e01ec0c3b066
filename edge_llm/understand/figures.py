"""Numbers in a request, each with the words around it: what a number may be the value of. For schemas without roles."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_llm.understand.numbers import find_numbers, plain
from edge_llm.understand.parameters import Parameter, stem, unit_of, words_of

_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_LIST = re.compile(
    r"[\[({]\s*(-?\d[\d.]*(?:\s*,\s*-?\d[\d.]*)+)\s*[\])}]|(?<![\w$.])(-?\d+(?:\.\d+)?(?:,\s+-?\d+(?:\.\d+)?)+(?:"
    r",?\s+and\s+-?\d+(?:\.\d+)?)?)|\b(-?\d+(?:\.\d+)? and -?\d+(?:\.\d+)?)\b"
)
_START, _END = (
    frozenset(["start", "from", "begin", "lower", "initial", "low", "min", "first"]),
    frozenset(["end", "to", "upper", "final", "high", "max", "finish", "stop", "last"]),
)
_RELATED: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "speed velocity fast", "height tall high elevation altitude", "weight weigh mass heavy", "age old", "length long",
        "width wide", "depth deep",
        "people person guest size adult serve serving party",
        "price cost budget amount money principal invest investment deposit loan fund worth",
        "rate interest percent percentage annual", "duration time period", "distance far away",
        "temperature temp degree hot cold", "count number top result limit many",
        "year yearly annual", "day daily night", "room bedroom", "start initial begin", "end final finish", "radius circle",
        "max maximum under below less most",
        "min minimum above over least more", "charge coulomb", "current ampere", "voltage volt", "score point",
        "episode season", "term month", "rating star",
    )
)  # fmt: skip
_BY_UNIT: dict[str, frozenset[str]] = {
    "kilogram": frozenset({"mass", "weight"}), "pound": frozenset({"weight", "mass"}), "meter/second": frozenset({"speed",
    "velocity"}),
    "kilometer/hour": frozenset({"speed", "velocity"}), "mile/hour": frozenset({"speed", "velocity"}),
    "meter": frozenset({"distance", "height", "length", "radius"}),
    "kilometer": frozenset({"distance"}), "mile": frozenset({"distance", "mile"}), "second": frozenset({"time",
    "duration"}), "minute": frozenset({"time", "duration"}),
    "hour": frozenset({"time", "duration", "hour"}), "year": frozenset({"year", "time", "period", "age", "term",
    "duration"}), "month": frozenset({"month", "period", "term"}),
    "day": frozenset({"day", "duration"}), "dollar": frozenset({"price", "amount", "principal", "budget", "cost",
    "investment", "salary", "income", "value", "payment"}),
    "percent": frozenset({"rate", "percent", "percentage", "interest", "yield", "return"}),
    "celsius": frozenset({"temperature", "temp"}), "kelvin": frozenset({"temperature", "temp"}),
    "fahrenheit": frozenset({"temperature", "temp"}), "coulomb": frozenset({"charge"}), "volt": frozenset({"voltage"}),
    "ampere": frozenset({"current"}),
    "newton": frozenset({"force"}), "tesla": frozenset({"field", "magnetic"}), "square meter": frozenset({"area"}),
    "cubic meter": frozenset({"volume"}),
    "meter/second^2": frozenset({"acceleration", "gravity"}), "person": frozenset({"people", "guest", "person", "size",
    "serving"}), "gram": frozenset({"mass", "weight"}),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A number at [start, end) of a text."""

    start: int
    end: int
    value: int | float
    is_percent: bool
    before: tuple[str, ...]
    """Up to six words before it, the nearest first, as stems."""
    after: tuple[str, ...]
    """Up to four words after it, the nearest first, as stems."""
    unit: str | None
    label: str | None
    """What it is said to equal: "a=2", "x = 3"."""
    is_ordinal: bool = False
    is_word: bool = False
    """It is spelt ("two"): of few things, it more often counts what follows than gives a value."""


def find_figures(text: str) -> list[Figure]:
    """Every number in a text, from left to right; ordinals too ("the 14th century")."""
    spans: list[tuple[int, int, int | float, bool, bool]]
    spans = [(match.start(), match.end(), int(match[1]), False, True) for match in _ORDINAL.finditer(text)]
    named = re.finditer(rf"\b(?:{'|'.join(_ORDINALS)})\b", text, re.IGNORECASE)
    spans += [(match.start(), match.end(), _ORDINALS[match[0].lower()], False, True) for match in named]
    for number in find_numbers(text):
        if not any(start < number.end and number.start < end for start, end, *_ in spans):
            value = plain(number.value) if number.is_whole else float(number.value)
            spans.append((number.start, number.end, value, number.is_percent, False))
    return [_figure(text, *span) for span in sorted(spans)]


def find_lists(text: str) -> list[tuple[int, int, list[Any]]]:
    """Rows of numbers, in brackets or with commas, with their places; rows of rows where brackets say so."""
    nested = [(match.start(), match.end(), _parsed(match[0])) for match in re.finditer(r"\[\s*\[[\d\s,.\[\]-]+\]\s*\]", text)]
    found: list[tuple[int, int, list[Any]]] = [(start, end, rows) for start, end, rows in nested if rows is not None]
    if found:
        return found
    for match in _LIST.finditer(text):
        values = [float(one) if "." in one else int(one) for one in re.findall(r"-?\d+(?:\.\d+)?", match[0])]
        found.append((match.start(), match.end(), values))
    return found


def _parsed(text: str) -> list[Any] | None:
    try:
        rows: list[Any] = json.loads(text)
    except json.JSONDecodeError:
        return None
    return rows


def fit(figure: Figure, parameter: Parameter) -> float:
    """How well a number fits a parameter; 0 is indifferent, above 1 the words say so, below 0 they say it is another."""
    names = set(parameter.name_words)
    score = 0.0
    if figure.label is not None:
        score += 4.0 if figure.label == parameter.name.lower() else 1.5 if figure.label in names else -1.0
    score += _by_units(figure, parameter)
    score += _by_words(figure, names, 1.0) + _by_words(figure, set(parameter.description_words) - names, 0.45)
    near = figure.before[:2]
    if names & _START:
        score += 0.8 if any(word in ("from", "between") for word in near) else -0.3 if "to" in near[:1] else 0.0
    if names & _END:
        score += 0.8 if near[:1] and near[0] in ("to", "and", "until", "through") else -0.3 if "from" in near else 0.0
    score += _as_year(figure, parameter)
    if figure.is_ordinal:
        score += 1.0 if names & {"century", "number", "nth", "grade", "floor", "place", "index"} else -0.3
    if figure.is_word and figure.value < 3 and not names & set(figure.after[:1]):
        score -= 0.7
    if parameter.type == "integer" and isinstance(figure.value, float) and not figure.is_percent:
        score -= 1.0
    return score


def _by_units(figure: Figure, parameter: Parameter) -> float:
    units = {"percent"} if figure.is_percent else set()
    if figure.unit is not None:
        units.add(figure.unit)
    score = 0.0
    if units & parameter.units:
        score = 1.5
    elif units and parameter.units and not figure.is_ordinal:
        score = -1.2
    meant = set(parameter.name_words) | parameter.description_words
    return score + 0.8 * sum(bool(_BY_UNIT.get(unit, frozenset()) & meant) for unit in units)


def _as_year(figure: Figure, parameter: Parameter) -> float:
    """ "in 1510" is a year, and hardly anything else."""
    if not isinstance(figure.value, int):
        return 0.0
    if set(parameter.name_words) & {"year", "date"}:
        if 1000 <= figure.value <= 2100 and figure.unit is None and not figure.is_percent:
            return 1.3
        return -0.6 if figure.unit is None and "years" not in parameter.name else 0.0
    is_year = 1900 <= figure.value <= 2100 and figure.unit is None and figure.before[:1] in (("in",), ("since",), ("of",))
    return -1.0 if is_year else 0.0


def number_for(figure: Figure, parameter: Parameter) -> int | float:
    """The value as the parameter wants it: a percentage as a fraction where its description does not ask for per cent."""
    value: int | float = figure.value
    if figure.is_percent and parameter.type == "number":
        says_percent = re.search(r"(?i)percent|%|as a whole number", parameter.description) is not None
        says_decimal = re.search(r"(?i)decimal|fraction|0\.\d|between 0 and 1", parameter.description) is not None
        value = value if says_percent and not says_decimal else round(value / 100, 10)
    if parameter.type == "integer":
        return int(value)
    return float(value)


def _by_words(figure: Figure, words: set[str], weight: float) -> float:
    score = 0.0
    related = {other for group in _RELATED if group & words for other in group} - words
    for place, word in enumerate(figure.after[:3]):
        score += weight * (1.0, 0.6, 0.35)[place] * (1.0 if word in words else 0.6 if word in related else 0.0)
    for place, word in enumerate(figure.before[:5]):
        score += weight * (1.0, 0.95, 0.8, 0.5, 0.3)[place] * (1.0 if word in words else 0.6 if word in related else 0.0)
    return score


def _figure(text: str, start: int, end: int, value: int | float, is_percent: bool, is_ordinal: bool) -> Figure:
    before_text, after_text = text[:start], text[end:]
    # another number parts what belongs to which
    before = _stems(re.split(r"(?<=[\w.])[;?!]\s|[\d]", before_text[-70:])[-1])[::-1]
    after = _stems(re.split(r"[.;?!]\s|[\d$]|,\s", after_text[:50])[0])
    unit = None
    match = re.match(r"\s?([°A-Za-z²³%€$]+(?:/[A-Za-z]+)?(?:\^?\d)?)", after_text)
    if match is not None:
        unit = unit_of(match[1])
    squared = re.match(r"\s*(square|cubic) (?:meters?|metres?|feet|foot)", after_text, re.IGNORECASE)
    if squared is not None:
        unit = f"{squared[1].lower()} meter"
    if re.match(r"\s*(?:meters?|m) (?:per|/) ?second", after_text, re.IGNORECASE):
        unit = "meter/second"
    if before_text.rstrip()[-1:] in ("$", "€"):
        unit = unit_of(before_text.rstrip()[-1])
    equals = re.search(r"([A-Za-z_]\w*)\s*(?:=|:)\s*$", before_text)
    return Figure(
        start,
        end,
        value,
        is_percent,
        tuple(before[:6]),
        tuple(after[:4]),
        unit,
        equals[1].lower() if equals else None,
        is_ordinal,
        text[start].isalpha(),
    )


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words_of(text) if not word.isdigit()]


def taken_by(spans: Sequence[tuple[int, int]], figure: Figure) -> bool:
    """Whether the figure lies in one of the spans."""
    return any(start <= figure.start < end for start, end in spans)
