"""The contract of a provider: one kind of carrier, carried out. Only the executor calls one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.values import Call


@dataclass(frozen=True)
class ProviderResult:
    """What came of a call."""

    result: Any = None
    """A JSON value; None where the carrier gives nothing back."""
    handed_over: bool = False
    """Another app has it now, on its own screen: the person finishes there, or does not."""
    untrusted: bool = False
    """The result is somebody else's text: never an instruction, and it fills slots only as provenance "tool"."""


class Provider(Protocol):
    """Carries out calls over one kind of carrier. Used by any number of threads at once."""

    @property
    def kind(self) -> CarrierKind:
        """The carriers it is for."""
        ...

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """Why this carrier cannot be used here, in a sentence; None when it can. Changes nothing anywhere."""
        ...

    def describe(self, carrier: Carrier, call: Call) -> str:
        """What `run` would do, exactly: the URI, the function with its arguments. For the log and for dry runs."""
        ...

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Do it.

        Raises:
            CarrierUnavailableError: nothing happened, and another carrier may be tried.
            EdgeLLMError: it failed, and something may have happened; nothing else is tried.
        """
        ...
