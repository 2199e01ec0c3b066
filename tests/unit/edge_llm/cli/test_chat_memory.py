"""`chat --memory`: what an answer leans on is told, what is said is kept only by consent, and memory can be taken away."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from edge_llm.memory import Draft, Memory
from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.cli.program import Outcome, Program
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

DENTIST = "The dentist moved your appointment to Thursday at half past nine."
OSAKA = "Your flight to Osaka leaves from gate 14."


@pytest.fixture(autouse=True)
def small_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these tests loads the real one."""
    monkeypatch.setattr("edge_llm.memory.embedders.open_embedder", lambda *_arguments, **_options: WordEmbedder())


@pytest.fixture
def key(tmp_path: Path, own_home: Path) -> tuple[str, Path]:
    """The options that open a memory with two items in it."""
    (tmp_path / "memory.key").write_text(bytes(32).hex())
    with Memory.open(key=bytes(32)) as memory:
        memory.add([Draft(DENTIST, "mail", "1"), Draft(OSAKA, "mail", "2")], source="mail")
    return "--key-file", tmp_path / "memory.key"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    answers = ["On Thursday at half past nine.", "From gate 14.", "Third.", "Fourth."]
    return write_fake_bundle(tmp_path / "fake-memory", answers=answers, context_length=4096)


@pytest.fixture
def pipe(program: Program, model: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Calls `chat` with lines on stdin: pipe(lines, *arguments)."""

    def call(lines: list[str], *arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
        return program("chat", model, *arguments)

    return call


def test_answers_say_what_they_lean_on(pipe: Program, key: tuple[str, Path]) -> None:
    shown = pipe(["When is the dentist appointment?", "/sources"], "--memory", *key)
    assert shown.code == 0
    assert shown.out == "On Thursday at half past nine.\n"
    assert DENTIST in shown.err
    assert "mail in mail (1)" in shown.err


def test_json_has_what_the_model_was_shown(pipe: Program, key: tuple[str, Path]) -> None:
    first, second = (
        json.loads(line)
        for line in pipe(
            ["When is the dentist appointment?", "Who won the match?"], "--memory", *key, "--json"
        ).out.splitlines()
    )
    shown = first["recalled"]["shown"]
    assert DENTIST in [passage["text"] for passage in shown]
    (claim,) = first["recalled"]["claims"]
    assert first["text"][claim["start"] : claim["end"]] == first["text"]
    assert claim["items"] == [passage["id"] for passage in shown if passage["text"] == DENTIST]
    assert (second["text"], second["recalled"]) == ("Not in your data.", {"found": False, "shown": [], "claims": []})


def test_memory_is_used_only_when_asked_for(pipe: Program, key: tuple[str, Path]) -> None:
    plain = pipe(["When is the dentist appointment?"], *key, "--json")
    assert "recalled" not in json.loads(plain.out)
    toggled = pipe(["/memory", "/memory on", "Who won?", "/memory off", "Who won?", "/memory maybe"], *key)
    assert toggled.out.splitlines() == ["Not in your data.", "On Thursday at half past nine."]
    assert "Memory is off" in toggled.err
    assert "/memory off answers without it." in toggled.err
    assert (toggled.code, "takes on or off" in toggled.err) == (2, True)


def test_what_is_said_is_kept_by_consent(pipe: Program, program: Program, key: tuple[str, Path]) -> None:
    pipe(
        ["/memory on", "My locker is 77.", "/remember on", "My parrot is called Zorro.", "/remember off", "My bike is red."],
        *key,
    )
    said = {item["text"] for item in program("memory", "list", "--kind", "chat", *key, "--json").document["items"]}
    assert said == {"My parrot is called Zorro.", "Not in your data."}
    later = pipe(["How is my parrot called?", "/sources"], "--memory", *key)
    assert "My parrot is called Zorro." in later.err


def test_saved_into_memory_and_loaded_from_it(pipe: Program, program: Program, key: tuple[str, Path], own_home: Path) -> None:
    question = "When is the dentist appointment?"
    saved = pipe([question, "/save teeth"], "--memory", *key)
    assert "Kept in memory as teeth" in saved.err
    assert not (own_home / "chats").exists()
    assert program("memory", "list", "chats", *key, "--json").document == {"chats": ["teeth"]}
    loaded = pipe(["/load teeth", "/save ./plain.json"], "--memory", *key)
    assert "Loaded 2 messages from memory" in loaded.err
    assert (loaded.code, "not written to a plain file" in loaded.err) == (2, True)

    number = next(item["id"] for item in program("memory", "list", *key, "--json").document["items"] if item["text"] == DENTIST)
    planned = program("memory", "forget", str(number), "--dry-run", *key)
    assert "2 of them are turns of conversations" in planned.out
    done = program("memory", "forget", str(number), "--yes", *key, "--json").document
    assert len(done["turns"]) == 2
    assert program("memory", "verify", "--erased", done["receipt"], *key).code == 0
    assert program("memory", "list", "chats", *key, "--json").document == {"chats": []}


def test_without_a_memory_yet(pipe: Program, program: Program, own_home: Path) -> None:
    shown = pipe(["hello"], "--memory")
    assert (shown.code, "memory add" in shown.err) == (2, True)
