"""docs/actions.md says what there is: every field, role, part, finding and standard action; and its examples work."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from edge_llm.actions import lint
from edge_llm.actions.library import library, parse_actions
from edge_llm.actions.manifest import CARRIER_KINDS, EFFECTS, SLOT_ROLES, action_document, schema
from edge_llm.actions.parts import PARTS
from edge_llm.actions.registry import Registry

PAGE = (Path(__file__).parents[4] / "docs" / "actions.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "word",
    [
        *SLOT_ROLES,
        *EFFECTS,
        *CARRIER_KINDS,
        *PARTS,
        *schema()["properties"],
        *schema()["properties"]["carriers"]["items"]["properties"],
    ],
)
def test_every_word_of_the_format_is_told(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_every_finding_is_told() -> None:
    source = Path(lint.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'Finding\([\w"]+, "([a-z-]+)"', source)) | set(re.findall(r'yield "\w+", "([a-z-]+)"', source))
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


@pytest.mark.parametrize("action", library(), ids=lambda action: action.id)
def test_the_table_is_the_librarys(action: Any) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{action.id}` |"))
    _, _, slots, consent, carriers, _ = row.split("|")
    assert slots.strip() == (", ".join(slot.name if slot.required else f"*{slot.name}*" for slot in action.slots) or "none")
    assert consent.strip() == f"{action.effect}, {action.consent}"
    assert len(carriers.split(";")) == len(action.carriers)


def test_the_manifest_shown_is_one() -> None:
    (shown,) = (json.loads(block) for block in blocks("json"))
    (action,) = parse_actions(shown)
    assert action_document(action)["carriers"] == shown["carriers"]


def test_the_python_shown_works(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("python")
    module = types.ModuleType("shown_in_the_docs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    registry = module.registry
    assert isinstance(registry, Registry)
    action = registry.get("lamp.dim")
    assert [(slot.name, slot.required) for slot in action.slots] == [("room", True), ("percent", False), ("mode", False)]
    assert registry.functions["shown_in_the_docs:dim_lamp"](room="hall") == "hall: 50 %"
    assert {finding.level for finding in lint.lint(action)} == {"warning"}
