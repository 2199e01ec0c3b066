"""Links to other apps: `mailto:`, `tel:`, `https:` and apps' own schemes, opened on this desktop. Each ends in the app itself.

Only schemes of a list are opened, and a link's scheme and everything else that is not a value comes from the manifest: a value
is percent-encoded and can end no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.desktop import Desktop
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.templates import escape_uri, fill
from edge_llm.actions.values import Call
from runtimes.errors import CarrierUnavailableError

SCHEMES = frozenset({
    "https", "mailto", "tel", "sms", "smsto", "geo", "maps", "facetime", "callto", "webcal",
    "weixin", "whatsapp", "tg", "sgnl", "skype", "msteams", "slack", "zoommtg",
    "imeituan", "eleme", "diditaxi", "uber", "taobao", "tbopen", "openapp.jdmobile", "alipays", "dianping", "ctrip",
    "spotify", "orpheus", "qqmusic", "baidumap", "iosamap", "androidamap", "amapuri",
})  # fmt: skip
"""What is opened: open standards whose apps show what they were given, and apps that manifests name. No scheme that runs
something (`file`, `javascript`, `ms-*`, `search-ms`, `shell`, `intent`) is here, and `http` is not, because anybody on the way
reads and changes it."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"//[^/?#]*")
_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_LONGEST = 8_000
"""Characters; openers and apps cut longer ones."""


@dataclass(frozen=True)
class UriProvider:
    """The provider of `uri` carriers on a desktop.

    Args:
        schemes: what may be opened.
        desktop: where.
    """

    schemes: Collection[str] = SCHEMES
    desktop: Desktop = field(default_factory=Desktop)
    kind: CarrierKind = "uri"

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """Why the link cannot be opened."""
        return link_obstacle(carrier.target, call, self.schemes, self.desktop)

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The link."""
        return fill_link(carrier.target, call)

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Hand the link to its app. Raises CarrierUnavailableError: no app took it."""
        refused = self.obstacle(carrier, call)
        if refused is not None:
            raise CarrierUnavailableError(refused)
        self.desktop.open(fill_link(carrier.target, call))
        return ProviderResult(handed_over=True)


def fill_link(template: str, call: Call) -> str:
    """A link with the call's values, each percent-encoded. What is no text (half a character) becomes "?"."""
    return fill(template, call.arguments, lambda text: escape_uri(text.encode("utf-8", "replace").decode("utf-8")))


def link_obstacle(template: str, call: Call, schemes: Collection[str], desktop: Desktop) -> str | None:
    """Why a link cannot be opened, in a sentence; None when it can."""
    found = _SCHEME.match(template)
    if found is None:
        return f"{template!r} does not begin with a scheme, such as https:."
    scheme = found.group(1).lower()
    if scheme not in schemes:
        return f"Links of the scheme {scheme}: are not opened."
    authority = _AUTHORITY.match(template, found.end())
    if authority is not None and "{" in authority.group():
        return f"{template!r} leaves it to a value where it leads."
    link = fill_link(template, call)
    if not _URI.fullmatch(link):
        return f"{template!r} gives no link: it has characters that no link has."
    if len(link) > _LONGEST:
        return f"The link has {len(link)} characters, and {_LONGEST} can be opened."
    return desktop.cannot_open(scheme)
