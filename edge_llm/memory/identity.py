"""Which mentions are one person: joins by handles, settles bare names, and takes joins back.

Works on the tables `people`, `mentions` and `items` inside the store's transactions. Every join is kept in the mentions
that made it, so a join ends with the item that said so. The rules are told in people.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from edge_llm.memory.handles import Handle, fold_name, normalise, region_of

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.items import Mention

REGION = "phone_region"
"""The key in the table `meta` that says where numbers without a country code are at home."""
OWNER_HANDLE = "\x7fme"
"""Stands wherever the owner is mentioned. No handle that is read can spell it."""

# mentions.handle_kind is the handle's kind, with "own " before it where the mention says it is the owner's; _OWN in the row
# that says only that; _BOND in the row that holds which handles a mention listed together, or a card; NULL for a bare name.
_OWN = "own"
_BOND = "bond"
_INSERT = "INSERT INTO mentions(item_id, person_id, role, name, folded, handle_kind, handle) VALUES(?, ?, ?, ?, ?, ?, ?)"
# CROSS and + make SQLite go through the conversation, not through all mentions of the name.
_IN_THREAD = "FROM items i CROSS JOIN mentions m ON m.item_id=i.id WHERE i.thread=? AND +m.folded=? AND m.handle_kind IS"


def read_handles(connection: apsw.Connection, written: list[str]) -> list[Handle]:
    """Handles in the one form they are compared in, without repetition."""
    found: dict[Handle, None] = {}
    for text in written:
        handle = normalise(text)
        if handle is not None and handle.kind == "phone" and not text.lstrip().startswith("+"):
            handle = normalise(text, region(connection))
        if handle is not None:
            found[handle] = None
    return list(found)


def region(connection: apsw.Connection) -> str:
    """The region that was set, else that of the owner's own number, else ""."""
    chosen = connection.execute("SELECT value FROM meta WHERE key=?", (REGION,)).get
    if chosen is not None:
        return str(chosen)
    number = connection.execute(
        "SELECT handle FROM mentions WHERE person_id=(SELECT person_id FROM mentions WHERE handle=? LIMIT 1)"
        " AND handle>'+' AND handle<'+:' AND handle_kind='own phone' ORDER BY handle LIMIT 1",
        (OWNER_HANDLE,),
    ).get
    return "" if number is None else region_of(number)


def bring_home(connection: apsw.Connection) -> None:
    """Read the numbers without a country code again, now that the region is another."""
    home = region(connection)
    local = "SELECT DISTINCT handle FROM mentions WHERE handle>='0' AND handle<':' AND handle_kind IN ('phone', 'own phone')"
    for old in [str(row[0]) for row in connection.execute(local)]:
        handle = normalise(old, home)
        if handle is None or handle.is_local:
            continue
        for person in holders_of(connection, [old]):
            for bond in _bonds(connection, person):
                renamed = "\n".join(handle.value if one == old else one for one in bond.split("\n"))
                connection.execute("UPDATE mentions SET handle=? WHERE person_id=? AND handle=?", (renamed, person, bond))
        holders = holders_of(connection, [old, handle.value])
        connection.execute("UPDATE mentions SET handle=? WHERE handle=?", (handle.value, old))
        for folded in sorted(_merge(connection, holders)):
            settle(connection, folded)


def link_handles(connection: apsw.Connection, item_id: int, mention: Mention, name: str | None, handles: list[Handle]) -> None:
    """Store a mention whose person is known by numbers or addresses, or is the owner."""
    folded = fold_name(name) if name else None
    unsettled = {folded} if folded else set()
    owner = holders_of(connection, [OWNER_HANDLE]) if mention.is_owner else set()
    holders = owner | holders_of(connection, [handle.value for handle in handles])
    person = min(holders) if holders else _new_person(connection)
    if len(holders) > 1:
        unsettled |= _merge(connection, holders)
    elif folded and mention.role != "about" and knows(connection, person, folded):
        unsettled = {folded} if _enters_conversation(connection, item_id, person, folded) else set()
    if mention.is_owner and not owner:
        connection.execute("UPDATE people SET is_owner=1 WHERE id=?", (person,))
    found_home = mention.is_owner and any(handle.kind == "phone" for handle in handles)
    home = region(connection) if found_home else ""
    rows = [(f"own {handle.kind}" if mention.is_owner else str(handle.kind), handle.value) for handle in handles]
    if mention.is_owner:
        rows.append((_OWN, OWNER_HANDLE))
    if len(handles) > 1 or (handles and mention.role == "about"):
        rows.append((_BOND, "".join(f"\n{handle.value}" for handle in handles)))
    for kind, value in rows:
        connection.execute(_INSERT, (item_id, person, mention.role, name, folded, kind, value))
    for unsure in sorted(unsettled):
        settle(connection, unsure)
    if found_home and home != region(connection):
        bring_home(connection)


