"""Conversion between units, by pint's tables; Chinese units and names are added here. Knows no currencies."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from edge_llm.actions.tools.calculate import number_text
from runtimes.errors import InputError, RuntimeUnavailableError

if TYPE_CHECKING:
    from pint import UnitRegistry


def _names(table: str) -> dict[str, str]:
    """A unit's other names and pint's name for it, from "pint's: other, other; ..."."""
    rows = (row.partition(":") for row in table.split(";"))
    return {word.strip(): unit.strip() for unit, _, words in rows for word in words.split(",")}


_CHINESE = _names("""
    kilometer: 公里, 千米; li: 里; meter: 米, 公尺; decimeter: 分米; centimeter: 厘米, 公分; millimeter: 毫米;
    micrometer: 微米; mile: 英里; foot: 英尺; inch: 英寸; cun: 寸; chi: 尺; zhang: 丈; yard: 码; nautical_mile: 海里;
    tonne: 吨; kilogram: 公斤, 千克; jin: 斤, 市斤; liang: 两; qian: 钱; gram: 克; milligram: 毫克; pound: 磅;
    ounce: 盎司; stone: 英石; meter**2: 平方米, 平米; kilometer**2: 平方公里; centimeter**2: 平方厘米;
    foot**2: 平方英尺; mu_area: 亩; hectare: 公顷; acre: 英亩; meter**3: 立方米; centimeter**3: 立方厘米;
    liter: 升, 公升; milliliter: 毫升; gallon: 加仑; quart: 夸脱; pint: 品脱; cup: 杯; tablespoon: 汤匙;
    teaspoon: 茶匙; fluid_ounce: 液量盎司; degC: 摄氏度, 摄氏, ℃; degF: 华氏度, 华氏, ℉; kelvin: 开尔文, 开;
    second: 秒, 秒钟; minute: 分, 分钟; hour: 小时, 钟头; day: 天, 日; week: 周, 星期; month: 月, 个月; year: 年;
    kilometer/hour: 公里每小时; meter/second: 米每秒; mile/hour: 英里每小时; knot: 节; joule: 焦, 焦耳;
    kilojoule: 千焦; calorie: 卡, 卡路里; kilocalorie: 千卡, 大卡; kilowatt_hour: 度电, 千瓦时; watt: 瓦, 瓦特;
    kilowatt: 千瓦; horsepower: 马力; byte: 字节; megabyte: 兆; bar: 巴; pascal: 帕; atmosphere: 大气压; degree: 度;
    radian: 弧度
""")
_ENGLISH = _names("""
    degC: celsius, centigrade, c, °c; degF: fahrenheit, f, °f; kelvin: k; mu_area: mu; liter: l;
    kilometer/hour: km/h, kph; mile/hour: mph; meter/second: m/s; pound: lbs; fluid_ounce: fl oz; ounce: oz;
    tablespoon: tbsp; teaspoon: tsp; meter**2: sqm; foot**2: sqft; kilocalorie: kcal; kilobyte: kb; megabyte: mb;
    gigabyte: gb; terabyte: tb; kilogram: kilo, kilos; gram: grammes; foot: feet; ton: ton;
    tonne: metric ton, metric tons; horsepower: hp; calorie: cal; inch: in; stone: stones
""")
_DEFINED = (
    "jin = 0.5 * kilogram", "liang = 50 * gram", "qian = 5 * gram", "li = 500 * meter", "chi = meter / 3", "cun = chi / 10",
    "zhang = 10 * chi", "mu_area = 2000 / 3 * meter ** 2",
)  # fmt: skip
"""China's market units (市制) since 1959; 1 mu is 2000/3 m²."""
_FORM = re.compile(r"[A-Za-zµ]+(?:_[a-z]+)*(?:\*\*[23])?(?:/[a-zµ]+(?:_[a-z]+)*(?:\*\*[23])?)?")
"""What may be handed to pint, which reads whole formulas."""
_LONGEST = 60


def convert_units(amount: float | str, from_unit: str, to_unit: str) -> dict[str, Any]:
    """A quantity in another unit.

    Args:
        amount: how many.
        from_unit, to_unit: names or signs in English or Chinese: "km", "square feet", "斤", "fahrenheit". A ton is
            the short one, a gallon the US one; a month is a twelfth of a Julian year.

    Returns:
        {"result", "unit", "from"}: the result a decimal number as text, the unit as pint names it.

    Raises:
        InputError: a unit is unknown, or the two do not measure the same thing.
        RuntimeUnavailableError: pint is not installed.
    """
    try:
        from pint import DimensionalityError
    except ImportError as error:
        raise RuntimeUnavailableError(
            'Conversion between units needs pint, which is not installed: pip install "edge-llm[assistant]".'
        ) from error
    registry = _registry()
    source, target = _unit(registry, from_unit), _unit(registry, to_unit)
    try:
        number = Decimal(str(amount))
        if not number.is_finite():
            raise ArithmeticError(amount)
        found = registry.Quantity(number, source).to(target)
    except ArithmeticError as error:
        raise InputError(f"{amount!r} is no number that can be converted.") from error
    except DimensionalityError as error:
        raise InputError(f"{from_unit} and {to_unit} do not measure the same thing.") from error
    return {"result": number_text(Decimal(found.magnitude)), "unit": str(found.units), "from": f"{amount} {source}"}


def _unit(registry: UnitRegistry[Decimal], words: str) -> str:
    """A unit as pint names it. Raises InputError."""
    from pint import UndefinedUnitError

    plain = " ".join(words.strip().lower().replace("_", " ").split())[:_LONGEST]
    name = _CHINESE.get(plain) or _ENGLISH.get(plain)
    if name is None:
        name = re.sub(r"\b(square|sq|cubic) ([a-zµ]+)", lambda found: f"{found[2]}**{3 if found[1] == 'cubic' else 2}", plain)
        name = re.sub(r"^degrees? ", "", name).replace(" per ", "/").replace("²", "**2").replace("³", "**3").replace("^", "**")
        name = name.removeprefix("us ").replace(" ", "_")
        name = _ENGLISH.get(name, name)
    try:
        if not _FORM.fullmatch(name):
            raise UndefinedUnitError(words)
        return str(registry.Unit(name))
    except UndefinedUnitError as error:
        raise InputError(f"{words!r} is no unit of measure that is known here.") from error


@cache
def _registry() -> UnitRegistry[Decimal]:
    from pint import UnitRegistry

    registry: UnitRegistry[Decimal] = UnitRegistry(non_int_type=Decimal, cache_folder=None)
    for line in _DEFINED:
        registry.define(line)
    return registry
