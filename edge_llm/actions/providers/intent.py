"""Android intents: a phone's app carries them out (docs/actions.md); a desktop only says what they would be."""

from __future__ import annotations

from dataclasses import replace

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.templates import intents
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
        (intent,) = intents(replace(call.action, carriers=(carrier,)), call.arguments)
        told = [intent.action, *filter(None, (intent.data, intent.type, intent.package))]
        return " ".join(["intent", *told, *(f"{name}={value!r}" for name, value in intent.extras.items())])

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:  # noqa: ARG002  (the protocol's)
        """Raises CarrierUnavailableError."""
        raise CarrierUnavailableError(_PHONES_ONLY)
