"""What was proposed, answered and done: a log that is only added to, and that shows when it was changed.

It lies in the encrypted store. Each entry's content is sealed; a keyed hash binds the entry to the one before it; the last hash
and the count are sealed apart. So a changed, removed, reordered or added entry, and a log cut short, are found by `verify` and
can be made good by nobody without the store's key. Who has the key and puts back a whole older file is found only by a head
noted elsewhere (`head`, `verify(known=...)`).

The chain holds a commitment to each content under a random salt that is sealed with it, so content can be forgotten and the
chain stays whole: what is left says that something was done and when, and nothing of what. Content that came from an item of
memory is forgotten with the item, by a trigger of the schema.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from edge_llm.actions.values import Call
from runtimes.errors import InputError, StoreDamagedError

if TYPE_CHECKING:
    import apsw

    from edge_llm.memory.sealing import Sealer
    from edge_llm.memory.store import Store

EventKind: TypeAlias = Literal[
    "proposed",
    "approved",
    "denied",
    "expired",
    "refused",
    "begun",
    "done",
    "failed",
    "tried",
    "allowed",
    "revoked",
    "forgotten",
]
"""Shown to the person; answered yes; answered no; answered too late; against policy; about to be carried out; carried out or
handed to another app; not carried out; a dry run; allowed once for all; that taken back; earlier entries' content forgotten."""
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
_SALT = 32
_HASH = 16
_FIRST = bytes(_HASH)
"""What the first entry follows."""
_HEAD = "action_log_head"
_BATCH = 500
_LONGEST = 100_000
"""Characters of arguments that are kept; of longer ones, which policy refuses, only the digest is."""


@dataclass(frozen=True)
class LogEntry:
    """One line of the log."""

    number: int
    time: datetime
    kind: EventKind
    content: dict[str, Any] | None
    """{"action", "version", "digest", "arguments", "sources": {slot: {"origin", "source", "item"}}, ...}; None: forgotten."""
    damaged: bool = False
    """The content cannot be opened: it was changed."""


@dataclass(frozen=True)
class LogVerification:
    """What `verify` found."""

    entries: int
    forgotten: int
    """Entries whose content was forgotten."""
    problems: tuple[str, ...]
    head: str
    """The hash that the whole log comes to, hex: note it elsewhere to recognize this log later."""

    @property
    def ok(self) -> bool:
        """Every entry is as it was written, and none is missing."""
        return not self.problems


