"""JSON schemas on their way to a grammar, and the values that come back. Knows JSON Schema, and pydantic by two methods.

A small model that may leave a property out leaves out what it should have said. So a property that is not required becomes
one that must be written and may be null: null says there is no value, and is taken out of what comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from runtimes.errors import AnswerError, ConstraintError

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions
    from pydantic import BaseModel

Schema: TypeAlias = "Mapping[str, Any] | type[BaseModel]"
"""A JSON schema (2020-12) as a value, or the pydantic model that describes one."""

_NULL = {"type": "null"}
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLES = ("items", "additionalProperties")
_MERGING = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties")
"""Keywords by which other schemas speak of the same object's properties."""
_UNSUPPORTED = frozenset(
    "not if then else dependentRequired dependentSchemas dependencies uniqueItems contains minContains maxContains "  # noqa: SIM905
    "propertyNames unevaluatedProperties unevaluatedItems $dynamicRef $recursiveRef".split()
)
"""What llguidance's grammars cannot express."""
_FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid uri unknown".split())  # noqa: SIM905
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")


def json_grammar(schema: Schema, *, missing: bool) -> str:
    """The grammar of a schema's JSON. What pydantic checks afterwards and a grammar cannot express is left to pydantic.

    Raises:
        ConstraintError: the schema is malformed, or uses a keyword that a grammar cannot follow (named).
    """
    from llguidance import LLMatcher

    checked = not isinstance(schema, Mapping)
    plain = _plain(schema)
    try:
        if not checked:
            _require_supported(plain)
        prepared = _Preparation(plain, missing=missing, checked=checked).schema()
    except (TypeError, AttributeError, RecursionError) as error:
        raise ConstraintError(f"The JSON schema is malformed: {error}.") from error
    # As `json.dumps` writes: free whitespace is where small models lose themselves. What is "one of" is checked later.
    layout: JsonCompileOptions = {
        "whitespace_flexible": False,
        "item_separator": ", ",
        "key_separator": ": ",
        "coerce_one_of": checked,
    }
    return LLMatcher.grammar_from_json_schema(json.dumps(prepared), overrides=layout)


def read_answer(schema: Schema, text: str) -> Any:
    """The value that an answer says: an object of the pydantic model, or plain JSON, in both without what is missing.

    Raises:
        AnswerError: a check of the pydantic model's own refuses it.
    """
    value = _without_missing(json.loads(text), plain := _plain(schema), plain)
    if isinstance(schema, Mapping):
        return value
    from pydantic import ValidationError

    try:
        return schema.model_validate(value)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, its['loc'])) or 'it'}: {its['msg']}" for its in error.errors(include_url=False))
        raise AnswerError(
            f"{schema.__name__} refuses the answer {text}: {found}. Say in the prompt what is asked for, or ask again.", text
        ) from error


def _plain(schema: Schema) -> dict[str, Any]:
    if isinstance(schema, Mapping):
        try:
            return dict(json.loads(json.dumps(schema)))
        except (TypeError, ValueError, RecursionError) as error:
            raise ConstraintError(f"The JSON schema is not JSON: {error}.") from error
    describe = getattr(schema, "model_json_schema", None)
    if describe is None:
        raise ConstraintError(f"A schema must be a JSON schema object or a pydantic model, and this is {schema!r}.")
    from pydantic.errors import PydanticUserError

    try:
        return dict(describe())
    except PydanticUserError as error:
        raise ConstraintError(f"{schema.__name__} has a field that JSON cannot hold: {error.message}.") from error


