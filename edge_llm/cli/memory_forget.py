"""`edge-llm memory forget` and `verify`: take things out of memory for good, and check that they are gone."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
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
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.receipt import Receipt
    from edge_llm.memory.residue import Search
    from edge_llm.memory.verify import Verification


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
        place = None
        if not as_json:
            _show(planned)
        if planned.ids and not dry_run:
            place = _carry_out(memory, planned, receipt, agreed=yes)
    if as_json:
        say_document(_document(planned, place))
    elif place is not None:
        say_text(f"Forgot {len(planned.ids)} items. Receipt: {place}")


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
        found = _checked(memory.verify()) if erased is None else _searched(memory.verify_erased(_read_receipt(erased)))
    if as_json:
        say_document({"ok": not found.problems, "problems": list(found.problems), **found.counts})
    else:
        for problem in found.problems:
            say_text(problem)
        checked = ", ".join(f"{name} {count}" for name, count in found.counts.items())
        say_text(f"{f'{len(found.problems)} problems' if found.problems else 'All is well'} ({checked})")
    if found.problems:
        raise typer.Exit(2)


@dataclass(frozen=True)
class _Check:
    """What a check found, in words, and what it looked at."""

    problems: tuple[str, ...]
    counts: dict[str, int]


def _checked(found: Verification) -> _Check:
    damaged = tuple(f"page {damage.page} is damaged; it held {damage.holds}" for damage in found.damaged)
    pending = ("old pages still hold what was forgotten; open the memory for writing once",) if found.unscrubbed else ()
    return _Check((*damaged, *found.problems, *pending), {"pages": found.pages, "items": found.items})


def _searched(found: Search) -> _Check:
    left = tuple(f"a {residue.kind} is left in {residue.place}" for residue in found.left)
    present = tuple(f"item {item} is there" for item in found.present)
    counts = {
        "bytes": found.bytes,
        "fingerprints": found.traces,
        "held_by_others": len(found.held),
        "unread": len(found.unread),
    }
    return _Check((*left, *present), counts)


def _read_receipt(path: Path) -> Receipt:
    """The receipt in a file. Raises InputError, StorageError."""
    from edge_llm.memory.receipt import Receipt

    try:
        return Receipt.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a receipt: {error}.") from error


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


def _carry_out(memory: Memory, planned: Forgotten, receipt: Path | None, *, agreed: bool) -> Path | None:
    """Forget what was planned, once the person agrees; returns where the receipt is. Raises InputError, StorageError."""
    if not (agreed or _agreed(len(planned.ids))):
        note("Nothing was forgotten.")
        return None
    place = _new_receipt(receipt, memory.path.parent)
    done = memory.forget(ids=planned.ids).receipt
    if done is None:  # another process was quicker
        note("It is forgotten already.")
        return None
    write_json(place, done.to_json())
    if not done.clean:
        note("Another program still reads the old pages. They are overwritten when memory is next written to; verify then.")
    return place


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
