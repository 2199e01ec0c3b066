"""The calculator: values as on paper, and words instead of a number where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.tools.calculate import calculate
from runtimes.errors import InputError


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1/3*3", "1"),
        ("(15/100)*240", "36"),
        ("15% * 240", "36"),
        ("200 + 10%", "220"),
        ("200 - 10%", "180"),
        ("2(3+4)^2", "98"),
        ("-2^2", "-4"),
        ("2^-3^2", "0.001953125"),
        ("2**10", "1024"),
        ("10 % 3", "1"),
        ("-7 % 3", "2"),
        ("5!", "120"),
        ("1,250,000/8", "156250"),
        ("６.5 × 12 − 1", "77"),
        ("sqrt 169 + √4", "15"),
        ("sin(pi)", "0"),
        ("ln e^2", "2"),
        ("log(1000)", "3"),
        ("round(2.5)", "3"),
        ("min(3, 1, 2)", "1"),
        ("2e3 + 1", "2001"),
        ("3²", "9"),
        ("18 * 37 =", "666"),
        ("10^30", "1e30"),
        ("1/8e12", "1.25e-13"),
    ],
)
def test_a_value(expression: str, result: str) -> None:
    assert calculate(expression) == {"expression": expression, "result": result}


@pytest.mark.parametrize(
    ("expression", "fact"),
    [
        ("1/0", "no value"),
        ("sqrt(-1)", "no value"),
        ("0^0", "no value"),
        ("asin(2)", "no value"),
        ("9^9^9^9", "too large"),
        ("1001!", "factorial"),
        ("2.5!", "factorial"),
        ("x + 1", "'x' is no number"),
        ("1 = 2", "is an equation"),
        ("sqrt(1, 2)", "takes 1 number"),
    ],
)
def test_no_value(expression: str, fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        calculate(expression)


@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(1, 999)), min_size=1, max_size=12))
def test_a_chain_is_what_fractions_say(chain: list[tuple[str, int]]) -> None:
    text = "1" + "".join(f" {sign} {number}" for sign, number in chain)
    expected = eval("Fraction(1)" + "".join(f" {sign} Fraction({number})" for sign, number in chain), {"Fraction": Fraction})
    assert float(calculate(text)["result"]) == pytest.approx(float(expected), rel=1e-13, abs=1e-25)
