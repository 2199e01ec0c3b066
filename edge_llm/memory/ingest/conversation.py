"""A conversation of a messenger as items: who writes, who reads, and which of them is the owner. Knows no export format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_llm.memory.handles import fold_name, looks_like_handle
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.items import Draft, Mention, Role

SENDERS = 2_000
"""Most people whose names are remembered."""
_SELF = frozenset({"我", "me", "you", "你", "自己"})
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Line:
    """One message."""

    sender: str | None
    """None for what the messenger itself says."""
    text: str
    time: datetime | None
    is_owner: bool | None = None
    """Whether the export says that the owner wrote it; None when it does not say."""


class Conversation:
    """Makes items of one conversation.

    Args:
        name: what it is called: the other person's name, or the group's.
        senders: everyone who writes in it, as far as that is known beforehand.
    """

    def __init__(self, name: str, senders: Iterable[str], owner: Owner) -> None:
        self._name = name
        self._owner = owner
        self._numbering = Numbering()
        people = list(dict.fromkeys(plain_name(sender) for sender in senders))
        self._is_pair = len(people) <= 2
        self._me = {one for one in people if one.casefold() in _SELF or owner.is_meant(*_known_by(one))}
        others = [one for one in people if fold_name(one) != fold_name(name)]
        if not self._me and len(people) == 2 and len(others) == 1:
            self._me = set(others)  # an export is named after whom the owner talked to
        self._other = next((one for one in people if one not in self._me), name if self._is_pair else "")

    def draft(self, line: Line) -> Draft:
        """The item of one message."""
        sender = plain_name(line.sender) if line.sender else ""
        mine = sender in self._me if line.is_owner is None else line.is_owner
        people: Sequence[Mention] = ()
        if sender or line.is_owner:
            people = (self._mention("from", sender, is_owner=mine),)
            if self._is_pair and mine and self._other and self._other != sender:
                people = (*people, self._mention("to", self._other, is_owner=False))
            elif self._is_pair and not mine and (self._me or line.is_owner is False):
                people = (*people, Mention("to", is_owner=True))
        when = f"{line.time:%Y-%m-%d %H:%M:%S}" if line.time is not None else "undated"
        return Draft(
            text=line.text,
            kind="message",
            locator=self._numbering.unique(f"{when} {sender or 'notice'}"),
            time=line.time,
            people=tuple(people),
            thread=self._name or "chat",
        )

    def _mention(self, role: Role, name: str, *, is_owner: bool) -> Mention:
        shown, handles = _known_by(name)
        return Mention(role, shown, handles, is_owner or self._owner.is_meant(shown, handles))


def plain_name(name: str) -> str:
    """A name without direction marks and the ~ that stands before names the owner has not saved."""
    return " ".join(_MARKS.sub("", name).strip("~ \u00a0\u202f").split())


def without_marks(text: str) -> str:
    """Text without the direction marks that messengers put around numbers and at the beginning of lines."""
    return _MARKS.sub("", text) if not text.isascii() else text


def _known_by(name: str) -> tuple[str | None, tuple[str, ...]]:
    """A name, or a number that stands for one."""
    return (None, (name,)) if looks_like_handle(name) else (name or None, ())
