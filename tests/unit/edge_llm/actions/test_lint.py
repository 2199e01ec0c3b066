"""The linter: the standard actions pass, and each fault of a manifest is found by its name."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.lint import lint
from edge_llm.actions.manifest import Action, action_document, parse_action

SMS = next(action for action in library() if action.id == "sms.send")
IDS = {action.id for action in library()}


def codes(changed: dict[str, Any], slot: dict[str, Any] | None = None, known: set[str] | None = None) -> dict[str, str]:
    document = deepcopy(action_document(SMS))
    document.update(changed)
    if slot is not None:
        document["slots"]["message"] = {**document["slots"]["message"], **slot}
    return {finding.code: finding.level for finding in lint(parse_action(document), known)}


@pytest.mark.parametrize("action", library(), ids=lambda action: action.id)
def test_the_standard_actions_have_nothing_worse_than_notes(action: Action) -> None:
    assert {finding.level for finding in lint(action, IDS)} <= {"note"}


def test_a_good_action_has_no_findings() -> None:
    assert codes({}) == {}


def carrier(kind: str, target: str, **more: Any) -> dict[str, Any]:
    return {"carriers": [{"kind": kind, "target": target, **more}]}


LOCAL = {"effect": "local", "consent": "granted"}
FEW = {"en": ["text {recipient}"], "zh": ["发短信"]}


@pytest.mark.parametrize(
    ("changed", "code", "level"),
    [
        ({"description": {"en": "Sends.", "zh": ""}}, "no-text", "error"),
        ({"name": "SMS"}, "one-language", "warning"),
        ({"description": {"en": "x" * 301, "zh": "短"}}, "long-text", "warning"),
        ({"name": {"en": "Te\u202ext", "zh": "短信"}}, "hidden-characters", "error"),
        ({"examples": {"en": ["a"] * 9, "zh": []}}, "no-examples", "error"),
        ({"examples": {"en": ["a"] * 9, "zh": []}}, "twice", "warning"),
        ({"examples": FEW}, "few-examples", "warning"),
        ({"negatives": {}}, "few-negatives", "warning"),
        ({"negatives": action_document(SMS)["examples"]}, "contradiction", "error"),
        ({"effect": "purchase"}, "purchase-consent", "error"),
        ({"effect": "local", "consent": "none"}, "local-consent", "note"),
        ({"preview": {"en": "", "zh": ""}}, "no-preview", "warning"),
        ({"preview": {"en": "Text {recipient}", "zh": "{recipient}{message}"}}, "preview-lacks", "error"),
        ({**LOCAL, "preview": {"en": "Text {recipient}", "zh": "{recipient}{message}"}}, "preview-lacks", "warning"),
        ({"carriers": []}, "no-carrier", "error"),
        ({"undo": "sms.unsend"}, "unknown-undo", "error"),
        (carrier("python", "os.system"), "no-function", "error"),
        (carrier("mcp", "tool"), "no-tool", "error"),
        (carrier("intent", "android.intent.action.SEND", extras={"x": "{message}{recipient}"}), "no-type", "error"),
        (carrier("uri", "{message}{recipient}"), "no-scheme", "error"),
        (carrier("uri", "https://{recipient}.example.org/{message}"), "open-host", "error"),
        (carrier("intent", "VIEW", data="https://{recipient}/{message}"), "open-host", "error"),
        (carrier("uri", "http://example.org/{message}/{recipient}"), "not-encrypted", "warning"),
        (carrier("uri", "weixin://{message}/{recipient}"), "open-host", "error"),
        (carrier("uri", "weixin://dl/{message}/{recipient}"), "unverified", "note"),
        (carrier("uri", "weixin://dl/{message}/{recipient}", verified="2020-01-01"), "stale", "note"),
        (carrier("clipboard", "{message}", data="https://example.org/"), "drops", "note"),
        ({**LOCAL, **carrier("uri", "https://example.org/{message}/{recipient}")}, "leaves-device", "error"),
    ],
)
def test_a_fault_is_found(changed: dict[str, Any], code: str, level: str) -> None:
    assert codes(changed, known=IDS).get(code) == level


@pytest.mark.parametrize(
    ("slot", "code"),
    [
        ({"description": {"en": "", "zh": "内容"}}, "no-description"),
        ({"ask": {"en": "?", "zh": "？"}, "schema": {}}, "any-value"),
        ({"role": "time"}, "no-format"),
    ],
)
def test_a_fault_of_a_slot_is_found(slot: dict[str, Any], code: str) -> None:
    assert codes({}, slot).get(code) == "warning"


def test_a_required_slot_wants_a_question() -> None:
    document = deepcopy(action_document(SMS))
    del document["slots"]["message"]["ask"]
    assert [finding.code for finding in lint(parse_action(document))] == ["no-question"]


def test_a_link_seen_of_late_is_fine() -> None:
    recent = (date.today() - timedelta(days=30)).isoformat()
    assert codes(carrier("uri", "weixin://dl/{message}/{recipient}", verified=recent)) == {}


def test_errors_come_first() -> None:
    findings = lint(parse_action({**action_document(SMS), "carriers": [], "negatives": {}}))
    assert [finding.level for finding in findings] == ["error", "warning", "warning"]
