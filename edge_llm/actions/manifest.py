"""The action manifest: what an app lets the assistant do, as data. Its values, its JSON form, and what makes one invalid.

Knows fields and rules; carries nothing out and asks no model. The format is `action.schema.json` beside this file (JSON
Schema 2020-12) and is told in docs/actions.md. The same document travels in a phone's bundle.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any, Literal, TypeAlias, get_args

from edge_llm.actions.parts import PARTS
from runtimes.errors import ManifestError

SCHEMA_VERSION = 1

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
SlotRole: TypeAlias = Literal[
    "recipient", "amount", "place", "time", "duration", "text", "query", "item", "app", "link", "number", "choice", "data"
]
"""What a value means, and so how it is found in words and written canonically: see docs/actions.md."""
SLOT_ROLES: tuple[SlotRole, ...] = get_args(SlotRole)
Effect: TypeAlias = Literal["read", "local", "message", "purchase"]
"""What an action may touch: nothing; this device; another person; money."""
EFFECTS: tuple[Effect, ...] = get_args(Effect)
Consent: TypeAlias = Literal["none", "granted", "always"]
"""Who must agree: nobody; the person, who may say so once for all; the person, each time."""
CarrierKind: TypeAlias = Literal["python", "uri", "intent", "mcp", "clipboard"]
CARRIER_KINDS: tuple[CarrierKind, ...] = get_args(CarrierKind)

_ID = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
_SLOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST = 2_000
"""Characters of any one text."""
_MOST_PARTS, _MOST_LINES = 64, 256
"""Slots, carriers, or examples in one language."""
_OUTWARD: frozenset[Effect] = frozenset({"message", "purchase"})


@dataclass(frozen=True)
class Text:
    """The same words in both languages. An app that has only one gives it twice."""

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """The words in `language`."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Slot:
    """One argument of an action."""

    name: str
    role: SlotRole
    schema: Mapping[str, Any]
    """JSON Schema of the canonical value."""
    required: bool = True
    description: Text = Text("", "")
    ask: Text | None = None
    """The question that asks for it; None makes one from the description."""


@dataclass(frozen=True)
class Carrier:
    """One way of carrying an action out. `{slot}` in a template stands for the slot's canonical value, `{slot.part}` for a
    part of it (parts.py), escaped as the place demands."""

    kind: CarrierKind
    target: str
    """python: module:function · uri: a template · intent: the action's name · mcp: server/tool · clipboard: a template."""
    data: str | None = None
    """intent: the template of its data URI. clipboard: the URI that opens the app afterwards."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """intent: templates of its string extras."""
    package: str | None = None
    """Android package that must answer; None lets the person choose."""
    type: str | None = None
    """intent: the MIME type of what it hands over, where it has no data URI."""
    verified: date | None = None
    """When somebody last saw a link of another app's own scheme work."""


@dataclass(frozen=True)
class Action:
    """One thing the assistant may propose."""

    id: str
    name: Text
    description: Text
    effect: Effect
    consent: Consent
    slots: tuple[Slot, ...] = ()
    examples: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)
    """Requests as people say them; `{slot}` stands for any value."""
    negatives: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)
    """Sentences that sound like a request for it and are not."""
    preview: Text = Text("", "")
    """The proposal as a sentence with `{slot}`; empty lists the slots instead."""
    carriers: tuple[Carrier, ...] = ()
    """In order of preference."""
    undo: str | None = None
    """The id of the action that takes it back, called with the first one's result."""
    version: int = 1
    """Grows when the meaning of a slot changes: an approval of another version is worth nothing."""
    trusted: bool = True
    """Words of its manifest come from the person's own apps; False for those of a server, which are never instructions."""

    def slot(self, name: str) -> Slot:
        """The slot called `name`. Raises KeyError."""
        return next(slot for slot in self.slots if slot.name == name)

    @property
    def outward(self) -> bool:
        """It reaches beyond this device."""
        return self.effect in _OUTWARD

    def parameters(self) -> dict[str, Any]:
        """JSON Schema of the arguments, as tool calls and grammars have them."""
        return {
            "type": "object",
            "properties": {slot.name: dict(slot.schema) for slot in self.slots},
            "required": [slot.name for slot in self.slots if slot.required],
            "additionalProperties": False,
        }


