"""A conversation with a model: its history, its turns, and its file. Knows no terminal."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.events import EventStream, TextDelta
from edge_llm.messages import Message
from edge_llm.sampling import GREEDY, Sampling
from runtimes.errors import InputError, PromptError, StorageError

if TYPE_CHECKING:
    from edge_llm.model import Model

FILE_VERSION = 1
_FILE_LIMIT = 64 << 20


class Chat:
    """A conversation that remembers. Used by one thread at a time; `cancel` may be set from any.

    A turn is kept when it was answered, and when the answer was cut short by the caller (cancelled, closed or
    interrupted) after some of it was shown: then with what was shown. A turn that failed leaves no trace.

    Args:
        system: the system message, shown to the model before everything else; None leaves it to the chat template.
    """

    def __init__(self, model: Model, system: str | None = None) -> None:
        self.model = model
        self.system = system
        self._turns: tuple[Message, ...] = ()
        self._answering: EventStream | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far, the system message first where there is one."""
        head = () if self.system is None else (Message("system", self.system),)
        return head + self._turns

    def send(
        self,
        text: str,
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> EventStream:
        """Say something and stream the answer. Arguments as for `Model.stream`.

        Raises:
            PromptError: the text is blank. ContextOverflowError: with it the conversation is longer than the context
                (both numbers); nothing was cut and the conversation is as it was.
            TemplateError, ConfigError: see `Model.chat_stream`.
        """
        self._end_answer()
        question = Message("user", text)
        events = self.model.chat_stream(
            (*self.messages, question), sampling=sampling, max_tokens=max_tokens, stop=stop, cancel=cancel
        )
        self._answering = self._remember(question, events)
        return self._answering

    def reset(self) -> None:
        """Forget the conversation; the system message stays."""
        self._end_answer()
        self._turns = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the conversation to a JSON file in one piece. Raises StorageError; an older file is then as it was."""
        document = {
            "version": FILE_VERSION,
            "model": self.model.info.name,
            "messages": [message.to_json() for message in self.messages],
        }
        _write_whole(Path(path), json.dumps(document, ensure_ascii=False, indent=2) + "\n")

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go on with a saved conversation, with whatever model this chat has.

        Raises:
            InputError: no such file, or not a conversation this version can read. The chat is then as it was.
            StorageError: the file cannot be read.
        """
        messages = _read_messages(Path(path))
        self._end_answer()
        if messages and messages[0].role == "system":
            self.system, self._turns = messages[0].content, messages[1:]
        else:
            self.system, self._turns = None, messages

    def _end_answer(self) -> None:
        """An answer that was left in the middle is over once something else begins."""
        if self._answering is not None:
            self._answering.close()

    def _remember(self, question: Message, events: EventStream) -> EventStream:
        shown: list[str] = []
        try:
            for event in events:
                if isinstance(event, TextDelta):
                    shown.append(event.text)
                else:
                    self._keep(question, event.result.text, cut=event.result.stop_reason == "cancelled")
                yield event
        except (GeneratorExit, KeyboardInterrupt):
            self._keep(question, "".join(shown), cut=True)
            raise
        finally:
            events.close()

    def _keep(self, question: Message, answer: str, *, cut: bool) -> None:
        if answer or not cut:
            self._turns = (*self._turns, question, Message("assistant", answer))


def _write_whole(path: Path, text: str) -> None:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}. Save the conversation somewhere else.") from error


def _read_messages(path: Path) -> tuple[Message, ...]:
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise InputError(f"{path} has more than {_FILE_LIMIT} bytes, which no saved conversation has.")
        document = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist, so there is no conversation to load.") from error
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a saved conversation: {error}.") from error
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1 or not isinstance(document.get("messages"), list):
        raise InputError(f"{path} is not a saved conversation: it lacks a version or messages.")
    if version > FILE_VERSION:
        raise InputError(f"{path} has version {version}; this edge-llm reads up to {FILE_VERSION}. Update edge-llm.")
    try:
        return tuple(map(Message.from_json, document["messages"]))
    except PromptError as error:
        raise InputError(f"{path} is not a saved conversation: {error}") from error
