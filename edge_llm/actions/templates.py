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
from edge_llm.actions.parts import part
from edge_llm.hidden import show_hidden

_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)(?:\.([a-z]+))?\}")


@dataclass(frozen=True)
class IntentSpec:
    """An Android intent as data: what `Intent(action, Uri.parse(data))` with these extras is."""

    action: str
    data: str | None = None
    extras: Mapping[str, str | int] = field(default_factory=dict)
    """Text, or a number where the template is one part that is a number: `millis` a long, the others an int."""
    package: str | None = None
    """The package that must answer; None lets the person choose."""
    type: str | None = None
    """MIME type, for intents without data."""


def fill(template: str, arguments: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
    """`{slot}` replaced by its value's text, `{slot.part}` by that part's (parts.py), `{{` and `}}` by a brace; what has no
    value is empty."""

    def replaced(found: re.Match[str]) -> str:
        if found.group() in ("{{", "}}"):
            return found.group()[0]
        value = arguments.get(found.group(1))
        return escape(value_text(value if found.group(2) is None else part(value, found.group(2))))

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
            {name: value for name, template in carrier.extras.items() if (value := _extra(template, arguments)) != ""},
            carrier.package,
            carrier.type,
        )
        for carrier in action.carriers
        if carrier.kind == "intent"
    )


def _extra(template: str, arguments: Mapping[str, Any]) -> str | int:
    only = _PLACE.fullmatch(template)
    if only and only.group(2):
        value = part(arguments.get(only.group(1)), only.group(2))
        return "" if value is None else value
    return fill(template, arguments)
