"""What a person can tell the chat itself rather than the model: /help, /reset, /save and so on.

A command is one function and one row of `COMMANDS`. They speak on stderr: stdout is the model's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.cli.output import note
from runtimes.errors import PromptError

if TYPE_CHECKING:
    from edge_llm import Chat, Result


@dataclass
class Conversation:
    """A chat on the screen: what its commands can look at and change."""

    chat: Chat
    folder: Path
    """Where conversations are saved by name."""
    last: Result | None = None
    """The latest answer."""
    over: bool = False
    """The person wants to leave."""


@dataclass(frozen=True)
class Command:
    """One row of /help and what it does; `act` gets the text after the command's name."""

    usage: str
    help: str
    act: Callable[[Conversation, str], None]


def obey(conversation: Conversation, line: str) -> None:
    """Carry out a line that begins with a slash.

    Raises:
        PromptError: no such command, one that lacks its argument, or a file that holds no conversation.
    """
    name, _, argument = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise PromptError(f"There is no command {name}. /help lists them; a space before the slash sends it to the model.")
    command.act(conversation, argument.strip())


def _help(_conversation: Conversation, _argument: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        note(f"{command.usage:<{width}}  {command.help}")
    note('End a line with \\ to go on in the next one, or put several lines between """ and """.')
    note("Ctrl-C stops an answer; Ctrl-D leaves.")


def _reset(conversation: Conversation, _argument: str) -> None:
    conversation.chat.reset()
    conversation.last = None
    note("The conversation starts anew.")


def _system(conversation: Conversation, argument: str) -> None:
    if argument:
        conversation.chat.system = argument
    note(f"System message: {conversation.chat.system or 'the one in the model, if any'}")


def _save(conversation: Conversation, argument: str) -> None:
    path = _file_of(conversation, argument, "/save")
    path.parent.mkdir(parents=True, exist_ok=True)
    conversation.chat.save(path)
    note(f"Saved to {path}")


def _load(conversation: Conversation, argument: str) -> None:
    path = _file_of(conversation, argument, "/load")
    conversation.chat.load(path)
    conversation.last = None
    note(f"Loaded {len(conversation.chat.messages)} messages from {path}")


def _file_of(conversation: Conversation, argument: str, command: str) -> Path:
    """A bare name is kept with edge-llm's own files; anything that looks like a path is one."""
    if not argument:
        raise PromptError(f"{command} needs a name, as in `{command} trip`, or a path, as in `{command} ./trip.json`.")
    path = Path(argument).expanduser()
    if path.name == argument and not path.suffix:
        return conversation.folder / f"{argument}.json"
    return path


def _stats(conversation: Conversation, _argument: str) -> None:
    if conversation.last is None:
        note("No answer yet.")
        return
    usage, timings = conversation.last.usage, conversation.last.timings
    held = usage.prompt_tokens + usage.completion_tokens
    note(f"last answer   {usage.completion_tokens} tokens to a prompt of {usage.prompt_tokens} ({usage.cached_tokens} cached)")
    note(f"first token   {_or_dash(timings.first_token_s, '.2f')} s")
    note(f"prefill       {_or_dash(timings.prefill_tokens_per_s, '.0f')} tokens/s")
    note(f"decode        {_or_dash(timings.decode_tokens_per_s, '.0f')} tokens/s")
    note(f"context       {held} of {conversation.chat.model.info.context_length} tokens")


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _quit(conversation: Conversation, _argument: str) -> None:
    conversation.over = True


COMMANDS = {
    command.usage.split()[0]: command
    for command in (
        Command("/help", "show this list", _help),
        Command("/reset", "forget the conversation; the system message stays", _reset),
        Command("/system [TEXT]", "show the system message, or set it", _system),
        Command("/save NAME", "keep the conversation under a name, or in a file if NAME is a path", _save),
        Command("/load NAME", "go on with a conversation that was saved", _load),
        Command("/stats", "speed and size of the latest answer", _stats),
        Command("/quit", "leave", _quit),
    )
}
