"""Conversations that memory keeps, and what forgetting takes from them.

A kept conversation is a source "chat:NAME" whose items are its turns, sealed like everything else. For each answer it is
noted which items the model was shown, because an answer may repeat them: when one of them is forgotten, the conversation
is forgotten from that answer on, and so is whatever was made from it in turn. Turns that repeat a forgotten item word for
word go too.

Knows turns and files of turns; knows no search and no model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from edge_llm.memory.adding import drop_source
from edge_llm.memory.chat_cuts import exchanges
from edge_llm.memory.items import Draft, Item, Mention
from edge_llm.memory.quotes import QuoteFinder
from edge_llm.messages import Message
from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.memory.store import Store

FORMAT = "chat"
PREFIX = "chat:"
_SHOWN = "shown:"
_LOCATOR = re.compile(r"turn (\d+): (user|assistant)")
_BATCH = 500

TurnWriter: TypeAlias = Callable[[str, Sequence[Draft], bool], object]
"""Stores the drafts under a source; the last argument says whether they are all of it."""


@dataclass(frozen=True)
class SavedTurn:
    """A turn of a conversation, and what its answer was made from."""

    message: Message
    time: datetime | None = None
    shown: frozenset[int] = frozenset()
    """Items of memory that the model was shown for this question and its answer."""


class Chats:
    """The conversations of one store.

    Args:
        write: stores turns and whatever search needs to find them.
    """

    def __init__(self, store: Store, write: TurnWriter) -> None:
        self._store = store
        self._write = write

    def names(self) -> list[str]:
        """The conversations, the latest first."""
        found = [source for source in self._store.sources() if source.format == FORMAT]
        return [source.name.removeprefix(PREFIX) for source in sorted(found, key=lambda source: source.added, reverse=True)]

    def append(self, name: str, turns: Sequence[SavedTurn], begin: int) -> None:
        """Add turns to a conversation, which is made if it is new.

        Args:
            begin: the place of the first of them in the conversation.

        Raises:
            StorageError, StoreBusyError: nothing was added.
        """
        self._put(name, turns, begin, complete=False)

    def keep(self, name: str, turns: Sequence[SavedTurn], *, instead_of: str | None = None) -> None:
        """Store a whole conversation in place of what had the name.

        Args:
            instead_of: the name it had until now; that copy is removed.

        Raises:
            InputError: a blank name. StorageError, StoreBusyError: nothing was changed.
        """
        if not name.strip():
            raise InputError("The name is blank. Give the conversation a name.")
        self._put(name, turns, 0, complete=True)
        if instead_of is not None and instead_of != name:
            drop_source(self._store, PREFIX + instead_of)
            self.tidy()

    def load(self, name: str) -> tuple[SavedTurn, ...]:
        """A conversation's turns. Raises InputError when there is none of that name."""
        items = self._items(name)
        if not items:
            known = ", ".join(self.names()[:5]) or "none"
            raise InputError(f"Memory has no conversation called {name!r}. The latest ones: {known}.")
        shown = self._shown().get(self._digest(name), {})
        return tuple(
            SavedTurn(Message(_role(item), item.text), item.time, shown.get(_number(item), frozenset())) for item in items
        )

    def item_ids(self, name: str) -> frozenset[int]:
        """The items that are a conversation's turns; none when it was never kept."""
        return frozenset(self._store.select(source=PREFIX + name))

    def touched_by(self, ids: Collection[int]) -> frozenset[int]:
        """Turns that go when these items are forgotten: those made from them, directly or through other turns, what followed
        them in their conversation, and those that repeat one of them word for word, each with its question or answer."""
        turns = {name: self._items(name) for name in self.names()}
        shown = self._shown()
        found = set(ids) | self._quoting(turns, ids)
        frontier = frozenset(found)
        while frontier:
            following = {
                item for name, items in turns.items() for item in _following(items, shown.get(self._digest(name), {}), frontier)
            }
            frontier = frozenset(following - found)
            found |= frontier
        return frozenset(found - set(ids))

    def texts(self, ids: Collection[int]) -> Iterator[str]:
        """The texts of items, a few at a time in memory."""
        ordered = list(ids)
        for place in range(0, len(ordered), _BATCH):
            for item in self._store.items(ordered[place : place + _BATCH]):
                yield item.text

    def tidy(self) -> None:
        """Delete what is noted about turns that are gone. Called after something was removed."""
        kept = {self._digest(name): {_number(item) for item in self._items(name)} for name in self.names()}
        gone = [
            (f"{_SHOWN}{number}:{digest}",)
            for digest, notes in self._shown().items()
            for number in notes
            if number not in kept.get(digest, ())
        ]
        if gone:
            with self._store.writing() as connection:
                connection.executemany("DELETE FROM meta WHERE key = ?", gone)

    def _put(self, name: str, turns: Sequence[SavedTurn], begin: int, *, complete: bool) -> None:
        # What a turn was made from is noted before the turn is stored: killed in between, there is a note too many and never
        # one too few.
        with self._store.writing() as connection:
            for number, turn in enumerate(turns, begin):
                note = (self._note_key(name, number), json.dumps(sorted(turn.shown)))
                connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", note)
        drafts = [
            Draft(
                text=turn.message.content,
                kind="chat",
                locator=f"turn {number}: {turn.message.role}",
                time=turn.time,
                people=(Mention("from", is_owner=True),) if turn.message.role == "user" else (),
                thread=name,
            )
            for number, turn in enumerate(turns, begin)
            if turn.message.content.strip() and turn.message.role in ("user", "assistant")
        ]
        self._write(PREFIX + name, drafts, complete)

    def _items(self, name: str) -> list[Item]:
        """A conversation's turns, in their order."""
        return sorted(self._store.items(self._store.select(source=PREFIX + name)), key=_number)

    def _shown(self) -> dict[str, dict[int, frozenset[int]]]:
        """The items shown for each turn of each conversation: digest of its name -> number -> ids."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT key, value FROM meta WHERE key GLOB ?", (f"{_SHOWN}[0-9]*",)).fetchall()
        found: dict[str, dict[int, frozenset[int]]] = {}
        for key, value in rows:
            number, _, digest = str(key).removeprefix(_SHOWN).partition(":")
            found.setdefault(digest, {})[int(number)] = frozenset(json.loads(str(value)))
        return found

    def _note_key(self, name: str, number: int) -> str:
        return f"{_SHOWN}{number}:{self._digest(name)}"

    def _digest(self, name: str) -> str:
        """What stands for a conversation's name in a note: the name itself may say what was forgotten."""
        return self._store.digest("chat", name.encode()).hex()

    def _quoting(self, turns: Mapping[str, Sequence[Item]], ids: Collection[int]) -> set[int]:
        """Turns that repeat one of these items, with the other half of their exchange."""
        together: dict[int, list[int]] = {}
        for items in turns.values():
            for exchange in exchanges(items, lambda item: _role(item) == "user"):
                together |= {item.id: [other.id for other in exchange] for item in exchange}
        finder = QuoteFinder((item.id, item.text) for items in turns.values() for item in items if item.id not in ids)
        return {other for item in finder.quoting_any(self.texts(ids)) for other in together[item]}


def _following(turns: Sequence[Item], shown: Mapping[int, frozenset[int]], ids: frozenset[int]) -> Iterator[int]:
    """A conversation's items from the first turn on that was made from any of these."""
    made = [number for number, items in shown.items() if items & ids]
    if made:
        yield from (turn.id for turn in turns if _number(turn) >= min(made))


def _number(turn: Item) -> int:
    found = _LOCATOR.fullmatch(turn.locator)
    return turn.ordinal if found is None else int(found[1])


def _role(turn: Item) -> Literal["user", "assistant"]:
    found = _LOCATOR.fullmatch(turn.locator)
    return "assistant" if found is not None and found[2] == "assistant" else "user"
