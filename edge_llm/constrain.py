"""What an answer must look like: a JSON schema, a pattern, a list of choices or a grammar. Knows no model and no tokens.

A constraint is a description. `edge_llm.mask` turns it into the tokens that may come next.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge_llm.constrain_schema import Schema, json_grammar
from runtimes.errors import ConstraintError

Optional: TypeAlias = Literal["missing", "omit"]
"""What stands for a property that is not required: null in its place, or the property is left out."""


@dataclass(frozen=True)
class Constraint:
    """The form of an answer. Make one by `json_schema`, `regex`, `choices` or `lark`; it serves any model.

    Raises:
        ConstraintError: the description is malformed, uses what a grammar cannot express, or allows no answer.
    """

    grammar: str
    """In Lark, or in llguidance's JSON form."""
    what: str
    """Names the constraint in messages."""

    def __post_init__(self) -> None:
        from llguidance import LLMatcher

        if problem := LLMatcher.validate_grammar(self.grammar).strip():
            raise ConstraintError(f"{self.what} cannot be followed: {problem}")

    @classmethod
    def json_schema(cls, schema: Schema, *, optional: Optional = "missing") -> Constraint:
        """JSON that a schema, or a pydantic model's schema, allows, in one line as `json.dumps` writes it.

        An object that names its properties and says nothing of others has no others.

        Args:
            optional: "missing": every property is written, in the schema's order, and one that is not required may be null,
                which says that there is no value for it. "omit": the answer may leave it out, as the schema says.

        Raises:
            ConstraintError: names the keyword and its place. A keyword that pydantic checks afterwards is left to it.
        """
        return cls(json_grammar(schema, missing=optional == "missing"), "The JSON schema")

    @classmethod
    def regex(cls, pattern: str) -> Constraint:
        """Text that a regular expression matches as a whole, in the syntax of Rust's regex crate (no look-around)."""
        from llguidance import LLMatcher

        return cls(LLMatcher.grammar_from_regex(pattern), f"The pattern {pattern!r}")

    @classmethod
    def choices(cls, texts: Sequence[str]) -> Constraint:
        """One of these texts, exactly."""
        if isinstance(texts, str) or not texts or not all(texts):
            raise ConstraintError("choices must be a list of texts, at least one and none of them empty.")
        options = " | ".join(json.dumps(text, ensure_ascii=False) for text in dict.fromkeys(texts))
        return cls(f"start: {options}", "The list of choices")

    @classmethod
    def lark(cls, grammar: str) -> Constraint:
        """Text that a Lark grammar produces from its rule `start` (llguidance's dialect: docs/structured.md)."""
        return cls(grammar, "The grammar")
