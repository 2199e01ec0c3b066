"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(smol_gguf: Path) -> dict[str, str]:
    """The models folder in which `make test` has the default model."""
    assert smol_gguf.is_file()
    return {**os.environ, "EDGE_LLM_HOME": os.environ["EDGE_LLM_TEST_HOME"]}


def run(words: list[str], environment: dict[str, str], folder: Path, typed: str = "") -> str:
    done = subprocess.run(words, input=typed, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def blocks(language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(README) if kind == language]


def test_the_python_example(environment: dict[str, str], tmp_path: Path) -> None:
    [code] = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "The capital of Japan is Tokyo.\n"


def test_the_session(environment: dict[str, str], tmp_path: Path) -> None:
    [session] = [body for body in blocks("") if "$ edge-llm" in body]
    for turn in session.removeprefix("$ ").split("\n\n$ "):
        command, *shown = turn.strip().splitlines()
        asked = "".join(f"{line[2:]}\n" for line in shown if line.startswith("> "))
        answer = " ".join(line for line in shown if not line.startswith("> "))
        words = [sys.executable, "-m", *shlex.split(command.replace("edge-llm", "edge_llm", 1))]
        assert run(words, environment, tmp_path, asked).split() == answer.split()


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