def link_name(connection: apsw.Connection, item_id: int, mention: Mention, name: str) -> None:
    """Store a mention of which only the name is known."""
    folded = fold_name(name)
    bearers = _meant(connection, folded)
    if len(bearers) == 1:
        person = bearers[0]
    else:
        thread = _thread(connection, item_id) if bearers else None
        person = _placed(connection, folded, thread, bearers) or _nobody_else(connection, folded)
    connection.execute(_INSERT, (item_id, person, mention.role, name, folded, None, None))


def settle(connection: apsw.Connection, folded: str) -> None:
    """Give the bare mentions of a name to whom they belong, now that who bears it may have changed."""
    asked = (
        "SELECT m.id, m.person_id, i.thread FROM mentions m LEFT JOIN items i ON i.id=m.item_id"
        " WHERE m.folded=? AND m.handle_kind IS NULL ORDER BY m.id"
    )
    rows: list[tuple[Any, ...]] = connection.execute(asked, (folded,)).fetchall()
    if not rows:
        return
    bearers = _meant(connection, folded)
    fallback = bearers[0] if len(bearers) == 1 else _nobody_else(connection, folded)
    by_thread: dict[int | None, int] = {None: fallback}
    for row_id, person, thread in rows:
        if thread not in by_thread:
            by_thread[thread] = (len(bearers) > 1 and _present(connection, folded, thread, bearers)) or fallback
        if by_thread[thread] != person:
            connection.execute("UPDATE mentions SET person_id=? WHERE id=?", (by_thread[thread], row_id))
    for person in {row[1] for row in rows} | {fallback}:
        drop_if_unmentioned(connection, person)


def split(connection: apsw.Connection, person: int) -> set[str]:
    """Take apart who is no longer held together by any mention. Returns the names that have to be settled."""
    handles = distinct(connection, "handle", person, above=" ")
    root = {handle: handle for handle in (*handles, OWNER_HANDLE)}

    def find(handle: str) -> str:
        while root[handle] != handle:
            handle = root[handle]
        return handle

    bonds = _bonds(connection, person)
    for bond in bonds:
        first, *others = bond[1:].split("\n")
        for other in others:
            root[find(other)] = find(first)
    asked = "SELECT 1 FROM mentions WHERE person_id=? AND handle=? AND handle_kind LIKE 'own%' LIMIT 1"
    owned = [handle for handle in handles if connection.execute(asked, (person, handle)).fetchone() is not None]
    for handle in owned:
        root[find(handle)] = find(OWNER_HANDLE)
    connection.execute("UPDATE people SET is_owner=? WHERE id=?", (int(bool(owned)), person))
    parts: dict[str, list[str]] = {}
    for handle in (*handles, *bonds):
        parts.setdefault(find(handle.split("\n")[1] if handle in bonds else handle), []).append(handle)
    if len(parts) < 2:
        return set()
    names = _folded_names(connection, person)
    stays = find(OWNER_HANDLE) if owned else next(iter(parts))
    for part in [members for key, members in parts.items() if key != stays]:
        new = _new_person(connection)
        for handle in part:
            connection.execute("UPDATE mentions SET person_id=? WHERE person_id=? AND handle=?", (new, person, handle))
    return names


def knows(connection: apsw.Connection, person: int, folded: str) -> bool:
    """Whether a person was called so where a number or address of theirs was given."""
    # The + keeps SQLite from going through all bare mentions of the name instead.
    asked = "SELECT 1 FROM mentions WHERE person_id=? AND handle>'' AND +folded=? LIMIT 1"
    return connection.execute(asked, (person, folded)).fetchone() is not None


def is_on_card(connection: apsw.Connection, person: int, folded: str) -> bool:
    """Whether a card, which its owner wrote, calls a person so."""
    asked = "SELECT 1 FROM mentions WHERE person_id=? AND handle>'\n' AND handle<'\x0b' AND role='about' AND +folded=? LIMIT 1"
    return connection.execute(asked, (person, folded)).fetchone() is not None


def is_ambiguous(connection: apsw.Connection, folded: str) -> bool:
    """Whether several people whose numbers or addresses are known bear the name."""
    return len(_called(connection, folded, limit=2)) > 1


def drop_if_unmentioned(connection: apsw.Connection, person: int) -> None:
    """Forget a person whom no item mentions any more."""
    connection.execute("DELETE FROM people WHERE id=?1 AND NOT EXISTS(SELECT 1 FROM mentions WHERE person_id=?1)", (person,))


def holders_of(connection: apsw.Connection, handles: Iterable[str]) -> set[int]:
    """Whose the normalised numbers, addresses and ids are; a handle has one holder at most."""
    asked = "SELECT person_id FROM mentions WHERE handle=? LIMIT 1"
    people = {connection.execute(asked, (handle,)).get for handle in handles}
    return people - {None}


def mentioned_as(connection: apsw.Connection, folded: str) -> Iterator[int]:
    """Everyone of whom a mention bears the name, lowest id first."""
    asked = "SELECT min(person_id) FROM mentions WHERE folded=? AND person_id>?"
    person: int | None = 0
    while (person := connection.execute(asked, (folded, person)).get) is not None:
        yield person


