"""Single calls of the Berkeley Function-Calling Leaderboard, by the assistant's extraction and by the model prompted plainly.

    python -m tests.bench.bench_bfcl [--sample N] [--ways ours,code,plain,bare]

ours: choice and extraction by code, the model scoring what code finds. code: the same without the model. plain: the model
prompted with the functions, three worked examples and the request. bare: the same without examples.

"held out" are the cases with an odd number: nothing was fitted to them (fit_bfcl.py). Needs `bfcl-eval` (`pip install --no-deps
bfcl-eval`): its data and its own AST checker. The default model must be in EDGE_LLM_TEST_HOME.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import types
from dataclasses import dataclass
from importlib import resources
from time import perf_counter
from typing import Any

CATEGORIES = ("simple_python", "multiple", "irrelevance")


@dataclass(frozen=True)
class Case:
    """One question with the functions that may be called, and what BFCL accepts."""

    id: str
    words: str
    functions: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    """Empty where no function may be called."""


def cases(category: str) -> list[Case]:
    """A category of BFCL v4."""
    data = resources.files("bfcl_eval") / "data"
    answers: dict[str, list[dict[str, Any]]] = {}
    if category != "irrelevance":
        for line in (data / "possible_answer" / f"BFCL_v4_{category}.json").read_text(encoding="utf-8").splitlines():
            document = json.loads(line)
            answers[document["id"]] = document["ground_truth"]
    found = []
    for line in (data / f"BFCL_v4_{category}.json").read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        words = document["question"][0][-1]["content"]  # one turn
        found.append(Case(document["id"], words, document["function"], answers.get(document["id"], [])))
    return found


def checker() -> Any:
    """BFCL's own AST checker. It asks a table of models for one thing, whether dots in names are kept; that table imports
    every vendor's client, so an entry that says yes stands for it."""
    table = types.ModuleType("bfcl_eval.constants.model_config")
    table.MODEL_CONFIG_MAPPING = {"edge-llm": types.SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
    sys.modules.setdefault("bfcl_eval.constants.model_config", table)
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    return ast_checker


def is_right(case: Case, category: str, call: dict[str, Any] | None) -> bool:
    """Whether BFCL accepts the call, or its absence."""
    if category == "irrelevance":
        return call is None
    if call is None:
        return False
    from bfcl_eval.constants.enums import Language

    return bool(checker()(case.functions, [call], case.answers, Language.PYTHON, category, "edge-llm")["valid"])


class Meanings:
    """How near texts are to a description in meaning, by memory's default encoder. Each text is encoded once."""

    def __init__(self) -> None:
        from edge_llm.memory.embedders import open_embedder

        self._embedder = open_embedder(os.environ.get("BFCL_EMBEDDER", "use"))
        self._known: dict[str, Any] = {}

    def __call__(self, description: str, texts: Any) -> list[float]:
        wanted = [text for text in (description, *texts) if text not in self._known]
        if wanted:
            self._known.update(zip(wanted, self._embedder.embed(wanted), strict=True))
        return [float(self._known[description] @ self._known[text]) for text in texts]


_PLAIN = (
    "You call functions. Reply with one call that answers the request, as JSON, and nothing else: "
    '{"name": "<function>", "arguments": {"<argument>": <value>}}. If no function answers the request, reply: none'
)
_SHOTS = (
    (
        {
            "name": "get_weather",
            "description": "Get the weather of a city.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "city": {"type": "string", "description": "The city."},
                    "days": {"type": "integer", "description": "Days ahead."},
                },
                "required": ["city"],
            },
        },
        "How will the weather be in Paris for the next 3 days?",
        '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}',
    ),
    (
        {
            "name": "rectangle_area",
            "description": "Calculate the area of a rectangle.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "width": {"type": "integer", "description": "Width."},
                    "height": {"type": "integer", "description": "Height."},
                },
                "required": ["width", "height"],
            },
        },
        "How large is a room 4 meters wide and 6 meters high?",
        '{"name": "rectangle_area", "arguments": {"width": 4, "height": 6}}',
    ),
    (
        {
            "name": "book_flight",
            "description": "Book a flight.",
            "parameters": {
                "type": "dict",
                "properties": {"to": {"type": "string", "description": "Where to."}},
                "required": ["to"],
            },
        },
        "What is the tallest mountain of Peru?",
        "none",
    ),
)
"""Worked examples, none of them BFCL's. Without them the model answers in prose or repeats the schema."""


class Plain:
    """The model prompted as function-calling models are: the functions as JSON, the answer as JSON, read leniently.

    Args:
        shots: with three worked examples before the request.
    """

    def __init__(self, model: Any, *, shots: bool = True) -> None:
        self._model, self._shots = model, shots

    def __call__(self, case: Case) -> dict[str, Any] | None:
        from edge_llm import Message

        prompt = [Message("system", _PLAIN)]
        for function, words, answer in _SHOTS if self._shots else ():
            prompt += [Message("user", _asked([function], words)), Message("assistant", answer)]
        prompt.append(Message("user", _asked(case.functions, case.words)))
        answer = self._model.chat(prompt, max_tokens=128, stop=["\n\n"]).text
        return read_leniently(answer, {function["name"]: function["parameters"] for function in case.functions})


