"""A registry: actions by id, none replaced, all of a file or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import action_document
from edge_llm.actions.registry import Registry, actions_folder, standard_registry
from edge_llm.home import Home
from runtimes.errors import InputError, ManifestError


def test_what_is_added_is_found_in_order() -> None:
    registry = Registry(library())
    mine = replace(registry.get("sms.send"), id="mine.send")
    assert registry.add(mine) is mine
    assert registry.all() == (*library(), mine)
    assert "mine.send" in registry
    assert len(registry) == len(library()) + 1


def test_an_unknown_id_is_met_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Did you mean sms\.send\?"):
        Registry(library()).get("sms.sned")
    with pytest.raises(InputError, match="actions list"):
        Registry(library()).get("zzzzzzz")


def test_no_action_replaces_another() -> None:
    registry = Registry(library())
    with pytest.raises(ManifestError, match=r"already an action sms\.send"):
        registry.add(registry.get("sms.send"))


def test_a_file_is_taken_in_whole_or_not_at_all(tmp_path: Path) -> None:
    registry = Registry(library())
    new = action_document(replace(registry.get("sms.send"), id="mine.send"))
    taken = action_document(registry.get("call.start"))
    path = tmp_path / "app.json"
    path.write_text(json.dumps({"actions": [new, taken]}), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"app\.json: .*call\.start"):
        registry.load_file(path)
    assert "mine.send" not in registry
    path.write_text(json.dumps(new), encoding="utf-8")
    assert [action.id for action in registry.load_file(path)] == ["mine.send"]
    assert "mine.send" in registry


def test_a_home_brings_its_apps(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert standard_registry(home).all() == library()
    folder = home.make(actions_folder(home))
    for name in ("b", "a"):
        action = replace(library()[0], id=f"mine.{name}")
        (folder / f"{name}.json").write_text(json.dumps(action_document(action)), encoding="utf-8")
    (folder / "notes.txt").write_text("nothing", encoding="utf-8")
    assert [action.id for action in standard_registry(home).all()[-2:]] == ["mine.a", "mine.b"]
    (folder / "c.json").write_text("{", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"c\.json is not JSON"):
        standard_registry(home)
