"""`ask` and `chat --assistant`: what they print, what they leave undone, and how a person decides at the prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_llm.cli.assisting import ask_at_prompt
from edge_llm.cli.main import execute
from edge_llm.turns import ALWAYS, APPROVE, DENY, Decision, Proposal

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: learning the actions takes seconds."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `edge-llm ask` in a home without memory, without a model."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = execute(["ask", *arguments, "--no-model", "--home", str(home)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def test_json_says_what_it_understood_and_does_nothing_unasked(run: Run, home: Path) -> None:
    code, out, _ = run("set a timer for ten minutes", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["kind"] == "proposal"
    assert document["needs_approval"] is True
    assert document["slots"]["duration"]["value"] == "PT10M"
    assert document["slots"]["duration"]["source"] == "you said so"
    assert not (home / "made").exists()


def test_what_only_computes_is_done_at_once(run: Run) -> None:
    code, out, _ = run("what is 12 * 12", "--json")
    assert code == 0
    assert json.loads(out)["text"] == "12*12 = 144" or json.loads(out)["text"].endswith("= 144")


def test_a_dry_run_says_what_would_be_done(run: Run, home: Path) -> None:
    code, out, _ = run("set a timer for ten minutes", "--dry-run")
    assert code == 0
    assert "PT10M" in out
    assert not (home / "made").exists()


def test_what_is_missing_is_asked_and_ends_a_pipe(run: Run) -> None:
    code, out, _ = run("把闹钟定一下", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["kind"] == "question"
    assert document["needs_approval"] is False


def test_nothing_asked_is_told(run: Run) -> None:
    code, _, err = run("  ")
    assert code == 2
    assert "Say what you want" in err


class Asked:
    """A proposal as the prompt needs it."""

    text = "Send it?"

    def __init__(self, *, may_always: bool = True) -> None:
        self.may_always = may_always


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        (["y"], APPROVE), (["YES"], APPROVE), (["是"], APPROVE), (["n"], DENY), (["", "no"], DENY), (["a"], ALWAYS),
        (["好的"], APPROVE), (["不用了"], DENY), (["否"], DENY),
        (["no, at nine"], Decision("edit", "no, at nine")),
    ],
)  # fmt: skip
def test_the_prompt_reads_a_decision(typed: list[str], decision: Decision) -> None:
    lines = iter(typed)
    proposal: Proposal = Asked()  # type: ignore[assignment]
    assert ask_at_prompt(lambda _: next(lines))(proposal) == decision


def test_always_is_no_answer_where_it_cannot_be_given() -> None:
    lines = iter(["always", "n"])
    proposal: Proposal = Asked(may_always=False)  # type: ignore[assignment]
    assert ask_at_prompt(lambda _: next(lines))(proposal) == DENY


def test_a_change_that_was_not_understood_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = iter(["hm", "n"])
    proposal: Proposal = Asked()  # type: ignore[assignment]
    approve = ask_at_prompt(lambda _: next(lines))
    assert approve(proposal) == Decision("edit", "hm")
    assert capsys.readouterr().err == ""
    assert approve(proposal) == DENY
    assert "did not understand" in capsys.readouterr().err


@pytest.mark.parametrize("left", [EOFError, KeyboardInterrupt])
def test_who_leaves_the_prompt_agreed_to_nothing(left: type[BaseException]) -> None:
    def read_line(_: str) -> str:
        raise left

    proposal: Proposal = Asked()  # type: ignore[assignment]
    assert ask_at_prompt(read_line)(proposal) == DENY
