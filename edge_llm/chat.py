"""A conversation with a model: its history, its turns, what it is shown of a memory, and its file. Knows no terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.chat_file import read_chat, write_chat
from edge_llm.events import Done, EventStream, Result, TextDelta, Timings, Usage
from edge_llm.memory.chats import SavedTurn
from edge_llm.memory.packing import LEAST_TOKENS, Passage, frame
from edge_llm.memory.recall import Recall, conclude, not_in_data, recall
from edge_llm.messages import Message, require_messages
from edge_llm.sampling import GREEDY, Sampling
from runtimes.errors import ContextOverflowError, InputError, SessionClosedError

if TYPE_CHECKING:
    from edge_llm.memory.memory import Memory
    from edge_llm.model import Model

_ANSWER_TOKENS = 256
"""Room that is left for an answer whose length the caller does not limit."""
_USUAL = Recall()


class Chat:
    """A conversation that remembers. Used by one thread at a time; `cancel` may be set from any.

    A turn is kept when it was answered, and when the answer was cut short by the caller (cancelled, closed or
    interrupted) after some of it was shown: then with what was shown. A turn that failed leaves no trace.

    With a `memory`, each question is looked for there first, and the model answers from what was found. `Result.recalled`
    says what it was shown and which sentence leans on which item. What was found is in the prompt of its own question only,
    never in `messages`. When memory forgets an item, the conversation forgets itself from the first answer that was made
    from it.

    Args:
        system: the system message, shown to the model before everything else; None leaves it to the chat template.
        memory: where to look; may be set and taken away between turns. The caller closes it.
        remember: whether turns go to `memory`, to be found by later conversations. May be changed between turns.
        name: what memory calls the conversation; None takes the time of its first turn.
        recall: how much of memory an answer may use.
    """

    def __init__(
        self,
        model: Model,
        system: str | None = None,
        *,
        memory: Memory | None = None,
        remember: bool = False,
        name: str | None = None,
        recall: Recall = _USUAL,
    ) -> None:
        self.model = model
        self.system = system
        self.memory = memory
        self.remember = remember
        self.name = name
        self.recall = recall
        self._turns: tuple[SavedTurn, ...] = ()
        self._forgotten: frozenset[int] = frozenset()
        self._answering: EventStream | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far, the system message first where there is one."""
        head = () if self.system is None else (Message("system", self.system),)
        return head + tuple(turn.message for turn in self._turns)

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
            PromptError: the text is blank. ContextOverflowError: with it (and room for something from memory, and for an
                answer) the conversation is longer than the context (both numbers); nothing was cut and the conversation is
                as it was.
            TemplateError, ConfigError: see `Model.chat_stream`.
            EdgeLLMError: memory could not be searched; later, from the iterator, a turn could not be remembered.
        """
        self._end_answer()
        question = Message("user", text)
        require_messages((question,))
        passages = None if self.memory is None else self._look_up(self.memory, text, max_tokens)
        if passages == () and not self.recall.beyond_data:
            events = _say(not_in_data(text), self.model.info.load_s)
        else:
            asked = Message("user", frame(passages, text)) if passages else question
            events = self.model.chat_stream(
                (*self.messages, asked), sampling=sampling, max_tokens=max_tokens, stop=stop, cancel=cancel
            )
            if passages == ():
                events = _say_first(not_in_data(text) + "\n", events)
        self._answering = self._record(question, events, passages)
        return self._answering

    def reset(self) -> None:
        """Begin a new conversation; the system message stays, and so does what memory was told of the old one."""
        self._end_answer()
        self._turns, self.name = (), None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the conversation to a JSON file in one piece.

        Raises:
            StorageError: an older file is then as it was.
            InputError: answers were made from memory, and a plain file would hold it unencrypted. Use `keep`.
        """
        if any(turn.shown for turn in self._turns):
            raise InputError(
                f"This conversation was shown items of memory, so it is not written to a plain file such as {path}. "
                "Keep it in memory, which is encrypted: give a name instead of a path (`Chat.keep`)."
            )
        write_chat(Path(path), self.model.info.name, self.messages)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go on with a saved conversation, with whatever model this chat has.

        Raises:
            InputError: no such file, or not a conversation this version can read. The chat is then as it was.
            StorageError: the file cannot be read.
        """
        messages = read_chat(Path(path)).messages
        self._end_answer()
        self.system = None
        if messages and messages[0].role == "system":
            self.system, messages = messages[0].content, messages[1:]
        self._turns, self.name = tuple(map(SavedTurn, messages)), None

    def keep(self, name: str) -> None:
        """Put the whole conversation into memory under a name, in place of what had that name; it goes on under it.

        The system message is not part of it. Raises InputError without a memory, and StorageError.
        """
        memory = self._required_memory()
        self._end_answer()
        memory.chats.keep(name, self._turns, instead_of=self.name)
        self.name = name

    def resume(self, name: str) -> None:
        """Go on with a conversation that memory has. Raises InputError when it has none of that name, or without a memory."""
        turns = self._required_memory().chats.load(name)
        self._end_answer()
        self._turns, self.name = turns, name

    def forget(self, items: Iterable[int]) -> None:
        """Lose the conversation from the first answer that was made from any of these items of memory; may be called from
        any thread. An answer under way goes on, and is lost at its end."""
        gone = frozenset(items)
        self._forgotten |= gone
        turns = self._turns
        for place, turn in enumerate(turns):
            if turn.shown & gone:
                # The question that the answer belongs to stands before it and was kept with the same items.
                self._turns = turns[:place]
                break
        with suppress(SessionClosedError):  # a model that was closed holds nothing
            self.model.clear_cache()

    def _look_up(self, memory: Memory, text: str, max_tokens: int | None) -> tuple[Passage, ...]:
        """What memory has for a question, as much of it as there is room for."""
        memory.tell_when_forgetting(self)
        if missing := memory.missing(frozenset[int]().union(*(turn.shown for turn in self._turns))):
            self.forget(missing)
        context = self.model.info.context_length
        room = min(context // 4, max_tokens or _ANSWER_TOKENS)
        taken = self.model.count_tokens((*self.messages, Message("user", frame((), text))))
        if (budget := context - room - taken) < LEAST_TOKENS:
            raise ContextOverflowError(taken + room + LEAST_TOKENS, context)
        asked = [turn.message.content for turn in self._turns if turn.message.role == "user"]
        passages = recall(
            memory,
            text,
            previous=asked[-1] if asked else None,
            count=lambda piece: len(self.model.tokenizer.encode(piece, special=False)),
            budget=budget,
            options=self.recall,
            apart_from=memory.chats.item_ids(self.name) if self.name else (),
        )
        return self._fitting(passages, text, context - room)

    def _fitting(self, passages: tuple[Passage, ...], text: str, most: int) -> tuple[Passage, ...]:
        """The passages without the last ones where together they take more tokens than one by one."""
        while passages and self.model.count_tokens((*self.messages, Message("user", frame(passages, text)))) > most:
            passages = passages[:-1]
        return passages

    def _required_memory(self) -> Memory:
        if self.memory is None:
            raise InputError("This chat has no memory. Open one and pass it: Chat(model, memory=memory).")
        return self.memory

    def _end_answer(self) -> None:
        """An answer that was left in the middle is over once something else begins."""
        if self._answering is not None:
            self._answering.close()

    def _record(self, question: Message, events: EventStream, passages: tuple[Passage, ...] | None) -> EventStream:
        pieces: list[str] = []
        shown = frozenset(passage.item.id for passage in passages or ())
        done = False
        try:
            for event in events:
                if isinstance(event, TextDelta):
                    pieces.append(event.text)
                    yield event
                    continue
                result, done = event.result, True
                self._keep(question, result.text, shown, cut=result.stop_reason == "cancelled")
                if passages is not None:
                    result = replace(result, recalled=conclude(passages, question.content, result.text))
                yield Done(result)
        except (GeneratorExit, KeyboardInterrupt):
            if not done:
                self._keep(question, "".join(pieces), shown, cut=True)
            raise
        finally:
            events.close()

    def _keep(self, question: Message, answer: str, shown: frozenset[int], *, cut: bool) -> None:
        if cut and not answer:
            return
        if shown & self._forgotten:
            self.model.clear_cache()
            return
        now = datetime.now(timezone.utc)
        turns = (SavedTurn(question, now, shown), SavedTurn(Message("assistant", answer), now, shown))
        begin = len(self._turns)
        self._turns += turns
        if self.remember and self.memory is not None:
            self.name = self.name or f"{now.astimezone():%Y-%m-%d %H.%M.%S}"
            self.memory.chats.append(self.name, turns, begin)


def _say(text: str, load_s: float) -> EventStream:
    """An answer that needs no model."""
    yield TextDelta(text)
    yield Done(Result(text, (), "stop", Usage(0, 0, 0), Timings(load_s, None, None, None)))


def _say_first(text: str, events: EventStream) -> EventStream:
    """An answer with a text in front of it."""
    try:
        yield TextDelta(text)
        for event in events:
            yield event if isinstance(event, TextDelta) else Done(replace(event.result, text=text + event.result.text))
    finally:
        events.close()
