"""The process that solves equations: JSON in, JSON out, and a limit on its memory. Started by equations.py alone."""

from __future__ import annotations

import json
import sys
from typing import Any

import sympy

from edge_llm.actions.tools.formula import Formula, Name, Number, parse_equation

_MEMORY_BYTES = 1 << 30
_MOST_SOLUTIONS = 32
_LONGEST = 400
"""Characters of one exact solution; a longer one is given as a decimal only."""


def main() -> None:
    """Read the question from standard input and write the answer to standard output."""
    _limit_memory()
    question = json.loads(sys.stdin.read())
    try:
        answer: dict[str, Any] = {"solutions": solve(question["equations"], question["unknowns"])}
    except NotImplementedError:
        answer = {"fault": "no way of solving it is known"}
    except (ZeroDivisionError, ValueError, TypeError, RecursionError, MemoryError) as error:
        answer = {"fault": f"{type(error).__name__}: {error}"[:200]}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False))


def solve(equations: list[str], unknowns: list[str]) -> list[dict[str, dict[str, str | None]]]:
    """The solutions, as equations.py tells them: the real ones, or else the complex.

    Raises:
        NotImplementedError: sympy knows no way.
    """
    return _solve(equations, unknowns, real=True) or _solve(equations, unknowns, real=False)


def _solve(equations: list[str], unknowns: list[str], *, real: bool) -> list[dict[str, dict[str, str | None]]]:
    symbols = {name: sympy.Symbol(name, real=True) if real else sympy.Symbol(name) for name in unknowns}
    differences = []
    for equation in equations:
        sides = [_expression(side, symbols) for side in parse_equation(equation)]
        differences.append(sides[0] - sides[1] if len(sides) == 2 else sides[0])
    if all(sympy.simplify(difference) == 0 for difference in differences):
        return [{}]
    # one equation with several letters is solved for x, y or z, as people mean it
    wanted = [next((name for name in "xyz" if name in symbols), unknowns[0])] if len(equations) == 1 else unknowns
    system = differences[0] if len(equations) == 1 else differences
    found = sympy.solve(system, [symbols[name] for name in wanted], dict=True)
    return [{str(symbol): _told(value) for symbol, value in solution.items()} for solution in found[:_MOST_SOLUTIONS]]


def _told(value: Any) -> dict[str, str | None]:
    exact = str(value)
    decimal = None if value.free_symbols else str(sympy.N(value, 15, chop=True))
    if decimal is not None and "." in decimal and "I" not in decimal and "e" not in decimal:
        decimal = decimal.rstrip("0").rstrip(".")
    return {"exact": exact if len(exact) <= _LONGEST else str(decimal), "decimal": decimal}


def _expression(formula: Formula, symbols: dict[str, Any]) -> Any:
    if isinstance(formula, Number):
        return sympy.Rational(formula.text)
    if isinstance(formula, Name):
        return {"pi": sympy.pi, "e": sympy.E}.get(formula.name) or symbols[formula.name]
    operands = [_expression(operand, symbols) for operand in formula.operands]
    return _BUILDERS[formula.sign](*operands)


_BUILDERS: dict[str, Any] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "^": lambda left, right: left**right,
    "mod": sympy.Mod,
    "neg": lambda value: -value,
    "percent": lambda value: value / 100,
    "!": sympy.factorial,
    "ln": sympy.log,
    "log": lambda value: sympy.log(value, 10),
    "ceil": sympy.ceiling,
    "round": lambda value: sympy.floor(value + sympy.Rational(1, 2)),
    "abs": sympy.Abs,
    "min": sympy.Min,
    "max": sympy.Max,
    **{name: getattr(sympy, name) for name in ("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan", "floor")},
}


def _limit_memory() -> None:
    """Bound the address space, where the system can (not on Windows; the time limit holds there too)."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
