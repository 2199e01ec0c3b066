"""`edge-llm memory`: personal memory. Each command is a function of a memory_*.py beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from edge_llm.cli.markup import in_markup
from edge_llm.cli.memory_add import add, watch
from edge_llm.cli.memory_export import export, stats
from edge_llm.cli.memory_forget import forget, verify
from edge_llm.cli.memory_key import key
from edge_llm.cli.memory_search import list_, search, show

_HELP = """Your messages, mail, contacts, calendar and files: encrypted on this device, searched at once, forgotten for real.

`edge-llm memory add PATH` takes files and folders in, `edge-llm memory search TEXT` finds, `edge-llm chat --memory` answers
from what was found. No command opens a network connection.
"""
_COMMANDS: Mapping[str, Callable[..., None]] = {
    "add": add,
    "search": search,
    "show": show,
    "list": list_,
    "forget": forget,
    "verify": verify,
    "export": export,
    "key": key,
    "stats": stats,
    "watch": watch,
}

memory = typer.Typer(
    help=in_markup(_HELP), epilog="Options and examples of a command: edge-llm memory COMMAND --help", no_args_is_help=True
)
for _name, _command in _COMMANDS.items():
    memory.command(_name, help=in_markup(_command.__doc__ or ""))(_command)
