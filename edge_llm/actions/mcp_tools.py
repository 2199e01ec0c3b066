"""A tool of an MCP server as an action: what is taken of its definition, within bounds, and what is left out.

A server's words are data: its descriptions are cut and shown, its annotations are carried as hints that nobody believes, its
schemas keep only the keywords listed here. Knows the wire's form of a tool; opens no connection.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from edge_llm.actions.manifest import Action, Carrier, Consent, Effect, Slot, SlotRole, Text
from edge_llm.hidden import drop_hidden
from runtimes.errors import ManifestError

DESCRIPTION_CHARS = 300
"""Most characters of a description, a tool's or an argument's."""
SCHEMA_DEPTH = 6
"""How deep the schema of one argument may nest."""
SCHEMA_NODES = 500
"""Most schemas within the schema of one tool, references followed."""
_CHOICES = 64
"""Most values of an `enum`, alternatives of an `anyOf`, and arguments of a tool."""
_TEXT_CHARS = 200
"""Longest value of an `enum`."""

_TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_PLAIN_ID = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_SLOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NOT_IN_SLOT = re.compile(r"[^A-Za-z0-9_]")
_NOT_IN_ID = re.compile(r"[^a-z0-9]+")
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_FORMATS: Mapping[str, SlotRole] = {"email": "recipient", "uri": "link", "date-time": "time", "duration": "duration"}
_CONSENT: Mapping[Effect, Consent] = {"read": "granted", "local": "granted", "message": "always", "purchase": "always"}
UNKNOWN_EFFECT: Effect = "message"
"""What a tool is taken to do until the person says otherwise: reach somebody."""

Definition: TypeAlias = Mapping[str, Any]
"""A tool as the protocol writes it."""


@dataclass(frozen=True)
class ServerTool:
    """A tool that can become an action."""

    name: str
    """As the server calls it."""
    digest: str
    """SHA-256 of its whole definition, hex: what an approval of the tool is bound to."""
    action: Action
    properties: Mapping[str, str]
    """The server's name of each slot's argument, by slot."""
    hints: tuple[str, ...] = ()
    """What the server claims of it. Shown, never believed."""

    def with_effect(self, effect: Effect) -> ServerTool:
        """The same tool, of which the person says what it touches."""
        return replace(self, action=replace(self.action, effect=effect, consent=_CONSENT[effect]))


@dataclass(frozen=True)
class RefusedTool:
    """A tool that cannot be used here."""

    name: str
    """As it can be shown: cut, nothing hidden."""
    reason: str


def map_tools(server: str, definitions: tuple[Definition, ...]) -> tuple[tuple[ServerTool, ...], tuple[RefusedTool, ...]]:
    """The tools of a server that can be used, and those that cannot. Each definition is in one of the two."""
    usable: dict[str, ServerTool] = {}
    refused: list[RefusedTool] = []
    for definition in definitions:
        tool = _mapped(server, definition)
        if isinstance(tool, RefusedTool):
            refused.append(tool)
        elif tool.action.id in usable:
            refused.append(RefusedTool(tool.name, f"another tool has the same id here, {tool.action.id}"))
        else:
            usable[tool.action.id] = tool
    return tuple(usable.values()), tuple(refused)


def map_tool(server: str, definition: Definition) -> ServerTool:
    """One tool as an action whose effect nobody knows. Raises ManifestError for one that cannot be used, saying why."""
    name = definition.get("name")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise ManifestError("its name is not made of at most 128 letters, digits, and _ - . /")
    schema = definition.get("inputSchema")
    if not isinstance(schema, Mapping):
        raise ManifestError("it has no input schema")
    slots, properties = _slots(schema)
    description = cut_text(definition.get("description"), DESCRIPTION_CHARS)
    digest = definition_digest(definition)
    title = f"{name} ({server})"
    action = Action(
        id=f"mcp.{server}.{_identifier(name)}",
        name=Text(title, title),
        description=Text(description, description),
        effect=UNKNOWN_EFFECT,
        consent=_CONSENT[UNKNOWN_EFFECT],
        slots=slots,
        examples={"en": (), "zh": ()},
        negatives={"en": (), "zh": ()},
        carriers=(Carrier("mcp", f"{server}/{name}"),),
        version=1 + int(digest[:7], 16),  # another definition, another version: what was approved for one is void for the other
        trusted=False,
    )
    return ServerTool(name, digest, action, properties, tuple(_hints(definition.get("annotations"))))


def _mapped(server: str, definition: Definition) -> ServerTool | RefusedTool:
    try:
        return map_tool(server, definition)
    except ManifestError as error:
        return RefusedTool(cut_text(str(definition.get("name")), _TEXT_CHARS), str(error))


def definition_digest(definition: Definition) -> str:
    """SHA-256 of a definition in canonical JSON, hex. A change of anything in it changes the digest."""
    text = json.dumps(definition, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _identifier(name: str) -> str:
    """The last part of an action's id: the tool's name where it can be one, else what is left of it and a mark of its own."""
    if _PLAIN_ID.fullmatch(name):
        return name
    stem = _NOT_IN_ID.sub("-", name.lower()).strip("-")[:40].strip("-")
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{stem}-{mark}" if stem else mark


def _slots(schema: Mapping[str, Any]) -> tuple[tuple[Slot, ...], dict[str, str]]:
    arguments, needed = schema.get("properties", {}), _required(schema)
    if not isinstance(arguments, Mapping):
        raise ManifestError("its input schema is malformed")
    if len(arguments) > _CHOICES:
        raise ManifestError(f"it has {len(arguments)} arguments; at most {_CHOICES} are taken")
    if absent := needed - set(arguments):
        raise ManifestError(f"its schema requires {len(absent)} arguments that it does not describe")
    reader = _SchemaReader(schema)
    slots: list[Slot] = []
    properties: dict[str, str] = {}
    for argument, described in arguments.items():
        name = _slot_name(argument)
        if name in properties:
            raise ManifestError(f"two of its arguments would both be called {name}")
        bounded = reader.read(described, 1)
        properties[name] = argument
        words = bounded.get("description", "")
        slots.append(Slot(name, _role(bounded), bounded, argument in needed, Text(words, words)))
    return tuple(slots), properties


def _required(schema: Mapping[str, Any]) -> set[str]:
    needed = schema.get("required", [])
    if not isinstance(needed, list) or not all(isinstance(name, str) for name in needed):
        raise ManifestError("its input schema is malformed")
    return set(needed)


def _slot_name(argument: str) -> str:
    if _SLOT.fullmatch(argument):
        return argument
    name = _NOT_IN_SLOT.sub("_", argument)
    name = name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"
    if not argument or not _SLOT.fullmatch(name):
        raise ManifestError("one of its arguments has no usable name")
    return name


def _role(schema: Mapping[str, Any]) -> SlotRole:
    alternatives = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    if len(alternatives) == 1:  # how an argument that may be left out is often written
        return _role(alternatives[0])
    if "enum" in schema or schema.get("type") == "boolean":
        return "choice"
    if schema.get("type") in ("number", "integer"):
        return "number"
    if schema.get("type") == "string":
        return _FORMATS.get(schema.get("format", ""), "text")
    return "data"


def _hints(annotations: object) -> Iterator[str]:
    told = annotations if isinstance(annotations, Mapping) else {}
    words = {"readOnlyHint": "only reads", "destructiveHint": "may destroy", "openWorldHint": "reaches other systems"}
    for key, hint in words.items():
        if told.get(key) is True:
            yield hint


def cut_text(text: object, most: int) -> str:
    """A server's words on one line, nothing hidden in them, at most so many characters; nothing for what is no text."""
    if not isinstance(text, str):
        return ""
    line = " ".join(drop_hidden(text[: 8 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


class _SchemaReader:
    """Takes of JSON Schema what slots use. Everything else is dropped, which only makes a schema wider: the server checks
    its arguments itself. Patterns are dropped, since one can take exponential time.

    Args:
        root: what `#/$defs/...` counts from.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = SCHEMA_NODES

    def read(self, schema: object, depth: int) -> dict[str, Any]:
        """The bounded form. Raises ManifestError for a schema over the bounds, or none."""
        self._left -= 1
        if depth > SCHEMA_DEPTH:
            raise ManifestError(f"its schema nests deeper than {SCHEMA_DEPTH}, or refers to itself")
        if self._left < 0:
            raise ManifestError(f"its schema has more than {SCHEMA_NODES} parts")
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise ManifestError("its input schema is malformed")
        if "$ref" in schema:
            return self.read(self._referred(schema["$ref"]), depth + 1)
        found: dict[str, Any] = {}
        if words := cut_text(schema.get("description"), DESCRIPTION_CHARS):
            found["description"] = words
        found |= _types(schema) | _bounds(schema) | _choices(schema)
        for key in ("anyOf", "oneOf"):
            if isinstance(alternatives := schema.get(key), list):
                if len(alternatives) > _CHOICES:
                    raise ManifestError(f"its schema has more than {_CHOICES} alternatives")
                found["anyOf"] = [self.read(part, depth + 1) for part in alternatives]
        if "items" in schema:
            found["items"] = self.read(schema["items"], depth + 1)
        if isinstance(properties := schema.get("properties"), Mapping):
            found["properties"] = {_property(name): self.read(part, depth + 1) for name, part in properties.items()}
            needed = _required(schema)
            found["required"] = [name for name in properties if name in needed]
        return found

    def _referred(self, reference: object) -> object:
        """What a reference within the document points to; no other is followed."""
        parts = reference.split("/") if isinstance(reference, str) else []
        if len(parts) != 3 or parts[0] != "#" or parts[1] not in ("$defs", "definitions"):
            raise ManifestError("its schema refers to something outside itself")
        group = self._root.get(parts[1])
        if not isinstance(group, Mapping) or parts[2] not in group:
            raise ManifestError("its schema refers to a part that is not there")
        return group[parts[2]]


def _types(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind is None:
        return {}
    kinds = kind if isinstance(kind, list) else [kind]
    if not kinds or not all(isinstance(name, str) and name in _TYPES for name in kinds):
        raise ManifestError("its schema has an unknown type")
    found: dict[str, Any] = {"type": kind}
    if schema.get("format") in _FORMATS:
        found["format"] = schema["format"]
    return found


def _bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: schema[key] for key in _NUMBERS if type(schema.get(key)) in (int, float)}
    counts = {key: schema[key] for key in _COUNTS if type(schema.get(key)) is int and schema[key] >= 0}
    return numbers | counts


def _choices(schema: Mapping[str, Any]) -> dict[str, Any]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None:
        return {}
    if not isinstance(values, list) or not 0 < len(values) <= _CHOICES:
        raise ManifestError(f"its schema has no choices, or more than {_CHOICES}")
    if not all(value is None or isinstance(value, str | int | float) for value in values):
        raise ManifestError("its schema has choices that are not plain values")
    if any(isinstance(value, str) and len(value) > _TEXT_CHARS for value in values):
        raise ManifestError(f"its schema has a choice of more than {_TEXT_CHARS} characters")
    return {"enum": list(values)}


def _property(name: str) -> str:
    if not name or len(name) > _TEXT_CHARS:
        raise ManifestError("its schema has a property without a usable name")
    return name
