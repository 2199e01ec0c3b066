"""`edge-llm chat --assistant`: a conversation in which things get done, on a terminal or through a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge_llm.cli.answers import cancel_on_interrupt
from edge_llm.cli.assisting import ask_at_prompt, open_assistant, show_turn
from edge_llm.cli.output import note, report
from edge_llm.cli.turns import piped_lines, read_turn, terminal_lines
from runtimes.errors import EdgeLLMError, PromptError

if TYPE_CHECKING:
    from edge_llm import Model
    from edge_llm.assistant import Assistant
    from edge_llm.cli.memory_opening import StoreChoice

_COMMANDS = ("/help", "/actions", "/quit")


def talk(model: Model, store: StoreChoice, *, as_json: bool) -> None:
    """Take turns until the person leaves. What goes wrong in a turn on a terminal is told, and the conversation goes on."""
    is_terminal = sys.stdin.isatty() and not as_json
    read_line = terminal_lines(list(_COMMANDS)) if is_terminal else piped_lines()
    approve = ask_at_prompt(read_line) if is_terminal else None
    with open_assistant(model, files=(), store=store, approve=approve, dry_run=False) as assistant:
        if is_terminal:
            note("Ask for anything. /help shows the commands, /quit leaves.")
        while True:
            try:
                words = read_turn(read_line).strip()
            except KeyboardInterrupt:
                note("Ctrl-D or /quit leaves.")
                continue
            except EOFError:
                return
            if words == "/quit":
                return
            try:
                _take(assistant, words, as_json=as_json)
            except (EdgeLLMError, OSError) as error:
                if not is_terminal:
                    raise
                report(error, as_json=False)


def _take(assistant: Assistant, words: str, *, as_json: bool) -> None:
    """One line: a command, a request, or nothing."""
    if not words:
        return
    if words == "/actions":
        note(", ".join(action.id for action in assistant.actions.all()))
    elif words == "/help":
        note(
            "Say what you want: it proposes, you decide. A correction changes a proposal, `cancel` ends it, `undo` takes back."
        )
        note("/actions lists what it can do, /quit leaves. `edge-llm log` shows what was done, `edge-llm grants` what may be.")
    elif words.startswith("/"):
        raise PromptError(f"There is no command {words.split()[0]}. /help lists them.")
    else:
        with cancel_on_interrupt() as cancel:
            show_turn(assistant.ask(words, cancel=cancel), as_json=as_json)
