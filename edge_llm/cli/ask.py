"""`edge-llm ask`: one request to the assistant."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_llm.catalog import DEFAULT_MODEL
from edge_llm.cli import options
from edge_llm.cli.answers import cancel_on_interrupt
from edge_llm.cli.assisting import ReadLine, ask_at_prompt, open_assistant, show_turn
from edge_llm.cli.memory_opening import StoreChoice
from edge_llm.cli.opening import open_model
from edge_llm.cli.turns import terminal_lines

if TYPE_CHECKING:
    from edge_llm.assistant import Assistant
    from edge_llm.conversation import Approve


def ask(
    words: Annotated[str, typer.Argument(metavar="WORDS", help="What you want, in English or Chinese.")],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="The model that answers in words.")] = DEFAULT_MODEL,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Use none: actions need none, only answers in words do.")
    ] = False,
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="FILE", help="Actions of an app besides the standard ones. May be given several times."),
    ] = None,
    region: Annotated[
        str, typer.Option("--region", metavar="CC", help="Where numbers without a country code are at home: CN, US.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do nothing, and say what would be done.")] = False,
    runtime: options.RuntimeName = None,
    threads: options.Threads = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask for something to be done, or a question about your data.

    What it understood is shown with the source of every value, and nothing reaches another person, another app or your
    money before you said yes. It asks for what is missing. Contacts come from memory (`edge-llm memory add contacts.vcf`).

    On a terminal it goes on until it is done. In a pipe or with --json it says one thing and does only what needs no yes.

    Examples:
        edge-llm ask "text Anna that I'm ten minutes late"
        edge-llm ask 提醒我明天早上八点吃药
        edge-llm ask "when did I last see the dentist?"
        edge-llm ask "order my usual lunch" --dry-run --json
    """
    talks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    read_line = terminal_lines([]) if talks else None
    with ExitStack() as stack:
        opened = None
        if not no_model:
            loaded = open_model(model, runtime=runtime, threads=threads, context_length=None, home=home)
            opened = stack.enter_context(loaded)
        assistant = stack.enter_context(
            open_assistant(
                opened,
                files=files or (),
                store=StoreChoice(store, key_file, passphrase, home),
                approve=_approval(read_line, dry_run=dry_run),
                dry_run=dry_run,
                region=region,
            )
        )
        _take_turns(assistant, words, read_line, as_json=as_json)


def _take_turns(assistant: Assistant, words: str, read_line: ReadLine | None, *, as_json: bool) -> None:
    """The request, and on a terminal the replies to what it asks back."""
    from edge_llm.turns import Question

    while True:
        with cancel_on_interrupt() as cancel:
            turn = assistant.ask(words, cancel=cancel)
        show_turn(turn, as_json=as_json)
        if read_line is None or not isinstance(turn, Question):
            return
        try:
            words = read_line("> ").strip()
        except (EOFError, KeyboardInterrupt):  # left without an answer
            return
        if not words:
            return


def _approval(read_line: ReadLine | None, *, dry_run: bool) -> Approve | None:
    """Who decides: the person at the terminal; nobody in a pipe, where a proposal is the end; a dry run needs no decision."""
    if dry_run:
        return lambda _: True
    return None if read_line is None else ask_at_prompt(read_line)