def parse_action(document: object) -> Action:
    """An action from its JSON form.

    Raises:
        ManifestError: not an action this version can read, or one that breaks a rule.
    """
    if not isinstance(document, Mapping):
        raise ManifestError("An action must be a JSON object.")
    label = document.get("id")
    if not isinstance(label, str) or not _ID.fullmatch(label):
        raise ManifestError(f"An action has the id {label!r}; it must be lower-case words joined by dots, such as sms.send.")
    version = document.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise ManifestError(f"The action {label} has schema version {version!r}; this edge-llm reads {SCHEMA_VERSION}.")
    try:
        action = _parse(label, document)
        _check(action)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ManifestError(f"The action {label} is malformed: {reason}.") from error
    return action


def action_document(action: Action) -> dict[str, Any]:
    """The JSON form of an action: what `parse_action` reads."""
    return {
        "schema_version": SCHEMA_VERSION,
        "id": action.id,
        "version": action.version,
        "name": _document(action.name),
        "description": _document(action.description),
        "effect": action.effect,
        "consent": action.consent,
        "slots": {
            slot.name: {
                "role": slot.role,
                "schema": dict(slot.schema),
                "required": slot.required,
                "description": _document(slot.description),
                **({} if slot.ask is None else {"ask": _document(slot.ask)}),
            }
            for slot in action.slots
        },
        "examples": {language: list(lines) for language, lines in action.examples.items()},
        "negatives": {language: list(lines) for language, lines in action.negatives.items()},
        "preview": _document(action.preview),
        "carriers": [_carrier_document(carrier) for carrier in action.carriers],
        "undo": action.undo,
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of an action manifest, for validators in any language."""
    text = (files("edge_llm") / "actions" / "action.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def placeholders(template: str, *, parts: bool = True) -> tuple[str, ...]:
    """Names of the slots in a template, in order. Raises ValueError for a template that cannot be filled.

    Args:
        parts: `{slot.part}` is allowed. Not in what a person reads: a preview shows values whole.
    """
    names = []
    for _, place, form, conversion in string.Formatter().parse(template):
        if place is None:
            continue
        name, dot, part = place.partition(".")
        if not _SLOT.fullmatch(name) or form or conversion or (dot and not (parts and part in PARTS)):
            raise ValueError(f"{{{place}}} in {template!r} is not the name of a slot")
        names.append(name)
    return tuple(names)


def _parse(label: str, document: Mapping[str, Any]) -> Action:
    known = {*action_document(_EMPTY)}
    if unknown := sorted(set(document) - known):
        raise ValueError(f"unknown fields {', '.join(map(str, unknown))}")
    effect, consent = document["effect"], document["consent"]
    if effect not in EFFECTS or consent not in get_args(Consent):
        raise ValueError(f"effect {effect!r} with consent {consent!r}")
    undo = document.get("undo")
    if type(document.get("version", 1)) is not int or not (undo is None or isinstance(undo, str)):
        raise TypeError("version must be a number and undo an action's id")
    return Action(
        id=label,
        name=_text(document["name"]),
        description=_text(document["description"]),
        effect=effect,
        consent=consent,
        slots=tuple(_slot(name, value) for name, value in document.get("slots", {}).items()),
        examples=_lines(document.get("examples", {})),
        negatives=_lines(document.get("negatives", {})),
        preview=_text(document["preview"]) if "preview" in document else Text("", ""),
        carriers=tuple(_carrier(value) for value in document.get("carriers", ())),
        undo=undo,
        version=document.get("version", 1),
    )


def _slot(name: str, value: Mapping[str, Any]) -> Slot:
    if not _SLOT.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a slot")
    if unknown := sorted(set(value) - {"role", "schema", "required", "description", "ask"}):
        raise ValueError(f"slot {name} has unknown fields {', '.join(unknown)}")
    if value["role"] not in SLOT_ROLES:
        raise ValueError(f"slot {name} has the role {value['role']!r}")
    if not isinstance(value["schema"], Mapping) or not isinstance(value.get("required", True), bool):
        raise TypeError(f"slot {name} has no JSON Schema, or `required` is not true or false")
    description = _text(value["description"]) if "description" in value else Text("", "")
    ask = _text(value["ask"]) if "ask" in value else None
    return Slot(name, value["role"], value["schema"], value.get("required", True), description, ask)


def _carrier(value: Mapping[str, Any]) -> Carrier:
    if unknown := sorted(set(value) - {"kind", "target", "data", "extras", "package", "type", "verified"}):
        raise ValueError(f"a carrier has unknown fields {', '.join(unknown)}")
    if value["kind"] not in CARRIER_KINDS:
        raise ValueError(f"a carrier has the kind {value['kind']!r}")
    texts = (value["target"], value.get("data"), value.get("package"), value.get("type"), *value.get("extras", {}).values())
    if not all(item is None or isinstance(item, str) for item in texts):
        raise TypeError("a carrier holds something that is not text")
    verified = value.get("verified")
    return Carrier(
        kind=value["kind"],
        target=value["target"],
        data=value.get("data"),
        extras=dict(value.get("extras", {})),
        package=value.get("package"),
        type=value.get("type"),
        verified=None if verified is None else date.fromisoformat(verified),
    )


def _check(action: Action) -> None:
    """The rules that the fields' types do not say. Raises ValueError."""
    names = {slot.name for slot in action.slots}
    if action.outward and action.consent == "none":
        raise ValueError(f"an action with the effect {action.effect} needs consent")
    if max(len(action.slots), len(action.carriers)) > _MOST_PARTS:
        raise ValueError(f"more than {_MOST_PARTS} slots or carriers")
    if any(len(lines) > _MOST_LINES for lines in (*action.examples.values(), *action.negatives.values())):
        raise ValueError(f"more than {_MOST_LINES} examples or negatives in a language")
    words = (*(line for lines in action.examples.values() for line in lines), action.preview.en, action.preview.zh)
    carried = [template for carrier in action.carriers for template in _templates(carrier) if template is not None]
    for template, parts in (*((line, False) for line in words), *((template, True) for template in carried)):
        if strangers := set(placeholders(template, parts=parts)) - names:
            raise ValueError(f"{template!r} names {', '.join(sorted(strangers))}, which is no slot")


def _templates(carrier: Carrier) -> tuple[str | None, ...]:
    target = carrier.target if carrier.kind in ("uri", "clipboard") else None
    return (target, carrier.data, *carrier.extras.values())


def _text(value: object) -> Text:
    if isinstance(value, str):
        value = {"en": value, "zh": value}
    if not isinstance(value, Mapping) or set(value) != set(LANGUAGES):
        raise ValueError(f'{value!r} is not text in both languages: {{"en": ..., "zh": ...}}')
    if not all(isinstance(words, str) and len(words) <= _LONGEST for words in value.values()):
        raise ValueError(f"a text is longer than {_LONGEST} characters, or no text")
    return Text(value["en"], value["zh"])


def _lines(value: Mapping[str, Any]) -> dict[Language, tuple[str, ...]]:
    if unknown := set(value) - set(LANGUAGES):
        raise ValueError(f"examples in {', '.join(sorted(unknown))}")
    found: dict[Language, tuple[str, ...]] = {}
    for language in LANGUAGES:
        lines = value.get(language, ())
        if not all(isinstance(line, str) and 0 < len(line) <= _LONGEST for line in lines):
            raise ValueError(f"an example is empty, too long or no text ({language})")
        found[language] = tuple(lines)
    return found


def _document(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _carrier_document(carrier: Carrier) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": carrier.kind, "target": carrier.target}
    for name in ("data", "package", "type"):
        if getattr(carrier, name) is not None:
            document[name] = getattr(carrier, name)
    if carrier.extras:
        document["extras"] = dict(carrier.extras)
    if carrier.verified is not None:
        document["verified"] = carrier.verified.isoformat()
    return document


_EMPTY = Action("none", Text("", ""), Text("", ""), "read", "none")
