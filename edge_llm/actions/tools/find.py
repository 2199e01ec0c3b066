"""Looking things up in personal memory, for an action: hits as JSON, with where each comes from.

What is found is other people's text: the caller marks it untrusted. Knows no model and writes no answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.memory import Item
    from edge_llm.memory.view import MemoryView

_HITS = 8
_LONGEST = 600
"""Characters of one item that a result quotes."""
_MOST_EVENTS = 50


class Finder:
    """Looks things up in one memory.

    Args:
        memory: it stays the caller's to close.
    """

    def __init__(self, memory: MemoryView) -> None:
        self._memory = memory

    def search_memory(self, query: str) -> dict[str, Any]:
        """See `search_memory`."""
        hits = self._memory.search(query, _HITS)
        return {"query": query, "hits": [{**_told(hit.item), "score": round(float(hit.score), 4)} for hit in hits]}

    def show_calendar(self, time: str | None = None) -> dict[str, Any]:
        """See `show_calendar`."""
        day = _day(time)
        found = self._memory.list(kind="event", since=day, until=day + timedelta(days=1))
        found.sort(key=lambda item: (item.time is None, item.time and item.time.timestamp(), item.id))
        return {"day": day.date().isoformat(), "events": [_told(item) for item in found[:_MOST_EVENTS]]}


def search_memory(query: str) -> dict[str, Any]:
    """What the home's memory has about a question.

    Returns:
        {"query", "hits": [{"id", "kind", "source", "locator", "title", "time", "text", "score"}]}: the best first; a long text
        is cut.

    Raises:
        InputError: there is no memory yet. And the errors of `Memory.open`.
    """
    from edge_llm.memory import Memory

    with Memory.open(read_only=True, create=False) as memory:
        return Finder(memory).search_memory(query)


def show_calendar(time: str | None = None) -> dict[str, Any]:
    """The events of a day that the home's memory knows.

    Args:
        time: ISO 8601; its day, in its own offset. None is today.

    Returns:
        {"day", "events"}: as the hits of `search_memory`, the earliest first.
    """
    from edge_llm.memory import Memory

    with Memory.open(read_only=True, create=False) as memory:
        return Finder(memory).show_calendar(time)


def _told(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "source": item.source.name,
        "locator": item.locator,
        "title": item.title,
        "time": None if item.time is None else item.time.isoformat(),
        "text": item.text if len(item.text) <= _LONGEST else item.text[: _LONGEST - 1] + "…",
    }


def _day(time: str | None) -> datetime:
    try:
        moment = datetime.now().astimezone() if time is None else datetime.fromisoformat(time.replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(f"{time!r} is no time in ISO 8601.") from error
    moment = moment if moment.tzinfo else moment.astimezone()
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
