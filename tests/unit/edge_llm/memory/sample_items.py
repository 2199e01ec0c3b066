"""Items as a search gives them, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from edge_llm.memory.items import Hit, Involved, Item, Kind, Person, Source, Span

SOURCE = Source(1, "/mail/archive.mbox", "mbox", 9, datetime(2024, 1, 1, tzinfo=timezone.utc))


def item(number: int, text: str, *, kind: Kind = "message", sender: str | None = None, title: str | None = None) -> Item:
    """An item of 1 May 2024."""
    people = () if sender is None else (Involved(Person(number, sender, (sender,)), "from"),)
    when = datetime(2024, 5, 1, 9, number % 60, tzinfo=timezone.utc)
    return Item(number, text, kind, SOURCE, f"message {number}", f"{number:032x}", title=title, time=when, people=people)


def hit(
    number: int,
    text: str,
    *,
    score: float = 1.0,
    spans: Sequence[tuple[int, int]] = (),
    before: Sequence[Item] = (),
    after: Sequence[Item] = (),
    sender: str | None = None,
) -> Hit:
    """A hit with its neighbours."""
    return Hit(
        item(number, text, sender=sender),
        score,
        spans=tuple(Span(*span) for span in spans),
        before=tuple(before),
        after=tuple(after),
    )
