"""The assistant: understands what a person asks for, proposes it, asks them, acts, and can take it back.

    with Assistant(model, memory, approve=ask_the_person) as assistant:
        turn = assistant.ask("text Anna that I'm ten minutes late")

Wires the parts of a dialogue and closes what it opened. What happens in a turn is in conversation.py; what may be done at all
is in actions/policy.py, outside any model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge_llm.actions.manifest import Action, Language
from edge_llm.actions.registry import Registry
from edge_llm.conversation import Conversation, Parts, Routes
from edge_llm.home import Home

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from edge_llm.actions.log import ActionLog
    from edge_llm.actions.providers.provider import Provider
    from edge_llm.conversation import Approve
    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.store import Store
    from edge_llm.model import Model
    from edge_llm.turns import Decision, Proposal, Turn
    from edge_llm.understand.contacts import ContactBook
    from edge_llm.understand.context import Context


def _now() -> datetime:
    return datetime.now().astimezone()


class Assistant:
    """Acts for one person. A context manager; used by any number of threads, each conversation by one at a time.

    Args:
        model: answers in words, and picks from the person's words what code cannot read; None does without. Not closed.
        memory: contacts, what is known about the person, the log of what was done and the standing permissions. None keeps
            the log only while the assistant is open. Not closed.
        actions: what it may propose; None takes the standard library. An app with functions of its own declares them in a
            `Registry` first.
        approve: the host's interface: called with a proposal, gives back the person's decision (or True and False). None
            makes `ask` return the proposal, to be answered by `decide`.
        providers: what carries calls out; None takes this desktop's (`desktop_providers`).
        embedders: compare requests with the actions' examples, the first in any language; None takes the default one and, where
            it was pulled, an English one. Those given are not closed.
        contacts: None takes the contact cards of memory.
        region: where phone numbers without a country code are at home: "CN", "US".
        now: the clock; for tests.
        dry_run: carry nothing out, and say what would be done.
    """

    def __init__(
        self,
        model: Model | None = None,
        memory: Memory | None = None,
        actions: Registry | Iterable[Action] | None = None,
        *,
        approve: Approve | None = None,
        providers: Sequence[Provider] | None = None,
        embedders: Sequence[Embedder] = (),
        contacts: ContactBook | None = None,
        region: str = "",
        home: Home | None = None,
        now: Callable[[], datetime] = _now,
        dry_run: bool = False,
    ) -> None:
        from edge_llm.actions.approval import open_desk
        from edge_llm.actions.execute import Executor
        from edge_llm.actions.grants import Grants
        from edge_llm.actions.library import library
        from edge_llm.actions.log import ActionLog
        from edge_llm.answering import Answerer

        self.actions = actions if isinstance(actions, Registry) else Registry(library() if actions is None else actions)
        """What it may propose."""
        self._memory, self._model, self._home = memory, model, home or Home()
        self._contacts, self._region, self._now = contacts, region, now
        self._embedders = tuple(embedders)
        self._lock = threading.Lock()
        self._people: tuple[int, ContactBook] | None = None
        self._router: tuple[tuple[Action, ...], Routes] | None = None
        self._closing = ExitStack()
        store = self._store()
        self.log: ActionLog = ActionLog(store)
        """What was proposed, approved and done."""
        self.grants = Grants(store, self.log)
        """What the person allowed once for all."""
        desk, host = open_desk(self.log, self.grants)
        executor = Executor(
            desk,
            self.log,
            self.grants,
            desktop_providers(memory, home, self.actions.functions) if providers is None else providers,
            find_action=lambda name: self.actions.get(name) if name in self.actions else None,
            dry_run=dry_run,
        )
        self._parts = Parts(
            self._routes, executor, desk, host, self.grants, Answerer(model, memory), self._context, memory, approve
        )
        self._main = Conversation(self._parts)

    def ask(self, text: str, *, cancel: threading.Event | None = None) -> Turn:
        """Say something to the assistant's own conversation.

        Args:
            cancel: set it, from any thread, to end the turn before its next step; what was done stays done.

        Returns:
            What came of it: an Answer, a Question back, a Proposal (without `approve`), Done, Declined or Failed.

        Raises:
            PromptError: nothing was said. CancelledError: `cancel` was set.
            EdgeLLMError: the model, memory or the log failed. Nothing is done that cannot be logged.
        """
        return self._main.ask(text, cancel=cancel)

    def decide(self, proposal: Proposal, decision: Decision | bool, *, cancel: threading.Event | None = None) -> Turn:
        """The person's word on a proposal of the assistant's own conversation. Only the host's interface calls it.

        Raises:
            PolicyError: the proposal was answered, changed or given up, or is too old.
        """
        return self._main.decide(proposal, decision, cancel=cancel)

    def conversation(self) -> Conversation:
        """A conversation of its own, with the same actions, memory and permissions."""
        return Conversation(self._parts)

    def close(self) -> None:
        """Close what the assistant opened. Idempotent."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _store(self) -> Store:
        if self._memory is not None:
            return self._memory.store
        from edge_llm.actions.scratch import scratch_store

        return self._closing.enter_context(scratch_store())

    def _routes(self) -> Routes:
        """The router of the actions there are now; made when first needed, and again when an action was added."""
        from edge_llm.route.router import Router, open_embedders

        with self._lock:
            if not self._embedders:
                self._embedders = tuple(map(self._closing.enter_context, open_embedders(self._home)))
            actions = self.actions.all()
            if self._router is None or self._router[0] != actions:
                self._router = actions, Router(actions, self._embedders, cache=self._home.routing)
            return self._router[1]

    def _context(self, language: Language) -> Context:
        from edge_llm.understand.contacts import NoContacts, People
        from edge_llm.understand.context import Context

        people: ContactBook = NoContacts()
        if self._contacts is not None:
            people = self._contacts
        elif self._memory is not None:
            changes = self._memory.store.generation()
            held = self._people
            if held is None or held[0] != changes:  # ten thousand cards take a second to read
                held = self._people = changes, People.of(self._memory.contacts())
            people = held[1]
        return Context(self._now(), language, people, self._region, self._model)


def desktop_providers(
    memory: Memory | None = None, home: Home | None = None, functions: Mapping[str, Callable[..., Any]] | None = None
) -> tuple[Provider, ...]:
    """What carries calls out on this computer: functions, links, the clipboard.

    Args:
        functions: an app's own, by their carriers' targets (`Registry.functions`), besides the standard ones.
    """
    from edge_llm.actions.providers.clipboard import ClipboardProvider
    from edge_llm.actions.providers.intent import IntentProvider
    from edge_llm.actions.providers.python import PythonProvider
    from edge_llm.actions.providers.uri import UriProvider
    from edge_llm.actions.tools.standard import standard_functions

    standard = standard_functions(memory=memory, home=home)
    return (PythonProvider({**standard, **(functions or {})}), UriProvider(), ClipboardProvider(), IntentProvider())
