"""Which items are meant: by source, person, time, kind or words, as people name them. Knows the tables; ranks nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edge_llm.home import expand
from edge_llm.memory.items import Kind, Person
from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.memory.store import Store

_PIECE = re.compile(r'"([^"]+)"|([^\s"]+)')

PersonName: TypeAlias = "str | int | Person"
"""A name, a number or an address as anyone writes it; or a person's id."""


def select(
    store: Store,
    *,
    source: str | None,
    person: PersonName | None,
    since: datetime | None,
    until: datetime | None,
    kind: Kind | None,
) -> list[int]:
    """Ids of the items that meet all conditions, in the order they were stored.

    Raises:
        InputError: a source or a person that the store does not know.
    """
    sources = [None] if source is None else source_names(store, source)
    people = [None] if person is None else person_ids(store, person)
    found = {
        item
        for name in sources
        for one in people
        for item in store.select(source=name, person=one, since=since, until=until, kind=kind)
    }
    return sorted(found)


def source_names(store: Store, source: str) -> list[str]:
    """The sources meant by a name, a path or a folder. Raises InputError when there is none."""
    from edge_llm.memory.adding import within  # and with it all that reads files, which most searches do without

    known = [found.name for found in store.sources()]
    names = [source] if source in known else within(known, [expand(Path(source)).absolute()])
    if not names:
        raise InputError(f"Memory has no source {source!r}. `edge-llm memory list sources` shows them.")
    return names


def person_ids(store: Store, person: PersonName) -> list[int]:
    """The people meant by a name. Raises InputError when there is nobody."""
    from edge_llm.memory import people

    with store.reading() as connection:
        if isinstance(person, str):
            found = people.find(connection, person)
        else:
            found = people.persons(connection, [person.id if isinstance(person, Person) else person])
    if not found:
        raise InputError(f"Memory knows nobody called {person!r}. `edge-llm memory list people` shows everyone.")
    return [one.id for one in found]


def containing(store: Store, query: str) -> set[int]:
    """Items that have all the words of a query in some form, in text or title; words in quotation marks stand together.

    Raises:
        InputError: there is no word in it.
    """
    from edge_llm.memory.lexical import match_expression
    from edge_llm.memory.query import parse

    # Each word as if it were quoted: then nothing stands for it but itself, and a sentence in Chinese is one phrase.
    pieces = [phrase or word for phrase, word in _PIECE.findall(query)]
    groups = parse(" ".join(f'"{piece}"' for piece in pieces)).required
    if not groups:
        raise InputError(f"{query!r} has no word to look for.")
    asked = "SELECT rowid FROM terms WHERE terms MATCH ?"
    with store.reading() as connection:
        found = [{int(row[0]) for row in connection.execute(asked, (match_expression(group),))} for group in groups]
    return set.intersection(*found)


def missing(store: Store, ids: Collection[int]) -> frozenset[int]:
    """Those of the ids that no item has."""
    with store.reading() as connection:
        listed = json.dumps(sorted(ids))
        rows = connection.execute("SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?))", (listed,))
        return frozenset(ids) - {row[0] for row in rows}
