"""`memory` and its commands: what they print, what they ask, and what they refuse."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import pytest

from edge_llm.chat_file import write_chat
from edge_llm.memory import Draft, Memory, Mention
from edge_llm.messages import Message
from tests.unit.edge_llm.cli.program import Outcome, Program
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

SECRET = "The spare key lies under the third flower pot behind the garage."
HIDDEN = "invoice \u202egpj.exe\u200b \x1b[2J"


class OwnKeyring(keyring.backend.KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnKeyring]:
    """No test touches the keyring of whoever runs it, and none loads the real embedder."""
    for name in ("EDGE_LLM_MEMORY", "EDGE_LLM_MEMORY_PASSPHRASE", "EDGE_LLM_MEMORY_NEW_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("edge_llm.memory.embedders.open_embedder", lambda *_arguments, **_options: WordEmbedder())
    before, mine = keyring.get_keyring(), OwnKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "notes"
    place.mkdir()
    (place / "key.txt").write_text(SECRET, encoding="utf-8")
    (place / "odd.txt").write_text(HIDDEN, encoding="utf-8")
    (place / "trip.md").write_text("# Japan\n\nThe flight leaves from gate 14.\n", encoding="utf-8")
    return place


@pytest.fixture
def filled(program: Program, folder: Path) -> Path:
    """A memory with three notes; returns their folder."""
    assert program("memory", "add", folder).code == 0
    return folder


def refused(shown: Outcome, *words: str) -> None:
    assert shown.code == 2, shown.err
    assert shown.out == ""
    assert shown.err.count("Error: ") == 1
    for word in words:
        assert word in shown.err


def ids_of(program: Program, text: str) -> list[int]:
    items = program("memory", "list", "--json").document["items"]
    return [item["id"] for item in items if text in item["text"]]


def test_add_says_what_it_did(program: Program, folder: Path, own_home: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    shown = program("memory", "add", folder)
    assert shown.code == 0
    assert shown.out == "3 added (3 files read, 1 not read)\n"
    assert "Not read:" in shown.err
    assert "broken.pdf" in shown.err
    assert (own_home / "memory" / "memory.db").is_file()
    (folder / "key.txt").unlink()
    again = program("memory", "add", folder)
    assert again.out == "nothing new (0 files read, 2 files unchanged, 1 not read)\n"
    assert f"No longer there, so removed from memory: {folder / 'key.txt'}" in again.err
    document = program("memory", "add", folder, "--json").document
    assert (document["unchanged_files"], document["gone"]) == (2, [])
    assert [failure["path"] for failure in document["failures"]] == [str(folder / "broken.pdf")]


def test_search(program: Program, filled: Path) -> None:
    document = program("memory", "search", "which gate does the flight leave from?", "--json").document
    hit = document["hits"][0]
    assert set(hit) >= {
        "id",
        "score",
        "text",
        "source",
        "time",
        "people",
        "why",
        "external_id",
        "spans",
        "neighbours",
        "locator",
    }
    assert hit["text"] == "The flight leaves from gate 14."
    assert hit["source"] == str(filled / "trip.md")
    assert any(hit["text"][start:end].lower().startswith("gate") for start, end in hit["spans"])
    shown = program("memory", "search", "gate flight", "-k", "1")
    assert shown.out.count("[") == 1
    assert "The flight leaves from gate 14." in shown.out
    nothing = program("memory", "search", "gate", "--since", "2001-01-01", "--until", "2001-01-02", "--json")
    assert nothing.document["hits"] == []


def test_search_in_pinyin(program: Program, folder: Path) -> None:
    (folder / "note.txt").write_text("请医生回电话", encoding="utf-8")
    assert program("memory", "add", folder).code == 0
    found = {
        when: [hit["text"] for hit in program("memory", "search", "yisheng", "--pinyin", when, "--json").document["hits"]]
        for when in ("auto", "always", "never")
    }
    assert found["auto"][0] == found["always"][0] == "请医生回电话"
    assert "请医生回电话" not in found["never"]


def test_search_narrowed(program: Program, filled: Path) -> None:
    assert program("memory", "search", "gate", "--source", filled / "key.txt", "--json").document["hits"] == []
    assert len(program("memory", "search", "gate", "--kind", "note", "--source", filled, "--json").document["hits"]) >= 1
    refused(program("memory", "search", "gate", "--source", "nowhere.txt"), "nowhere.txt", "list sources")
    refused(program("memory", "search", "gate", "--person", "Zoe"), "Zoe", "list people")
    refused(program("memory", "search", "gate", "--since", "the day after never"), "--since", "2024-05-31")


def test_the_id_that_a_source_gives_comes_back(program: Program, tmp_path: Path, filled: Path) -> None:
    records = tmp_path / "mine.jsonl"
    line = {"id": "row-77", "text": "Zorro the parrot bit the postman.", "people": ["Anna Lee"], "time": "2024-05-01T10:00:00Z"}
    records.write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert program("memory", "add", records).code == 0
    hit = program("memory", "search", "parrot postman", "--person", "Anna", "--json").document["hits"][0]
    assert hit["external_id"] == "row-77"
    assert hit["time"] == "2024-05-01T10:00:00+00:00"
    assert [person["name"] for person in hit["people"]] == ["Anna Lee"]


def test_what_is_hidden_in_a_text_is_shown(program: Program, filled: Path) -> None:
    (number,) = ids_of(program, "invoice")
    plain = program("memory", "show", str(number)).out
    assert r"invoice \u202egpj.exe" in plain
    for shown in (plain, program("memory", "list").out, program("memory", "list", "--json").out):
        assert not set("\u202e\u200b\x1b") & set(shown)
    assert program("memory", "show", str(number), "--json").document["items"][0]["text"].startswith("invoice \u202egpj.exe")


def test_list(program: Program, filled: Path) -> None:
    sources = program("memory", "list", "sources", "--json").document["sources"]
    assert [Path(source["name"]).name for source in sources] == ["key.txt", "odd.txt", "trip.md"]
    assert str(filled / "trip.md") in program("memory", "list", "sources").out
    assert len(program("memory", "list", "--limit", "2", "--json").document["items"]) == 2
    assert program("memory", "list", "people", "--json").document == {"people": []}
    assert program("memory", "list", "chats", "--json").document == {"chats": []}
    refused(program("memory", "list", "colours"), "colours")
    refused(program("memory", "show", "99"), "no item 99")


def test_stats_and_verify(program: Program, filled: Path, own_home: Path) -> None:
    document = program("memory", "stats", "--json").document
    assert (document["items"], document["sources"], document["embedded"]) == (3, 3, 3)
    assert document["path"] == str(own_home / "memory" / "memory.db")
    assert "3 (3 note)" in program("memory", "stats").out
    assert program("memory", "verify", "--json").document["ok"] is True
    assert program("memory", "verify").out.startswith("All is well (pages ")


# ---- forget


def test_forget_shows_asks_and_proves(program: Program, filled: Path, own_home: Path) -> None:
    write_chat(own_home / "memory" / ".." / "memory.json", "fake", ())
    (number,) = ids_of(program, "spare key")
    planned = program("memory", "forget", str(number), "--dry-run")
    assert "1 items: 1 note" in planned.out
    assert SECRET in planned.out
    refused_out = program("memory", "forget", str(number))
    assert refused_out.code == 2
    assert "--yes" in refused_out.err
    assert ids_of(program, "spare key") == [number], "nothing was forgotten yet"

    done = program("memory", "forget", str(number), "--yes", "--json").document
    assert (done["done"], done["ids"], done["emptied"]) == (True, [number], [str(filled / "key.txt")])
    receipt = Path(done["receipt"])
    assert receipt.parent == own_home / "memory" / "receipts"
    assert "flower" not in receipt.read_text(encoding="utf-8")
    assert ids_of(program, "spare key") == []
    checked = program("memory", "verify", "--erased", receipt, "--json").document
    assert checked["ok"] is True
    assert checked["fingerprints"] > 0


def test_residue_is_2_and_named(program: Program, filled: Path, own_home: Path, tmp_path: Path) -> None:
    (number,) = ids_of(program, "spare key")
    receipt = tmp_path / "receipt.json"
    assert program("memory", "forget", str(number), "--yes", "--receipt", receipt).code == 0
    (own_home / "chats").mkdir()
    write_chat(own_home / "chats" / "restored.json", "fake", (Message("user", SECRET),))
    shown = program("memory", "verify", "--erased", receipt)
    assert shown.code == 2
    assert "restored.json" in shown.out
    refused(program("memory", "verify", "--erased", own_home / "chats" / "restored.json"), "not a receipt")
    refused(program("memory", "verify", "--erased", tmp_path / "none.json"), "none.json")


def test_forget_asks_on_a_terminal(program: Program, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    (number,) = ids_of(program, "spare key")
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    shown = program("memory", "forget", str(number))
    assert (shown.code, "Nothing was forgotten." in shown.err) == (0, True)
    assert ids_of(program, "spare key") == [number]
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "Forgot 1 items. Receipt: " in program("memory", "forget", str(number)).out
    assert ids_of(program, "spare key") == []


def test_forget_by_conditions(program: Program, filled: Path) -> None:
    assert program("memory", "forget", "--query", "flower pot", "--dry-run", "--json").document["kinds"] == {"note": 1}
    assert program("memory", "forget", "--source", filled, "--dry-run", "--json").document["kinds"] == {"note": 3}
    nothing = program("memory", "forget", "--query", "zeppelin", "--yes")
    assert (nothing.code, "Nothing in memory meets this." in nothing.err) == (0, True)
    refused(program("memory", "forget"), "Say what to forget")


def test_a_receipt_that_cannot_be_written_is_told_before_anything_is_forgotten(
    program: Program, filled: Path, tmp_path: Path
) -> None:
    (number,) = ids_of(program, "spare key")
    (tmp_path / "there.json").touch()
    for place in (tmp_path / "there.json", tmp_path / "no folder" / "receipt.json"):
        shown = program("memory", "forget", str(number), "--yes", "--receipt", place)
        assert shown.code == 2
        assert place.name in shown.err
    assert ids_of(program, "spare key") == [number]


# ---- export


def test_export_and_back(program: Program, filled: Path, tmp_path: Path) -> None:
    shown = program("memory", "export", tmp_path / "out")
    assert "3 items in 3 files" in shown.out
    assert "not encrypted" in shown.err
    before = {(item["text"], item["kind"], item["title"]) for item in program("memory", "list", "--json").document["items"]}
    other = ("--store", tmp_path / "other.db")
    assert program("memory", "add", tmp_path / "out", *other).code == 0
    after = {
        (item["text"], item["kind"], item["title"]) for item in program("memory", "list", *other, "--json").document["items"]
    }
    assert after == before
    refused(program("memory", "export", tmp_path / "out"), "not empty")


def test_export_of_a_memory_that_does_not_open(program: Program, filled: Path, own_home: Path, tmp_path: Path) -> None:
    path = own_home / "memory" / "memory.db"
    data = bytearray(path.read_bytes())
    data[4096 + 100] ^= 1
    path.write_bytes(data)
    shown = program("memory", "export", tmp_path / "out", "--json")
    assert shown.code == 0
    assert shown.document["lost"]
    assert shown.document["items"] == 3


# ---- keys


def test_the_keyring_is_the_default(program: Program, filled: Path, own_keyring: OwnKeyring) -> None:
    assert len(own_keyring.kept) == 1
    shown = program("memory", "key")
    assert "the key is in the keyring, and it fits." in shown.out
    kept = dict(own_keyring.kept)
    own_keyring.kept.clear()
    refused(program("memory", "stats"), "holds no key", "EDGE_LLM_MEMORY_PASSPHRASE", "--key-file")
    own_keyring.kept.update(kept)
    assert program("memory", "stats").code == 0


def test_where_there_is_no_keyring_the_choices_are_told(program: Program, folder: Path, own_home: Path) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())
    refused(program("memory", "add", folder), "keyring", "EDGE_LLM_MEMORY_PASSPHRASE", "--passphrase", "key init --key-file")
    assert not (own_home / "memory" / "memory.db").exists()


def test_a_passphrase(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch, own_keyring: OwnKeyring) -> None:
    monkeypatch.setenv("EDGE_LLM_MEMORY_PASSPHRASE", "correct horse")
    assert program("memory", "add", folder).code == 0
    assert own_keyring.kept == {}
    assert program("memory", "key", "--json").document["key"] == "made from a passphrase"
    monkeypatch.setenv("EDGE_LLM_MEMORY_PASSPHRASE", "battery staple")
    refused(program("memory", "stats"), "does not open")
    monkeypatch.delenv("EDGE_LLM_MEMORY_PASSPHRASE")
    refused(program("memory", "stats", "--passphrase"), "no terminal")


def test_a_passphrase_is_asked_for_on_a_terminal(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["correct horse", "correct horse", "correct horse", "one", "another"])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda *_arguments, **_options: next(typed))
    assert program("memory", "add", folder, "--passphrase").code == 0, "a new one is asked for twice"
    assert program("memory", "stats").code == 0, "the keyring has none, so the person is asked"
    refused(program("memory", "key", "init", "--passphrase", "--store", folder / "other.db"), "differ")


def test_a_key_file(program: Program, folder: Path, tmp_path: Path) -> None:
    place, store = tmp_path / "my.key", ("--store", tmp_path / "mine.db")
    assert program("memory", "key", "init", "--key-file", place, *store).code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert program("memory", "add", folder, "--key-file", place, *store).code == 0
    refused(program("memory", "key", "init", "--key-file", place, *store), "there already")
    binary = tmp_path / "binary.key"
    binary.write_bytes(bytes.fromhex(place.read_text()))
    assert program("memory", "stats", "--key-file", binary, *store).code == 0
    (tmp_path / "bad.key").write_text("not a key")
    refused(program("memory", "stats", "--key-file", tmp_path / "bad.key", *store), "bad.key", "64 hexadecimal")
    refused(program("memory", "stats", "--key-file", tmp_path / "none.key", *store), "none.key")


def test_rotate_and_recover(
    program: Program, filled: Path, tmp_path: Path, own_keyring: OwnKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "recovery.key"
    assert program("memory", "key", "export", "--out", copy).code == 0
    assert program("memory", "list", "--key-file", copy).code == 0
    refused(program("memory", "key", "export", "--out", copy), "recovery.key")
    refused(program("memory", "key", "export"), "--out")

    monkeypatch.setenv("EDGE_LLM_MEMORY_NEW_PASSPHRASE", "correct horse")
    shown = program("memory", "key", "rotate", "--to", "passphrase", "--json")
    assert shown.document["key"] == "made from a passphrase"
    refused(program("memory", "list", "--key-file", copy), "does not open")
    monkeypatch.setenv("EDGE_LLM_MEMORY_PASSPHRASE", "correct horse")
    assert len(program("memory", "list", "--json").document["items"]) == 3

    assert program("memory", "key", "rotate", "--to", "keyring").code == 0
    monkeypatch.delenv("EDGE_LLM_MEMORY_PASSPHRASE")
    assert len(program("memory", "list", "--json").document["items"]) == 3
    assert program("memory", "key", "rotate", "--to", tmp_path / "new.key").code == 0
    assert program("memory", "list", "--key-file", tmp_path / "new.key").code == 0
    assert program("memory", "verify", "--key-file", tmp_path / "new.key").code == 0
    refused(program("memory", "key", "rotate", "--key-file", tmp_path / "new.key"), "--to")


# ---- what is not there, and what is in the way


def test_no_memory_yet(program: Program, own_home: Path) -> None:
    for arguments in (["search", "x"], ["list"], ["stats"], ["verify"], ["forget", "1"], ["key"], ["export", own_home / "out"]):
        refused(program("memory", *arguments), "There is no memory at", "memory add")
    assert not (own_home / "memory").exists()


def test_a_file_that_is_no_memory(program: Program, tmp_path: Path, filled: Path) -> None:
    (tmp_path / "photo.db").write_bytes(os.urandom(9000))
    refused(program("memory", "stats", "--store", tmp_path / "photo.db"), "photo.db", "not a memory")


def test_errors_are_json_where_that_is_wanted(program: Program) -> None:
    shown = program("memory", "stats", "--json")
    assert shown.code == 2
    assert shown.document["error"]["type"] == "InputError"


def test_people_and_senders_are_shown(program: Program, tmp_path: Path, filled: Path, own_keyring: OwnKeyring) -> None:
    people = (Mention("from", "Anna Lee", ("anna@lee.example",)), Mention("to", is_owner=True))
    with Memory.open() as memory:
        memory.add([Draft("See you!", "message", "1", people=people)], source="phone")
    assert "Anna Lee → me" in program("memory", "list", "--person", "Anna Lee").out
    assert "Anna Lee: anna@lee.example" in program("memory", "list", "people").out
