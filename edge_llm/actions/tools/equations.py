"""Equations, solved by sympy in a process of its own: it may take any time and memory, and is ended when it takes too much."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

from edge_llm.actions.tools.formula import names, parse_equation
from runtimes.errors import InputError, RuntimeFailedError, RuntimeUnavailableError

TIME_LIMIT_S = 10.0
"""Seconds for one request, the start of the process among them."""
_MOST = 8
"""Equations, and unknowns."""


def solve_equation(expression: str) -> dict[str, Any]:
    """The unknowns of one equation or several.

    Args:
        expression: "x^2 - 5x + 6 = 0"; several are separated by semicolons or line ends, or by commas and "and" where each has
            an equals sign. A side that is missing is 0.

    Returns:
        {"unknowns", "solutions"}: the real solutions, or else the complex (written with I), each {unknown: {"exact": "sqrt(2)",
        "decimal": "1.4142135623731"}}; a decimal is None where the solution still holds an unknown. No solution: an empty list.
        Every value solves it: [{}].

    Raises:
        InputError: it cannot be read, holds no unknown, or is not solved within the limits.
        RuntimeUnavailableError: sympy is not installed.
    """
    return solve_within(expression, TIME_LIMIT_S)


def solve_within(expression: str, time_limit_s: float) -> dict[str, Any]:
    """As `solve_equation`, within so many seconds."""
    parts = _parts(expression)
    if not 0 < len(parts) <= _MOST:
        raise InputError(f"{len(parts)} equations; one to {_MOST} are solved at a time.")
    unknowns = sorted(frozenset().union(*(names(side) for part in parts for side in parse_equation(part))))
    if not 0 < len(unknowns) <= _MOST:
        raise InputError(f"{expression!r} has {len(unknowns) or 'no'} unknowns; one to {_MOST} are solved for.")
    if find_spec("sympy") is None:
        raise RuntimeUnavailableError(
            'Solving equations needs sympy, which is not installed: pip install "edge-llm[assistant]".'
        )
    return {"unknowns": unknowns, "solutions": _solved_by_child(expression, parts, unknowns, time_limit_s)}


def _parts(expression: str) -> list[str]:
    parts = [part.strip() for part in re.split(r"[;；\n]", expression) if part.strip()]
    looser = [part.strip() for part in re.split(r"[;；\n,，、]|\band\b|且|和", expression) if part.strip()]
    return looser if all("=" in part for part in looser) else parts  # min(x, 2) = 1 is one equation


def _solved_by_child(expression: str, parts: list[str], unknowns: list[str], time_limit_s: float) -> list[Any]:
    question = json.dumps({"equations": parts, "unknowns": unknowns})
    command = [sys.executable, "-c", "from edge_llm.actions.tools.equations_child import main; main()"]
    try:
        done = subprocess.run(  # noqa: S603 - the command is this file's own
            command, input=question, capture_output=True, text=True, encoding="utf-8", timeout=time_limit_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{expression!r} was not solved within {time_limit_s:g} seconds.") from error
    except OSError as error:
        raise RuntimeFailedError(f"The process that solves equations did not start: {error.strerror}.") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise InputError(f"{expression!r} was not solved: it needs more memory than it may have, or sympy failed.") from error
    if "fault" in answer:
        raise InputError(f"{expression!r} was not solved: {answer['fault']}.")
    solutions: list[Any] = answer["solutions"]
    return solutions
