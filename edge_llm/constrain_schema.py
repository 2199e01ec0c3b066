"""JSON schemas on their way to a grammar, and the values that come back. Knows JSON Schema and pydantic's place in it.

A small model that may leave a property out leaves out what it should have said. So a property that is not required becomes
one that must be written and may be null: null says there is no value, and is taken out of what comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runtimes.errors import ConstraintError

if TYPE_CHECKING:
    from pydantic import BaseModel

_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As `json.dumps` writes. Free whitespace is where small models lose themselves."""
_NULL = {"type": "null"}


def schema_of(schema: Mapping[str, Any] | type[BaseModel]) -> dict[str, Any]:
    """A JSON schema as a plain value. Raises ConstraintError when it is none."""
    if isinstance(schema, Mapping):
        try:
            plain = json.loads(json.dumps(schema))
        except (TypeError, ValueError, RecursionError) as error:
            raise ConstraintError(f"The JSON schema is not JSON: {error}.") from error
        return dict(plain)
    describe = getattr(schema, "model_json_schema", None)
    if describe is None:
        raise ConstraintError(f"A schema must be a JSON schema object or a pydantic model, and this is {schema!r}.")
    return dict(describe())


def json_grammar(schema: Mapping[str, Any], *, missing: bool) -> str:
    """The grammar of a schema's JSON."""
    from llguidance import LLMatcher

    return LLMatcher.grammar_from_json_schema(with_missing(schema) if missing else dict(schema), overrides=_LAYOUT)  # type: ignore[arg-type]


def with_missing(schema: Any) -> Any:
    """The schema with every property required, those that were not also null."""
    if isinstance(schema, list):
        return [with_missing(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    changed = {
        key: value if key in ("const", "enum", "default", "examples") else with_missing(value) for key, value in schema.items()
    }
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        required = schema.get("required", [])
        changed["properties"] = {
            name: part if name in required else {"anyOf": [part, _NULL]} for name, part in changed["properties"].items()
        }
        changed["required"] = list(properties)
    return changed
