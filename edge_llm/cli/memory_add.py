"""`edge-llm memory add` and `watch`: files and folders into memory, once or as they change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.answers import cancel_on_interrupt
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note
from edge_llm.hidden import show_hidden

if TYPE_CHECKING:
    from edge_llm.memory.adding import Added

_SHOWN_FAILURES = 20

_Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders; folders with all that is in them.")]
_Owner = Annotated[
    list[str] | None,
    typer.Option(
        "--owner", metavar="WHO", help="Your name, number or address, as the files have it; may be given several times."
    ),
]
_Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="For times that a file gives without one. Default: this machine's."),
]


def add(
    paths: _Paths,
    owner: _Owner = None,
    timezone: _Zone = None,
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", metavar="N", min=1, help="Forget items of these files once they are so old.")
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", metavar="NAME", help="What makes vectors from now on: use, a pulled encoder, a directory."),
    ] = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Take files in: text, Markdown, PDF, Office, HTML, mail, contacts, calendars, exported messages, JSON and CSV.

    A file that has not changed is not read again, one that has is brought up to date, and what vanished from a folder
    leaves memory when the folder is added again. A file that cannot be read is reported, and the rest is taken in.
    Ctrl-C keeps what was done; the same command goes on. The first time this makes the memory and its key.

    Examples:
        edge-llm memory add ~/Documents ~/Mail/archive.mbox
        edge-llm memory add "WhatsApp Chat with Anna.txt" --owner "Ben Lee" --timezone Europe/Berlin
        edge-llm memory add ~/Notes --keep-days 365 --json
    """
    from edge_llm.cli.progress import ProgressDisplay

    choice = StoreChoice(store, key_file, passphrase, home)
    with cancel_on_interrupt() as cancel, open_memory(choice, create=True) as memory, ProgressDisplay() as progress:
        if embedder is not None:
            memory.use_embedder(embedder)
        added = memory.add(
            paths,
            owner=owner or (),
            timezone=timezone,
            keep_days=keep_days,
            progress=progress.on_memory_step,
            cancel=cancel,
        )
    _tell(added, as_json=as_json)


def watch(
    paths: _Paths,
    owner: _Owner = None,
    timezone: _Zone = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Take files in, and again whenever one of them changes, until Ctrl-C.

    What `edge-llm memory add` does holds here too; with --json each round is one line.

    Examples:
        edge-llm memory watch ~/Notes
        edge-llm memory watch ~/Documents --json
    """
    choice = StoreChoice(store, key_file, passphrase, home)
    with cancel_on_interrupt() as cancel, open_memory(choice, create=True) as memory:
        for added in memory.watch(paths, owner=owner or (), timezone=timezone, cancel=cancel):
            _tell(added, as_json=as_json, one_line=True)


def _tell(added: Added, *, as_json: bool, one_line: bool = False) -> None:
    if as_json:
        say_document(asdict(added), one_line=one_line)
        return
    for failure in added.failures[:_SHOWN_FAILURES]:
        note(show_hidden(f"Not read: {failure.reason}"))
    if len(added.failures) > _SHOWN_FAILURES:
        note(f"... and {len(added.failures) - _SHOWN_FAILURES} more; --json lists all.")
    for remark in added.notes[:_SHOWN_FAILURES]:
        note(show_hidden(f"{remark.path}: {remark.reason}"))
    for name in added.gone:
        note(show_hidden(f"No longer there, so removed from memory: {name}"))
    counts = [
        (added.added, "added"),
        (added.changed, "changed"),
        (added.removed, "removed"),
        (added.expired, "too old to keep"),
        (added.forgotten, "grown too old and forgotten"),
    ]
    said = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing new"
    unread = f", {added.unchanged_files} files unchanged" if added.unchanged_files else ""
    failed = f", {len(added.failures)} not read" if added.failures else ""
    say_text(f"{said} ({added.files} files read{unread}{failed})")
