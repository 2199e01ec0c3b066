"""Apps by name: only those the menu lists, in any of their languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_llm.actions.tools import apps
from edge_llm.actions.tools.apps import desktop_entries, open_app
from runtimes.errors import InputError, RuntimeFailedError


def entry(folder: Path, name: str, text: str) -> Path:
    path = folder / "applications" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[Desktop Entry]\nType=Application\n" + text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entry(tmp_path, "music.desktop", "Name=Music\nName[zh_CN]=音乐\nExec=true\n[Desktop Action new]\nName=New Window\n")
    entry(tmp_path, "hidden.desktop", "Name=Hidden\nNoDisplay=true\n")
    entry(tmp_path, "link.desktop", "Name=Link\nType=Link\n")
    return tmp_path


def test_entries_by_every_name(folder: Path) -> None:
    assert {name: path.name for name, path in desktop_entries([folder]).items()} == {
        "music": "music.desktop",
        "音乐": "music.desktop",
    }


def test_the_persons_own_entry_hides_the_systems(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    entry(own, "music.desktop", "Name=Music\nHidden=true\n")
    assert desktop_entries([own, folder]) == {}


def test_an_app_is_started_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr(apps, "installed_apps", lambda: desktop_entries([folder]))
    monkeypatch.setattr(apps, "_start", started.append)
    assert open_app(" MUSIC ") == {"app": "music"}
    assert open_app("音乐") == {"app": "music"}
    assert [path.name for path in started] == ["music.desktop"] * 2
    with pytest.raises(InputError, match="called sh"):
        open_app("sh")
    with pytest.raises(InputError, match="No app"):
        open_app("")


def test_no_launcher_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps.sys, "platform", "linux")
    monkeypatch.setattr(apps.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeFailedError, match="gio"):
        apps._start(folder / "applications" / "music.desktop")
