"""Actions from Python functions: slots from type hints, words from docstrings. Knows Python; registers and runs nothing."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from edge_llm.actions.manifest import (
    Action,
    Carrier,
    Consent,
    Effect,
    Language,
    Slot,
    SlotRole,
    Text,
    action_document,
    parse_action,
)
from runtimes.errors import ManifestError

_JSON_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_ROLES: Mapping[str, SlotRole] = {
    "recipient": "recipient", "people": "recipient", "time": "time", "end": "time", "duration": "duration", "place": "place",
    "destination": "place", "origin": "place", "restaurant": "place", "query": "query", "item": "item", "items": "item",
    "dish": "item", "app": "app", "link": "link", "url": "link",
}  # fmt: skip
"""What a parameter's name says of its role, in the words of the standard actions."""
_FORMATS: Mapping[SlotRole, str] = {"time": "date-time", "duration": "duration"}
_PARAMETER = re.compile(r"\s+(\w+)(?:\s*\([^)]*\))?:\s*(.*)")


@dataclass(frozen=True)
class Declaration:
    """What a function does not say of itself."""

    effect: Effect
    consent: Consent
    name: Text | str = ""
    """What it is called; empty takes the function's name."""
    description: Text | str = ""
    """Empty takes the docstring's first sentence."""
    examples: Mapping[Language, Sequence[str]] = field(default_factory=dict)
    negatives: Mapping[Language, Sequence[str]] = field(default_factory=dict)
    preview: Text | str = ""
    roles: Mapping[str, SlotRole] = field(default_factory=dict)
    """By parameter; one that is not here has the role that its name or type says."""
    asks: Mapping[str, Text | str] = field(default_factory=dict)
    """The question for a parameter."""
    undo: str | None = None


def declare(action_id: str, function: Callable[..., Any], declaration: Declaration) -> Action:
    """The action that a function carries out. Its parameters are the slots, called with canonical values by name.

    Args:
        function: a function of a module, with type hints: str, int, float, bool, Literal, a list of those, or one of them or
            None. A parameter with a default is optional. Its docstring's `Args:` describes the slots.

    Raises:
        ManifestError: the function cannot be called by name, a hint is missing or is none of these, or a rule is broken.
    """
    if "<locals>" in function.__qualname__ or function.__name__ == "<lambda>":
        raise ManifestError(
            f"The function of {action_id} must be one of a module: {function.__qualname__} has no name to call it by."
        )
    summary, described = _docstring(inspect.getdoc(function) or "")
    unknown = sorted({*declaration.roles, *declaration.asks} - set(inspect.signature(function).parameters))
    if unknown:
        raise ManifestError(f"{action_id}: {function.__name__} has no parameter {', '.join(unknown)}.")
    action = Action(
        id=action_id,
        name=_text(declaration.name or function.__name__.replace("_", " ").capitalize()),
        description=_text(declaration.description or summary),
        effect=declaration.effect,
        consent=declaration.consent,
        slots=_slots(action_id, function, declaration, described),
        examples={language: tuple(lines) for language, lines in declaration.examples.items()},
        negatives={language: tuple(lines) for language, lines in declaration.negatives.items()},
        preview=_text(declaration.preview),
        carriers=(Carrier("python", target(function)),),
        undo=declaration.undo,
    )
    return parse_action(action_document(action))  # the rules of a manifest hold for these too


def target(function: Callable[..., Any]) -> str:
    """How a carrier names a function: module:function."""
    return f"{function.__module__}:{function.__qualname__}"


def _slots(
    action_id: str, function: Callable[..., Any], declaration: Declaration, described: Mapping[str, str]
) -> tuple[Slot, ...]:
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError) as error:
        raise ManifestError(f"{action_id}: the type hints of {function.__name__} cannot be read: {error}.") from error
    slots = []
    for parameter in inspect.signature(function).parameters.values():
        place = f"{action_id}: the parameter {parameter.name} of {function.__name__}"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ManifestError(f"{place} cannot be given by name.")
        if parameter.name not in hints:
            raise ManifestError(f"{place} has no type hint.")
        schema = _schema(hints[parameter.name], place)
        role = declaration.roles.get(parameter.name) or _role(parameter.name, schema)
        if role in _FORMATS and schema == {"type": "string"}:
            schema = {**schema, "format": _FORMATS[role]}
        asked = declaration.asks.get(parameter.name)
        slots.append(
            Slot(
                parameter.name,
                role,
                schema,
                parameter.default is parameter.empty,
                _text(described.get(parameter.name, "")),
                None if asked is None else _text(asked),
            )
        )
    return tuple(slots)


def _schema(hint: Any, place: str) -> dict[str, Any]:
    """JSON Schema of the values of a type. Raises ManifestError."""
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal and all(isinstance(value, str | int | bool) for value in arguments):
        return {"enum": list(arguments)}
    if origin in (list, Sequence) and len(arguments) == 1:
        return {"type": "array", "items": _schema(arguments[0], place)}
    if origin in (Union, types.UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        if len(others) == 1:  # that it may be left out is said by `required`, not by a null
            return _schema(others[0], place)
    raise ManifestError(
        f"{place} has the type {hint}; values come as JSON: use str (ISO 8601 for times), int, float, bool, Literal "
        "or a list of them."
    )


def _role(name: str, schema: Mapping[str, Any]) -> SlotRole:
    if name in _ROLES:
        return _ROLES[name]
    if "enum" in schema or schema["type"] == "boolean":
        return "choice"
    if schema["type"] in ("integer", "number"):
        return "number"
    return "data" if schema["type"] == "array" else "text"


def _docstring(doc: str) -> tuple[str, dict[str, str]]:
    """The first sentence, and what `Args:` says of each parameter (Google's style)."""
    summary = " ".join(doc.partition("\n\n")[0].split())
    _, found, section = doc.partition("\nArgs:\n")
    described: dict[str, str] = {}
    last = ""
    indent = 0
    for line in section.splitlines() if found else ():
        if line.strip() and not line.startswith(" "):
            break
        match = _PARAMETER.fullmatch(line)
        deep = len(line) - len(line.lstrip())
        if match and (not indent or deep <= indent):
            indent = deep
            last = match[1]
            described[last] = match[2].strip()
        elif last and line.strip():
            described[last] = f"{described[last]} {line.strip()}".strip()
    return summary, {name: words.rstrip(".") for name, words in described.items()}


def _text(words: Text | str) -> Text:
    return words if isinstance(words, Text) else Text(words, words)
