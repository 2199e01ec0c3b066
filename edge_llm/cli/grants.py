"""`edge-llm grants`: what the assistant may do without asking, and taking that back."""

from __future__ import annotations

from typing import Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note


def grants(
    revoke: Annotated[
        list[int] | None,
        typer.Option("--revoke", metavar="NUMBER", help="Take this permission back. May be given several times."),
    ] = None,
    revoke_all: Annotated[bool, typer.Option("--revoke-all", help="Take every permission back.")] = False,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """List what you allowed once for all: each is one action with one recipient. Purchases are never among them.

    Examples:
        edge-llm grants
        edge-llm grants --revoke 3
        edge-llm grants --json
    """
    from edge_llm.actions.grants import Grants
    from edge_llm.actions.log import ActionLog

    with open_memory(StoreChoice(store, key_file, passphrase, home)) as memory:
        kept = Grants(memory.store, ActionLog(memory.store))
        for number in [grant.id for grant in kept.all()] if revoke_all else revoke or []:
            kept.revoke(number)
        left = kept.all()
    if as_json:
        say_document({
            "grants": [
                {
                    "id": grant.id, "action": grant.action, "recipient": grant.recipient, "shown": grant.shown,
                    "made": grant.made.isoformat(),
                }
                for grant in left
            ]
        })  # fmt: skip
        return
    for grant in left:
        made = grant.made.astimezone().strftime("%Y-%m-%d")
        whom = "" if grant.recipient is None else f" to {grant.shown or grant.recipient} ({grant.recipient})"
        say_text(f"{grant.id:>4}  {grant.action}{whom}, since {made}")
    if not left:
        note("Nothing is allowed without asking.")