def _asked(functions: list[dict[str, Any]], words: str) -> str:
    return "Functions:\n" + "\n".join(map(json.dumps, functions)) + f"\n\nRequest: {words}"


def read_leniently(answer: str, known: dict[str, Any]) -> dict[str, Any] | None:
    """The call in an answer: the first JSON object in it, whatever stands around it and whichever of the usual keys it has; a
    bare object of arguments counts where there is one function, and so does an object that was cut short."""
    start = answer.find("{")
    if start < 0:
        return None
    document: Any = None
    for ending in ("", "}", '"}', "}}", '"}}', "]}", "]}}"):
        try:
            document, _ = json.JSONDecoder().raw_decode(
                (answer[start:] + ending).replace("'", '"') if ending == "}" else answer[start:] + ending
            )
            break
        except json.JSONDecodeError:
            continue
    if not isinstance(document, dict):
        return None
    if "function" in document and isinstance(document["function"], dict):
        document = document["function"]
    name = next(
        (document[key] for key in ("name", "function", "function_name", "tool") if isinstance(document.get(key), str)), None
    )
    arguments = next(
        (document[key] for key in ("arguments", "parameters", "args", "input") if isinstance(document.get(key), dict)), None
    )
    if arguments is None and name is None:
        (key, value) = next(iter(document.items()), ("", None))
        name, arguments = (key, value) if key in known and isinstance(value, dict) else (next(iter(known)), document)
    if arguments is None:
        arguments = {key: value for key, value in document.items() if key not in ("name", "function", "function_name", "tool")}
    if set(arguments) & {"properties"} and isinstance(arguments["properties"], dict):
        arguments = arguments["properties"]
    return (
        {name if name in known or len(known) > 1 else next(iter(known)): arguments} if name else {next(iter(known)): arguments}
    )


class Ours:
    """The assistant's choice and extraction.

    Args:
        model: scores what code finds; None leaves it out.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._meanings = model, Meanings()

    def __call__(self, case: Case) -> dict[str, Any] | None:
        from edge_llm.understand.generic import Function
        from edge_llm.understand.relevance import choose

        functions = [Function(one["name"], one["description"], one["parameters"]) for one in case.functions]
        choice = choose(functions, case.words, meanings=self._meanings, model=self._model)
        if choice.function is None or choice.filled is None:
            return None
        return {choice.function.name: dict(choice.filled.arguments)}


def measure(way: str, call: Any, category: str, sample: int | None) -> dict[str, Any]:
    """Accuracy by BFCL's checker over all, over the held-out half, and the median and 95th percentile of a call's time."""
    chosen = cases(category)
    if sample is not None and sample < len(chosen):
        chosen = random.Random(4).sample(chosen, sample)
    right: list[bool] = []
    held_out: list[bool] = []
    silent: list[bool] = []
    times: list[float] = []
    for case in chosen:
        began = perf_counter()
        made = call(case)
        times.append(perf_counter() - began)
        right.append(is_right(case, category, made))
        silent.append(made is None)
        if int(re.findall(r"\d+", case.id)[-1]) % 2:
            held_out.append(right[-1])
    times.sort()
    return {
        "way": way,
        "category": category,
        "cases": len(chosen),
        "accuracy": round(sum(right) / len(right), 4),
        "held_out": round(sum(held_out) / max(1, len(held_out)), 4),
        "wrong_calls": round(sum(not one and not no for one, no in zip(right, silent, strict=True)) / len(right), 4),
        "p50_ms": round(1000 * times[len(times) // 2]),
        "p95_ms": round(1000 * times[int(0.95 * (len(times) - 1))]),
    }


def main() -> int:
    """Measure, print one JSON line each, and return 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=None, help="cases of a category; all where it is not given")
    parser.add_argument("--ways", default="ours,plain")
    arguments = parser.parse_args()
    if home := os.environ.get("EDGE_LLM_TEST_HOME"):
        os.environ["EDGE_LLM_HOME"] = home
    import edge_llm

    model = edge_llm.load(runtime="onnx")
    made = {
        "ours": lambda: Ours(model),
        "code": lambda: Ours(None),
        "plain": lambda: Plain(model),
        "bare": lambda: Plain(model, shots=False),
    }
    figures = {}
    for way in arguments.ways.split(","):
        call = made[way]()
        for category in CATEGORIES:
            figures[way, category] = measure(way, call, category, arguments.sample)
            print(json.dumps(figures[way, category]), flush=True)
    met = True
    if "ours" in arguments.ways:
        simple = figures["ours", "simple_python"]["accuracy"]
        met = simple >= 0.60 and figures["ours", "irrelevance"]["accuracy"] >= 0.90
        if ("plain", "simple_python") in figures:
            met = met and simple >= 3 * figures["plain", "simple_python"]["accuracy"]
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
