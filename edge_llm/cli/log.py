"""`edge-llm log`: what the assistant proposed, what was answered and done; whether the log is whole; forgetting from it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import parse_time, say_document, say_text
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note
from runtimes.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from edge_llm.actions.log import ActionLog, LogEntry, LogVerification


def log(
    since: options.Since = None,
    until: options.Until = None,
    action: Annotated[str | None, typer.Option("--action", metavar="ID", help="Only of this action, such as sms.send.")] = None,
    containing: Annotated[
        str | None, typer.Option("--containing", metavar="TEXT", help="Only entries that hold this text, in any case.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show the latest N.")] = 50,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no entry was changed, removed, moved or added; exit code 2 otherwise.")
    ] = False,
    known: Annotated[
        str | None, typer.Option("--known", metavar="HEAD", help="With --verify: a head printed earlier must still be there.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget what the chosen entries hold; that they were, and when, stays.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Forget without asking; needed where there is no terminal.")] = False,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what the assistant proposed, what you answered, and what was done. The log is only ever added to.

    Examples:
        edge-llm log
        edge-llm log --since yesterday --action sms.send --json
        edge-llm log --verify --known 12:5f0c9a2b4e6d8071a3b5c7d9e1f20314
        edge-llm log --forget --containing "Zhang San" --yes
    """
    from edge_llm.actions.log import ActionLog

    if (verify and forget) or (known is not None and not verify):
        raise InputError("Give --verify or --forget, not both; --known goes with --verify.")
    with open_memory(StoreChoice(store, key_file, passphrase, home)) as memory:
        kept = ActionLog(memory.store)
        if verify:
            found = kept.verify(known)
            _say_verification(found, as_json=as_json)
            if not found.ok:
                raise typer.Exit(2)
            return
        chosen = [
            entry
            for entry in kept.entries(since=parse_time(since, "--since"))
            if _meets(entry, parse_time(until, "--until", end=True), action, containing)
        ]
        if forget:
            _forget(kept, chosen, agreed=yes, as_json=as_json)
            return
    if as_json:
        say_document({"entries": [entry_document(entry) for entry in chosen[-limit:]]})
        return
    for entry in chosen[-limit:]:
        say_text(entry_line(entry))
    if not chosen:
        note("The log has no such entry.")


def entry_document(entry: LogEntry) -> dict[str, Any]:
    """An entry as JSON; its content is null when it was forgotten."""
    return {"number": entry.number, "time": entry.time.isoformat(), "kind": entry.kind, "content": entry.content}


def entry_line(entry: LogEntry) -> str:
    """An entry on one line."""
    when = entry.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if entry.content is None:
        return f"{entry.number:>5}  {when}  {entry.kind:<9} {'(was changed)' if entry.damaged else '(forgotten)'}"
    content = dict(entry.content)
    told = [str(content.pop("action", ""))]
    for hidden in ("version", "digest", "request", "sources"):
        content.pop(hidden, None)
    arguments = content.pop("arguments", {})
    told += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in (*arguments.items(), *content.items())]
    return f"{entry.number:>5}  {when}  {entry.kind:<9} {' '.join(told)}".rstrip()


def _meets(entry: LogEntry, until: datetime | None, action: str | None, containing: str | None) -> bool:
    content = entry.content or {}
    return (
        (until is None or entry.time < until)
        and (action is None or content.get("action") == action)
        and (containing is None or containing.casefold() in json.dumps(content, ensure_ascii=False).casefold())
    )


def _say_verification(found: LogVerification, *, as_json: bool) -> None:
    if as_json:
        say_document({
            "ok": found.ok, "entries": found.entries, "forgotten": found.forgotten,
            "problems": list(found.problems), "head": found.head,
        })  # fmt: skip
        return
    say_text(f"{found.entries} entries, {found.forgotten} of them forgotten. Head: {found.head}")
    for problem in found.problems:
        say_text(f"! {problem}")
    if found.ok:
        say_text("Every entry is as it was written.")


def _forget(kept: ActionLog, chosen: list[LogEntry], *, agreed: bool, as_json: bool) -> None:
    """Forget the content of entries, once the person agrees. Raises InputError where there is no terminal to ask on."""
    held = [entry for entry in chosen if entry.content is not None]
    if not as_json:
        for entry in held:
            say_text(entry_line(entry))
    if held and not agreed:
        if not sys.stdin.isatty():
            raise InputError("There is no terminal to ask on. Give --yes to forget what `edge-llm log` shows.")
        note(f"Forget what these {len(held)} entries hold? [y/N] ")
        agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    count = kept.forget([entry.number for entry in held]) if held and agreed else 0
    if as_json:
        say_document({"forgotten": count})
    else:
        say_text(f"Forgot what {count} entries held." if count else "Nothing was forgotten.")
