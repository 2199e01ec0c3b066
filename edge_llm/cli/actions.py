"""`edge-llm actions`: what the assistant may propose, what a manifest could do better, and a call tried without doing it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edge_llm.cli import options
from edge_llm.cli.markup import in_markup
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.output import note, say_table
from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.actions.lint import Finding
    from edge_llm.actions.manifest import Action, Carrier, Slot
    from edge_llm.actions.policy import Review
    from edge_llm.actions.registry import Registry
    from edge_llm.actions.values import Call

_HELP = """What the assistant may propose to do. Nothing here does any of it: `try` only shows what would be done.

The standard actions come with edge-llm; an app adds its own as a file in the folder `actions` where models are kept, or
with --file.

Examples:
    edge-llm actions list
    edge-llm actions check my_app.json
    edge-llm actions try sms.send --slot recipient=+8613800138000 --slot "message=I'm late"
"""

_ActionId = Annotated[str, typer.Argument(metavar="ID", help="An action, such as sms.send.")]
_Files = Annotated[
    list[Path] | None,
    typer.Option("--file", metavar="FILE", help="Actions of an app besides the standard ones. May be given several times."),
]
_Language = Annotated[Literal["en", "zh"], typer.Option("--language", help="The language of names and previews.")]


def list_(
    files: _Files = None,
    effect: Annotated[
        Literal["read", "local", "message", "purchase"] | None,
        typer.Option("--effect", help="Only actions that touch this: nothing, this device, another person, money."),
    ] = None,
    language: _Language = "en",
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Every action that the assistant may propose, with what it touches and when it asks.

    Examples:
        edge-llm actions list
        edge-llm actions list --effect purchase --language zh
        edge-llm actions list --file my_app.json --json
    """
    found = [action for action in _registry(files, home).all() if effect in (None, action.effect)]
    if as_json:
        say_document({"actions": [_summary(action) for action in found]})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "touches", "asks", "what it does"):
        table.add_column(column)
    for action in found:
        table.add_row(action.id, action.effect, action.consent, Text(action.description.in_language(language)))
    say_table(table)


def show(
    action_id: _ActionId,
    files: _Files = None,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """An action whole: its slots, its sentences and its carriers in order. --json prints its manifest.

    Examples:
        edge-llm actions show taxi.book
        edge-llm actions show sms.send --json
    """
    from edge_llm.actions.manifest import LANGUAGES, action_document

    action = _registry(files, home).get(action_id)
    if as_json:
        say_document(action_document(action))
        return
    say_text(f"{action.id}  {action.name.en} / {action.name.zh}")
    say_text(f"  {action.description.en} {action.description.zh}")
    say_text(f"  touches: {action.effect}; asks: {action.consent}" + (f"; undone by {action.undo}" if action.undo else ""))
    for slot in action.slots:
        say_text(f"  slot {slot.name} ({slot.role}{'' if slot.required else ', optional'}): {slot.description.en}")
    for number, carrier in enumerate(action.carriers, 1):
        say_text(f"  carrier {number}: {_carrier_words(carrier)}")
    for words, lines in (("example", action.examples), ("not", action.negatives)):
        for language in LANGUAGES:
            for line in lines.get(language, ()):
                say_text(f"  {words}: {line}")


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of actions, as apps write them.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Read manifests and tell what could mislead a person or be missed. Exit code 2 for an error.

    Examples:
        edge-llm actions check my_app.json
        edge-llm actions check --strict *.json --json
    """
    from edge_llm.actions.lint import lint
    from edge_llm.actions.registry import standard_registry
    from edge_llm.home import Home

    registry = standard_registry(Home(home))
    taken = {action.id: action for action in registry.all()}
    read = {path: _read(path) for path in files}
    known = {*taken, *(action.id for actions in read.values() for action in actions)}
    documents, failed = [], False
    for path, actions in read.items():
        for action in actions:
            findings = [*_clash(action, taken), *lint(action, known)]
            failed |= any(finding.level == "error" or (strict and finding.level == "warning") for finding in findings)
            documents.append({"file": str(path), "action": action.id, "findings": [vars(finding) for finding in findings]})
            if not as_json:
                say_text(f"{path}: {action.id}: " + ("nothing to say" if not findings else f"{len(findings)} findings"))
                for finding in findings:
                    say_text(f"  {finding.level} {finding.code}: {finding.message}")
    if as_json:
        say_document({"ok": not failed, "actions": documents})
    if failed:
        raise typer.Exit(2)


def try_(
    action_id: _ActionId,
    slots: Annotated[
        list[str] | None,
        typer.Option("--slot", metavar="NAME=VALUE", help="A value in canonical form; JSON where it is no text."),
    ] = None,
    files: _Files = None,
    language: _Language = "en",
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what a call would be: its preview, what is missing, and what each carrier would do. Does nothing.

    Examples:
        edge-llm actions try sms.send --slot recipient=+8613800138000 --slot "message=I'm late"
        edge-llm actions try shopping.add --slot 'items=["milk", "eggs"]' --language zh
        edge-llm actions try alarm.set --slot time=2026-11-24T07:00:00+08:00 --json
    """
    from edge_llm.actions.policy import NoGrants, review
    from edge_llm.actions.values import Call

    registry = _registry(files, home)
    action = registry.get(action_id)
    call = Call(action, _values(action, slots or []))
    reviewed = review(call, untrusted_read=False, grants=NoGrants(), language=language)
    carriers = _tried(call, registry, home)
    missing = [_missing(action.slot(name), language) for name in call.missing]
    if as_json:
        say_document(_try_document(call, reviewed, missing, carriers))
        return
    say_text(reviewed.preview.text)
    say_text()
    for item in missing:
        say_text(f"Missing: {item['slot']}. {item['ask']}")
    for reason in reviewed.reasons:
        say_text(f"Asks: {reason.text}")
    if not reviewed.needs_approval:
        say_text("Asks nobody.")
    for number, carrier in enumerate(carriers, 1):
        say_text(f"{number}. {carrier['kind']}: {carrier['does']}")
        if carrier["obstacle"]:
            say_text(f"   not here: {carrier['obstacle']}")
    if not carriers:
        note("Nothing carries it out.")


def _registry(files: list[Path] | None, home: Path | None) -> Registry:
    from edge_llm.actions.registry import standard_registry
    from edge_llm.home import Home

    registry = standard_registry(Home(home))
    for path in files or ():
        registry.load_file(path)
    return registry


def _read(path: Path) -> tuple[Action, ...]:
    from edge_llm.actions.library import read_actions

    return read_actions(path)


def _clash(action: Action, taken: Mapping[str, Action]) -> list[Finding]:
    from edge_llm.actions.lint import Finding

    if action.id not in taken or taken[action.id] == action:
        return []
    return [Finding("error", "taken", f"There is already an action {action.id}, and none is replaced.")]


def _values(action: Action, given: list[str]) -> dict[str, Any]:
    from edge_llm.actions.templates import value_text
    from edge_llm.actions.values import Provenance, SlotValue

    known = {slot.name: slot for slot in action.slots}
    found = {}
    for item in given:
        name, separator, text = item.partition("=")
        if not separator or name not in known:
            there = ", ".join(known) or "none"
            raise InputError(f"--slot {item}: write NAME=VALUE; the slots of {action.id} are: {there}.")
        value = _value(known[name], text)
        found[name] = SlotValue(value, value_text(value), Provenance("typed"))
    return found


def _value(slot: Slot, text: str) -> Any:
    """Text as it is where the slot holds text; JSON elsewhere."""
    kind = slot.schema.get("type")
    if kind == "string" or (kind is None and all(isinstance(item, str) for item in slot.schema.get("enum", ()))):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"--slot {slot.name}={text}: {slot.name} is no text, so write its value as JSON ({kind}).") from error


