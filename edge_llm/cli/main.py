"""The program `edge-llm`: its commands, and the one place where an error becomes an exit code.

Exit codes: 0 done; 2 it cannot be done as it was asked, and the message says what to change (an option, a file, a name,
the disk, the connection); 1 it failed all the same (a backend, a bug); 130 Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Annotated

import typer
from typer.main import get_command

from edge_llm.cli import output
from edge_llm.cli.actions import actions
from edge_llm.cli.ask import ask
from edge_llm.cli.bench import bench
from edge_llm.cli.chat import chat
from edge_llm.cli.doctor import doctor
from edge_llm.cli.eval import evaluate
from edge_llm.cli.export import export
from edge_llm.cli.grants import grants
from edge_llm.cli.log import log
from edge_llm.cli.markup import in_markup
from edge_llm.cli.mcp import mcp
from edge_llm.cli.memory import memory
from edge_llm.cli.models import models
from edge_llm.cli.plan import plan
from edge_llm.cli.pull import pull
from edge_llm.cli.quantize import quantize
from edge_llm.cli.run import run
from runtimes.errors import EdgeLLMError

_HELP = """Shrink a language model, run it on the device in front of you. Nothing leaves the device.

Start with `edge-llm chat`: it fetches a small model once (93 MB) and talks with you. After that no command opens a
network connection, except `pull`, a model name that is not here yet, and a server that you add by its URL.
"""


app = typer.Typer(
    name="edge-llm",
    help=in_markup(_HELP),
    epilog="Options and examples of a command: edge-llm COMMAND --help",
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

_PANELS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "Talk": {"chat": chat, "run": run},
    "Act": {"ask": ask, "log": log, "grants": grants},
    "Models": {"pull": pull, "models": models},
    "Shrink and measure": {"plan": plan, "quantize": quantize, "eval": evaluate, "bench": bench},
    "Phones": {"export": export},
    "This machine": {"doctor": doctor},
}
for _panel, _commands in _PANELS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel, help=in_markup(_command.__doc__ or ""))(_command)
app.add_typer(memory, name="memory", rich_help_panel="Talk")
app.add_typer(actions, name="actions", rich_help_panel="Act")
app.add_typer(mcp, name="mcp", rich_help_panel="Talk")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.say(f"edge-llm {version('edge-llm')}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def execute(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit code.

    Errors are reported here, once. What is no foreseen error is a bug and goes on to the caller.
    """
    as_json = output.wants_json(arguments)
    try:
        code = get_command(app).main(list(arguments) or ["--help"], prog_name="edge-llm", standalone_mode=False)
    except typer.TyperException as error:
        if not as_json:
            output.note_usage(error)
        return output.report(error, as_json=as_json)
    except (EdgeLLMError, OSError, MemoryError, KeyboardInterrupt) as error:
        return output.report(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the program; ends the process."""
    output.prepare_streams()

    def report_bug(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        output.report(error, as_json=output.wants_json(sys.argv[1:]))

    # The interpreter itself ends with 1 after an exception nobody foresaw; only its words are replaced.
    sys.excepthook = report_bug
    sys.exit(execute(sys.argv[1:]))
