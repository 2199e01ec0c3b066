"""Units: names of both languages, scales with and without a zero point, and what does not fit together."""

from __future__ import annotations

import pytest

from runtimes.errors import InputError

pytest.importorskip("pint")

from edge_llm.actions.tools.units import convert_units

UNDERSTOOD = [
    "kilometer", "meter", "centimeter", "millimeter", "mile", "yard", "foot", "inch", "nautical_mile", "kilogram",
    "gram", "milligram", "pound", "ounce", "stone", "tonne", "jin", "liter", "milliliter", "gallon", "pint", "cup",
    "quart", "tablespoon", "teaspoon", "celsius", "fahrenheit", "kelvin", "second", "minute", "hour", "day", "week",
    "month", "year", "square_meter", "square_kilometer", "acre", "hectare", "mu", "square_foot", "kilometer_per_hour",
    "mile_per_hour", "meter_per_second", "knot", "joule", "kilojoule", "calorie", "kilocalorie", "watt", "kilowatt",
    "horsepower", "byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "bar", "pascal", "psi", "atmosphere",
    "degree", "radian",
]  # fmt: skip
"""What words of a request become."""


@pytest.mark.parametrize(
    ("amount", "from_unit", "to_unit", "result"),
    [
        (72, "fahrenheit", "celsius", "22.2222222222222"),
        (-40, "°C", "°F", "-40"),
        (20, "degrees celsius", "kelvin", "293.15"),
        ("10", "公里", "英里", "6.21371192237334"),
        (1, "亩", "平方米", "666.666666666667"),
        (3, "斤", "克", "1500"),
        (0.1, "km", "m", "100"),
        (2, "square_foot", "square meters", "0.18580608"),
        (1, "m²", "cm²", "10000"),
        (100, "kilometer_per_hour", "mph", "62.1371192237334"),
        (36, "kilometers per hour", "m/s", "10"),
        (1, "cubic meter", "litres", "1000"),
        (1, "metric ton", "kilos", "1000"),
        (1, "nautical mile", "米", "1852"),
        (3, "tablespoons", "茶匙", "9"),
    ],
)
def test_a_conversion(amount: float | str, from_unit: str, to_unit: str, result: str) -> None:
    assert convert_units(amount, from_unit, to_unit)["result"] == result


@pytest.mark.parametrize(
    ("amount", "from_unit", "to_unit", "fact"),
    [
        (1, "kg", "metre", "same thing"),
        (1, "florp", "kg", "'florp' is no unit"),
        (1, "kg**999999999", "g", "no unit"),
        (1, "__class__", "g", "no unit"),
        (1, "", "g", "no unit"),
        ("many", "kg", "g", "no number"),
        ("nan", "kg", "g", "no number"),
    ],
)
def test_no_conversion(amount: float | str, from_unit: str, to_unit: str, fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        convert_units(amount, from_unit, to_unit)


@pytest.mark.parametrize("unit", UNDERSTOOD)
def test_every_unit_that_is_understood_is_known(unit: str) -> None:
    assert float(convert_units(1, unit, unit)["result"]) == pytest.approx(1)
