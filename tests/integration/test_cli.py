"""The program as people start it, on the real default model: what it prints, how long it takes, what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeAlias

import pytest

QUESTION = "What is the capital of Japan?"
QUANTIZE_BYTES = 10**9
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Program:
    """`python -m edge_llm` with a home of its own."""

    home: Path

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The running program; give it no input but what is written to its stdin."""
        return subprocess.Popen(
            [sys.executable, "-m", "edge_llm", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "EDGE_LLM_HOME": str(self.home)},
        )

    def run(self, *arguments: str | Path, stdin: str = "") -> str:
        """Its stdout, once it is done."""
        with self.start(*arguments) as process:
            out, err = process.communicate(stdin, PATIENCE_S)
        assert process.returncode == 0, err
        return out


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, program: Program, smol_gguf: Path) -> Path:
    """The default model as twins of 8 bits."""
    out = tmp_path_factory.mktemp("bundles") / "int8"
    program.run("quantize", smol_gguf, "--bits", "8", "--format", "both", "-o", out)
    return out


@pytest.mark.parametrize(("form", "runtime"), [("onnx", "onnx"), ("gguf", "llamacpp")])
def test_both_runtimes_know_the_capital_of_japan(form: str, runtime: str, int8: Path, program: Program) -> None:
    answer = json.loads(program.run("run", int8 / form, QUESTION, "--runtime", runtime, "--json"))
    assert "Tokyo" in answer["text"]
    assert (answer["stop_reason"], answer["runtime"]) == ("stop", runtime)
    assert answer["timings"]["decode_tokens_per_s"] > 0


def test_a_gguf_file_is_converted_once_and_kept(smol_gguf: Path, program: Program) -> None:
    first = program.run("run", smol_gguf, QUESTION, "--runtime", "onnx")
    kept = [path for path in program.home.glob("bundles/*") if path.is_dir()]
    assert len(kept) == 1
    made = kept[0].stat().st_mtime_ns
    assert program.run("run", smol_gguf, QUESTION, "--runtime", "onnx") == first
    assert kept[0].stat().st_mtime_ns == made


def test_a_conversation_through_a_pipe(int8: Path, program: Program) -> None:
    out = program.run("chat", int8 / "onnx", "--json", stdin=f"{QUESTION}\n{QUESTION}\n/quit\n")
    answers = [json.loads(line) for line in out.splitlines()]
    assert all("Tokyo" in answer["text"] for answer in answers)
    assert answers[1]["usage"]["cached_tokens"] > answers[0]["usage"]["prompt_tokens"]


Ending: TypeAlias = Callable[[subprocess.Popen[str]], None]


@pytest.mark.parametrize(
    ("end", "code"),
    [(subprocess.Popen.kill, -signal.SIGKILL), (lambda process: process.send_signal(signal.SIGINT), 130)],
    ids=["killed", "ctrl-c"],
)
def test_a_conversion_that_was_ended_half_way(
    end: Ending, code: int, tmp_path: Path, smol_gguf: Path, program: Program
) -> None:
    place = tmp_path / "place"
    out = place / "out"
    process = program.start("quantize", smol_gguf, "--bits", "4", "-o", out)
    deadline = monotonic() + PATIENCE_S
    while not any(file.stat().st_size > 1 << 20 for file in place.rglob("*") if file.is_file()):
        assert process.poll() is None, "the conversion was over before it could be ended"
        assert monotonic() < deadline
        sleep(0.01)
    end(process)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert "Traceback" not in err
    assert not out.exists()
    if code == 130:
        assert not place.exists() or list(place.iterdir()) == []

    program.run("quantize", smol_gguf, "--bits", "4", "-o", out)
    assert [path.name for path in place.iterdir()] == ["out"]


def test_ctrl_c_during_an_answer_is_130(int8: Path, program: Program) -> None:
    process = program.start("run", int8 / "onnx", "Count from one to one thousand in words.", "--max-tokens", "2000")
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, "")


def test_a_reader_that_leaves_early_is_no_traceback(int8: Path, program: Program) -> None:
    process = program.start("run", int8 / "onnx", "Count from one to one thousand in words.", "--max-tokens", "200")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(PATIENCE_S) == 1
    process.stderr.close()


@pytest.mark.parametrize("runtime", ["onnx", "llamacpp"])
def test_what_a_terminal_shows_of_a_damaged_file(runtime: str, tmp_path: Path, smol_gguf: Path, program: Program) -> None:
    damaged = tmp_path / "damaged.gguf"
    with smol_gguf.open("rb") as stream:
        damaged.write_bytes(stream.read(50 << 20))
    with program.start("run", damaged, QUESTION, "--runtime", runtime) as process:
        out, err = process.communicate("", PATIENCE_S)
    assert (process.returncode, out) == (2, "")
    assert "damaged.gguf" in err
    assert "Traceback" not in err
