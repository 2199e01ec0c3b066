"""Formulas: what is read, what is refused, and that nothing typed can run or overflow the reader."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.tools.calculate import calculate
from edge_llm.actions.tools.formula import Name, Number, Operation, names, parse_equation, parse_formula
from runtimes.errors import InputError


def test_a_formula_becomes_a_tree() -> None:
    three_x = Operation("*", (Number("3"), Name("x")))
    assert parse_formula("3x") == three_x
    assert parse_equation("3x = 2") == (three_x, Number("2"))
    assert parse_equation("3x =") == (three_x,)
    assert names(parse_formula("3x + y1*pi - e^z")) == {"x", "y1", "z"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "2+",
        "(1",
        "1)",
        "1 = 2 = 3",
        "__import__('os')",
        "a.b",
        "1;2",
        "3 4",
        "sin()",
        "min(1,)",
        "#",
        "2 ** ** 3",
        "*1",
    ],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_equation(text)


@pytest.mark.parametrize("part", ["(", "√", "2^", "sqrt ", "-(", "5!", "1+"])
def test_a_deep_formula_is_refused_or_read_and_never_overflows(part: str) -> None:
    text = (part * 500)[:499]
    with suppress(InputError):
        calculate(text)
    with suppress(InputError):
        calculate(text + "1")
    with pytest.raises(InputError, match="500"):
        parse_formula("1" * 501)


@given(st.text(alphabet="0123456789.+-*/^%!()=,x esqrtπ√²", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_equation(text)
    except InputError:
        return
