"""Who is who: joins the names, numbers and addresses of every source into people.

Works inside the store's transactions. Who is joined depends on what is stored, not on the order in which it came:

* A number or address belongs to one person, so whoever shares one is the same; a card joins all it lists.
* A bare name is the one person with that name whose number or address is known. With none, all who bear it bare are one;
  with several, it is the only one whom a card calls so: anyone can send a mail under any name, but the owner keeps the cards.
  Else it is the one of them who takes part in the same conversation, else a person of its own.
* Equal names alone never join two people whose numbers or addresses are known.

Names and handles, and what joined them, are kept only in the mentions of items: forgetting an item takes all of it along.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from edge_llm.memory.handles import fold_name, looks_like_handle
from edge_llm.memory.identity import (
    OWNER_HANDLE,
    REGION,
    bring_home,
    distinct,
    drop_if_unmentioned,
    folded_names,
    holders_of,
    is_ambiguous,
    is_on_card,
    knows,
    link_handles,
    link_name,
    mentioned_as,
    read_handles,
    settle,
    split,
)
from edge_llm.memory.items import Involved, Mention, Person, Role
from edge_llm.memory.name_matching import closest

if TYPE_CHECKING:
    import apsw

_CHUNK = 500
_LONGEST_NAME = 200


def link(connection: apsw.Connection, item_id: int, mentions: Sequence[Mention]) -> None:
    """Store who is involved in an item, and find out who they are. Once for an item, after its row, in its transaction."""
    for mention in mentions:
        name, written = _clean(mention.name or ""), list(mention.handles)
        if looks_like_handle(name):
            name, written = "", [*written, name]
        name = name if fold_name(name) else ""
        handles = read_handles(connection, written)
        if handles or mention.is_owner:
            link_handles(connection, item_id, mention, name or None, handles)
        elif name:
            link_name(connection, item_id, mention, name)


def unlink(connection: apsw.Connection, item_ids: Iterable[int]) -> None:
    """Forget who was involved in items: their mentions, the joins they made, and people whom nothing else mentions."""
    touched: set[int] = set()
    loosened: set[int] = set()
    called: set[tuple[int, str]] = set()
    for chunk in _chunks(item_ids):
        among = f"FROM mentions WHERE item_id IN ({','.join('?' * len(chunk))})"
        for person, folded, kind in connection.execute(f"SELECT DISTINCT person_id, folded, handle_kind {among}", chunk):
            touched.add(person)
            if folded is not None and kind is not None:
                called.add((person, folded))
            if kind is not None and (kind == "bond" or kind.startswith("own")):
                loosened.add(person)
        connection.execute(f"DELETE {among}", chunk)
    unsettled = {name for person, name in called if not knows(connection, person, name) or is_ambiguous(connection, name)}
    for person in sorted(loosened):
        unsettled |= split(connection, person)
    for folded in sorted(unsettled):
        settle(connection, folded)
    for person in touched:
        drop_if_unmentioned(connection, person)


def involved(connection: apsw.Connection, item_ids: Iterable[int]) -> dict[int, tuple[Involved, ...]]:
    """Who is involved in each item, in the order the source gave; items that mention nobody are left out."""
    parts: dict[int, dict[tuple[int, Role], None]] = {}
    for chunk in _chunks(item_ids):
        among = f"FROM mentions WHERE item_id IN ({','.join('?' * len(chunk))})"
        for item_id, person, role in connection.execute(f"SELECT item_id, person_id, role {among} ORDER BY id", chunk):
            parts.setdefault(item_id, {})[person, role] = None
    known = {person.id: person for person in persons(connection, {person for part in parts.values() for person, _ in part})}
    return {item: tuple(Involved(known[person], role) for person, role in part) for item, part in parts.items()}


def persons(connection: apsw.Connection, ids: Iterable[int]) -> list[Person]:
    """People by their ids, lowest first; ids nobody has are left out."""
    found = []
    for person in sorted(set(ids)):
        row = connection.execute("SELECT is_owner FROM people WHERE id=?", (person,)).fetchone()
        if row is not None:
            found.append(_described(connection, person, is_owner=bool(row[0])))
    return found


def find(connection: apsw.Connection, text: str) -> list[Person]:
    """Who is meant by `text`; nobody where nothing fits. First those whom a card calls so, then who is mentioned more often.

    Only the closest way in which anybody fits counts: a number or address; a whole name; words of a name, their beginnings or
    characters in it; a name within a longer text; the same sound in pinyin. So "王伟" finds those called 王伟 and not 王伟明.
    """
    holders = holders_of(connection, [handle.value for handle in read_handles(connection, [text])])
    names: list[str] = []
    if not holders and (wanted := fold_name(text)):
        names = closest(wanted, folded_names(connection))
        holders = {person for name in names for person in mentioned_as(connection, name)}
    weight = "SELECT count(*) FROM (SELECT 1 FROM mentions WHERE person_id=? LIMIT 1000)"
    mentioned = {person: connection.execute(weight, (person,)).get for person in holders}
    carded = {person for person in holders for name in names if is_on_card(connection, person, name)}
    return sorted(persons(connection, holders), key=lambda person: (person.id not in carded, -mentioned[person.id], person.id))


def everyone(connection: apsw.Connection) -> list[Person]:
    """All people known, in the order they were met."""
    return persons(connection, [row[0] for row in connection.execute("SELECT id FROM people")])


def on_cards(connection: apsw.Connection) -> list[Person]:
    """People of contact cards, with the names and handles that the cards themselves give, and only those.

    Anyone can write under any name, and what they wrote joins them to nobody here: this is who the owner keeps.
    """
    rows = connection.execute(
        "SELECT person_id, name, handle FROM items JOIN mentions ON item_id = items.id"
        " WHERE items.kind = 'contact' AND role = 'about' ORDER BY mentions.id"
    )
    names: dict[int, dict[str, None]] = {}
    handles: dict[int, dict[str, None]] = {}
    for person, name, handle in rows:
        if name:
            names.setdefault(person, {})[name] = None
        if handle and handle > " " and handle != OWNER_HANDLE:
            handles.setdefault(person, {})[handle] = None
    owners = {row[0] for row in connection.execute("SELECT id FROM people WHERE is_owner")}
    return [
        Person(person, next(iter(called)), tuple(called), tuple(handles.get(person, ())), person in owners)
        for person, called in names.items()
    ]


def set_region(connection: apsw.Connection, region: str) -> None:
    """Say where numbers without a country code are at home ("CN", "US"); numbers known so far are read again."""
    connection.execute("INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2", (REGION, region))
    bring_home(connection)


def _described(connection: apsw.Connection, person: int, *, is_owner: bool) -> Person:
    names = distinct(connection, "name", person)
    handles = tuple(handle for handle in distinct(connection, "handle", person, above=" ") if handle != OWNER_HANDLE)
    cards = "SELECT DISTINCT name FROM mentions WHERE person_id=? AND handle>='\n' AND handle<'\x0b' AND role='about'"
    on_card = {row[0] for row in connection.execute(cards, (person,))}
    best = min(names, key=lambda name: (name not in on_card, -len(fold_name(name)), name), default=None)
    return Person(person, best or (handles[0] if handles else ""), tuple(names), handles, is_owner)


def _clean(name: str) -> str:
    """A name as it can be stored and shown: no control characters, lone surrogates or marks that turn the text around."""
    kept = "".join(char for char in name[:_LONGEST_NAME] if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join(kept.split())


def _chunks(item_ids: Iterable[int]) -> Iterator[list[int]]:
    ids = list(item_ids)
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
