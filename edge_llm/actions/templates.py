"""Templates with `{slot}` in them, filled: what a person is shown, and what another app is asked.

The same rules as the Kotlin library's (tests/golden/actions.json holds both to them). A value can end no part of a URI,
and nothing that hides in a value stays hidden in a preview. Knows no policy and carries nothing out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from edge_llm.actions.manifest import Action, Language
from edge_llm.hidden import show_hidden

_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class IntentSpec:
    """An Android intent as data: what `Intent(action, Uri.parse(data))` with these extras is."""

    action: str
    data: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    package: str | None = None
    """The package that must answer; None lets the person choose."""


def fill(template: str, arguments: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
    """`{slot}` replaced by its value's text, `{{` and `}}` by a brace; a slot without a value is empty."""

    def replaced(found: re.Match[str]) -> str:
        if found.group() in ("{{", "}}"):
            return found.group()[0]
        return escape(value_text(arguments.get(found.group(1))))

    return _PLACE.sub(replaced, template)


def value_text(value: Any) -> str:
    """A canonical value as text: itself, or compact JSON; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def escape_uri(text: str) -> str:
    """Percent-encodes everything but RFC 3986's unreserved characters."""
    return quote(text, safe="")


def preview_text(action: Action, shown: Mapping[str, Any], language: Language) -> str:
    """What the person is asked to agree to: the action's sentence, and below it every value that the sentence leaves out.

    Args:
        shown: what to show for each slot.
    """
    texts = {name: value_text(value) for name, value in shown.items()}
    template = action.preview.in_language(language)
    text = fill(template, texts) if template else action.name.in_language(language)
    untold = [f"\n{name}: {value}" for name, value in texts.items() if value not in text]
    return show_hidden(text + "".join(untold))


def intents(action: Action, arguments: Mapping[str, Any]) -> tuple[IntentSpec, ...]:
    """The intents that carry a call out, the preferred one first."""
    return tuple(
        IntentSpec(
            carrier.target,
            None if carrier.data is None else fill(carrier.data, arguments, escape_uri),
            {name: text for name, part in carrier.extras.items() if (text := fill(part, arguments))},
            carrier.package,
        )
        for carrier in action.carriers
        if carrier.kind == "intent"
    )
