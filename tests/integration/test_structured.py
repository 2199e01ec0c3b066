"""Structured answers by the default model, on every runtime, and what docs/structured.md shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

import edge_llm
from edge_llm import Constraint, Home, Message, Model

RUNTIMES = ("onnx", "llamacpp")
PAGE = Path(__file__).parents[2] / "docs" / "structured.md"
SHOWN = re.compile(r"^```python\n(.*?)^```\n\n^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BOB = [Message("user", "Write down who this is about, as JSON: Bob is 42 years old and lives in Oslo.")]


class Person(BaseModel):
    name: str = Field(max_length=20)
    age: int | None = None
    city: str = Field("unknown", max_length=20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", params=RUNTIMES)
def model(request: pytest.FixtureRequest, smol_gguf: Path, home: Home) -> Iterator[Model]:
    with edge_llm.load(smol_gguf, runtime=request.param, threads=1, context_length=512, home=home) as model:
        yield model


def test_the_value_of_a_pydantic_model(model: Model) -> None:
    result = model.chat(BOB, schema=Person)
    assert result.value == Person(name="Bob", age=42, city="Oslo")
    assert json.dumps(json.loads(result.text)) == result.text
    assert result.usage.forced_tokens > 5
    assert tuple(model.tokenizer.encode(result.text)) == result.token_ids  # as the model's own tokenizer cuts it


def test_probabilities_and_drafts_change_no_token(model: Model) -> None:
    constraint = Constraint.json_schema(Person)
    plain = model.chat(BOB, constraint=constraint)
    shown = model.chat(BOB, constraint=constraint, logprobs=2)
    assert shown.token_ids == plain.token_ids
    assert all(its.logprob <= its.allowed_logprob + 1e-5 for its in shown.logprobs)


def test_scores_are_the_logprobs_of_an_answer(model: Model) -> None:
    answer = model.generate("The capital of Japan is", max_tokens=3, logprobs=1)
    given, other = model.score("The capital of Japan is", [answer.text, " New York"])
    assert given.tokens == answer.token_ids
    assert given.logprobs == pytest.approx([its.logprob for its in answer.logprobs], abs=0.15)  # rounding of longer feeds
    assert given.logprobs[0] > other.logprob_total


def test_reasoning_is_free_and_the_answer_is_not(model: Model) -> None:
    question = [Message("user", "What is the capital of Japan?")]
    result = model.chat(question, constraint=Constraint.choices(["Osaka", "Tokyo"]), reason_first=30)
    assert result.text == "Tokyo"
    assert "Tokyo" in (result.reasoning or "")


@pytest.mark.parametrize("place", range(4))
def test_the_examples_of_the_page(place: int, smol_gguf: Path, tmp_path: Path) -> None:
    code, shown = SHOWN.findall(PAGE.read_text(encoding="utf-8"))[place]
    environment = {**os.environ, "EDGE_LLM_HOME": os.environ["EDGE_LLM_TEST_HOME"]}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.stdout == shown, ran.stderr
