"""Numbers, lengths of time, money, units, sums and language: what one value is read as."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.understand.amounts import find_currencies, find_money
from edge_llm.understand.durations import find_durations, shown_duration
from edge_llm.understand.expressions import find_expression
from edge_llm.understand.language import is_cancel, is_no, is_yes, language_of
from edge_llm.understand.numbers import find_numbers, read_chinese, read_english
from edge_llm.understand.units import find_measures, target_unit


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("twenty-five", 25),
        ("a hundred and ten", 110),
        ("two point five", "2.5"),
        ("3 million", 3_000_000),
        ("1,250.50", "1250.50"),
    ],
)
def test_english_numbers(words: str, value: object) -> None:
    assert read_english(words) == Decimal(str(value))


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("一百二十", 120),
        ("一百二", 120),
        ("十五", 15),
        ("两千零五", 2005),
        ("3.5万", 35000),
        ("二零二六", 2026),
        ("半", "0.5"),
        ("三点五", "3.5"),
    ],
)
def test_chinese_numbers(words: str, value: object) -> None:
    assert read_chinese(words) == Decimal(str(value))


def test_a_unit_is_no_multiplier_and_a_name_no_number() -> None:
    assert [(one.value, one.is_percent) for one in find_numbers("298K, 1.75m, 50k and 5% of rs6034")] == [
        (298, False), (Decimal("1.75"), False), (50000, False), (5, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("set a timer for ten minutes", "PT10M"), ("an hour and a half", "PT1H30M"), ("half an hour", "PT30M"), ("1h30",
        "PT1H30M"),
        ("1 hour and 20 minutes", "PT1H20M"), ("三刻钟", "PT45M"), ("一个半小时", "PT1H30M"), ("两个小时二十分钟", "PT2H20M"),
        ("three days", "P3D"), ("两个月", "P2M"),
    ],
)  # fmt: skip
def test_lengths_of_time(words: str, iso: str) -> None:
    assert [one.duration.iso for one in find_durations(words)] == [iso]


def test_a_length_is_shown_in_both_languages() -> None:
    (found,) = find_durations("90 minutes")
    assert (shown_duration(found.duration, "en"), shown_duration(found.duration, "zh")) == (
        "1 hour 30 minutes",
        "1 小时 30 分钟",
    )


@pytest.mark.parametrize(
    ("words", "amount", "currency"),
    [
        ("$12.50", "12.50", "USD"),
        ("twelve euros", "12", "EUR"),
        ("三千块", "3000", "CNY"),
        ("五块五", "5.5", "CNY"),
        ("100美元", "100", "USD"),
    ],
)
def test_money(words: str, amount: str, currency: str) -> None:
    assert [one.canonical for one in find_money(words)] == [{"amount": amount, "currency": currency}]


def test_dollars_are_those_of_the_persons_country() -> None:
    assert find_money("20 dollars", region="AU")[0].currency == "AUD"
    assert find_money("20 US dollars", region="AU")[0].currency == "USD"


def test_currencies_without_a_sum() -> None:
    assert [one.code for one in find_currencies("the yen against the dollar")] == ["JPY", "USD"]


@pytest.mark.parametrize(
    ("words", "value", "unit", "target"),
    [
        ("convert 5 miles to km", 5, "mile", "kilometer"), ("how many miles is 10 kilometers", 10, "kilometer", "mile"),
        ("72华氏度是多少摄氏度", 72, "fahrenheit", "celsius"), ("三斤是多少克", 3, "jin", "gram"),
    ],
)  # fmt: skip
def test_units(words: str, value: int, unit: str, target: str) -> None:
    measure = find_measures(words)[0]
    assert (measure.value, measure.unit, target_unit(words, beyond=measure)) == (value, unit, target)


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("what's 15 percent of 240", "(15/100)*240"), ("calculate 18 times 37", "18 * 37"), ("七的四次方是多少", "7**4"),
        ("八十二减十九", "82-19"), ("三分之二乘九十", "(2/3)*90"), ("solve x squared minus 5x plus 6 equals zero",
        "x**2 - 5x + 6 = 0"),
        ("tell me a joke", None),
    ],
)  # fmt: skip
def test_sums(words: str, expression: str | None) -> None:
    assert find_expression(words) == expression


@pytest.mark.parametrize(
    ("words", "language"),
    [("给妈妈发WhatsApp", "zh"), ("text 妈妈 that I am late", "en"), ("打开 Spotify", "zh"), ("123", "en")],
)
def test_language(words: str, language: str) -> None:
    assert language_of(words) == language


@pytest.mark.parametrize("words", ["yes", "Yes please!", "好的", "嗯", "发吧", "ok, go ahead"])
def test_yes(words: str) -> None:
    assert (is_yes(words), is_no(words), is_cancel(words)) == (True, False, False)


@pytest.mark.parametrize("words", ["no", "No thanks.", "不对", "不是"])
def test_no(words: str) -> None:
    assert (is_yes(words), is_no(words)) == (False, True)


@pytest.mark.parametrize("words", ["cancel", "never mind", "算了", "取消吧", "别发了", "actually forget it"])
def test_cancel(words: str) -> None:
    assert is_cancel(words)


@pytest.mark.parametrize("words", ["no, tomorrow", "yes but at four", "cancel my alarm", "不对，是明天", "text mum no"])
def test_more_than_an_answer_is_none(words: str) -> None:
    assert not any(reading(words) for reading in (is_yes, is_no, is_cancel))


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    find_numbers(text)
    find_durations(text)
    find_money(text)
    find_measures(text)
    find_expression(text)
    is_cancel(text)