def folded_names(connection: apsw.Connection) -> list[str]:
    """Every name in the form it is compared in, each once."""
    rows: Iterator[tuple[Any, ...]] = connection.execute(
        "WITH RECURSIVE found(value) AS (SELECT min(folded) FROM mentions WHERE folded>''"
        " UNION ALL SELECT (SELECT min(folded) FROM mentions WHERE folded>value) FROM found WHERE value IS NOT NULL)"
        " SELECT value FROM found WHERE value IS NOT NULL"
    )
    return [row[0] for row in rows]


def distinct(connection: apsw.Connection, column: str, person: int, *, above: str = "", below: str = "\U0010ffff") -> list[str]:
    """The values of a column of one person's mentions. Steps from value to value: an owner may have a million mentions."""
    step = f"SELECT min({column}) FROM mentions WHERE person_id=?1 AND {column}<?3 AND {column}"  # noqa: S608 - no value in it
    rows: Iterator[tuple[Any, ...]] = connection.execute(
        f"WITH RECURSIVE found(value) AS ({step}>?2 UNION ALL SELECT ({step}>value) FROM found WHERE value IS NOT NULL)"  # noqa: S608
        " SELECT value FROM found WHERE value IS NOT NULL",
        (person, above, below),
    )
    return [row[0] for row in rows]


def _bonds(connection: apsw.Connection, person: int) -> list[str]:
    return distinct(connection, "handle", person, above="\n", below="\x0b")


def _folded_names(connection: apsw.Connection, person: int) -> set[str]:
    return {fold_name(name) for name in distinct(connection, "name", person)}


def _new_person(connection: apsw.Connection) -> int:
    connection.execute("INSERT INTO people(is_owner) VALUES(0)")
    return connection.last_insert_rowid()


def _merge(connection: apsw.Connection, ids: set[int]) -> set[str]:
    """Make several people the one with the lowest id. Returns the names that have to be settled."""
    first, *others = sorted(ids)
    for other in others:
        connection.execute("UPDATE mentions SET person_id=? WHERE person_id=?", (first, other))
        connection.execute(
            "UPDATE people SET is_owner=max(is_owner, (SELECT is_owner FROM people WHERE id=?)) WHERE id=?", (other, first)
        )
        connection.execute("DELETE FROM people WHERE id=?", (other,))
    return _folded_names(connection, first)


def _called(connection: apsw.Connection, folded: str, *, limit: int = 1 << 30) -> list[int]:
    """The people who were called so where a handle of theirs was given, lowest id first."""
    found: list[int] = []
    for person in mentioned_as(connection, folded):
        if knows(connection, person, folded):
            found.append(person)
            if len(found) == limit:
                break
    return found


def _meant(connection: apsw.Connection, folded: str) -> list[int]:
    """Who a bare name can stand for: of the people called so those whom a card calls so, and all where no card does."""
    bearers = _called(connection, folded)
    carded = [person for person in bearers if is_on_card(connection, person, folded)] if len(bearers) > 1 else []
    return carded or bearers


def _nobody_else(connection: apsw.Connection, folded: str) -> int:
    """The person who is known by this bare name only; a new one where there is none."""
    with_handle = "SELECT 1 FROM mentions WHERE person_id=? AND handle>'' LIMIT 1"
    for person in mentioned_as(connection, folded):
        if connection.execute(with_handle, (person,)).fetchone() is None and _folded_names(connection, person) == {folded}:
            return person
    return _new_person(connection)


def _thread(connection: apsw.Connection, item_id: int) -> int | None:
    thread: int | None = connection.execute("SELECT thread FROM items WHERE id=?", (item_id,)).get
    return thread


def _placed(connection: apsw.Connection, folded: str, thread: int | None, bearers: list[int]) -> int | None:
    """Whose a bare name is within a conversation where several people bear it: as before, or who takes part there."""
    if thread is None:
        return None
    person: int | None = connection.execute(f"SELECT m.person_id {_IN_THREAD} NULL LIMIT 1", (thread, folded)).get
    return _present(connection, folded, thread, bearers) if person is None else person


def _present(connection: apsw.Connection, folded: str, thread: int, bearers: list[int]) -> int | None:
    """The one bearer of a name whose handle is mentioned in a conversation; None where it is not exactly one."""
    asked = f"SELECT DISTINCT m.person_id {_IN_THREAD} NOT NULL"
    people = {person for (person,) in connection.execute(asked, (thread, folded))} & set(bearers)
    return people.pop() if len(people) == 1 else None


def _enters_conversation(connection: apsw.Connection, item_id: int, person: int, folded: str) -> bool:
    """Whether it is new that this person takes part in the item's conversation, and matters because others bear the name."""
    others = (
        "SELECT EXISTS(SELECT 1 FROM mentions WHERE folded=?1 AND person_id<?2)"
        " OR EXISTS(SELECT 1 FROM mentions WHERE folded=?1 AND person_id>?2)"
    )
    if not connection.execute(others, (folded, person)).get or not is_ambiguous(connection, folded):
        return False
    thread = _thread(connection, item_id)
    known = f"SELECT 1 {_IN_THREAD} NOT NULL AND m.person_id=? LIMIT 1"
    return thread is not None and connection.execute(known, (thread, folded, person)).fetchone() is None