def _tried(call: Call, registry: Registry, home: Path | None) -> list[dict[str, Any]]:
    """What each carrier would do, and why it cannot do it on this machine."""
    from edge_llm.actions.mcp_config import McpConfig
    from edge_llm.actions.providers.clipboard import ClipboardProvider
    from edge_llm.actions.providers.intent import IntentProvider
    from edge_llm.actions.providers.mcp import McpProvider
    from edge_llm.actions.providers.provider import Provider
    from edge_llm.actions.providers.python import PythonProvider
    from edge_llm.actions.providers.uri import UriProvider
    from edge_llm.home import Home

    providers: tuple[Provider, ...] = (
        PythonProvider(registry.functions),
        UriProvider(),
        IntentProvider(),
        ClipboardProvider(),
        McpProvider(McpConfig(Home(home))),
    )
    by_kind = {provider.kind: provider for provider in providers}
    return [
        {
            "kind": carrier.kind,
            "target": carrier.target,
            "does": by_kind[carrier.kind].describe(carrier, call),
            "obstacle": by_kind[carrier.kind].obstacle(carrier, call),
            "verified": None if carrier.verified is None else carrier.verified.isoformat(),
        }
        for carrier in call.action.carriers
    ]


def _try_document(
    call: Call, reviewed: Review, missing: list[dict[str, str]], carriers: list[dict[str, Any]]
) -> dict[str, Any]:
    from dataclasses import asdict

    from edge_llm.actions.templates import intents

    return {
        "action": call.action.id,
        "version": call.action.version,
        "arguments": call.arguments,
        "digest": call.digest,
        "missing": missing,
        "preview": reviewed.preview.text,
        "sentence": reviewed.preview.sentence,
        "needs_approval": reviewed.needs_approval,
        "reasons": [reason.text for reason in reviewed.reasons],
        "carriers": carriers,
        "intents": [asdict(intent) for intent in intents(call.action, call.arguments)],
    }


def _missing(slot: Slot, language: Literal["en", "zh"]) -> dict[str, str]:
    ask = slot.description if slot.ask is None else slot.ask
    return {"slot": slot.name, "ask": ask.in_language(language)}


def _summary(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "version": action.version,
        "name": vars(action.name),
        "description": vars(action.description),
        "effect": action.effect,
        "consent": action.consent,
        "slots": [slot.name for slot in action.slots],
        "required": [slot.name for slot in action.slots if slot.required],
        "carriers": [carrier.kind for carrier in action.carriers],
        "undo": action.undo,
    }


def _carrier_words(carrier: Carrier) -> str:
    parts = [carrier.kind, carrier.target]
    if carrier.data is not None:
        parts.append(carrier.data)
    parts += [f"{name}={template}" for name, template in carrier.extras.items()]
    if carrier.package is not None:
        parts.append(f"in {carrier.package}")
    if carrier.verified is not None:
        parts.append(f"(seen to work {carrier.verified})")
    return " ".join(parts)


_COMMANDS: Mapping[str, Callable[..., None]] = {"list": list_, "show": show, "check": check, "try": try_}

actions = typer.Typer(
    help=in_markup(_HELP), epilog="Options and examples of a command: edge-llm actions COMMAND --help", no_args_is_help=True
)
for _name, _command in _COMMANDS.items():
    actions.command(_name, help=in_markup(_command.__doc__ or ""))(_command)
