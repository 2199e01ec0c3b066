"""What leaves the program, and through which door: answers and JSON on stdout, everything else on stderr.

One rule serves people and scripts alike: stdout carries the answer (or, with --json, one JSON document)
and nothing else. Errors become one message and an exit code here; a traceback is shown only on request.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from runtimes.errors import EdgeLLMError

if TYPE_CHECKING:
    from rich.table import Table

DEBUG_VARIABLE = "EDGE_LLM_DEBUG"
"""Set to 1, it shows the traceback of an error beside its message."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""

# C0 and C1 control characters except tab and newline: escape sequences could rewrite a terminal's screen,
# title or clipboard, and what a model says or what a file is called comes from outside.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PIPED_TABLE_WIDTH = 200


def prepare_streams() -> None:
    """Make stdout and stderr take any text: UTF-8 in a pipe, an escape for what a terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """`text` without the control characters a terminal would obey."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str = "", *, end: str = "\n") -> None:
    """Print the answer, or a line of it, on stdout at once."""
    sys.stdout.write((printable(text) if sys.stdout.isatty() else text) + end)
    sys.stdout.flush()


def say_json(document: Any, *, one_line: bool = False) -> None:
    """Print one JSON document on stdout. NaN and infinity are refused: they are not JSON."""
    text = json.dumps(document, indent=None if one_line else 2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_table(table: Table) -> None:
    """Print a table on stdout, coloured on a terminal and unbroken in a pipe."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _PIPED_TABLE_WIDTH).print(table)


def in_bytes(count: int) -> str:
    """A number of bytes as people read it, in powers of 1000: 98.3 MB."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def note(text: str) -> None:
    """Print a line for the person on stderr: what is being done, never the answer."""
    typer.echo(printable(text), err=True)


def note_usage(error: typer.TyperException) -> None:
    """Print how the command is called, where `error` knows which command was called wrongly."""
    context = getattr(error, "ctx", None)
    if context is not None:
        note(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n")


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell what went wrong in one message and return the exit code for it.

    Args:
        as_json: print {"error": {"type", "message"}} on stdout instead of text on stderr.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if _reader_is_gone(error):
        # Nobody reads any more: without this the interpreter complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if os.environ.get(DEBUG_VARIABLE) == "1":
        sys.stderr.write("".join(traceback.format_exception(error)))
    kind, message, code = _describe(error)
    if as_json:
        say_json({"error": {"type": kind, "message": message}})
    else:
        note(f"Error: {message}")
    return code


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether --json is among the arguments, also when they are too wrong to be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _reader_is_gone(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.EPIPE, errno.ESHUTDOWN}


def _describe(error: BaseException) -> tuple[str, str, int]:
    """Type name, message and exit code of an error."""
    kind = type(error).__name__
    if isinstance(error, EdgeLLMError):
        return kind, str(error), error.exit_code
    if isinstance(error, typer.TyperException):
        return "UsageError", error.format_message(), error.exit_code
    if isinstance(error, MemoryError):
        return kind, "Not enough memory. Close other programs, or use a smaller model or a shorter context.", 1
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return kind, f"{place}{error.strerror}.", 2
    return kind, f"{kind}: {error}. This is a bug; {DEBUG_VARIABLE}=1 shows where. Please report it.", 1
