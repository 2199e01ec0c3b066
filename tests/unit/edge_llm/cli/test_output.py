"""stdout carries the answer or one JSON document; errors become one message and an exit code."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest
import typer

from edge_llm.cli import output
from runtimes.errors import ContextOverflowError, EdgeLLMError, NetworkError, RuntimeFailedError


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ContextOverflowError(9000, 8192), 2, "needs 9000 tokens and the context holds 8192"),
        (RuntimeFailedError("llama.cpp gave up."), 1, "llama.cpp gave up."),
        (NetworkError("No route to pypi.org."), 2, "No route to pypi.org."),
        (MemoryError(), 1, "Not enough memory"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 2, "/root/x: Permission denied."),
        (typer.BadParameter("no such thing"), 2, "no such thing"),
        (ZeroDivisionError("division by zero"), 1, "This is a bug"),
    ],
)
def test_an_error_is_one_message_and_a_code(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert output.report(error, as_json=False) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err

    assert output.report(error, as_json=True) == code
    printed = capsys.readouterr()
    assert printed.err == ""
    assert words in json.loads(printed.out)["error"]["message"]


def test_the_type_of_an_error_tells_scripts_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(ContextOverflowError(2, 1), as_json=True)
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "ContextOverflowError"


def test_ctrl_c_is_130_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.report(KeyboardInterrupt(), as_json=False) == 130
    assert capsys.readouterr() == ("", "")


def test_a_traceback_is_there_for_those_who_ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(output.DEBUG_VARIABLE, "1")
    try:
        raise EdgeLLMError("broken")
    except EdgeLLMError as error:
        output.report(error, as_json=False)
    assert "Traceback" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_model_cannot_drive_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    output.say("\x1b]0;owned\x07\x1b[2J你好\tworld\x9b31m", end="")
    shown = screen.getvalue()
    assert "你好\tworld" in shown
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}


def test_a_pipe_gets_the_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a\x1b[1mb", end="")
    assert capsys.readouterr().out == "a\x1b[1mb"


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_json({"text": "日本 \u2028 \x1b"})
    assert json.loads(capsys.readouterr().out) == {"text": "日本 \u2028 \x1b"}
    with pytest.raises(ValueError, match="JSON"):
        output.say_json({"perplexity": float("nan")})


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(["run", "m", "p", "--json"], True), (["run", "m", "p"], False), (["run", "m", "--", "--json"], False), ([], False)],
)
def test_json_is_wanted(arguments: list[str], wanted: bool) -> None:
    assert output.wants_json(arguments) is wanted


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (98_362_432, "98.4 MB"), (1_500, "1.5 kB"), (2 * 10**9, "2.0 GB"), (10**13, "10.0 TB")],
)
def test_bytes_in_words(count: int, text: str) -> None:
    assert output.in_bytes(count) == text
