"""The models folder: where it is, that it appears when needed, and that its locks exclude."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge_llm.home import Home
from runtimes.errors import StorageError


def test_the_environment_moves_it(own_home: Path) -> None:
    assert Home().path == own_home


def test_what_is_given_wins(own_home: Path, tmp_path: Path) -> None:
    assert Home(tmp_path / "mine").path == tmp_path / "mine"


def test_the_default_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGE_LLM_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Home().path.is_relative_to(tmp_path)
    assert Home().path.name == "edge-llm"


def test_a_relative_path_and_a_tilde_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Home("here").path == tmp_path / "here"
    assert Home("~/there").path == tmp_path / "there"
    assert Home("~no-such-user/there").path == tmp_path / "~no-such-user" / "there"


def test_nothing_is_created_before_it_is_needed(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    assert all(folder.is_relative_to(home.path) for folder in (home.models, home.bundles, home.chats, home.downloads))
    assert not home.path.exists()
    assert home.make(home.chats).is_dir()
    assert [folder.name for folder in home.path.iterdir()] == ["chats"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    home = Home(blocker)
    with pytest.raises(StorageError, match=r"file.models.*--home"):
        home.make(home.models)
    with pytest.raises(StorageError), home.lock("any"):
        pass


def test_a_lock_excludes_threads_and_says_so(tmp_path: Path) -> None:
    home, order, waited = Home(tmp_path), [], threading.Event()

    def second() -> None:
        with home.lock("one", waiting=waited.set):
            order.append("second")

    with home.lock("one"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_that_is_free_does_not_wait(tmp_path: Path) -> None:
    home, calls = Home(tmp_path), []
    with home.lock("one", waiting=lambda: calls.append("one")), home.lock("two", waiting=lambda: calls.append("two")):
        pass
    with home.lock("one", waiting=lambda: calls.append("again")):
        pass
    assert calls == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = f"from edge_llm.home import Home; import os\nwith Home({str(tmp_path)!r}).lock('one'): os._exit(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
    calls: list[str] = []
    with Home(tmp_path).lock("one", waiting=lambda: calls.append("waited")):
        assert calls == []
