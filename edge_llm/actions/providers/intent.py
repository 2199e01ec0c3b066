"""Android intents: a phone's app carries them out (docs/actions.md); a desktop only says what they would be."""

from __future__ import annotations

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.templates import escape_uri, fill
from edge_llm.actions.values import Call
from runtimes.errors import CarrierUnavailableError

_PHONES_ONLY = "Android intents are for phones; this is none."


class IntentProvider:
    """The provider of `intent` carriers where there are none: it describes them and carries out nothing."""

    kind: CarrierKind = "intent"

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:  # noqa: ARG002  (the protocol's)
        """Always: this is no phone."""
        return _PHONES_ONLY

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The intent's action, data and extras."""
        parts = [f"intent {carrier.target}"]
        if carrier.data is not None:
            parts.append(fill(carrier.data, call.arguments, escape_uri))
        parts += [f"{name}={fill(part, call.arguments)!r}" for name, part in carrier.extras.items()]
        return " ".join(parts)

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:  # noqa: ARG002  (the protocol's)
        """Raises CarrierUnavailableError."""
        raise CarrierUnavailableError(_PHONES_ONLY)
