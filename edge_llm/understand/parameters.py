"""What a JSON schema tells of one argument: its type, its words, its choices, its default, and what sort of thing it names.

For functions whose schema says no role: those of a server, of an app's developer, of a benchmark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["place", "person", "date", "currency", "expression", "language", "unit", "text"]

_KIND_WORDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("date", frozenset(["date", "day", "dates", "month", "datetime"])),
    ("currency", frozenset(["currency", "currencies"])),
    ("expression", frozenset(["function", "equation", "expression", "polynomial", "formula", "integrand"])),
    ("language", frozenset(["language", "languages"])),
    ("unit", frozenset(["unit", "units"])),
    ("place", frozenset(["location", "city", "country", "place", "region", "state", "origin", "destination", "venue",
    "address", "town", "area", "continent", "island", "park", "from_city", "to_city", "departure", "arrival", "zip",
    "landmark"])),
    ("person", frozenset(["person", "player", "artist", "author", "composer", "actor", "athlete", "celebrity", "president",
    "scientist", "philosopher", "director", "plaintiff", "defendant", "singer", "musician", "painter", "sculptor", "leader",
    "inventor", "discoverer"])),
)  # fmt: skip
FUNCTION_WORDS = frozenset(
    """
    a an and are as at be by can for from given how if in is it its of on or specific that the this to want what
    when where which who with
    """.split()  # noqa: SIM905  (sixty words, one a line, are no easier to read)
)
"""Words that say nothing of what a parameter or a request is about."""
_STOP = FUNCTION_WORDS | frozenset(
    """
    about all any default defaults e.g each eg example format into like list name not number one optional
    parameter per provided set should specified specify string such than type used user value whether will
    """.split()  # noqa: SIM905
)
_UNITS: Mapping[str, str] = {
    "kg": "kilogram", "kgs": "kilogram", "kilograms": "kilogram", "g": "gram", "grams": "gram", "lb": "pound",
    "lbs": "pound", "pounds": "pound",
    "km": "kilometer", "kilometers": "kilometer", "kilometres": "kilometer", "m": "meter", "meters": "meter",
    "metres": "meter", "cm": "centimeter",
    "centimeters": "centimeter", "mm": "millimeter", "miles": "mile", "mile": "mile", "feet": "foot", "ft": "foot",
    "inches": "inch", "inch": "inch",
    "s": "second", "sec": "second", "seconds": "second", "minutes": "minute", "mins": "minute", "min": "minute",
    "hours": "hour", "hrs": "hour",
    "days": "day", "weeks": "week", "months": "month", "years": "year", "year": "year", "yr": "year", "celsius": "celsius",
    "°c": "celsius",
    "c": "celsius", "fahrenheit": "fahrenheit", "°f": "fahrenheit", "k": "kelvin", "kelvin": "kelvin", "v": "volt",
    "volts": "volt", "a": "ampere",
    "amperes": "ampere", "ohms": "ohm", "n": "newton", "newtons": "newton", "j": "joule", "joules": "joule", "w": "watt",
    "watts": "watt", "pa": "pascal",
    "pascals": "pascal", "l": "liter", "liters": "liter", "litres": "liter", "ml": "milliliter", "dollars": "dollar",
    "usd": "dollar", "$": "dollar",
    "euros": "euro", "€": "euro", "%": "percent", "percent": "percent", "percentage": "percent", "m/s": "meter/second",
    "km/h": "kilometer/hour",
    "mph": "mile/hour", "m/s^2": "meter/second^2", "m/s2": "meter/second^2", "m²": "square meter", "m^2": "square meter",
    "m³": "cubic meter",
    "m^3": "cubic meter", "tesla": "tesla", "t": "tesla", "coulombs": "coulomb", "coulomb": "coulomb", "moles": "mole",
    "mol": "mole", "hz": "hertz",
    "people": "person", "persons": "person", "guests": "person", "calories": "calorie", "degrees": "degree",
    "atm": "atmosphere",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """One argument of a function."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def type(self) -> str:
        """Its JSON type; the names that some schemas use for Python's are read too ("float", "dict")."""
        written = str(self.schema.get("type", "string"))
        return {
            "float": "number",
            "double": "number",
            "dict": "object",
            "tuple": "array",
            "list": "array",
            "any": "string",
        }.get(written, written)

    @property
    def item(self) -> Parameter:
        """What an array holds."""
        items = self.schema.get("items")
        return Parameter(
            self.name, {**(items if isinstance(items, Mapping) else {}), "description": self.description}, self.required
        )

    @property
    def description(self) -> str:
        """What the schema says of it."""
        return str(self.schema.get("description", ""))

    @cached_property
    def name_words(self) -> tuple[str, ...]:
        """The words of its name, in the singular: "maxPriceRange" has max, price, range."""
        return tuple(stem(word) for word in words_of(self.name))

    @cached_property
    def description_words(self) -> frozenset[str]:
        """The words of its description that say something, in the singular."""
        return frozenset(stem(word) for word in words_of(self.first_sentence) if word not in _STOP)

    @cached_property
    def first_sentence(self) -> str:
        """Its description without examples and remarks about defaults."""
        return re.split(r"(?i)\b(?:e\.g|for example|example|such as|default|optional|like ')|(?<=[a-z])\.\s", self.description)[
            0
        ]

    @cached_property
    def units(self) -> frozenset[str]:
        """Units that its description asks for ("in kilograms")."""
        found = re.findall(r"[°A-Za-z/^²³%$€]+\d?", f"{self.description} {self.name.replace('_', ' ')}")
        plain = {_UNITS[word.lower()] for word in found if len(word) > 1 and word.lower() in _UNITS}
        return frozenset(plain | {unit for unit in _UNITS.values() if re.search(rf"\b{unit}s?\b", self.description.lower())})

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """Its enumeration, or the quoted words that its description lists."""
        listed = self.schema.get("enum") or (self.schema.get("items") or {}).get("enum")
        if listed:
            return tuple(str(one) for one in listed)
        if re.search(
            r"(?i)\b(?:either|one of|options?|choices?|can be|possible values?|could be|i\.e|e\.g|such as|like)\b",
            self.description,
        ):
            quoted = re.findall(r"['\"‘“]([^'\"’”]{1,30})['\"’”]", self.description)
            if len(quoted) > 1:
                return tuple(dict.fromkeys(quoted))
            listed = re.search(
                r"(?i)(?:e\.g\.?,?|such as|like|i\.e\.?,?|options?:|choices?:|values?:|one of)\s+([^.()]+)", self.description
            )
            parts = [] if listed is None or quoted else re.split(r"\s*(?:,|\bor\b|\band\b|/)\s*", listed[1])
            parts = [part for part in parts if part and part != "etc" and len(part.split()) <= 3]
            return tuple(dict.fromkeys(parts)) if len(parts) > 1 else ()
        quoted = re.findall(r"(?<!\w)['\"‘“]([^'\"’”]{2,30})['\"’”](?!\w)", self.description)
        return tuple(dict.fromkeys(quoted)) if len(quoted) > 1 else ()

    @property
    def is_closed(self) -> bool:
        """Only its choices may be given."""
        return bool(self.schema.get("enum") or (self.schema.get("items") or {}).get("enum"))

    @cached_property
    def kind(self) -> Kind:
        """What sort of thing it names."""
        own = {*words_of(self.name), *self.name_words}
        for kind, words in _KIND_WORDS:
            if own & words:
                return kind
        said = set(words_of(self.first_sentence))
        for kind, words in _KIND_WORDS:
            if kind not in ("unit", "date", "expression") and said & words:
                return kind
        return "expression" if said & {"equation", "polynomial"} else "text"

    @cached_property
    def default(self) -> Any:
        """The default that the schema or its description gives; None where there is none."""
        if "default" in self.schema:
            return self.schema["default"]
        match = re.search(
            r"(?i)default(?:s)?(?: value)?(?: is| to| =|:)?\s*(?:set to\s*)?['\"‘“]?([\w.+-]+(?: [\w-]+)?)['\"’”]?",
            self.description,
        )
        if match is None:
            return None
        said = match[1].rstrip(".")
        if self.type in ("integer", "number"):
            number = re.match(r"-?\d+(?:\.\d+)?", said)
            return None if number is None else float(number[0]) if self.type == "number" else int(float(number[0]))
        if self.type == "boolean":
            return {"true": True, "false": False}.get(said.split()[0].lower())
        return said if re.search(r"default[^.]*['\"‘“]", self.description, re.IGNORECASE) else None


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The arguments of a function by the JSON schema of its parameters."""
    required = schema.get("required", ())
    return tuple(Parameter(name, value, name in required) for name, value in schema.get("properties", {}).items())


def words_of(text: str) -> list[str]:
    """The words of a name or sentence, in lower case: "maxPrice_range" is max, price, range."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [word.lower() for word in re.findall(r"[A-Za-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?", parted)]


def stem(word: str) -> str:
    """A word without the ending of a plural or a verb's form; only to compare words with."""
    for ending, kept in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + kept
    return word


def unit_of(word: str) -> str | None:
    """The unit that a word or sign beside a number stands for, in the singular."""
    return _UNITS.get(word) or _UNITS.get(word.lower())
