"""Values on their way into an action: what they are, in which words they are shown, and whose words they came from.

Knows provenance and the canonical form that an approval is bound to. Decides nothing (policy.py does).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from edge_llm.actions.manifest import Action

Origin: TypeAlias = Literal["typed", "contact", "memory", "tool", "model"]
"""Whose words a value is: the person's own in this conversation; the person's address book; an item of memory; a web page's
or a tool's; the model's invention."""
ORIGINS: tuple[Origin, ...] = get_args(Origin)
TRUSTED_ORIGINS: frozenset[Origin] = frozenset({"typed", "contact"})


@dataclass(frozen=True)
class Provenance:
    """Where a value came from."""

    origin: Origin
    source: str = ""
    """What to show a person of it: "contact Zhang San", "mail from bob@example.org, 3 May"."""
    item_id: int | None = None
    """The memory item, where it was one."""

    @property
    def trusted(self) -> bool:
        """The person said it, or keeps it in the address book."""
        return self.origin in TRUSTED_ORIGINS


@dataclass(frozen=True)
class SlotValue:
    """One argument, ready to be proposed."""

    value: Any
    """JSON value in canonical form: E.164 or a mail address, ISO 8601 with offset, {"amount": "12.50", "currency": "CNY"}."""
    shown: str
    """As a person reads it: "Zhang San (+86 138 ...)", "tomorrow, Wednesday 25 November, 15:00"."""
    provenance: Provenance


@dataclass(frozen=True)
class Call:
    """An action with its arguments: what is previewed, approved and carried out."""

    action: Action
    slots: Mapping[str, SlotValue]

    @property
    def arguments(self) -> dict[str, Any]:
        """Canonical values by slot."""
        return {name: slot.value for name, slot in self.slots.items()}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of required slots that have no value yet."""
        return tuple(slot.name for slot in self.action.slots if slot.required and slot.name not in self.slots)

    @property
    def canonical(self) -> str:
        """The one spelling of this call: JSON with sorted keys, no spaces, every character as it is (RFC 8785's order)."""
        document = {"action": self.action.id, "version": self.action.version, "arguments": self.arguments}
        return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, hex: what an approval is bound to."""
        return hashlib.sha256(self.canonical.encode("utf-8", "surrogatepass")).hexdigest()
