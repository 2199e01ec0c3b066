'''Where a conversation's turns come from: a line editor on a terminal, plain lines in a pipe.

Knows how several lines make one turn: a line that ends in a backslash goes on in the next one, and """ opens a
block that the next """ closes.
'''

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from runtimes.errors import PromptError

LineReader: TypeAlias = Callable[[str], str]
"""Shows a prompt and returns one line without its end. Raises EOFError when there are no more."""

FIRST_PROMPT = ">>> "
NEXT_PROMPT = "... "
_BLOCK = '"""'


def read_turn(read_line: LineReader) -> str:
    """One turn of a conversation, of one or several lines.

    Raises:
        EOFError: the input is over before the turn began. One that it cuts short is a turn.
    """
    line = read_line(FIRST_PROMPT)
    if line.lstrip().startswith(_BLOCK):
        return _read_block(line.lstrip().removeprefix(_BLOCK), read_line)
    lines = [line]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1].removesuffix("\\")
        following = _next_line(read_line)
        if following is None:
            break
        lines.append(following)
    return "\n".join(lines)


def _read_block(line: str, read_line: LineReader) -> str:
    lines = [line]
    while not lines[-1].rstrip().endswith(_BLOCK):
        following = _next_line(read_line)
        if following is None:
            break
        lines.append(following)
    else:
        lines[-1] = lines[-1].rstrip().removesuffix(_BLOCK)
    # Quotes on lines of their own leave an empty line at either end, which is none of the text's.
    return "\n".join(lines).removeprefix("\n").removesuffix("\n")


def _next_line(read_line: LineReader) -> str | None:
    """A further line of a turn, or None when the input ends within it."""
    try:
        return read_line(NEXT_PROMPT)
    except EOFError:
        return None


def piped_lines() -> LineReader:
    """Lines of stdin. A line that is not UTF-8 raises PromptError."""

    def read_line(_prompt: str) -> str:
        raw = sys.stdin.buffer.readline()
        if not raw:
            raise EOFError
        return as_text(raw).rstrip("\r\n")

    return read_line


def terminal_lines(commands: Sequence[str]) -> LineReader:
    """A line editor on the terminal with history (in memory only) and completion of `commands`."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.output import create_output

    session: PromptSession[str] = PromptSession(
        history=InMemoryHistory(),
        completer=WordCompleter(list(commands), sentence=True),
        complete_while_typing=False,
        # Where stdout goes to a file, the person still types on the terminal, and the file gets only the answers.
        output=create_output(always_prefer_tty=True),
    )
    return session.prompt


def as_text(raw: bytes, place: str = "The input") -> str:
    """Bytes a person gave, as text. Raises PromptError, naming the `place` they are from, when they are not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PromptError(f"{place} is not UTF-8 text (byte {error.start}). Convert it to UTF-8 first.") from error
