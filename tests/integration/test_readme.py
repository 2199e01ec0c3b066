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
    code, _ = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "The capital of Japan is Tokyo.\n"


def test_the_memory_example(environment: dict[str, str], tmp_path: Path) -> None:
    _, code = blocks("python")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "teeth.txt").write_text("The dentist is on Thursday at nine.", encoding="utf-8")
    (tmp_path / "notes" / "trip.md").write_text("# Japan\n\nThe flight leaves from gate 14.\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "The dentist is on Thursday at nine.\n['Not in your data.']\n1 forgotten\n"


@pytest.mark.parametrize("place", [0, 1])
def test_the_examples_of_the_memory_page(place: int, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    code = [body for kind, body in BLOCK.findall(page) if kind == "python"][place]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "teeth.txt").write_text("The dentist is on Thursday at nine.", encoding="utf-8")
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, *rest = ran.stdout.splitlines()
    if place == 0:
        assert first.startswith("The dentist is on Thursday at nine. | ")
        assert rest == ["1 True"]
    else:
        assert (first, rest) == ("todo-17", [])


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
