"""Fits edge_llm/understand/{phrase_fit,relevance}.json to BFCL's cases: of those that are measured, the even half.

    python -m tests.bench.fit_bfcl [--write]

The other half is what bench_bfcl reports as held out. Only texts that are required and free (no choices) are learned from.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge_llm.understand.generic import Function, fill
from edge_llm.understand.parameters import Parameter, parameters_of, words_of
from edge_llm.understand.phrase_fit import features
from edge_llm.understand.phrases import find_phrases
from edge_llm.understand.relevance import signs
from edge_llm.understand.written import as_written
from tests.bench.bench_bfcl import CATEGORIES, Case, Meanings, cases

FITTED = ("simple_python", "multiple")
"""Of these, the cases with an even number."""
OTHERS = ("parallel", "live_simple")
"""Of these, all: they are not measured."""
REJECTED = 0.905
"""Share of the irrelevant cases of the fitted half that the threshold turns away."""
_FOLDER = Path(__file__).parents[2] / "edge_llm" / "understand"


def is_fitted(case: Case) -> bool:
    """Whether a case is of the half that weights and thresholds are fitted to."""
    return int(re.findall(r"\d+", case.id)[-1]) % 2 == 0


def examples(meanings: Meanings) -> list[tuple[list[dict[str, float]], list[bool]]]:
    """For every free text that is required: what is seen of each run of words, and which runs are right."""
    found = []
    for category in (*FITTED, *OTHERS):
        for case in cases(category):
            if category in FITTED and not is_fitted(case):
                continue
            name = next(iter(case.answers[0]))
            document = next(one for one in case.functions if one["name"] == name)
            accepted: dict[str, list[Any]] = {}
            for answer in case.answers:
                for key, values in answer.get(name, {}).items():
                    accepted.setdefault(key, []).extend(values)
            function = Function(name, document["description"], document["parameters"])
            for parameter in parameters_of(function.schema):
                if (
                    parameter.type != "string"
                    or not parameter.required
                    or parameter.is_closed
                    or parameter.name not in accepted
                ):
                    continue
                found.append(_example(case, function, parameter, accepted[parameter.name], meanings))
    return [(seen, right) for seen, right in found if any(right) and not all(right)]


def _example(
    case: Case, function: Function, parameter: Parameter, accepted: list[Any], meanings: Meanings
) -> tuple[list[dict[str, float]], list[bool]]:
    phrases = find_phrases(case.words)
    near = meanings(f"{' '.join(words_of(parameter.name))}: {parameter.first_sentence}", [one.text for one in phrases])
    wanted = {_plain(one) for one in accepted if isinstance(one, str)}
    seen = [features(one, parameter, function.vocabulary, meaning=value) for one, value in zip(phrases, near, strict=True)]
    return seen, [_plain(as_written(one, parameter)) in wanted for one in phrases]


def _plain(text: str) -> str:
    return re.sub(r"[ ,./\-_*^]", "", text).lower().replace("'", '"')


def fitted(data: list[tuple[list[dict[str, float]], list[bool]]], *, steps: int = 400, decay: float = 0.02) -> dict[str, float]:
    """Weights that make the right runs likely among all runs of their request (a softmax over each request, Adam)."""
    names = sorted({name for seen, _ in data for one in seen for name in one})
    place = {name: number for number, name in enumerate(names)}
    groups = []
    for seen, right in data:
        rows = np.zeros((len(seen), len(names)))
        for number, one in enumerate(seen):
            for name, value in one.items():
                rows[number, place[name]] = value
        groups.append((rows, np.array(right)))
    weights, first, second = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for step in range(1, steps + 1):
        slope = decay * weights
        for rows, right in groups:
            scores = rows @ weights
            whole = np.exp(scores - scores.max())
            whole /= whole.sum()
            good = whole * right
            slope += rows.T @ (whole - good / good.sum()) / len(groups) * 10
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights -= 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}


def fitted_relevance(meanings: Meanings, *, steps: int = 4000, decay: float = 0.002) -> dict[str, Any]:
    """Weights of a logistic regression that tells the function that is asked for from the others, and the threshold that turns
    `REJECTED` of the irrelevant cases away; all on the fitted half."""
    seen: list[dict[str, float]] = []
    meant: list[bool] = []
    irrelevant: list[bool] = []
    for category in CATEGORIES:
        for case in filter(is_fitted, cases(category)):
            for document in case.functions:
                function = Function(document["name"], document["description"], document["parameters"])
                seen.append(signs(function, case.words, fill(function, case.words, meanings=meanings), meanings=meanings))
                meant.append(bool(case.answers) and document["name"] == next(iter(case.answers[0])))
                irrelevant.append(category == "irrelevance")
    names = sorted({name for one in seen for name in one})
    rows = np.array([[one.get(name, 0.0) for name in names] for one in seen])
    wanted, weights = np.array(meant, float), np.zeros(len(names))
    for _ in range(steps):
        chances = 1 / (1 + np.exp(-rows @ weights))
        weights -= rows.T @ (chances - wanted) / len(wanted) + decay * weights
    threshold = float(np.quantile((1 / (1 + np.exp(-rows @ weights)))[irrelevant], REJECTED))
    known = {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}
    return {"threshold": round(threshold, 3), "weights": known}


def main() -> None:
    """Fit, say how often the best run is right, and write the weights where asked."""
    meanings = Meanings()
    data = examples(meanings)
    weights = fitted(data)
    hits = [right[max(range(len(seen)), key=lambda n: sum(weights[k] * v for k, v in seen[n].items()))] for seen, right in data]
    print(f"{len(data)} texts, the best run is right in {sum(hits) / len(hits):.3f}")
    relevance = fitted_relevance(meanings)
    print(f"threshold {relevance['threshold']}")
    if "--write" in sys.argv:
        for name, document in (("phrase_fit", weights), ("relevance", relevance)):
            (_FOLDER / f"{name}.json").write_text(json.dumps(document, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
