"""`edge-llm memory export` and `stats`: everything out in open formats, and how much there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.memory_opening import StoreChoice, open_memory, with_key
from edge_llm.cli.output import in_bytes, note
from edge_llm.hidden import show_hidden
from runtimes.errors import StoreDamagedError


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder. What goes there is not encrypted.")],
    source: options.OfSource = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Write everything in memory as open formats: JSON Lines for each source, and contacts as vCards.

    `edge-llm memory add DIR` reads it back. From a damaged memory what can be saved is saved, and the rest is named.

    Examples:
        edge-llm memory export ~/memory-export
        edge-llm memory export out --source ~/Mail/archive.mbox --json
    """
    from edge_llm.memory.export import export_damaged

    choice = StoreChoice(store, key_file, passphrase, home)
    try:
        with open_memory(choice, read_only=True) as memory:
            done = memory.export(folder, source=source)
    except StoreDamagedError as error:
        note(f"{error} What can be read is saved.")
        done = with_key(choice, lambda key: export_damaged(choice.path, key, folder, None if source is None else {source}))
    if as_json:
        say_document({"items": done.items, "files": [str(path) for path in done.files], "lost": list(done.lost)})
        return
    for problem in done.lost:
        note(show_hidden(f"Not saved: {problem}"))
    say_text(f"{done.items} items in {len(done.files)} files: {folder}")
    note("These files are not encrypted. Delete them when you no longer need them.")


def stats(
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how much is in memory, and what it takes.

    Examples:
        edge-llm memory stats
        edge-llm memory stats --json
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home), read_only=True) as memory:
        found = memory.stats()
    if as_json:
        say_document(
            {
                "path": str(found.path),
                "bytes": found.bytes,
                "items": found.items,
                "sources": found.sources,
                "people": found.people,
                "kinds": dict(found.kinds),
                "embedder": found.embedder,
                "embedded": found.embedded,
                "schema": found.schema,
            }
        )
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
    rows = [
        ("memory", f"{found.path} ({in_bytes(found.bytes)}, schema {found.schema})"),
        ("items", f"{found.items}{f' ({kinds})' if kinds else ''}"),
        ("sources", str(found.sources)),
        ("people", str(found.people)),
        ("embedded", f"{found.embedded} of {found.items} by {found.embedder or 'no embedder yet'}"),
    ]
    for name, value in rows:
        say_text(f"{name:<9} {value}")
