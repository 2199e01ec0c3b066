"""Single calls of the Berkeley Function-Calling Leaderboard, by the assistant's extraction and by the same model prompted plainly.

    python -m tests.bench.bench_bfcl [--sample N] [--only ours|plain]

Needs `bfcl-eval` (`pip install --no-deps bfcl-eval`): its data and its own AST checker. The default model must be in
EDGE_LLM_TEST_HOME.
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
    "You can call these functions:\n{functions}\n\nIf one of them answers the request, reply with that call only, as JSON: "
    '{{"name": "<function>", "arguments": {{"<argument>": <value>}}}}. If none does, reply: none'
)


class Plain:
    """The model prompted as function-calling models are: the functions as JSON, the answer as JSON, read leniently."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, case: Case) -> dict[str, Any] | None:
        from edge_llm import Message

        functions = "\n".join(json.dumps(function) for function in case.functions)
        prompt = [Message("system", _PLAIN.format(functions=functions)), Message("user", case.words)]
        answer = self._model.chat(prompt, max_tokens=160, stop=["\n\n"]).text
        return read_leniently(answer, {function["name"]: function["parameters"] for function in case.functions})


def read_leniently(answer: str, known: dict[str, Any]) -> dict[str, Any] | None:
    """The call in an answer: the first JSON object in it, whatever stands around it and whichever of the usual keys it has; a
    bare object of arguments counts where there is one function, and so does an object that was cut short."""
    start = answer.find("{")
    if start < 0:
        return None
    document: Any = None
    for ending in ("", "}", '"}', "}}", '"}}', "]}", "]}}"):
        try:
            document, _ = json.JSONDecoder().raw_decode((answer[start:] + ending).replace("'", '"') if ending == "}" else answer[start:] + ending)
            break
        except json.JSONDecodeError:
            continue
    if not isinstance(document, dict):
        return None
    if "function" in document and isinstance(document["function"], dict):
        document = document["function"]
    name = next((document[key] for key in ("name", "function", "function_name", "tool") if isinstance(document.get(key), str)), None)
    arguments = next((document[key] for key in ("arguments", "parameters", "args", "input") if isinstance(document.get(key), dict)), None)
    if arguments is None and name is None:
        (key, value) = next(iter(document.items()), ("", None))
        name, arguments = (key, value) if key in known and isinstance(value, dict) else (next(iter(known)), document)
    if arguments is None:
        arguments = {key: value for key, value in document.items() if key not in ("name", "function", "function_name", "tool")}
    if set(arguments) & {"properties"} and isinstance(arguments["properties"], dict):
        arguments = arguments["properties"]
    return {name if name in known or len(known) > 1 else next(iter(known)): arguments} if name else {next(iter(known)): arguments}
