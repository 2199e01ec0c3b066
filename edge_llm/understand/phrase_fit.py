"""How well a run of words fits an argument: what is seen of both, and weights that were fitted to seen calls.

The weights are data (phrase_fit.json), made by `python -m tests.bench.fit_bfcl` from the half of BFCL's cases that it names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from edge_llm.understand.parameters import Parameter, stem
from edge_llm.understand.phrases import Phrase

_PLACE_LEADS = frozenset({"in", "at", "near", "around", "for", "of", "from", "to", "within", "on"})
_LEADS = (
    "in",
    "for",
    "of",
    "about",
    "from",
    "to",
    "on",
    "by",
    "with",
    "at",
    "near",
    "between",
    "like",
    "using",
    "named",
    "called",
)
_IDS = frozenset(["id", "number", "code", "zip", "symbol", "ticker"])
_SOURCE, _TARGET = (
    frozenset(["from", "origin", "source", "start", "base", "departure"]),
    frozenset(["to", "destination", "target", "end", "arrival"]),
)


def features(phrase: Phrase, parameter: Parameter, vocabulary: frozenset[str], *, meaning: float = 0.0) -> dict[str, float]:
    """What is seen of a run of words and an argument.

    Args:
        vocabulary: stems of the words that name and describe the function: they say what is asked, and are seldom a value.
        meaning: the cosine between the run and the argument's description, where an encoder is at hand.
    """
    kind, names = parameter.kind, set(parameter.name_words)
    own = phrase.stems
    near = set(phrase.before[:2]) | set(phrase.after[:1])
    text = parameter.kind == "text"
    seen: dict[str, float] = {
        f"shape:{phrase.shape}": 1.0,
        f"{kind}:{phrase.shape}": 1.0,
        f"lead:{phrase.lead or 'none'}": 1.0 if phrase.lead in (*_LEADS, "") else 0.0,
        "place lead": float(kind == "place" and phrase.lead in _PLACE_LEADS),
        "place in": float(kind == "place" and phrase.lead in ("in", "near", "at")),
        "name before": float(bool(names & set(phrase.before[:2]))),
        "name after": float(bool(names & set(phrase.after[:1]))),
        "description near": len(parameter.description_words & near) / 2,
        "name inside": float(bool(names & own)),
        "description inside": len(parameter.description_words & own) / max(1, len(own)),
        "vocabulary": len(vocabulary & own) / max(1, len(own)),
        "some vocabulary": float(bool(vocabulary & own)),
        "vocabulary at the end": float(bool(phrase.text) and stem(phrase.text.split()[-1].lower()) in vocabulary),
        "whole": float(phrase.is_whole),
        "whole name": float(phrase.is_whole and phrase.shape == "name"),
        "text whole": float(text and phrase.is_whole),
        "words": min(len(phrase.text.split()), 6) / 3,
        "one word": float(len(phrase.text.split()) == 1),
        "first": float(phrase.start == 0),
        "place of phrase": min(phrase.start, 120) / 120,
        "digits": float(any(character.isdigit() for character in phrase.text)),
        "short": float(len(phrase.text) < 3),
        "source": float(bool(names & _SOURCE) and phrase.lead == "from"),
        "target": float(bool(names & _TARGET) and phrase.lead == "to"),
        "source but to": float(bool(names & _SOURCE) and phrase.lead == "to"),
        "target but from": float(bool(names & _TARGET) and phrase.lead == "from"),
        "meaning": meaning,
        "text meaning": meaning if text else 0.0,
        "phrase meaning": meaning if phrase.shape == "phrase" else 0.0,
        "like an example": float(_looks_like_example(phrase, parameter)),
        "comma": float("," in phrase.text),
        "place comma": float(kind == "place" and "," in phrase.text),
        "city alone": float(kind == "place" and "," in phrase.text and parameter.name == "city"),
        f"{kind}:{phrase.comma} of a comma": float(bool(phrase.comma)),
        "city first": float("city" in names and phrase.comma == "first"),
        "country last": float(bool(names & {"country", "state"}) and phrase.comma == "last"),
        "id number": float(phrase.shape == "number" and bool(names & _IDS)),
        "id": float(phrase.shape == "id" and bool(names & _IDS)),
        "in a quote": float(phrase.in_quote),
        "quoted text": float(
            phrase.shape == "quoted" and bool(names & {"text", "title", "name", "sequence", "string", "message"})
        ),
        "a verb": float(phrase.shape == "phrase" and phrase.text.endswith(("ed", "ing")) and " " not in phrase.text),
        "ends a question": float(phrase.after == ()),
    }
    return {name: value for name, value in seen.items() if value}


def weighed(seen: Mapping[str, float]) -> float:
    """The score of what is seen: higher fits better. Comparable among the runs of one request."""
    weights = _weights()
    return sum(weights.get(name, 0.0) * value for name, value in seen.items())


def best(phrases: Sequence[Phrase], scores: Sequence[float]) -> int | None:
    """The place of the run with the highest score."""
    return max(range(len(phrases)), key=lambda place: scores[place], default=None)


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    text = (files("edge_llm") / "understand" / "phrase_fit.json").read_text(encoding="utf-8")
    weights: dict[str, float] = json.loads(text)
    return weights


def _looks_like_example(phrase: Phrase, parameter: Parameter) -> bool:
    """It has the form of an example in the description: "e.g. 'Boston, MA'" has two capitalised parts and a comma."""
    return any(
        _form(example) == _form(phrase.text) for example in re.findall(r"['\"‘“]([^'\"’”]{1,40})['\"’”]", parameter.description)
    )


def _form(text: str) -> str:
    return re.sub(r"a+", "a", re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d+", "0", text))))
