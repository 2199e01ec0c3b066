"""Notes, the shopping list and the to-do list: entries of personal memory, found by every search of it.

Knows which source of memory each list is; what memory does with entries is memory's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.memory import Item, Memory

ListName: TypeAlias = Literal["notes", "shopping list", "to-do list"]
LISTS: tuple[ListName, ...] = ("notes", "shopping list", "to-do list")
_FORMAT = "list"


class Lists:
    """The lists in one memory.

    Args:
        memory: where they are kept; it stays the caller's to close.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add_note(self, text: str) -> dict[str, Any]:
        """See `add_note`."""
        return self._add("notes", [text])

    def add_shopping(self, items: Sequence[str]) -> dict[str, Any]:
        """See `add_shopping`."""
        return self._add("shopping list", items)

    def add_todo(self, text: str, time: str | None = None) -> dict[str, Any]:
        """See `add_todo`."""
        return self._add("to-do list", [text], due=time)

    def show_notes(self) -> dict[str, Any]:
        """See `show_notes`."""
        return self._show("notes")

    def show_shopping(self) -> dict[str, Any]:
        """See `show_shopping`."""
        return self._show("shopping list")

    def show_todo(self) -> dict[str, Any]:
        """See `show_todo`."""
        return self._show("to-do list")

    def remove(self, items: Sequence[str]) -> dict[str, Any]:
        """See `remove`."""
        kept = [item for name in LISTS for item in self._entries(name)]
        found: list[Item] = []
        for words in items:
            named = [item for item in kept if _same(item.text, words) and item not in found]
            if not named:
                raise InputError(f"No list has an entry {words!r}. Nothing was removed.")
            found.append(max(named, key=lambda item: item.id))
        self._memory.forget(ids=[item.id for item in found])
        return {"items": [item.text for item in found]}

    def _add(self, name: ListName, texts: Sequence[str], due: str | None = None) -> dict[str, Any]:
        from edge_llm.memory import Draft

        texts = [text.strip() for text in texts if text.strip()]
        if not texts:
            raise InputError(f"There is nothing to write into the {name}.")
        moment = datetime.now().astimezone() if due is None else _moment(due)
        drafts = [Draft(text, "note", uuid.uuid4().hex, time=moment) for text in texts]
        self._memory.store.put(name, _FORMAT, drafts, complete=False)
        self._memory.embed()
        return {"list": name, "items": texts}

    def _show(self, name: ListName) -> dict[str, Any]:
        return {"list": name, "items": [item.text for item in self._entries(name)]}

    def _entries(self, name: ListName) -> list[Item]:
        """The entries of a list, the oldest first."""
        if all(source.name != name for source in self._memory.sources()):
            return []
        return self._memory.list(source=name)[::-1]


def add_note(text: str) -> dict[str, Any]:
    """Write a note. Returns {"list", "items"}: what was written. Raises InputError, StorageError, as all here."""
    with _home_memory() as memory:
        return Lists(memory).add_note(text)


def add_shopping(items: Sequence[str]) -> dict[str, Any]:
    """Put things on the shopping list. Returns {"list", "items"}."""
    with _home_memory() as memory:
        return Lists(memory).add_shopping(items)


def add_todo(text: str, time: str | None = None) -> dict[str, Any]:
    """Put a task on the to-do list; `time` is when it is due, ISO 8601 with an offset. Returns {"list", "items"}."""
    with _home_memory() as memory:
        return Lists(memory).add_todo(text, time)


def show_notes() -> dict[str, Any]:
    """All notes, the oldest first: {"list", "items"}."""
    with _home_memory() as memory:
        return Lists(memory).show_notes()


def show_shopping() -> dict[str, Any]:
    """The shopping list: {"list", "items"}."""
    with _home_memory() as memory:
        return Lists(memory).show_shopping()


def show_todo() -> dict[str, Any]:
    """The to-do list: {"list", "items"}."""
    with _home_memory() as memory:
        return Lists(memory).show_todo()


def remove(items: Sequence[str]) -> dict[str, Any]:
    """Take entries off the lists they are on, the latest where several read alike: all of them, or none. Memory erases them.

    Returns {"items"}. Raises InputError for an entry that no list has.
    """
    with _home_memory() as memory:
        return Lists(memory).remove(items)


def _home_memory() -> Memory:
    from edge_llm.memory import Memory

    return Memory.open()


def _same(entry: str, words: str) -> bool:
    return entry.strip().casefold() == words.strip().casefold()


def _moment(time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(f"{time!r} is no time in ISO 8601.") from error
    return moment if moment.tzinfo else moment.astimezone()
