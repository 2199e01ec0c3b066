"""Equations: solved in a process of their own, which cannot run on."""

from __future__ import annotations

import pytest

from edge_llm.actions.tools.equations import _parts, solve_equation, solve_within
from runtimes.errors import InputError

pytest.importorskip("sympy")

from edge_llm.actions.tools.equations_child import solve


def decimals(*equations: str) -> list[dict[str, str | None]]:
    unknowns = sorted({letter for equation in equations for letter in "abcnxyz" if letter in equation})
    return [{name: value["decimal"] for name, value in solution.items()} for solution in solve(list(equations), unknowns)]


@pytest.mark.parametrize(
    ("equations", "expected"),
    [
        (["x^2 - 5x + 6 = 0"], [{"x": "2"}, {"x": "3"}]),
        (["2x + 3 = 11"], [{"x": "4"}]),
        (["x + y = 10", "x - y = 2"], [{"x": "6", "y": "4"}]),
        (["x^3 = 27"], [{"x": "3"}]),
        (["0.5n = 7"], [{"n": "14"}]),
        (["x^5 - x - 1"], [{"x": "1.16730397826142"}]),
        (["x = x"], [{}]),
        (["x = x + 1"], []),
        (["x^2 = -1"], [{"x": "-1.0*I"}, {"x": "1.0*I"}]),
    ],
)
def test_solutions(equations: list[str], expected: list[dict[str, str]]) -> None:
    assert decimals(*equations) == expected


def test_letters_stand_for_numbers_and_x_is_sought() -> None:
    assert solve(["a x = b"], ["a", "b", "x"]) == [{"x": {"exact": "b/a", "decimal": None}}]


def test_a_process_of_its_own_answers() -> None:
    found = solve_equation("x^2 = 2; y = 2x")
    assert found["unknowns"] == ["x", "y"]
    assert {"exact": "sqrt(2)", "decimal": "1.4142135623731"} in [solution["x"] for solution in found["solutions"]]


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("x=1, y=2", 2),
        ("x=1，y=2", 2),
        ("x = 1 and y = 2", 2),
        ("x=1且y=2", 2),
        ("x=1\ny=2;", 2),
        ("min(x, 2) = 1", 1),
        ("x+y", 1),
    ],
)
def test_equations_are_told_apart(expression: str, count: int) -> None:
    assert len(_parts(expression)) == count


def test_it_is_ended_when_it_takes_too_long() -> None:
    with pytest.raises(InputError, match=r"not solved within 0\.01 seconds"):
        solve_within("x = 1", 0.01)


@pytest.mark.parametrize(
    ("expression", "fact"),
    [("1 + 1 = 2", "no unknowns"), ("", "0 equations"), (";".join(["x=1"] * 9), "9 equations"), ("x = (", "cannot be read")],
)
def test_what_is_no_equation_starts_no_process(expression: str, fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        solve_within(expression, 0)
