"""Formulas as people type them, read into a tree: "2(3+4)^2", "15% * 240", "sqrt(x) = 3". Evaluates nothing.

The parser is what stands between words and arithmetic: no text is ever run as code, and a formula's length and depth are
bounded.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

from runtimes.errors import InputError

LONGEST = 500
"""Characters of a formula."""
_DEEPEST = 60
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+(?![\w.]))?)|(?P<name>[A-Za-z_]+\d*|π)|(?P<sign>\*\*|[-+*/^%!(),=√]))",
    re.ASCII,
)
_SAME = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "²": "^2", "³": "^3", "{": "(", "}": ")", "[": "(", "]": ")"}
)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])", re.ASCII)
FUNCTIONS = frozenset(
    {"sqrt", "abs", "exp", "ln", "log", "sin", "cos", "tan", "asin", "acos", "atan", "floor", "ceil", "round", "min", "max"}
)
CONSTANTS = frozenset({"pi", "e"})


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    text: str


@dataclass(frozen=True)
class Name:
    """A constant or an unknown."""

    name: str


@dataclass(frozen=True)
class Operation:
    """`+ - * / ^ mod` of two; `neg percent !` of one; or a function of `FUNCTIONS`."""

    sign: str
    operands: tuple[Formula, ...]


Formula: TypeAlias = "Number | Name | Operation"


def parse_formula(text: str) -> Formula:
    """The tree of a formula.

    Raises:
        InputError: it is none, or too long; the message quotes the place.
    """
    sides = parse_equation(text)
    if len(sides) != 1:
        raise InputError(f"{text!r} is an equation; a calculation has no equals sign in its middle.")
    return sides[0]


def parse_equation(text: str) -> tuple[Formula, ...]:
    """The two sides of an equation, or the one of a formula without an equals sign. Raises as `parse_formula`."""
    if len(text) > LONGEST:
        raise InputError(f"A formula of {len(text)} characters; the most is {LONGEST}.")
    parser = _Parser(text)
    sides = [parser.sum()]
    while parser.take("="):
        if parser.ended:  # "2+3=" asks for the sum
            break
        sides.append(parser.sum())
    if not parser.ended or len(sides) > 2:
        raise parser.fault()
    return tuple(sides)


def names(formula: Formula) -> frozenset[str]:
    """Its unknowns."""
    if isinstance(formula, Name):
        return frozenset() if formula.name in CONSTANTS else frozenset({formula.name})
    if isinstance(formula, Number):
        return frozenset()
    return frozenset().union(*map(names, formula.operands))


class _Parser:
    def __init__(self, text: str) -> None:
        plain = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
        plain = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), plain)
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._depth = 0
        place = 0
        plain = plain.rstrip(" \t\n?。.")
        while place < len(plain):
            found = _TOKEN.match(plain, place)
            if found is None:
                raise InputError(f"{plain[place : place + 20]!r} in {text!r} is nothing that can be calculated.")
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()

    @property
    def ended(self) -> bool:
        return self._at == len(self._tokens)

    def _sign(self) -> str:
        return self._tokens[self._at][1] if not self.ended else ""

    def _starts_operand(self) -> bool:
        return not self.ended and (self._tokens[self._at][0] != "sign" or self._sign() in ("(", "√"))

    def take(self, *signs: str) -> str | None:
        """The next token, consumed, where it is one of `signs`."""
        if not self.ended and self._tokens[self._at][0] == "sign" and self._sign() in signs:
            self._at += 1
            return self._tokens[self._at - 1][1]
        return None

    def fault(self) -> InputError:
        """What is wrong at this place."""
        where = f"at {self._sign()!r}" if not self.ended else "at its end"
        return InputError(f"{self._text!r} cannot be read as a formula {where}.")

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InputError(f"{self._text[:40]!r}... holds more than {_DEEPEST} brackets, powers or roots in one another.")

    def sum(self) -> Formula:
        """The whole of what stands between brackets, commas and equals signs."""
        self._deepen()
        left = self._product()
        while sign := self.take("+", "-"):
            right = self._product()
            if isinstance(right, Operation) and right.sign == "percent":  # 200 + 10% is 220
                right = Operation("*", (left, right))
            left = Operation(sign, (left, right))
        self._depth -= 1
        return left

    def _product(self) -> Formula:
        left = self._signed()
        while not self.ended:
            if sign := self.take("*", "/", "%"):
                left = Operation("mod" if sign == "%" else sign, (left, self._signed()))
            elif self._starts_operand() and self._tokens[self._at][0] != "number":  # 2(3+4), 3x
                left = Operation("*", (left, self._power()))
            else:
                break
        return left

    def _signed(self) -> Formula:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return Operation("neg", (value,)) if negative else value

    def _power(self) -> Formula:
        base = self._postfix()
        if self.take("^", "**"):
            self._deepen()
            base = Operation("^", (base, self._signed()))
            self._depth -= 1
        return base

    def _postfix(self) -> Formula:
        value = self._atom()
        while not self.ended:
            if self.take("!"):
                self._deepen()
                value = Operation("!", (value,))
            elif self._sign() == "%" and not self._operand_follows():
                self._at += 1
                value = Operation("percent", (value,))
            else:
                break
        return value

    def _operand_follows(self) -> bool:
        """After the sign here stands a number, a name or a bracket: `10 % 3` is a remainder, `10% * 3` a share."""
        following = self._tokens[self._at + 1 : self._at + 2]
        return bool(following) and (following[0][0] != "sign" or following[0][1] in ("(", "√"))

    def _atom(self) -> Formula:
        if self.ended:
            raise self.fault()
        if self.take("("):
            value = self.sum()
            if not self.take(")"):
                raise self.fault()
            return value
        if self.take("√"):
            self._deepen()
            return Operation("sqrt", (self._postfix(),))
        kind, word = self._tokens[self._at]
        if kind == "sign":
            raise self.fault()
        self._at += 1
        if kind == "number":
            return Number(word)
        if word.lower() in FUNCTIONS:
            return Operation(word.lower(), self._arguments())
        return Name("pi" if word in ("π", "PI", "Pi") else word)

    def _arguments(self) -> tuple[Formula, ...]:
        if not self.take("("):
            self._deepen()
            return (self._power(),)  # sqrt 9, sin x^2
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        if not self.take(")"):
            raise self.fault()
        return tuple(found)
