"""Sums of the shop in Chinese words: what several things at a price come to, what is earned, what is given back.

"一箱奶六十八块五，搬四箱一共多少钱" is 68.5*4, "进价三块八卖六块五，卖了一百二十个，赚多少" (6.5-3.8)*120. Works nothing out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from edge_llm.understand.numbers import CHINESE_NUMBER, plain, read_chinese

_MEASURE: Final = (
    r"(?:个?人|公斤|平米|平方|小时|个|件|箱|斤|只|条|瓶|盒|包|袋|本|支|枝|张|把|双|套|份|杯|碗|台|辆|人|天|次|位|棵|桶|打|米|吨|克|升|盆"
    r"|颗|串|盘|间|晚|节|课|趟|月|年|头|片|板|罐|听|筐|捆|单)"
)
_NUMBER: Final = re.compile(
    rf"(?!一(?:共|些|下|起|样|会|定|般|直))(?P<count>\d+(?:\.\d+)?|(?:{CHINESE_NUMBER}))(?:(?P<money>块钱?|元|毛)"
    rf"(?P<tenth>[一二三四五六七八九\d](?!(?!一{_MEASURE})[一二三四五六七八九十百\d]|{_MEASURE}))?|(?P<measure>{_MEASURE}))?"
)
_HOW_MUCH: Final = re.compile(r"多少|几块|几多|多钱|几毛|几元")
_EARNED: Final = re.compile(r"(?:赚|挣|利润|毛利|净赚|盈利)")
_COST: Final = re.compile(r"(?:进价|成本价?|进货价?|拿货价?|批发价?|买入价?|收购价?|进|收)(?:是|价|来)?\s*$")
_SOLD: Final = re.compile(r"(?:卖价?|售价|零售价?|标价|出手)(?:是|了)?\s*$")
_BACK: Final = re.compile(r"找(?:我|他|她|给我|回|零|您|你)?(?:了)?(?:多少|几)")
_PAID: Final = re.compile(r"(?:给|付|收|递|拿)(?:了|我|他|你|她|您)*(?:一张)?\s*$")
_SHARED: Final = re.compile(r"AA|平[分摊]|均摊|分摊|[除]", re.IGNORECASE)
_TOGETHER: Final = re.compile(r"一共|总共|合计|加起来|总计|拢共|共")


@dataclass(frozen=True)
class _Figure:
    start: int
    end: int
    value: Decimal
    is_money: bool
    measure: str | None

    @property
    def shown(self) -> str:
        return str(plain(self.value))


def worded_sum(words: str) -> str | None:
    """The sum that a Chinese sentence about prices asks for, in figures and signs; None where it asks for none."""
    if _HOW_MUCH.search(words) is None:
        return None
    found = _figures(words)
    for rule in (_earned, _given_back, _times, _together):
        if (expression := rule(words, found)) is not None:
            return expression
    return None


def is_worded_sum(words: str) -> bool:
    """Whether the words ask for such a sum."""
    return worded_sum(words) is not None


def _figures(words: str) -> list[_Figure]:
    found = []
    for match in _NUMBER.finditer(words):
        value = Decimal(match["count"]) if match["count"][0].isdigit() else read_chinese(match["count"])
        if value is None:
            continue
        if match["money"] == "毛":
            value /= 10
        if match["tenth"]:
            value += (read_chinese(match["tenth"]) or Decimal(match["tenth"])) / 10
        found.append(_Figure(match.start(), match.end(), value, match["money"] is not None, match["measure"]))
    return found


def _earned(words: str, found: Sequence[_Figure]) -> str | None:
    """(what it is sold for - what it costs) * how many."""
    cost = next((one for one in found if _COST.search(words[: one.start]) and not one.measure), None)
    sold = next((one for one in found if _SOLD.search(words[: one.start]) and not one.measure), None)
    if _EARNED.search(words) is None or cost is None or sold is None:
        return None
    count = next((one for one in found if one.measure and one.value != 1), None)
    each = f"{sold.shown}-{cost.shown}"
    return each if count is None else f"({each})*{count.shown}"


def _given_back(words: str, found: Sequence[_Figure]) -> str | None:
    """What was paid without the price."""
    paid = next((one for one in found if _PAID.search(words[: one.start])), None)
    price = next((one for one in found if one is not paid and not one.measure), None)
    if _BACK.search(words) is None or paid is None or price is None:
        return None
    return f"{paid.shown}-{price.shown}"


def _times(words: str, found: Sequence[_Figure]) -> str | None:
    """A price of one, and how many of the same."""
    one = next((figure for figure in found if figure.measure and figure.value == 1), None)
    each = re.search(rf"每(?P<measure>{_MEASURE})(?!多少|几|要|出|摊|付|分)|单价", words)
    if (one is None and each is None) or _SHARED.search(words):
        return None
    prices = [figure for figure in found if figure is not one and figure.measure is None]
    counts = [figure for figure in found if figure is not one and figure.measure and figure.value != 1]
    if len(prices) != 1 or len(counts) != 1:
        return None
    unit = one.measure if one is not None else each["measure"] if each is not None else None
    is_same = unit is None or unit.removeprefix("个") == str(counts[0].measure).removeprefix("个")
    return f"{prices[0].shown}*{counts[0].shown}" if is_same else None


def _together(words: str, found: Sequence[_Figure]) -> str | None:
    """Prices of several things added up."""
    prices = [figure for figure in found if figure.is_money]
    if _TOGETHER.search(words) is None or len(prices) < 2 or len(prices) != len(found):
        return None
    return "+".join(one.shown for one in prices)
