"""Text on the clipboard and the app opened, where an app has no link that takes the text: the person pastes it there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.desktop import Desktop
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.providers.uri import SCHEMES, fill_link, link_obstacle
from edge_llm.actions.templates import fill
from edge_llm.actions.values import Call
from edge_llm.hidden import show_hidden
from runtimes.errors import CarrierUnavailableError


@dataclass(frozen=True)
class ClipboardProvider:
    """The provider of `clipboard` carriers on a desktop.

    Args:
        schemes: links that may be opened afterwards.
        desktop: where.
    """

    schemes: Collection[str] = SCHEMES
    desktop: Desktop = field(default_factory=Desktop)
    kind: CarrierKind = "clipboard"

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """Why the text cannot be copied, or the app not be opened."""
        if not fill(carrier.target, call.arguments).strip():
            return "There is no text to copy."
        refused = self.desktop.cannot_copy()
        if refused is None and carrier.data is not None:
            refused = link_obstacle(carrier.data, call, self.schemes, self.desktop)
        return refused

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The text, and the link that is opened."""
        text = f"copy {show_hidden(fill(carrier.target, call.arguments).strip())!r}"
        return text if carrier.data is None else f"{text}, open {fill_link(carrier.data, call)}"

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Copy, then open. Raises CarrierUnavailableError: one of the two failed; at most the clipboard was changed."""
        refused = self.obstacle(carrier, call)
        if refused is not None:
            raise CarrierUnavailableError(refused)
        self.desktop.copy(fill(carrier.target, call.arguments).strip())
        if carrier.data is not None:
            self.desktop.open(fill_link(carrier.data, call))
        return ProviderResult(handed_over=True)
