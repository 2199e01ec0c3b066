"""Plain files of conversations lose what repeats a forgotten text, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_llm.chat_file import read_chat, write_chat
from edge_llm.memory import chat_cuts
from edge_llm.memory.chat_cuts import exchanges, execute, find_cuts
from edge_llm.messages import Message
from runtimes.errors import StorageError

SECRET = "The spare key lies under the third flower pot behind the garage."
KEPT = (Message("system", "Be brief."), Message("user", "Hello!"), Message("assistant", "Hello, how can I help?"))
LOST = (Message("user", "Where is my key?"), Message("assistant", f"You said: {SECRET}"))
AFTER = (Message("user", "Thanks."), Message("assistant", "You are welcome."))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_chat(tmp_path / "keys.json", "fake", (*KEPT, *LOST, *AFTER))
    write_chat(tmp_path / "other.json", "fake", KEPT)
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    return tmp_path


def test_the_exchange_that_repeats_it_goes(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (cut,) = find_cuts(folder, [SECRET])
    assert (cut.path.name, cut.messages) == ("keys.json", 2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, "finding changes nothing"
    assert b"flower pot" in before["keys.json"], "the control: it was there"

    execute(folder, [cut])
    assert read_chat(cut.path).messages == (*KEPT, *AFTER)
    assert read_chat(cut.path).model == "fake"
    assert sorted(path.name for path in folder.iterdir()) == ["keys.json", "list.json", "other.json"]
    assert not any(b"flower pot" in path.read_bytes() for path in folder.iterdir())
    assert find_cuts(folder, [SECRET]) == ()


def test_the_old_bytes_are_overwritten(folder: Path) -> None:
    with (folder / "keys.json").open("rb") as held:
        execute(folder, find_cuts(folder, [SECRET]))
        assert not held.read().strip(b"\0")


@pytest.mark.parametrize("at", ["link", "write"])
def test_killed_in_the_middle_nothing_is_lost_and_the_next_run_finishes(
    folder: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chat_cuts, "write_chat" if at == "link" else "wipe", die)
        with pytest.raises(KeyboardInterrupt):
            execute(folder, find_cuts(folder, [SECRET]))
    assert set(read_chat(folder / "keys.json").messages) >= {*KEPT, *AFTER}
    execute(folder, find_cuts(folder, [SECRET]))
    assert not any(b"flower pot" in path.read_bytes() for path in folder.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert find_cuts(tmp_path / "none", [SECRET]) == ()


def test_a_disk_that_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(StorageError, match=r"keys\.json: Read-only"):
        execute(folder, find_cuts(folder, [SECRET]))


def test_exchanges() -> None:
    assert exchanges("aquaaq", lambda turn: turn == "q") == [["a"], ["q", "u", "a", "a"], ["q"]]