def _parts(schema: Any, place: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and those in it, with where they stand."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for key, part in schema.items():
        if key in _MAPS and isinstance(part, dict):
            for name, its in part.items():
                yield from _parts(its, f"{place}.{key}.{name}")
        elif key in _LISTS and isinstance(part, list):
            for index, its in enumerate(part):
                yield from _parts(its, f"{place}.{key}[{index}]")
        elif key in _SINGLES:
            yield from _parts(part, f"{place}.{key}")


def _require_supported(schema: dict[str, Any]) -> None:
    for place, part in _parts(schema):
        if found := sorted(_UNSUPPORTED & part.keys()):
            raise ConstraintError(
                f'The JSON schema has the keyword "{found[0]}" at {place}, which a grammar cannot express. '
                "Leave it out and check the value afterwards, or use a pydantic model, which checks it."
            )


class _Preparation:
    """One schema, made ready for llguidance."""

    def __init__(self, schema: dict[str, Any], *, missing: bool, checked: bool) -> None:
        self._schema = schema
        self._missing = missing
        self._checked = checked
        # schemas that are merged must not exclude each other's properties
        self._closes = not any("allOf" in part or {"$ref", "properties"} <= part.keys() for _, part in _parts(schema))

    def schema(self) -> Any:
        return self._prepare(self._schema)

    def _prepare(self, schema: Any, *, merged: bool = False) -> Any:
        """
        Args:
            merged: it speaks of an object whose properties are named elsewhere too.
        """
        if not isinstance(schema, dict):
            return schema
        inner = "properties" in schema
        prepared: dict[str, Any] = {}
        for key, part in schema.items():
            if self._checked and self._left_out(key, part):
                continue
            if key in _MAPS and isinstance(part, dict):
                prepared[key] = {name: self._prepare(its) for name, its in part.items()}
            elif key in _LISTS and isinstance(part, list):
                options = self._expressible(part) if key in ("anyOf", "oneOf") else part
                prepared[key] = [self._prepare(its, merged=key in _MERGING and (merged or inner)) for its in options]
            else:
                prepared[key] = self._prepare(part) if key in _SINGLES else part
        if inner and self._missing:
            self._require_all(prepared)
        if inner and self._closes and not merged and not prepared.keys() & set(_MERGING):
            prepared.setdefault("additionalProperties", False)
        return prepared

    def _require_all(self, schema: dict[str, Any]) -> None:
        required = schema.get("required", [])
        schema["properties"] = {
            name: part if name in required or _accepts_null(part, self._schema) else {"anyOf": [part, _NULL]}
            for name, part in schema["properties"].items()
        }
        schema["required"] = [*schema["properties"], *(name for name in required if name not in schema["properties"])]

    def _left_out(self, key: str, part: object) -> bool:
        """A keyword that no grammar expresses."""
        return key in _UNSUPPORTED or (key == "format" and part not in _FORMATS) or (key == "pattern" and _looks_around(part))

    def _expressible(self, options: list[Any]) -> list[Any]:
        """Without options whose pattern no grammar expresses, where others are left (pydantic offers a Decimal as number and
        as such a text)."""
        kept = [its for its in options if not (isinstance(its, dict) and _looks_around(its.get("pattern")))]
        return kept if kept and self._checked else options


def _looks_around(pattern: object) -> bool:
    return isinstance(pattern, str) and _LOOK_AROUND.search(pattern) is not None


def _resolved(schema: Any, root: dict[str, Any]) -> Any:
    """The schema that a reference within `root` leads to; {} where it leads nowhere."""
    seen = set()
    while isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str):
        if reference in seen or not reference.startswith("#"):
            return {}
        seen.add(reference)
        schema = root
        for name in filter(None, unquote(reference[1:]).split("/")):
            schema = schema.get(name.replace("~1", "/").replace("~0", "~"), {}) if isinstance(schema, dict) else {}
    return schema


def _accepts_null(schema: Any, root: dict[str, Any]) -> bool:
    schema = _resolved(schema, root)
    if not isinstance(schema, dict):
        return bool(schema)
    if "const" in schema or "enum" in schema:
        return schema.get("const", ...) is None or None in schema.get("enum", ())
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return any(_accepts_null(part, root) for part in schema[key])
    kinds = schema.get("type", [] if schema.keys() & {"properties", "items", "allOf"} else "null")
    return "null" in kinds if isinstance(kinds, list) else kinds == "null"


def _without_missing(value: Any, schema: Any, root: dict[str, Any]) -> Any:
    """The value without each null that says there is none."""
    schema = _resolved(schema, root)
    if not isinstance(schema, dict):
        return value
    for key in ("anyOf", "oneOf"):
        for part in schema.get(key, ()):
            if _looks_like(value, part, root):
                value = _without_missing(value, part, root)
                break
    for part in schema.get("allOf", ()):
        value = _without_missing(value, part, root)
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        rest = schema.get("items", {})
        return [_without_missing(item, first[at] if at < len(first) else rest, root) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", {})
    return {
        name: _without_missing(its, properties.get(name, others), root)
        for name, its in value.items()
        if its is not None or name not in properties or name in required or _accepts_null(properties[name], root)
    }


def _looks_like(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """Whether a value is of this one of several kinds: enough to tell objects by their properties and constants."""
    schema = _resolved(schema, root)
    if not isinstance(schema, dict):
        return bool(schema)
    if "const" in schema and schema["const"] != value:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    properties = schema.get("properties")
    if isinstance(value, dict) and properties is not None:
        return all(
            name in properties and (its is None or _looks_like(its, properties[name], root)) for name, its in value.items()
        )
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    declared = schema.get("type", kinds[type(value)])
    return kinds[type(value)] in declared or (isinstance(value, int) and "number" in declared)
