"""What memory holds: items, where they came from, who was involved, and what a search found. Plain values.

Knows no database, no file format and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["note", "document", "message", "mail", "contact", "event", "chat"]
"""What sort of thing an item is; searches can be narrowed to one."""
KINDS: tuple[Kind, ...] = get_args(Kind)

Role: TypeAlias = Literal["from", "to", "about"]
"""How a person is involved: wrote it, received it (or was invited, or copied), or is what it is about."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Mention:
    """A person as a source wrote them, before anyone knows who that is."""

    role: Role
    name: str | None = None
    handles: tuple[str, ...] = ()
    """Phone numbers and mail addresses as written."""
    is_owner: bool = False
    """It is the person whose data this is ("Me", the phone's own number)."""


@dataclass(frozen=True)
class Draft:
    """One item as a reader found it in a source, before it is stored."""

    text: str
    """What is searched and shown; never blank."""
    kind: Kind
    locator: str
    """Where in the source it is, in the source's own terms ("page 3", "row 12", "Travel > Japan", a message id).
    Unique within the source: adding the source again finds the item by it."""
    external_id: str | None = None
    """The id the source itself gives the item; comes back as `Hit.external_id`."""
    title: str | None = None
    """A heading, a subject, a file's title: searched too, with more weight than text."""
    time: datetime | None = None
    """When it was sent, begins or was written; always with a time zone."""
    end: datetime | None = None
    """When it ends, for events."""
    people: tuple[Mention, ...] = ()
    thread: str | None = None
    """The conversation it belongs to, unique within the source. Neighbours are looked for in it."""


@dataclass(frozen=True)
class Person:
    """Someone known to memory, joined from the names, numbers and addresses of every source."""

    id: int
    name: str
    """The best name known; a number or address where there is none."""
    names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    """Normalised phone numbers (E.164) and mail addresses."""
    is_owner: bool = False


@dataclass(frozen=True)
class Involved:
    """A person's part in one item."""

    person: Person
    role: Role


@dataclass(frozen=True)
class Source:
    """Where items came from: one file, one folder entry, one app or one conversation."""

    id: int
    name: str
    """An absolute path, or a name such as "chat:monday" for what has none."""
    format: str
    """The reader that read it: "markdown", "mbox", "records", ..."""
    items: int
    added: datetime
    bytes: int = 0
    keep_days: int | None = None
    """Retention: items older than this are forgotten. None keeps them."""


@dataclass(frozen=True)
class Item:
    """A stored item."""

    id: int
    """Never used again, also not after the item is forgotten."""
    text: str
    kind: Kind
    source: Source
    locator: str
    hash: str
    """Hex digest, keyed with the store's own key: equal for equal items of one store, and says nothing outside it."""
    external_id: str | None = None
    title: str | None = None
    time: datetime | None = None
    end: datetime | None = None
    people: tuple[Involved, ...] = ()
    thread: int | None = None
    """The conversation within the store; None when it belongs to none."""
    ordinal: int = 0
    """Its place within its source (and so within its thread)."""


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of `Item.text` that a search matched."""

    start: int
    end: int


@dataclass(frozen=True)
class Hit:
    """One result of a search, and why it is one."""

    item: Item
    score: float
    """Higher is better; comparable within one search."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What the score is made of, by the name of each signal."""
    why: str = ""
    """The reason in a few words, for people."""
    spans: tuple[Span, ...] = ()
    before: tuple[Item, ...] = ()
    """Neighbours in the same thread, oldest first."""
    after: tuple[Item, ...] = ()

    @property
    def id(self) -> int:
        """The item's id."""
        return self.item.id

    @property
    def text(self) -> str:
        """The item's text."""
        return self.item.text

    @property
    def external_id(self) -> str | None:
        """The id the source gave the item."""
        return self.item.external_id
