"""The calculator: decimal arithmetic, so that 0.1 + 0.2 is 0.3. Knows numbers only; unknowns are equations.py's."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any

from edge_llm.actions.tools.formula import Formula, Name, Number, parse_formula
from runtimes.errors import InputError

_DIGITS = 15
"""Significant digits of a result; twice as many are carried."""
_CONTEXT = Context(
    prec=34, Emax=10_000, Emin=-10_000, traps=[decimal.Overflow, decimal.InvalidOperation, decimal.DivisionByZero]
)
_LARGEST_FACTORIAL = 1_000
_PI = Decimal("3.141592653589793238462643383279503")


def calculate(expression: str) -> dict[str, Any]:
    """The value of an arithmetic expression.

    Args:
        expression: + - * / ^ % ! and brackets, the functions of formula.py, pi and e.

    Returns:
        {"expression", "result"}: the result a decimal number as text, rounded to 15 significant digits.

    Raises:
        InputError: it cannot be read, has no value (1/0), or one that is too large.
    """
    tree = parse_formula(expression)
    try:
        value = _value(tree)
    except (decimal.DivisionByZero, decimal.InvalidOperation, ValueError) as error:
        raise InputError(f"{expression!r} has no value: it divides by zero or leaves the real numbers.") from error
    except (decimal.Overflow, OverflowError) as error:
        raise InputError(f"{expression!r} is too large a number to work out.") from error
    return {"expression": expression, "result": number_text(value)}


def number_text(value: Decimal) -> str:
    """A number for people: 15 significant digits, no trailing zeros, an exponent only where figures would be very long."""
    rounded = Context(prec=_DIGITS).plus(value).normalize(_CONTEXT)
    if not rounded:
        return "0"
    return f"{rounded:f}" if -10 <= rounded.adjusted() < 21 else str(rounded).replace("E+", "e").replace("E", "e")


def _value(formula: Formula) -> Decimal:
    if isinstance(formula, Number):
        return _CONTEXT.create_decimal(formula.text)
    if isinstance(formula, Name):
        if formula.name == "pi":
            return _PI
        if formula.name == "e":
            return _CONTEXT.exp(Decimal(1))
        raise InputError(f"{formula.name!r} is no number; what it stands for is missing.")
    operands = tuple(map(_value, formula.operands))
    if formula.sign in ("min", "max"):
        return min(operands) if formula.sign == "min" else max(operands)
    function = _FUNCTIONS[formula.sign]
    wanted = 2 if formula.sign in _BINARY else 1
    if len(operands) != wanted:
        raise InputError(f"{formula.sign} takes {wanted} number{'s' if wanted > 1 else ''}, not {len(operands)}.")
    return function(*operands)


def _factorial(value: Decimal) -> Decimal:
    if value != value.to_integral_value() or not 0 <= value <= _LARGEST_FACTORIAL:
        raise InputError(
            f"The factorial of {number_text(value)} is not worked out: whole numbers up to {_LARGEST_FACTORIAL} are."
        )
    return _CONTEXT.create_decimal(math.factorial(int(value)))


def _modulo(value: Decimal, by: Decimal) -> Decimal:
    """The remainder with the divisor's sign, as mathematics has it."""
    rest = _CONTEXT.remainder(value, by)
    return rest + by if rest and (rest < 0) != (by < 0) else rest


def _by_float(function: Callable[[float], float]) -> Callable[[Decimal], Decimal]:
    def through_float(value: Decimal) -> Decimal:
        result = Decimal(function(float(value)))
        # sin(pi) is 1.2e-16 in floats: what is below their resolution is nothing
        return result if abs(result) > Decimal("1e-15") else Decimal(0)

    return through_float


_BINARY: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _CONTEXT.add,
    "-": _CONTEXT.subtract,
    "*": _CONTEXT.multiply,
    "/": _CONTEXT.divide,
    "^": _CONTEXT.power,
    "mod": _modulo,
}
_UNARY: Mapping[str, Callable[[Decimal], Decimal]] = {
    "neg": _CONTEXT.minus,
    "percent": lambda value: _CONTEXT.divide(value, Decimal(100)),
    "!": _factorial,
    "sqrt": _CONTEXT.sqrt,
    "abs": _CONTEXT.abs,
    "exp": _CONTEXT.exp,
    "ln": _CONTEXT.ln,
    "log": _CONTEXT.log10,
    "floor": lambda value: value.to_integral_value(ROUND_FLOOR),
    "ceil": lambda value: value.to_integral_value(ROUND_CEILING),
    "round": lambda value: value.to_integral_value(ROUND_HALF_UP),
    "sin": _by_float(math.sin),
    "cos": _by_float(math.cos),
    "tan": _by_float(math.tan),
    "asin": _by_float(math.asin),
    "acos": _by_float(math.acos),
    "atan": _by_float(math.atan),
}
_FUNCTIONS: Mapping[str, Callable[..., Decimal]] = {**_BINARY, **_UNARY}
