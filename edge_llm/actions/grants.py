"""What the person allowed once for all: one action, as it is defined now, with one recipient. Listed, and taken back any time.

Kept in the encrypted store, sealed. Knows what was allowed; what can be allowed at all is policy.py's.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from edge_llm.actions.policy import definition, grantable
from edge_llm.actions.preview import one_line
from edge_llm.actions.templates import value_text
from edge_llm.actions.values import Call
from runtimes.errors import InputError, PolicyError, StoreDamagedError

if TYPE_CHECKING:
    from edge_llm.actions.log import ActionLog
    from edge_llm.memory.sealing import Sealer
    from edge_llm.memory.store import Store


@dataclass(frozen=True)
class Grant:
    """One standing permission."""

    id: int
    action: str
    recipient: str | None
    """Canonical; None for an action that has no recipient."""
    shown: str
    """The recipient as the person knows it."""
    made: datetime


class Grants:
    """The standing permissions of one store. Used by any number of threads and processes at once."""

    def __init__(self, store: Store, log: ActionLog) -> None:
        self._store = store
        self._log = log
        self._sealer: Sealer = store.own_sealer("action grants")

    def covers(self, call: Call) -> bool:
        """Whether this action, as it is defined now, is allowed with this recipient.

        Raises:
            StorageError, StoreDamagedError: the store cannot be read.
        """
        key = self._key(call)
        with self._store.reading() as connection:
            row: Any = connection.execute("SELECT id, sealed FROM action_grants WHERE key = ?", (key,)).fetchone()
        if row is None:
            return False
        try:
            self._sealer.open(row[1], _context(key))
        except StoreDamagedError:
            return False
        return True

    def allow(self, call: Call) -> Grant:
        """Allow calls of this action with this recipient from now on. Only the host's interface calls it (`Host.always`).

        Raises:
            PolicyError: it cannot be allowed once for all. StorageError: it could not be written.
        """
        if not grantable(call):
            raise PolicyError(f"{call.action.id} cannot be allowed once for all with these values. Approve it once.")
        key, made_ms = self._key(call), time.time_ns() // 1_000_000
        shown = ", ".join(one_line(call.slots[name].shown) for name in _recipients(call))
        content = {"action": call.action.id, "recipient": _recipient(call), "shown": shown, "made": made_ms}
        sealed = self._sealer.seal(json.dumps(content).encode(), _context(key))
        with self._store.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO action_grants(key, sealed) VALUES(?, ?)", (key, sealed))
            number = connection.last_insert_rowid()
            self._log.append("allowed", call, {"grant": number})
        return _grant(number, content)

    def all(self) -> list[Grant]:
        """Every permission, the oldest first. One that does not open allows nothing and is left out."""
        with self._store.reading() as connection:
            rows: list[Any] = connection.execute("SELECT id, key, sealed FROM action_grants ORDER BY id").fetchall()
        found = []
        for number, key, sealed in rows:
            try:
                content = json.loads(self._sealer.open(sealed, _context(key)))
            except StoreDamagedError:
                continue
            found.append(_grant(number, content))
        return found

    def revoke(self, grant_id: int) -> None:
        """Take a permission back.

        Raises:
            InputError: there is none of this id. StorageError: it could not be written.
        """
        with self._store.writing() as connection:
            connection.execute("DELETE FROM action_grants WHERE id = ?", (grant_id,))
            if not connection.changes():
                raise InputError(f"There is no permission {grant_id}. `edge-llm grants` lists them.")
            self._log.append("revoked", details={"grant": grant_id})

    def _key(self, call: Call) -> bytes:
        """What a permission is found by. Says nothing without the store's secret."""
        document = json.dumps([definition(call.action), _recipient(call)])
        return self._store.digest("action grant", document.encode())


def _recipients(call: Call) -> list[str]:
    return [slot.name for slot in call.action.slots if slot.role == "recipient" and slot.name in call.slots]


def _recipient(call: Call) -> str | None:
    """The canonical recipients of a call, as one text; None when the action has none."""
    names = _recipients(call)
    if len(names) == 1:
        return value_text(call.slots[names[0]].value)
    return json.dumps({name: call.slots[name].value for name in names}, sort_keys=True) if names else None


def _grant(number: int, content: dict[str, Any]) -> Grant:
    made = datetime.fromtimestamp(content["made"] / 1000, timezone.utc)
    return Grant(number, content["action"], content["recipient"], content["shown"], made)


def _context(key: bytes) -> bytes:
    return b"action grant:" + key.hex().encode()
