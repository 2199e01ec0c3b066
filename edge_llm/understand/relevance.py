"""Whether a function is what a request asks for: nearness in meaning, shared words, and whether its arguments are there.

The weights are data (relevance.json), made by `python -m tests.bench.fit_bfcl`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from edge_llm.understand.generic import Filled, Function, Meanings, fill
from edge_llm.understand.parameters import FUNCTION_WORDS, parameters_of, stem, words_of

if TYPE_CHECKING:
    from edge_llm.model import Model

_EMPTY = FUNCTION_WORDS | frozenset(
    """
    based between calculate certain compute determine do does find function get give i information many me much
    my need please provide retrieve return show tell using you
    """.split()  # noqa: SIM905
)
_EMPTY_STEMS = frozenset(stem(word) for word in _EMPTY)


@dataclass(frozen=True)
class Choice:
    """A function with its arguments, or none."""

    function: Function | None
    filled: Filled | None
    probability: float
    """That the function is what was asked for."""


def choose(
    functions: Sequence[Function], words: str, *, meanings: Meanings | None = None, model: Model | None = None
) -> Choice:
    """The function that a request asks for, with its arguments; none where no function is likely enough to be meant.

    Args:
        meanings: see `generic.fill`. Without it the choice goes by words alone and is worse.
        model: see `generic.fill`; it is asked for the chosen function only.

    Raises:
        RuntimeFailedError: while the model runs.
    """
    best = Choice(None, None, 0.0)
    for function in functions:
        filled = fill(function, words, meanings=meanings)
        probability = likelihood(signs(function, words, filled, meanings=meanings))
        if probability > best.probability:
            best = Choice(function, filled, probability)
    if best.function is None or best.probability < _fitted()["threshold"]:
        return Choice(None, None, best.probability)
    if model is None:
        return best
    return Choice(best.function, fill(best.function, words, meanings=meanings, model=model), best.probability)


def signs(function: Function, words: str, filled: Filled, *, meanings: Meanings | None = None) -> dict[str, float]:
    """What is seen of a request and a function."""
    parameters = parameters_of(function.schema)
    required = [one for one in parameters if one.required]
    said = {stem(word) for word in words_of(words)} - _EMPTY_STEMS
    name = {stem(word) for word in words_of(function.name)} - _EMPTY_STEMS
    described = ({stem(word) for word in words_of(function.description)} | name) - _EMPTY_STEMS
    of_parameters = {word for one in required for word in one.name_words} - _EMPTY_STEMS
    plain_name = " ".join(words_of(function.name))
    near = (
        meanings(words, [function.description, plain_name, f"{plain_name}: {function.description}"]) if meanings else (0.0,) * 3
    )
    seen = {
        "bias": 1.0,
        "meaning of the description": near[0],
        "meaning of the name": near[1],
        "meaning of both": near[2],
        "words of the name": len(name & said) / max(1, len(name)),
        "words of the description": len(described & said) / max(1, len(described)),
        "request in the description": len(described & said) / max(1, len(said)),
        "words of the arguments": len(of_parameters & said) / max(1, len(of_parameters)),
        "no word of the name": float(not name & said),
        "missing": len(filled.missing) / max(1, len(required)),
        "something missing": float(bool(filled.missing)),
        "found": min(filled.found, 4) / 4,
        "nothing found": float(filled.found == 0),
        "numbers wanted": float(sum(one.type in ("integer", "number") for one in required) > 0),
    }
    return {name: value for name, value in seen.items() if value}


def likelihood(seen: Mapping[str, float]) -> float:
    """The probability that the function is meant."""
    weights = _fitted()["weights"]
    return 1 / (1 + math.exp(-sum(weights.get(name, 0.0) * value for name, value in seen.items())))


@lru_cache(maxsize=1)
def _fitted() -> Mapping[str, Any]:
    document: dict[str, Any] = json.loads((files("edge_llm") / "understand" / "relevance.json").read_text(encoding="utf-8"))
    return document
