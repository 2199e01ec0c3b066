"""The Kotlin library on this machine's JVM, through the AAR's own classes and JNI library: its tests, and Python's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from library import LIBRARY, Jars, public_api, run_on_host
from toolchain import Toolchain

from edge_llm import Message
from edge_llm.actions.manifest import action_document
from edge_llm.model import load
from edge_llm.phone import phone_actions
from runtimes.bundle import Bundle
from tests.golden import write

GOLDEN = Path(write.__file__).parent
# Prompts on which the model is decided: at each of the first 16 tokens the likeliest leads by at least 0.3 in its logit.
# This onnxruntime is another release than the AAR's, and its kernels differ in the last bits.
PROMPTS = (
    "What is the capital of Germany?",
    "What is the capital of Russia?",
    "What is the capital of Japan?",
    "What is 10 divided by 2?",
    "Good morning!",
    "What is gravity?",
    "What is the capital of Egypt?",
    "Who was the first president of the United States?",
    "What is the opposite of hot?",
    "What is the tallest mountain in the world?",
)
TOKENS = 16


def junit(tools: Toolchain, jars: Jars, classes: list[str], *, steady: bool = False, **properties: str) -> str:
    names = {"edgellm." + name: value for name, value in properties.items()}
    words = [f"dev.edgellm.{name}" for name in classes]
    return run_on_host(tools, jars, "org.junit.runner.JUnitCore", words, properties=names, steady=steady)


def test_goldens_and_units(tools: Toolchain, jars: Jars, phones: dict[int, Path], delivered: Path, tmp_path: Path) -> None:
    vocabulary = phones[8] / "tokenizer.json"
    ids = tmp_path / "ids.json"
    ids.write_text(json.dumps(write.tokenizer_golden(vocabulary, 5000, seed=2)), encoding="utf-8")
    classes = sorted(path.stem for path in (LIBRARY / "test").rglob("*Test.kt") if path.stem != "EngineTest")
    standard = tmp_path / "standard.json"
    standard.write_text(json.dumps([action_document(action) for action in phone_actions()]), encoding="utf-8")
    places = {
        "standard": standard,
        "golden": GOLDEN,
        "tokenizer": vocabulary,
        "ids": ids,
        "model": phones[8],
        "storage": delivered,
    }
    output = junit(tools, jars, classes, **{name: str(path) for name, path in places.items()})
    assert "OK (" in output


@pytest.mark.parametrize("bits", [4, 8])
def test_the_engine_runs_the_export(tools: Toolchain, jars: Jars, phones: dict[int, Path], bits: int) -> None:
    assert "OK (" in junit(tools, jars, ["EngineTest"], steady=True, model=str(phones[bits]))


def test_answers_are_pythons(tools: Toolchain, jars: Jars, phones: dict[int, Path], bundles: dict[int, Bundle]) -> None:
    output = run_on_host(tools, jars, "dev.edgellm.AnswersKt", [str(phones[8]), str(TOKENS), *PROMPTS], properties={})
    with load(bundles[8].path, runtime="onnx", exact=True) as model:
        expected = [model.chat([Message("user", prompt)], max_tokens=TOKENS).text for prompt in PROMPTS]
    assert [json.loads(line)["text"] for line in output.splitlines()] == expected


def test_the_public_api_is_the_reviewed_one(tools: Toolchain, jars: Jars) -> None:
    """After a change on purpose: python -m tests.android.write_api."""
    assert public_api(tools, jars.library) == (LIBRARY / "api.txt").read_text(encoding="utf-8")
