"""`log` and `grants`: what they show, check, forget and take back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_llm.actions.grants import Grants
from edge_llm.actions.log import ActionLog
from edge_llm.memory import Memory
from tests.unit.edge_llm.actions.desk_samples import call, value
from tests.unit.edge_llm.cli.program import Program


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """A memory in which two things were done and one is allowed for good; the program opens the same."""
    monkeypatch.setenv("EDGE_LLM_MEMORY", str(tmp_path / "memory.db"))
    monkeypatch.setenv("EDGE_LLM_MEMORY_PASSPHRASE", "a long passphrase")
    with Memory.open(tmp_path / "memory.db", key="a long passphrase") as opened:
        log = ActionLog(opened.store)
        log.append("done", call(text=value("the code is 4711\u202e\n    9  2030-01-01 00:00:00  approved  sms.send")))
        log.append("denied", call(recipient=value("bob@example.org")))
        Grants(opened.store, log).allow(call())
        yield opened


def test_the_log_is_shown_an_entry_a_line(program: Program, memory: Memory) -> None:
    shown = program("log")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert [line.split()[3] for line in lines] == ["done", "denied", "allowed"]
    assert "\\u202e" in lines[0]
    assert "\\n" in lines[0]


def test_it_is_chosen_from(program: Program, memory: Memory) -> None:
    assert [entry["kind"] for entry in program("log", "--json", "--limit", "1").document["entries"]] == ["allowed"]
    assert [entry["kind"] for entry in program("log", "--json", "--containing", "BOB@").document["entries"]] == ["denied"]
    assert program("log", "--json", "--action", "map.show").document == {"entries": []}
    assert program("log", "--json", "--until", "2020-01-01").document == {"entries": []}
    assert len(program("log", "--json", "--since", "2020-01-01").document["entries"]) == 3
    first = program("log", "--json").document["entries"][0]
    assert first["content"]["arguments"]["recipient"] == "+8613800138000"
    assert "no such entry" in program("log", "--action", "map.show").err


def test_a_whole_log_verifies_and_a_changed_one_ends_with_2(program: Program, memory: Memory) -> None:
    found = program("log", "--verify", "--json")
    assert (found.code, found.document["ok"], found.document["entries"]) == (0, True, 3)
    head = found.document["head"]
    assert program("log", "--verify", "--known", head).code == 0
    with memory.store.writing() as connection:
        connection.execute("DROP TRIGGER action_log_only_grows")
        connection.execute("DELETE FROM action_log WHERE number = 2")
    shown = program("log", "--verify", "--known", head)
    assert shown.code == 2
    assert "! entries 2 to 2 are missing" in shown.out


def test_content_is_forgotten_after_asking(program: Program, memory: Memory) -> None:
    refused = program("log", "--forget", "--containing", "4711")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert program("log", "--forget", "--containing", "4711", "--yes", "--json").document == {"forgotten": 1}
    assert "4711" not in program("log", "--json").out
    assert "(forgotten)" in program("log").out
    assert program("log", "--verify").code == 0
    assert "Nothing was forgotten" in program("log", "--forget", "--containing", "4711").out


@pytest.mark.parametrize("arguments", [["--verify", "--forget"], ["--known", "1:00"]])
def test_options_that_do_not_go_together_are_refused(program: Program, memory: Memory, arguments: list[str]) -> None:
    assert program("log", *arguments).code == 2


def test_permissions_are_listed_and_taken_back(program: Program, memory: Memory) -> None:
    (grant,) = program("grants", "--json").document["grants"]
    assert (grant["id"], grant["action"], grant["recipient"], grant["shown"]) == (1, "sms.send", "+8613800138000", "Zhang San")
    assert "sms.send to Zhang San (+8613800138000)" in program("grants").out
    assert program("grants", "--revoke", "7").code == 2
    assert "Nothing is allowed" in program("grants", "--revoke", "1").err
    assert program("log", "--json").document["entries"][-1]["kind"] == "revoked"


def test_all_permissions_are_taken_back(program: Program, memory: Memory) -> None:
    assert program("grants", "--revoke-all", "--json").document == {"grants": []}