class ActionLog:
    """The log of one store. Used by any number of threads and processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sealer: Sealer = store.own_sealer("action log")

    def append(self, kind: EventKind, call: Call | None = None, details: Mapping[str, Any] | None = None) -> int:
        """Add an entry and flush it; returns its number.

        Args:
            call: what it is about; its arguments and where they came from go with it.
            details: more JSON values.

        Raises:
            StorageError, StoreBusyError: it could not be written. StoreDamagedError: the log's end cannot be read.
        """
        content = {**_told(call), **(details or {})}
        data = secrets.token_bytes(_SALT) + json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        with self._store.writing() as connection:
            number, before = self._head(connection)
            number += 1
            now_ms = time.time_ns() // 1_000_000
            commitment = hashlib.sha256(data).digest()
            chain = self._link(before, number, now_ms, kind, commitment)
            connection.execute(
                "INSERT INTO action_log VALUES(?, ?, ?, ?, ?, ?)",
                (number, now_ms, kind, commitment, chain, self._sealer.seal(data, _context(number))),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO action_log_items VALUES(?, ?)",
                [(item, number) for item in _items(call)],
            )
            self._set_head(connection, number, chain)
        return number

    def entries(self, *, since: datetime | None = None, limit: int | None = None) -> list[LogEntry]:
        """The entries, the latest last.

        Args:
            since: only those from then on.
            limit: only the latest so many.

        Raises:
            StorageError, StoreDamagedError: the store cannot be read.
        """
        since_ms = -1 if since is None else int(since.timestamp() * 1000)
        with self._store.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT number, time, kind, sealed FROM action_log WHERE time >= ? ORDER BY number DESC LIMIT ?",
                (since_ms, -1 if limit is None else limit),
            ).fetchall()
        return [self._entry(*row) for row in reversed(rows)]

    def head(self) -> str:
        """The hash that the log comes to now, hex, for keeping elsewhere. Raises StoreDamagedError."""
        with self._store.reading() as connection:
            number, chain = self._head(connection)
        return f"{number}:{chain.hex()}"

    def verify(self, known: str | None = None) -> LogVerification:
        """Check every entry.

        Args:
            known: what `head` once gave; that entry must still be there as it was.

        Raises:
            InputError: `known` is no head. StoreDamagedError: a page cannot be read.
        """
        number, chain = _parse_head(known) if known is not None else (0, _FIRST)
        with self._store.reading() as connection:
            checked = _Checked(self, connection)
            for row in _rows(connection):
                checked.add(row)
            checked.end()
        if known is not None and checked.chains.get(number, _FIRST) != chain:
            checked.problems.append(f"the log does not hold the head {known}: it was replaced by an older or another one")
        return LogVerification(
            checked.count, checked.forgotten, tuple(checked.problems), f"{checked.last}:{checked.before.hex()}"
        )

    def forget(self, numbers: Sequence[int] | None = None) -> int:
        """Forget the content of entries, of all when None; when and that they were stays. Returns how many held some.

        The bytes are gone from the file when this returns, as far as `erase.scrub` can reach.
        """
        from edge_llm.memory import erase

        listed = None if numbers is None else json.dumps(sorted(set(numbers)))
        among = "sealed IS NOT NULL AND (?1 IS NULL OR number IN (SELECT value FROM json_each(?1)))"
        with self._store.writing() as connection:
            found = [row[0] for row in connection.execute(f"SELECT number FROM action_log WHERE {among}", (listed,))]  # noqa: S608
            connection.executemany("UPDATE action_log SET sealed = NULL WHERE number = ?", ((number,) for number in found))
            connection.executemany("DELETE FROM action_log_items WHERE number = ?", ((number,) for number in found))
            if found:
                self.append("forgotten", details={"entries": len(found)})
                erase.mark_unscrubbed(connection)
        erase.scrub(self._store)
        return len(found)

    def _head(self, connection: apsw.Connection) -> tuple[int, bytes]:
        """Number and chain of the last entry, as sealed apart from the entries."""
        sealed: bytes | None = connection.execute("SELECT value FROM meta WHERE key = ?", (_HEAD,)).get
        if sealed is None:
            if connection.execute("SELECT 1 FROM action_log LIMIT 1").fetchone() is not None:
                raise StoreDamagedError(
                    "The log's end is not noted any more: it was changed. `edge-llm log --verify` says more."
                )
            return 0, _FIRST
        data = self._sealer.open(sealed, b"head")
        return int.from_bytes(data[_HASH:], "big"), data[:_HASH]

    def _set_head(self, connection: apsw.Connection, number: int, chain: bytes) -> None:
        sealed = self._sealer.seal(chain + number.to_bytes(8, "big"), b"head")
        connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", (_HEAD, sealed))

    def _link(self, before: bytes, number: int, at: int, kind: str, commitment: bytes) -> bytes:
        """The keyed hash of an entry and of all before it."""
        line = b"%s|%d|%d|%s|%s" % (before.hex().encode(), number, at, kind.encode(), commitment.hex().encode())
        return self._store.digest("action log chain", line)

    def _entry(self, number: int, at: int, kind: EventKind, sealed: bytes | None) -> LogEntry:
        moment = datetime.fromtimestamp(at / 1000, timezone.utc)
        try:
            content = None if sealed is None else _content(self._open(number, sealed))
        except StoreDamagedError:
            return LogEntry(number, moment, kind, None, damaged=True)
        return LogEntry(number, moment, kind, content)

    def _open(self, number: int, sealed: bytes) -> bytes:
        return self._sealer.open(sealed, _context(number))


class _Checked:
    """The state of a check on its way along the chain."""

    def __init__(self, log: ActionLog, connection: apsw.Connection) -> None:
        self._log = log
        self._connection = connection
        self.before = _FIRST
        self.last = 0
        self.count = 0
        self.forgotten = 0
        self.problems: list[str] = []
        self.chains: dict[int, bytes] = {}

    def add(self, row: tuple[int, int, str, bytes, bytes, bytes | None]) -> None:
        """Check the next entry."""
        number, at, kind, commitment, chain, sealed = row
        if number != self.last + 1:
            self.problems.append(f"entries {self.last + 1} to {number - 1} are missing")
        if not hmac.compare_digest(self._log._link(self.before, number, at, kind, commitment), chain):
            self.problems.append(f"entry {number} does not follow the one before it: one of them was changed, moved or removed")
        if sealed is None:
            self.forgotten += 1
        else:
            self._check_content(number, commitment, sealed)
        self.before, self.last, self.count = chain, number, self.count + 1
        self.chains[number] = chain

    def _check_content(self, number: int, commitment: bytes, sealed: bytes) -> None:
        try:
            data = self._log._open(number, sealed)
        except StoreDamagedError:
            self.problems.append(f"the content of entry {number} cannot be opened: it was changed")
            return
        if not hmac.compare_digest(hashlib.sha256(data).digest(), commitment):
            self.problems.append(f"the content of entry {number} is not what was written: it was changed")

    def end(self) -> None:
        """Check that the chain ends where the log does."""
        try:
            number, chain = self._log._head(self._connection)
        except StoreDamagedError:
            self.problems.append("the note of where the log ends was changed or removed")
            return
        if (number, chain) != (self.last, self.before):
            self.problems.append(
                f"the log ends at entry {self.last}, and {number} were written: its end was cut off or changed"
            )


def _rows(connection: apsw.Connection) -> Iterator[Any]:
    last: Any = -(2**63)
    query = "SELECT number, time, kind, commitment, chain, sealed FROM action_log WHERE number > ? ORDER BY number LIMIT ?"
    while rows := connection.execute(query, (last, _BATCH)).fetchall():
        yield from rows
        last = rows[-1][0]


def _told(call: Call | None) -> dict[str, Any]:
    """What the log keeps of a call."""
    if call is None:
        return {}
    sources = {
        name: {"origin": value.provenance.origin, "source": value.provenance.source, "item": value.provenance.item_id}
        for name, value in call.slots.items()
    }
    action = call.action
    return {
        "action": action.id, "version": action.version, "digest": call.digest,
        "arguments": call.arguments if len(call.canonical) <= _LONGEST else None, "sources": sources,
    }  # fmt: skip


def _items(call: Call | None) -> set[int]:
    values = () if call is None else call.slots.values()
    return {value.provenance.item_id for value in values if value.provenance.item_id is not None}


def _content(data: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(data[_SALT:].decode("utf-8", "surrogatepass"))
    return content


def _context(number: int) -> bytes:
    return b"action log:%d" % number


def _parse_head(text: str) -> tuple[int, bytes]:
    number, _, chain = text.strip().partition(":")
    try:
        found = int(number), bytes.fromhex(chain)
    except ValueError:
        found = 0, b""
    if len(found[1]) != _HASH:
        raise InputError(f"{text!r} is no head of a log. `edge-llm log --verify` prints one, such as 12:5f0c….")
    return found
