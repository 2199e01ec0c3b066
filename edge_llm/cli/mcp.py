"""`edge-llm mcp`: offers memory and a model to other programs; and keeps the list of MCP servers that the assistant may use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.markup import in_markup
from edge_llm.cli.mcp_servers import add, list_, remove, tools
from edge_llm.cli.output import note
from runtimes.errors import InputError, RuntimeUnavailableError

if TYPE_CHECKING:
    from edge_llm.mcp_server import LocalModel
    from edge_llm.memory.memory import Memory

_HELP = """Offer your memory's search and the local model to other programs that speak MCP. Nothing they can call changes it.

Without a command it serves over stdin and stdout: a program (an MCP host) starts it so. What a search finds goes to that
program. The commands keep the list of MCP servers whose tools the assistant may propose; none is started that you did not add.

Examples:
    edge-llm mcp --source ~/Documents/notes --no-model
    edge-llm mcp add files -- python3 server.py --root ~/Documents
    edge-llm mcp tools files
"""

mcp = typer.Typer(
    help=in_markup(_HELP),
    epilog="Options and examples of a command: edge-llm mcp COMMAND --help",
    invoke_without_command=True,
)
_COMMANDS: Mapping[str, Callable[..., None]] = {"add": add, "list": list_, "remove": remove, "tools": tools}
for _name, _command in _COMMANDS.items():
    mcp.command(_name, help=in_markup(_command.__doc__ or ""))(_command)


@mcp.callback()
def offer(
    context: typer.Context,
    source: options.OfSource = None,
    sources: Annotated[bool, typer.Option("--sources", help="Also tell the names of all sources.")] = False,
    no_memory: Annotated[bool, typer.Option("--no-memory", help="Offer the model only.")] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="The model to offer. Default: the one `chat` uses, if it is here."),
    ] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Offer memory only.")] = False,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    home: options.MemoryHome = None,
) -> None:
    """Serve, unless a command follows."""
    if context.invoked_subcommand is not None:
        return
    try:
        from edge_llm.mcp_server import Offer, serve
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError(
            f"MCP needs a package that is not installed ({error.name}). Run: pip install 'edge-llm[mcp]'"
        ) from error
    memory = None if no_memory else _memory(store, key_file, home, source)
    offered = None if no_model else _model(model, home)
    try:
        if memory is None and offered is None:
            raise InputError(
                "There is nothing to offer: no memory (`edge-llm memory add PATH`) and no model (`edge-llm pull`)."
            )
        if sys.stdin.isatty():
            note("Serving MCP on stdin and stdout, as a program would use it. Ctrl-D ends it.")
        serve(Offer(memory, source, sources, offered))
    finally:
        if offered is not None:
            offered.close()
        if memory is not None:
            memory.close()


def _memory(store: Path | None, key_file: Path | None, home: Path | None, source: str | None) -> Memory | None:
    """The person's memory, read only; None where there is none and none was named. Raises InputError for an unknown source."""
    from edge_llm.cli.memory_opening import StoreChoice, open_memory

    choice = StoreChoice(store, key_file, home=home)
    if store is None and not choice.path.exists():
        note(f"There is no memory at {choice.path}: only the model is offered.")
        return None
    memory = open_memory(choice, read_only=True)
    try:
        memory.list(source=source, limit=1)  # a source that memory does not know is said now, not to the host
    except BaseException:
        memory.close()
        raise
    return memory


def _model(name: str | None, home: Path | None) -> LocalModel | None:
    """A model that is on this machine; None where none was named and the default one is not here. Fetches nothing."""
    from edge_llm.catalog import DEFAULT_MODEL
    from edge_llm.cli.opening import open_model
    from edge_llm.home import Home, expand
    from edge_llm.installed import find_installed
    from edge_llm.mcp_server import LocalModel

    wanted = name or DEFAULT_MODEL
    if not expand(Path(wanted)).exists() and find_installed(wanted, Home(home)) is None:
        words = f"The model {wanted} is not on this machine. `edge-llm pull {wanted}` fetches it."
        if name is not None:
            raise InputError(words)
        note(f"{words} Only memory is offered.")
        return None
    return LocalModel(lambda: open_model(wanted, runtime=None, threads=None, context_length=None, home=home))
