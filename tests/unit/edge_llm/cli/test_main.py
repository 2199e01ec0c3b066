"""The command line as a whole: help, documentation, usage errors, start-up cost."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from edge_llm.cli.chat import chat
from edge_llm.cli.main import app
from edge_llm.cli.run import run
from edge_llm.sampling import Sampling
from tests.unit.edge_llm.cli.program import Program

ROOT = Path(__file__).parents[4]
MEMORY = ("add", "export", "forget", "key", "list", "search", "show", "stats", "verify", "watch")
COMMANDS = (
    "actions check",
    "actions list",
    "actions show",
    "actions try",
    *("ask", "bench", "chat", "doctor", "eval", "export", "grants", "log"),
    *(f"mcp {name}" for name in ("add", "list", "remove", "tools")),
    *(f"memory {name}" for name in MEMORY),
    *("models", "plan", "pull", "quantize", "run"),
)
HEAVY = {"numpy", "onnxruntime", "llama_cpp", "torch", "transformers", "tokenizers", "prompt_toolkit", "psutil", "jinja2"}


def commands() -> dict[str, TyperCommand]:
    """Every command by the words that call it."""

    def below(group: object, words: tuple[str, ...]) -> Iterator[tuple[str, TyperCommand]]:
        if isinstance(group, TyperGroup):
            for name, found in group.commands.items():
                yield from below(found, (*words, name))
        else:
            assert isinstance(group, TyperCommand)
            yield " ".join(words), group

    return dict(below(get_command(app), ()))


def options_of(command: str) -> set[str]:
    return {name for item in commands()[command].params if item.param_type_name == "option" for name in item.opts}


def documented(command: str) -> str:
    """The section of docs/cli.md about a command."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^## `edge-llm {command}[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section about {command}"
    return found[0]


def test_the_commands_are_these() -> None:
    assert tuple(sorted(commands())) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    text = documented(command)
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text)) & options_of(command) == options_of(command)
    for item in commands()[command].params:
        if item.param_type_name == "argument":
            assert str(item.metavar) in text


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_is_documented_that_is_not_there(command: str) -> None:
    table = [line for line in documented(command).splitlines() if line.startswith("| `-")]
    assert {name for line in table for name in re.findall(r"`(--?[a-z-]+)", line.split("|")[1])} == options_of(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option_and_has_examples(command: str, program: Program) -> None:
    shown = program(*command.split(), "--help")
    assert shown.code == 0
    assert "Examples" in shown.out
    assert all(option in shown.out for option in options_of(command))
    assert all(getattr(item, "help", None) for item in commands()[command].params)
    assert "[/" not in shown.out, "markup that was not understood"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_are_accepted(command: str, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").touch()
    lines = [*program(*command.split(), "--help").out.splitlines(), *documented(command).splitlines()]
    examples = [line.strip().removeprefix("$ ") for line in lines if re.match(r"\s*(\$ )?(cat \S+ \| )?edge-llm ", line)]
    assert len(examples) >= 2
    for example in examples:
        words = shlex.split(example.partition("edge-llm ")[2].partition(" <")[0])
        name = next(" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in commands())
        commands()[name].make_context(name, words[len(name.split()) :])


def test_without_arguments_there_is_help(program: Program) -> None:
    shown = program()
    assert shown.code == 0
    assert "Usage: edge-llm" in shown.out


def test_version(program: Program) -> None:
    assert re.fullmatch(r"edge-llm \d+\.\d+\.\d+\n", program("--version").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["run"], "Missing argument 'MODEL'"),
        (["run", "m", "p", "--tempreature", "1"], "--temperature"),
        (["run", "m", "p", "--threads", "0"], "'--threads'"),
        (["quantize", "m", "-o", "x", "--bits", "5"], "'5' is not one of"),
        (["quantize", "m"], "Missing option '--out'"),
    ],
)
def test_a_wrong_call_is_2(arguments: list[str], words: str, program: Program) -> None:
    shown = program(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert words in shown.err
    assert "Usage: edge-llm" in shown.err

    as_json = program(*arguments, "--json")
    assert as_json.code == 2
    assert as_json.document["error"]["type"] == "UsageError"
    assert as_json.err == ""


@pytest.mark.parametrize("command", [run, chat])
def test_sampling_defaults_are_the_library_s(command: Callable[..., None]) -> None:
    defaults = {name: item.default for name, item in signature(command).parameters.items()}
    assert (
        Sampling(**{name: defaults[name] for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")})
        == Sampling()
    )


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys, edge_llm.cli.main; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert loaded == []
