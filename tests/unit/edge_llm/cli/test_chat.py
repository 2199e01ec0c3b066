"""`chat` through a pipe, and on a terminal with everything a person does there."""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import IO

import pytest

from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.cli.program import Outcome, Program

PATIENCE_S = 60.0


@pytest.fixture
def pipe(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Calls `chat` with a text on stdin: pipe(text, *arguments)."""

    def call(text: str, *arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return program("chat", *arguments)

    return call


def test_each_line_is_a_turn(fake: Path, pipe: Program) -> None:
    shown = pipe("What is the capital of Japan?\n\nWhat is 2 + 2?\n", fake)
    assert (shown.code, shown.out, shown.err) == (0, "Tokyo, of course.\nFour.\n", "")


def test_a_block_is_one_turn(fake: Path, pipe: Program) -> None:
    assert pipe('"""\none\ntwo\n"""\n', fake).out == "Tokyo, of course.\n"


def test_json_is_one_line_for_each_answer(fake: Path, pipe: Program) -> None:
    answers = [json.loads(line) for line in pipe("a\nb\n", fake, "--json").out.splitlines()]
    assert [answer["text"] for answer in answers] == ["Tokyo, of course.", "Four."]
    assert answers[1]["usage"]["cached_tokens"] > 0
    assert set(answers[0]) == {"text", "stop_reason", "usage", "timings", "runtime", "model"}


def test_the_history_is_kept_and_reset(fake: Path, pipe: Program) -> None:
    sizes = [json.loads(line)["usage"]["prompt_tokens"] for line in pipe("a\na\n/reset\na\n", fake, "--json").out.splitlines()]
    assert sizes[1] > sizes[0] == sizes[2]


def test_commands_speak_on_stderr(fake: Path, pipe: Program) -> None:
    shown = pipe("/stats\n/help\n/system\n/system Be brief.\nhi\n/stats\n/quit\nnever read\n", fake)
    assert shown.out == "Tokyo, of course.\n"
    for words in ("No answer yet.", "/save NAME", "Ctrl-C", "System message: Be brief.", "tokens/s", "of 512 tokens"):
        assert words in shown.err


def test_a_conversation_is_saved_and_loaded(fake: Path, own_home: Path, tmp_path: Path, pipe: Program) -> None:
    saved = pipe(f"hello\n/save trip\n/save {tmp_path / 'trip.json'}\n", fake)
    assert str(own_home / "chats" / "trip.json") in saved.err
    document = json.loads((tmp_path / "trip.json").read_text(encoding="utf-8"))
    assert [message["content"] for message in document["messages"]] == ["hello", "Tokyo, of course."]
    assert document == json.loads((own_home / "chats" / "trip.json").read_text(encoding="utf-8"))

    loaded = pipe("/load trip\nand then?\n/save after\n", fake)
    assert "Loaded 2 messages" in loaded.err
    after = json.loads((own_home / "chats" / "after.json").read_text(encoding="utf-8"))
    assert [message["content"] for message in after["messages"][:3]] == ["hello", "Tokyo, of course.", "and then?"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/frobnicate", "/frobnicate"),
        ("/save", "needs a name"),
        ("/load nothing", "nothing.json"),
        ("x" * 600, "context holds 512"),
    ],
)
def test_in_a_pipe_the_first_error_ends_it(line: str, words: str, fake: Path, pipe: Program) -> None:
    shown = pipe(f"hello\n{line}\nhello again\n", fake)
    assert shown.code == 2
    assert shown.out == "Tokyo, of course.\n"
    assert words in shown.err


def test_nothing_is_kept_that_was_not_saved(fake: Path, own_home: Path, pipe: Program) -> None:
    pipe("my secret\n", fake)
    assert [path for path in own_home.rglob("*") if path.is_file()] == []


class Screen:
    """A person at a pseudo-terminal who types, and waits for what must appear."""

    def __init__(self, bundle: Path, *, answers: IO[bytes] | None = None) -> None:
        pty = pytest.importorskip("pty", reason="a pseudo-terminal needs a POSIX system")
        self._keys, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge_llm", "chat", str(bundle)],
            stdin=terminal,
            stdout=answers or terminal,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            start_new_session=True,
        )
        os.close(terminal)
        self._unread = ""

    def type(self, text: str) -> None:
        os.write(self._keys, text.encode())

    def wait_for(self, words: str) -> str:
        """What is new on the screen up to `words`, without colours and movements of the cursor."""
        deadline = monotonic() + PATIENCE_S
        while words not in self._unread:
            ready, _, _ = select.select([self._keys], [], [], max(0.0, deadline - monotonic()))
            assert ready, f"{words!r} did not appear; the screen shows {self._unread[-2000:]!r}"
            raw = os.read(self._keys, 65536).decode(errors="replace")
            self._unread += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", raw)
        before, _, self._unread = self._unread.partition(words)
        return before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keys)


@pytest.fixture
def at_terminal() -> Iterator[Callable[..., Screen]]:
    """Opens chats on pseudo-terminals."""
    screens: list[Screen] = []

    def open_screen(bundle: Path, *, answers: IO[bytes] | None = None) -> Screen:
        screens.append(Screen(bundle, answers=answers))
        return screens[-1]

    yield open_screen
    for screen in screens:
        screen.close()


def test_a_conversation_on_a_terminal(fake: Path, at_terminal: Callable[..., Screen]) -> None:
    screen = at_terminal(fake)
    screen.wait_for(">>>")
    screen.type("What is the capital of Japan?\r")
    screen.wait_for("Tokyo, of course.")
    screen.wait_for(">>>")
    screen.type("And\\\r")
    screen.wait_for("...")
    screen.type("2 + 2?\r")
    screen.wait_for("Four.")
    screen.wait_for(">>>")
    screen.type("\x04")
    assert screen.process.wait(PATIENCE_S) == 0


def test_errors_do_not_end_a_conversation_on_a_terminal(fake: Path, at_terminal: Callable[..., Screen]) -> None:
    screen = at_terminal(fake)
    screen.wait_for(">>>")
    screen.type("/frobnicate\r")
    screen.wait_for("Error: There is no command /frobnicate")
    screen.wait_for(">>>")
    screen.type("x" * 600 + "\r")
    screen.wait_for("context holds 512")
    screen.wait_for(">>>")
    screen.type("hello\r")
    screen.wait_for("Tokyo, of course.")
    screen.wait_for(">>>")
    screen.type("/quit\r")
    assert screen.process.wait(PATIENCE_S) == 0


def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(
    tmp_path: Path, own_home: Path, at_terminal: Callable[..., Screen]
) -> None:
    screen = at_terminal(write_fake_bundle(tmp_path / "endless", context_length=1_000_000, seed=5))
    screen.wait_for(">>>")
    screen.type("Tell me everything.\r")
    screen.wait_for("\n")
    screen.wait_for("\n")
    screen.process.send_signal(signal.SIGINT)
    screen.wait_for(">>>")
    screen.type("/save kept\r")
    screen.wait_for("Saved to")
    screen.wait_for(">>>")
    messages = json.loads((own_home / "chats" / "kept.json").read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert messages[0]["content"] == "Tell me everything."
    assert messages[1]["content"]

    screen.type("half a thought\x03")  # at the prompt it drops the line
    screen.wait_for("/quit leaves")
    screen.wait_for(">>>")
    screen.type("/quit\r")
    assert screen.process.wait(PATIENCE_S) == 0


def test_answers_can_go_to_a_file_while_a_person_types(fake: Path, tmp_path: Path, at_terminal: Callable[..., Screen]) -> None:
    with (tmp_path / "answers.txt").open("wb") as answers:
        screen = at_terminal(fake, answers=answers)
        for line in ("hello", "/stats", "again", "/quit"):
            screen.wait_for(">>>")
            screen.type(line + "\r")
        assert screen.process.wait(PATIENCE_S) == 0
    assert (tmp_path / "answers.txt").read_text(encoding="utf-8") == "Tokyo, of course.\nFour.\n"
