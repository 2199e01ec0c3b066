"""`edge-llm memory forget` and `verify`: take things out of memory for good, and check that they are gone."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import heading, one_line, parse_time, say_document, say_text, write_json
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note
from runtimes.errors import InputError, StorageError

if TYPE_CHECKING:
    from edge_llm.memory.forgetting import Forgotten


def forget(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="Items, by the number that search and list show.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="All that came from this file, folder or conversation.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="WHO", help="All that involves this person: a name, number or address.")
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    kind: options.OfKind = None,
    query: Annotated[str | None, typer.Option("--query", metavar="TEXT", help="All that has these words.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be forgotten.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first; needed where there is no terminal.")] = False,
    receipt: Annotated[
        Path | None,
        typer.Option("--receipt", metavar="FILE", help="Where the receipt goes. Default: in receipts beside the memory."),
    ] = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Forget items for good: text, search terms, vectors, and the answers of kept conversations that were made from them.

    Several conditions together narrow it. What would go is shown first. The files that memory was made from are yours and
    stay as they are. `edge-llm memory verify --erased RECEIPT` checks that nothing is left.

    Examples:
        edge-llm memory forget 12 13
        edge-llm memory forget --person "Anna Lee" --since 2023-01-01 --dry-run
        edge-llm memory forget --source ~/Mail/archive.mbox --yes --json
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home)) as memory:
        planned = memory.forget(
            ids=ids or None,
            source=source,
            person=person,
            since=parse_time(since, "--since"),
            until=parse_time(until, "--until", end=True),
            kind=kind,
            query=query,
            dry_run=True,
        )
        if not as_json:
            _show(planned)
        if dry_run or not planned.ids or not (yes or _agreed(len(planned.ids))):
            if as_json:
                say_document(_document(planned, None))
            return
        place = _new_receipt(receipt, memory.path.parent)
        done = memory.forget(ids=planned.ids)
        if done.receipt is not None:
            write_json(place, done.receipt.to_json())
    if as_json:
        say_document(_document(done, place))
        return
    say_text(f"Forgot {len(done.ids)} items. Receipt: {place}")
    if done.receipt is not None and not done.receipt.clean:
        note("Another program still reads the old pages. They are overwritten when memory is next written to; verify then.")


def verify(
    erased: Annotated[
        Path | None,
        typer.Option("--erased", metavar="RECEIPT", help="Check that what this receipt says was forgotten is nowhere left."),
    ] = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Check the whole memory: pages, seals, terms, vectors, links. Or, with a receipt, that what was forgotten is gone.

    Exit code 2 when something is wrong; what is wrong is listed.

    Examples:
        edge-llm memory verify
        edge-llm memory verify --erased receipts/2024-05-31.json --json
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home), read_only=True) as memory:
        found = memory.verify() if erased is None else memory.verify_erased(erased)
    if as_json:
        say_document({"ok": found.ok, "problems": list(found.problems), **found.counts})
    else:
        for problem in found.problems:
            say_text(problem)
        checked = ", ".join(f"{count} {name}" for name, count in found.counts.items())
        say_text(f"{'All is well' if found.ok else f'{len(found.problems)} problems'}: {checked}")
    if not found.ok:
        raise typer.Exit(2)


def _show(planned: Forgotten) -> None:
    plan = planned.plan
    if not plan.ids:
        note("Nothing in memory meets this.")
        return
    counts = ", ".join(f"{count} {name}" for name, count in plan.kinds.items())
    say_text(f"{len(plan.ids)} items: {counts}")
    for name, count in plan.sources.items():
        say_text(f"  {count} of {name}{' (all of it)' if name in plan.emptied else ''}")
    for item in plan.examples:
        say_text(heading(item))
        say_text(f"     {one_line(item)}")
    if planned.turns:
        say_text(f"{len(planned.turns)} of them are turns of conversations that were made from the others, or repeat them.")
    for cut in planned.files:
        say_text(f"{cut.messages} messages of {cut.path} repeat them and go too.")


def _agreed(count: int) -> bool:
    """Ask the person. Raises InputError where there is no terminal to ask on."""
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to ask on. Give --yes to forget what --dry-run shows.")
    note(f"Forget these {count} items for good? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _new_receipt(wanted: Path | None, folder: Path) -> Path:
    """Where the receipt goes, a file that is not there yet. Raises InputError, StorageError: before anything is forgotten."""
    if wanted is not None:
        if wanted.exists() or not wanted.absolute().parent.is_dir():
            raise InputError(f"{wanted} is there already, or its folder is not. Name a new file for the receipt.")
        return wanted
    now = datetime.now().astimezone()
    place = folder / "receipts" / f"{now:%Y-%m-%d %H.%M.%S.%f}.json"
    try:
        place.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot create {place.parent}: {error.strerror or error}. Name a file with --receipt.") from error
    return place


def _document(forgotten: Forgotten, receipt: Path | None) -> dict[str, Any]:
    plan = forgotten.plan
    return {
        "done": receipt is not None,
        "ids": list(plan.ids),
        "sources": dict(plan.sources),
        "emptied": list(plan.emptied),
        "kinds": dict(plan.kinds),
        "people": plan.people,
        "vectors": plan.vectors,
        "turns": list(forgotten.turns),
        "files": [{"path": str(cut.path), "messages": cut.messages} for cut in forgotten.files],
        "receipt": None if receipt is None else str(receipt),
    }
