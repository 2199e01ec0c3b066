"""What forgetting leaves in hand: a receipt that proves it, and holds nothing of what was forgotten.

A JSON object. In the clear: when, from which store, and counts. Sealed under the store: fingerprints (traces.py) that let
`residue.search` look for the forgotten in any bytes. Who holds the receipt alone can read nothing from it. Who also holds the
store's key can test guesses against the fingerprints, as the search does; so a receipt that served its purpose is best deleted.
Knows no table.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge_llm.memory.keys import KEY_BYTES
from edge_llm.memory.sealing import new_key
from edge_llm.memory.traces import Tracer
from runtimes.errors import InputError, StoreDamagedError

if TYPE_CHECKING:
    from edge_llm.memory.store import Store

VERSION = 1
_KIND = "edge-llm memory receipt"
_NOTES = "Counts of what was forgotten. What is sealed are keyed fingerprints, to search for what may be left; no content."


@dataclass(frozen=True)
class Receipt:
    """Says what was forgotten, in numbers, and can be searched with."""

    store: str
    """The store's id."""
    time: datetime
    ids: tuple[int, ...]
    """The items; their ids are never given again."""
    keys: int
    """Sources that are gone with their keys."""
    terms: int
    """Index terms that no other item has."""
    people: int
    """People nobody mentions any more."""
    vectors: int
    traces: int
    """Fingerprints in it."""
    untraced: int
    """Fingerprints that were left out, evenly over all items, so that the receipt keeps a sensible size."""
    clean: bool
    """The file was rewritten without the old pages. Otherwise a reader held them; `erase.scrub` does it later."""
    sealed: bytes

    def to_json(self) -> dict[str, Any]:
        """The receipt as JSON values."""
        return {**self._clear(), "clean": self.clean, "note": _NOTES, "sealed": base64.b64encode(self.sealed).decode()}

    def _clear(self) -> dict[str, Any]:
        """What the seal is bound to, so that nobody can change it unnoticed."""
        return {
            "kind": _KIND,
            "version": VERSION,
            "store": self.store,
            "time": self.time.isoformat(),
            "ids": _ranges(self.ids),
            "items": len(self.ids),
            "keys": self.keys,
            "terms": self.terms,
            "people": self.people,
            "vectors": self.vectors,
            "traces": self.traces,
            "untraced": self.untraced,
        }

    @classmethod
    def from_json(cls, document: object) -> Receipt:
        """Back from `to_json`.

        Raises:
            InputError: it is no receipt, or one of a newer version.
        """
        if not isinstance(document, dict) or document.get("kind") != _KIND:
            raise InputError("This is not a receipt of `edge-llm memory forget`.")
        version = document.get("version")
        if type(version) is not int or version > VERSION:
            raise InputError(f"The receipt has version {version}; this edge-llm reads up to {VERSION}. Update edge-llm.")
        try:
            return cls(
                store=str(document["store"]),
                time=datetime.fromisoformat(document["time"]),
                ids=tuple(item for first, last in document["ids"] for item in range(int(first), int(last) + 1)),
                sealed=base64.b64decode(document["sealed"], validate=True),
                clean=bool(document["clean"]),
                **{name: int(document[name]) for name in ("keys", "terms", "people", "vectors", "traces", "untraced")},
            )
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise InputError(f"The receipt is damaged: {error!r}. Keep it as it was written.") from error

    def sealed_with(self, store: Store, tracer: Tracer, key: bytes) -> Receipt:
        """The receipt with the fingerprints that `tracer` has under `key`."""
        sealed = store.own_sealer("receipts").seal(key + tracer.to_bytes(), self._context())
        return Receipt(**{**self.__dict__, "sealed": sealed})

    def tracer(self, store: Store) -> Tracer:
        """The fingerprints, to be looked for.

        Raises:
            InputError: it is a receipt of another store, or was changed.
        """
        if self.store != store.id:
            raise InputError(f"The receipt is of another memory than {store.path}. Open the one it came from.")
        try:
            opened = store.own_sealer("receipts").open(self.sealed, self._context())
            tracer = Tracer(opened[:KEY_BYTES])
            tracer.load(opened[KEY_BYTES:])
        except (StoreDamagedError, ValueError) as error:
            raise InputError("The receipt was changed since it was written. Keep it as it was.") from error
        return tracer

    def _context(self) -> bytes:
        return json.dumps(self._clear(), sort_keys=True).encode()


def new_receipt_key() -> bytes:
    """The key of one receipt's fingerprints."""
    return new_key()


def _ranges(ids: tuple[int, ...]) -> list[tuple[int, int]]:
    """[first, last] of each run of ids."""
    runs: list[tuple[int, int]] = []
    for item_id in sorted(ids):
        if runs and item_id == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], item_id)
        else:
            runs.append((item_id, item_id))
    return runs
