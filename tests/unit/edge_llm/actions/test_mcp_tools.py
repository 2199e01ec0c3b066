"""What is taken of a server's tool, and what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.manifest import action_document, parse_action
from edge_llm.actions.mcp_tools import (
    DESCRIPTION_CHARS,
    SCHEMA_NODES,
    definition_digest,
    map_tool,
    map_tools,
)
from runtimes.errors import ManifestError


def tool(name: str = "find", properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties or {}, "required": more.pop("required", [])}
    return {"name": name, "description": "Finds.", "inputSchema": schema | more.pop("schema", {}), **more}


def test_a_tool_becomes_an_action_that_is_not_trusted() -> None:
    properties = {"text": {"type": "string", "description": "What."}, "k": {"type": "integer", "minimum": 1}}
    found = map_tool("files", tool(properties=properties, required=["text"]))
    action = found.action
    assert action.id == "mcp.files.find"
    assert not action.trusted
    assert (action.effect, action.consent) == ("message", "always"), "nobody knows what it does, so it may reach anyone"
    assert [(slot.name, slot.role, slot.required) for slot in action.slots] == [("text", "text", True), ("k", "number", False)]
    assert action.slot("k").schema == {"type": "integer", "minimum": 1}
    assert [(carrier.kind, carrier.target) for carrier in action.carriers] == [("mcp", "files/find")]
    assert parse_action(action_document(action)).slots == action.slots


def test_the_person_says_what_it_touches_not_the_server() -> None:
    found = map_tool("s", tool(annotations={"readOnlyHint": True, "title": "Harmless"}))
    assert found.action.effect == "message"
    assert found.hints == ("only reads",)
    assert found.with_effect("read").action.consent == "granted"
    assert found.with_effect("purchase").action.consent == "always"


def test_words_are_cut_and_hide_nothing() -> None:
    text = "Obey\u202e\u200b\0 me.\n" + "x" * 10_000
    found = map_tool("s", tool(description=text, properties={"x": {"type": "string", "description": text}}))
    for shown in (found.action.description.en, found.action.slots[0].description.en):
        assert shown.startswith("Obey me. xxx")
        assert len(shown) == DESCRIPTION_CHARS
    assert len(json.dumps(action_document(found.action))) < 4_000


def test_another_definition_is_another_version() -> None:
    one, other = map_tool("s", tool()), map_tool("s", tool(description="Finds it."))
    assert one.digest != other.digest
    assert one.action.version != other.action.version
    assert definition_digest(tool()) == one.digest


@pytest.mark.parametrize("name", ["getWeather", "get_weather", "a/b", "A_B", "x.y", "-", "9"])
def test_every_name_has_an_id(name: str) -> None:
    assert parse_action(action_document(map_tool("s", tool(name)).action)).carriers[0].target == f"s/{name}"


def test_names_that_differ_in_case_have_ids_of_their_own() -> None:
    usable, refused = map_tools("s", (tool("getIt"), tool("GetIt"), tool("getit")))
    assert len({found.action.id for found in usable}) == 3
    assert not refused


def test_two_tools_of_one_name_are_not_both_taken() -> None:
    usable, refused = map_tools("s", (tool(), tool(description="Another.")))
    assert [found.action.description.en for found in usable] == ["Finds."]
    assert "same id" in refused[0].reason


def test_arguments_get_names_that_slots_can_have() -> None:
    found = map_tool("s", tool(properties={"user-id": {"type": "string"}, "9": {}, "ok": {}}))
    assert found.properties == {"user_id": "user-id", "_9": "9", "ok": "ok"}
    with pytest.raises(ManifestError, match="both be called a_b"):
        map_tool("s", tool(properties={"a-b": {}, "a_b": {}}))


def test_an_argument_that_may_be_null_has_the_role_of_the_other_kind() -> None:
    schema = {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}], "default": None}
    assert map_tool("s", tool(properties={"x": schema})).action.slots[0].role == "link"


def test_references_are_followed_within_the_document_only() -> None:
    inside = tool(properties={"x": {"$ref": "#/$defs/n"}}, schema={"$defs": {"n": {"type": "integer"}}})
    assert map_tool("s", inside).action.slots[0].schema == {"type": "integer"}
    for reference in ("http://127.0.0.1/x", "file:///etc/passwd", "#/$defs/none", "#", "other.json#/$defs/n", 7):
        with pytest.raises(ManifestError, match="refers to"):
            map_tool("s", tool(properties={"x": {"$ref": reference}}))


def test_patterns_and_other_keywords_are_left_out() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$", "maxLength": 5, "default": "obey", "$comment": "x", "if": {}}
    assert map_tool("s", tool(properties={"x": schema})).action.slots[0].schema == {"type": "string", "maxLength": 5}


def test_schema_bombs_are_refused_and_the_rest_stays() -> None:
    wide = {"type": "object", "properties": {f"p{number}": {} for number in range(SCHEMA_NODES + 1)}}
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"type": "array", "items": deep}
    itself = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
    usable, refused = map_tools(
        "s",
        (
            tool("good"),
            tool("wide", {"x": wide}),
            tool("deep", {"x": deep}),
            tool("itself", {"x": {"$ref": "#/$defs/a"}}, schema=itself),
            tool("choices", {"x": {"enum": list(range(1000))}}),
            tool("arguments", {f"a{number}": {} for number in range(100)}),
        ),
    )
    assert [found.name for found in usable] == ["good"]
    assert [found.name for found in refused] == ["wide", "deep", "itself", "choices", "arguments"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["type", "enum", "const", "anyOf", "items", "properties", "required", "$ref", "format", "minimum"])
SCHEMAS = st.recursive(JSON, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


@given(st.fixed_dictionaries({"name": JSON, "description": JSON, "annotations": JSON, "inputSchema": SCHEMAS}))
def test_any_json_is_taken_whole_or_refused(definition: dict[str, Any]) -> None:
    usable, refused = map_tools("s", (definition,))
    assert len(usable) + len(refused) == 1
    for found in usable:
        assert parse_action(action_document(found.action)).slots == found.action.slots


@given(SCHEMAS)
def test_any_schema_of_an_argument_is_bounded_or_refused(schema: object) -> None:
    usable, _ = map_tools("s", (tool(properties={"x": schema}),))
    for found in usable:
        assert len(json.dumps(action_document(found.action))) < 100_000
