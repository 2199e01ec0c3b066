"""What an action's manifest could do better: found before a person meets it. What is invalid is refused by manifest.py already.

Errors are what would mislead the person or carry out something else than was shown; warnings make the assistant worse; notes
are facts to know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from edge_llm.actions.manifest import LANGUAGES, Action, Carrier, placeholders
from edge_llm.hidden import show_hidden

Level: TypeAlias = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

_EXAMPLES = 8
_NEGATIVES = 4
_LONG_NAME = 60
_LONG_DESCRIPTION = 300
_STALE = timedelta(days=366)
_OPEN_SCHEMES = frozenset({"https", "tel", "sms", "smsto", "mailto", "geo", "content", "market"})
"""Schemes of standards and of Android itself: they do not change with an app's next version."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PYTHON = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """One thing about a manifest."""

    level: Level
    code: str
    """A short name, the same in every version."""
    message: str


def lint(action: Action, known: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Everything found about an action, errors first.

    Args:
        known: ids that an undo may name; None does not look at it.
    """
    found = [*_words(action), *_sentences(action), *_slots(action), *_consent(action), *_carriers(action)]
    if action.undo is not None and known is not None and action.undo not in known:
        found.append(Finding("error", "unknown-undo", f"It is undone by {action.undo}, and there is no such action."))
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def _words(action: Action) -> Iterator[Finding]:
    texts = {"name": action.name, "description": action.description}
    for place, text in texts.items():
        if not text.en or not text.zh:
            yield Finding("error", "no-text", f"The {place} is empty.")
        elif text.en == text.zh:
            yield Finding("warning", "one-language", f"The {place} is the same in English and Chinese: {text.en!r}.")
    if len(action.name.en) > _LONG_NAME or len(action.description.en) > _LONG_DESCRIPTION:
        yield Finding("warning", "long-text", f"A name over {_LONG_NAME} or a description over {_LONG_DESCRIPTION} characters.")
    shown = [action.name, action.description, action.preview]
    for slot in action.slots:
        shown += [slot.description, *([] if slot.ask is None else [slot.ask])]
    for text in shown:
        for words in (text.en, text.zh):
            if show_hidden(words) != words:
                yield Finding("error", "hidden-characters", f"Characters that nobody sees: {show_hidden(words)!r}.")


def _sentences(action: Action) -> Iterator[Finding]:
    for language in LANGUAGES:
        examples, negatives = action.examples.get(language, ()), action.negatives.get(language, ())
        if not examples:
            yield Finding("error", "no-examples", f"No examples ({language}): no words in this language lead to it.")
        elif len(examples) < _EXAMPLES:
            yield Finding("warning", "few-examples", f"{len(examples)} examples ({language}); {_EXAMPLES} or more find it.")
        if len(negatives) < _NEGATIVES:
            yield Finding(
                "warning", "few-negatives", f"{len(negatives)} negatives ({language}); {_NEGATIVES} keep it in bounds."
            )
        for line in sorted({line for line in examples if examples.count(line) > 1}):
            yield Finding("warning", "twice", f"The example {line!r} is there twice.")
        for line in sorted(set(examples) & set(negatives)):
            yield Finding("error", "contradiction", f"{line!r} is an example and a negative.")


def _slots(action: Action) -> Iterator[Finding]:
    for slot in action.slots:
        if not slot.description.en or not slot.description.zh:
            yield Finding("warning", "no-description", f"Slot {slot.name} has no description, so nothing can ask for it well.")
        if slot.required and slot.ask is None:
            yield Finding("warning", "no-question", f"Slot {slot.name} is required and has no question (`ask`).")
        if not {"type", "enum", "const", "anyOf", "oneOf", "$ref"} & set(slot.schema):
            yield Finding("warning", "any-value", f"Slot {slot.name} takes any value: its schema names no type.")
        if slot.role in ("time", "duration") and slot.schema.get("format") not in ("date-time", "date", "time", "duration"):
            yield Finding("warning", "no-format", f"Slot {slot.name} is a {slot.role}, and its schema names no format.")


def _consent(action: Action) -> Iterator[Finding]:
    if action.effect == "purchase" and action.consent != "always":
        yield Finding("error", "purchase-consent", "A purchase must ask each time (consent: always).")
    if action.effect == "local" and action.consent == "none":
        yield Finding("note", "local-consent", "It changes this device and asks nobody (consent: none).")
    required = {slot.name for slot in action.slots if slot.required}
    for language in LANGUAGES:
        preview = action.preview.in_language(language)
        if not preview and action.outward:
            yield Finding("warning", "no-preview", f"It reaches others and has no preview ({language}): the slots are listed.")
        elif preview and (untold := required - set(placeholders(preview))):
            level: Level = "error" if action.outward else "warning"
            names = ", ".join(sorted(untold))
            yield Finding(
                level, "preview-lacks", f"The preview ({language}) leaves out {names}; below it they stand without words."
            )


def _carriers(action: Action) -> Iterator[Finding]:
    if not action.carriers:
        yield Finding("error", "no-carrier", "Nothing carries it out.")
    required = {slot.name for slot in action.slots if slot.required}
    for number, carrier in enumerate(action.carriers, 1):
        place = f"Carrier {number} ({carrier.kind})"
        yield from (Finding(level, code, f"{place}: {message}") for level, code, message in _carrier(carrier, action.outward))
        if carrier.kind in ("uri", "intent", "clipboard") and (dropped := required - _used(carrier)):
            yield Finding("note", "drops", f"{place} says nothing of {', '.join(sorted(dropped))}; the person enters it there.")


def _carrier(carrier: Carrier, outward: bool) -> Iterator[tuple[Level, str, str]]:
    if carrier.kind == "python" and not _PYTHON.fullmatch(carrier.target):
        yield "error", "no-function", f"{carrier.target!r} is not module:function."
    if carrier.kind == "mcp" and "/" not in carrier.target:
        yield "error", "no-tool", f"{carrier.target!r} is not server/tool."
    if carrier.kind == "intent" and carrier.target.endswith(".SEND") and carrier.type is None:
        yield "error", "no-type", "ACTION_SEND finds no app without a type."
    link = _link(carrier)
    if link is None:
        return
    found = _SCHEME.match(link)
    if found is None:
        yield "error", "no-scheme", f"{link!r} does not begin with the scheme of a URI, so a value decides what is opened."
        return
    host = _HOST.match(link)
    if host is not None and placeholders(host.group().replace("{{", "").replace("}}", "")):
        yield "error", "open-host", f"in {link!r} a value decides which host is asked."
    scheme = found.group(1).lower()
    if scheme == "http":
        yield "warning", "not-encrypted", f"{link!r} goes over the network in the clear; write https."
    elif scheme not in _OPEN_SCHEMES:
        if carrier.verified is None:
            yield (
                "note",
                "unverified",
                f"{scheme}: is an app's own scheme, and nobody noted when it was seen to work (`verified`).",
            )
        elif date.today() - carrier.verified > _STALE:
            yield "note", "stale", f"{scheme}: was last seen to work on {carrier.verified}, more than a year ago."
    if scheme in ("http", "https") and placeholders(link) and not outward:
        yield "error", "leaves-device", f"{link!r} hands values to a server, and its effect says that it does not (`message`)."


def _link(carrier: Carrier) -> str | None:
    """The URI that a carrier opens."""
    return carrier.target if carrier.kind == "uri" else carrier.data


def _used(carrier: Carrier) -> set[str]:
    templates = [carrier.data or "", *carrier.extras.values()]
    if carrier.kind in ("uri", "clipboard"):
        templates.append(carrier.target)
    return {name for template in templates for name in placeholders(template)}
