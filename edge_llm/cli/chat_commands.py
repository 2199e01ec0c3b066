"""What a person can tell the chat itself rather than the model: /help, /reset, /save and so on.

A command is one function and one row of `COMMANDS`. They speak on stderr: stdout is the model's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.cli.chat_sources import list_sources
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note
from runtimes.errors import PromptError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from edge_llm import Chat, Result
    from edge_llm.memory.memory import Memory


@dataclass
class Conversation:
    """A chat on the screen: what its commands can look at and change. A context manager: it closes the memory it opened."""

    chat: Chat
    folder: Path
    """Where conversations are saved by name."""
    store: StoreChoice = field(default_factory=StoreChoice)
    """Which memory is meant when one is asked for."""
    memory: Memory | None = None
    """The memory that was opened, used or not."""
    last: Result | None = None
    """The latest answer."""
    over: bool = False
    """The person wants to leave."""

    def use_memory(self) -> Memory:
        """Answer from memory, which is opened the first time. Raises EdgeLLMError when it cannot be."""
        if self.memory is None:
            self.memory = open_memory(self.store)
        self.chat.memory = self.memory
        return self.memory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.memory is not None:
            self.memory.close()


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
    if conversation.chat.memory is not None and _is_name(argument):
        conversation.chat.keep(argument)
        note(f"Kept in memory as {argument}")
        return
    path = _file_of(conversation, argument, "/save")
    path.parent.mkdir(parents=True, exist_ok=True)
    conversation.chat.save(path)
    note(f"Saved to {path}")


def _load(conversation: Conversation, argument: str) -> None:
    memory = conversation.chat.memory
    if memory is not None and argument in memory.chats.names():
        conversation.chat.resume(argument)
        conversation.last = None
        note(f"Loaded {len(conversation.chat.messages)} messages from memory")
        return
    path = _file_of(conversation, argument, "/load")
    conversation.chat.load(path)
    conversation.last = None
    note(f"Loaded {len(conversation.chat.messages)} messages from {path}")


def _file_of(conversation: Conversation, argument: str, command: str) -> Path:
    """A bare name is kept with edge-llm's own files; anything that looks like a path is one."""
    if not argument:
        raise PromptError(f"{command} needs a name, as in `{command} trip`, or a path, as in `{command} ./trip.json`.")
    return conversation.folder / f"{argument}.json" if _is_name(argument) else Path(argument).expanduser()


def _is_name(argument: str) -> bool:
    path = Path(argument).expanduser()
    return bool(argument) and path.name == argument and not path.suffix


def _memory(conversation: Conversation, argument: str) -> None:
    if argument == "off":
        conversation.chat.memory, conversation.chat.remember = None, False
    elif argument == "on":
        conversation.use_memory()
    elif argument:
        raise PromptError("/memory takes on or off.")
    chat = conversation.chat
    if chat.memory is None:
        note("Memory is off: answers are the model's own.")
    else:
        note(f"Memory is on: answers are made from {chat.memory.path}.")


def _remember(conversation: Conversation, argument: str) -> None:
    if argument not in ("", "on", "off"):
        raise PromptError("/remember takes on or off.")
    if argument == "on":
        conversation.use_memory()
    if argument:
        conversation.chat.remember = argument == "on"
    kept = "is kept in memory from here on" if conversation.chat.remember else "is not kept"
    note(f"What is said {kept}.")


def _sources(conversation: Conversation, _argument: str) -> None:
    list_sources(conversation.last)


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
        Command("/memory [on|off]", "answer from your own data, or no longer", _memory),
        Command("/remember [on|off]", "keep what is said in memory, for later conversations, or no longer", _remember),
        Command("/sources", "what the latest answer was made from", _sources),
        Command("/stats", "speed and size of the latest answer", _stats),
        Command("/quit", "leave", _quit),
    )
}
