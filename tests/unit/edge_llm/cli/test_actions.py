"""`actions`: what is listed, what the linter says through it, and a call tried that does nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import action_document, parse_action
from tests.unit.edge_llm.cli.program import Program

SMS = next(action for action in library() if action.id == "sms.send")


def mine(**changed: Any) -> dict[str, Any]:
    return {**deepcopy(action_document(SMS)), "id": "mine.send", **changed}


@pytest.fixture
def app_file(tmp_path: Path) -> Path:
    path = tmp_path / "app.json"
    path.write_text(json.dumps(mine()), encoding="utf-8")
    return path


def test_list_tells_what_each_touches(program: Program, app_file: Path) -> None:
    found = program("actions", "list", "--file", str(app_file), "--json").document["actions"]
    assert [action["id"] for action in found] == [*(action.id for action in library()), "mine.send"]
    assert found[-1]["effect"] == "message"
    assert found[-1]["required"] == ["recipient", "message"]
    shown = program("actions", "list", "--effect", "purchase", "--language", "zh").out
    assert "打开打车应用" in shown
    assert "sms.send" not in shown


def test_show_gives_back_the_manifest(program: Program) -> None:
    assert parse_action(program("actions", "show", "sms.send", "--json").document) == SMS
    text = program("actions", "show", "note.add").out
    assert "undone by list.remove" in text
    assert "carrier 1: python edge_llm.actions.tools.lists:add_note" in text
    missing = program("actions", "show", "sms.sned")
    assert (missing.code, "Did you mean sms.send?" in missing.err) == (2, True)


def test_check_finds_what_misleads(program: Program, app_file: Path) -> None:
    assert program("actions", "check", str(app_file)).code == 0
    app_file.write_text(json.dumps({"actions": [mine(preview="Text {recipient}", negatives={})]}), encoding="utf-8")
    done = program("actions", "check", str(app_file), "--json")
    levels = {finding["code"]: finding["level"] for finding in done.document["actions"][0]["findings"]}
    assert done.code == 2
    assert done.document["ok"] is False
    assert (levels["preview-lacks"], levels["few-negatives"]) == ("error", "warning")


def test_strict_fails_on_warnings(program: Program, app_file: Path) -> None:
    app_file.write_text(json.dumps(mine(negatives={})), encoding="utf-8")
    assert program("actions", "check", str(app_file)).code == 0
    assert program("actions", "check", "--strict", str(app_file)).code == 2


def test_check_says_when_an_id_is_taken(program: Program, app_file: Path) -> None:
    app_file.write_text(json.dumps(mine(id="sms.send", version=9)), encoding="utf-8")
    done = program("actions", "check", str(app_file))
    assert done.code == 2
    assert "error taken" in done.out


def test_try_shows_the_call_and_does_nothing(program: Program) -> None:
    done = program("actions", "try", "sms.send", "--slot", "recipient=+8613800138000", "--slot", "message=a & b=c", "--json")
    assert done.code == 0
    shown = done.document
    assert shown["arguments"] == {"recipient": "+8613800138000", "message": "a & b=c"}
    assert shown["missing"] == []
    assert shown["needs_approval"] is True
    assert "a & b=c" in shown["preview"]
    assert shown["carriers"][0]["does"] == "sms:%2B8613800138000?body=a%20%26%20b%3Dc"
    assert shown["intents"][0]["extras"] == {"sms_body": "a & b=c"}


def test_try_asks_for_what_is_missing(program: Program) -> None:
    shown = program("actions", "try", "sms.send", "--slot", "message=hi", "--language", "zh")
    assert shown.code == 0
    assert "recipient. 发给谁？" in shown.out
    document = program("actions", "try", "alarm.set", "--json").document
    assert document["missing"] == [{"slot": "time", "ask": "For what time?"}]


def test_try_takes_json_where_a_slot_is_no_text(program: Program) -> None:
    shown = program("actions", "try", "shopping.add", "--slot", 'items=["milk", "eggs"]', "--json").document
    assert shown["arguments"] == {"items": ["milk", "eggs"]}
    for wrong in ("items=milk", "milk", "thing=milk"):
        assert program("actions", "try", "shopping.add", "--slot", wrong).code == 2


def test_a_home_with_apps_is_looked_into(program: Program, tmp_path: Path) -> None:
    (tmp_path / "home" / "actions").mkdir(parents=True)
    (tmp_path / "home" / "actions" / "app.json").write_text(json.dumps(mine(name="Se\u202end")), encoding="utf-8")
    done = program("actions", "show", "mine.send", "--home", str(tmp_path / "home"))
    assert done.code == 0
    assert "\u202e" not in done.out
    (tmp_path / "home" / "actions" / "app.json").write_text("{", encoding="utf-8")
    assert program("actions", "list", "--home", str(tmp_path / "home")).code == 2
