"""What may be done, and what needs the person's word first. Rules of code, outside any model: docs/policy.md.

A model, a message, a web page or a server can only bring values. Each value says whose words it is, and the rules here go by
that and by the action's manifest alone. Carries nothing out and remembers nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from edge_llm.actions.manifest import Action, CarrierKind, Language, Text, action_document
from edge_llm.actions.preview import EXACT_ROLES, Preview, make_preview, slot_label, source_words
from edge_llm.actions.values import Call, SlotValue
from runtimes.errors import PolicyError

ReasonCode: TypeAlias = Literal[
    "purchase", "consent", "grant", "value", "read",
    "missing", "slot", "planned", "carrier", "long",
]  # fmt: skip
"""Why it asks: money; consent each time; no standing permission; a value that is not the person's; untrusted text was read.
Why it refuses: a value is missing; a slot the action lacks; an action nobody asked for; a carrier that must not carry it; too
long to be read."""

SENSITIVE_ROLES = EXACT_ROLES | {"number", "app"}
"""Slots that say who, how much or where to: one that is not the person's asks, whatever is to be done with it."""
HANDING_OVER: frozenset[CarrierKind] = frozenset({"uri", "intent", "clipboard"})
"""Carriers that end on another app's own screen. A purchase goes over no other."""
_LONGEST = 20_000
"""Characters of a canonical call: more than this nobody reads before agreeing."""

_WORDS: dict[ReasonCode, Text] = {
    "purchase": Text("It may cost money.", "可能会花钱。"),
    "consent": Text("This always asks.", "这项操作每次都要确认。"),
    "grant": Text("You have not allowed this once for all.", "你没有设置始终允许。"),
    "value": Text("“{slot}” is not from you but from: {source}.", "“{slot}”不是你说的，来自：{source}。"),
    "read": Text("Text from outside was read just before.", "刚刚读取了外部内容。"),
    "missing": Text("“{slot}” is missing.", "缺少“{slot}”。"),
    "slot": Text("The action has no “{slot}”.", "该操作没有“{slot}”这一项。"),
    "planned": Text("You did not ask for this.", "你没有要求这样做。"),
    "carrier": Text("It must not go this way: {source}.", "不允许以这种方式执行：{source}。"),
    "long": Text("It is too long to be checked.", "内容太长，无法核对。"),
}


@dataclass(frozen=True)
class Reason:
    """Why a call needs the person's word, or is refused."""

    code: ReasonCode
    text: str
    slot: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Review:
    """What policy says of one call."""

    call: Call
    """The call as it was reviewed: a copy that nobody else holds."""
    preview: Preview
    reasons: tuple[Reason, ...]
    """Why it asks; empty when it need not."""
    refusals: tuple[Reason, ...]
    """Why it is not done at all, whoever agrees."""
    binding: tuple[str, str]
    """What an approval of it is bound to, taken before the preview was made; see `binding`."""
    may_always: bool
    """The person may also say: always, for this action and this recipient."""

    @property
    def needs_approval(self) -> bool:
        """The person must agree first."""
        return bool(self.reasons)


class Covers(Protocol):
    """Standing permissions, as policy asks for them (`Grants`)."""

    def covers(self, call: Call) -> bool:
        """Whether the person allowed this action, as it is defined now, with this recipient, once for all."""
        ...


class NoGrants:
    """No standing permission for anything."""

    def covers(self, call: Call) -> bool:  # noqa: ARG002  (the protocol's)
        """Never."""
        return False


def review(
    call: Call,
    *,
    untrusted_read: bool,
    grants: Covers,
    planned: Collection[str] | None = None,
    language: Language = "en",
) -> Review:
    """What policy says of a call.

    Args:
        untrusted_read: text that is not the person's (memory, a web page, a tool's answer) was read in this turn.
        planned: ids of the actions that the person's own words chose, before anything else was read; another one is refused.
            None where the person chose the action by hand.
        language: of the preview and the reasons.

    Raises:
        PolicyError: its arguments are no JSON.
    """
    own = settled(call)
    bound = binding(own)
    refusals = _refusals(own, planned, language)
    may_always = not untrusted_read and grantable(own)
    covered = may_always and grants.covers(own)
    return Review(
        call=own,
        preview=make_preview(own, language),
        reasons=_reasons(own, language, untrusted_read=untrusted_read, covered=covered),
        refusals=refusals,
        binding=bound,
        may_always=may_always and not refusals,
    )


def grantable(call: Call) -> bool:
    """Whether "always" can be said of such a call at all: no money, no consent each time, every value the person's own."""
    return (
        call.action.consent != "always"
        and call.action.effect != "purchase"
        and all(value.provenance.trusted for value in call.slots.values())
    )


def may_carry(action: Action, kind: CarrierKind) -> bool:
    """Whether policy lets this kind of carrier carry the action: money only to another app's own screen, a server's action
    only to its server."""
    if not action.trusted:
        return kind == "mcp" and action.effect != "purchase"
    return action.effect != "purchase" or kind in HANDING_OVER


def leaves_device(action: Action) -> bool:
    """Whether its values may reach another program, and so anybody."""
    return action.outward or not action.trusted or any(carrier.kind != "python" for carrier in action.carriers)


def settled(call: Call) -> Call:
    """A copy of a call that shares nothing with it that can change, its slots in the action's order.

    Raises:
        PolicyError: its arguments are no JSON, so they have no one spelling to be approved.
    """
    try:
        arguments = json.loads(call.canonical)["arguments"]
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError(f"The arguments of {call.action.id} are no JSON values ({error}). Nothing was done.") from error
    places = {slot.name: place for place, slot in enumerate(call.action.slots)}
    names = sorted(arguments, key=lambda name: (places.get(name, len(places)), name))
    slots = {name: SlotValue(arguments[name], call.slots[name].shown, call.slots[name].provenance) for name in names}
    return Call(call.action, MappingProxyType(slots))


def definition(action: Action) -> str:
    """SHA-256, hex, of all that says what an action does: an approval or a permission is worth nothing for another action that
    goes by the same id."""
    carriers = action_document(replace(action, carriers=tuple(replace(one, verified=None) for one in action.carriers)))[
        "carriers"
    ]
    slots = [[slot.name, slot.role, slot.required] for slot in action.slots]
    parts = [action.id, action.version, action.effect, action.consent, action.trusted, slots, carriers, action.undo]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def binding(call: Call) -> tuple[str, str]:
    """What an approval is of: the action as it is defined, and the canonical arguments."""
    return definition(call.action), call.digest


def _reasons(call: Call, language: Language, *, untrusted_read: bool, covered: bool) -> tuple[Reason, ...]:
    action = call.action
    found = []
    if action.effect == "purchase":
        found.append(_reason("purchase", language))
    elif action.consent == "always":
        found.append(_reason("consent", language))
    leaves = leaves_device(action)
    sensitive = SENSITIVE_ROLES if action.effect != "read" else frozenset()
    for slot in action.slots:
        value = call.slots.get(slot.name)
        if value is not None and not value.provenance.trusted and (leaves or slot.role in sensitive):
            label = slot_label(slot, action, language)
            found.append(
                _reason("value", language, slot=slot.name, label=label, source=source_words(value.provenance, language))
            )
    if untrusted_read and (action.outward or not action.trusted):
        found.append(_reason("read", language))
    if not found and not covered and (action.consent == "granted" or not action.trusted):
        found.append(_reason("read" if untrusted_read else "grant", language))
    return tuple(found)


def _refusals(call: Call, planned: Collection[str] | None, language: Language) -> tuple[Reason, ...]:
    action = call.action
    names = {slot.name for slot in action.slots}
    found = [_reason("missing", language, slot=name, label=name) for name in call.missing]
    found += [_reason("slot", language, slot=name, label=name) for name in sorted(set(call.slots) - names)]
    if planned is not None and action.id not in planned:
        found.append(_reason("planned", language))
    if action.carriers and not any(may_carry(action, carrier.kind) for carrier in action.carriers):
        found.append(_reason("carrier", language, source=", ".join(carrier.kind for carrier in action.carriers)))
    if len(call.canonical) > _LONGEST:
        found.append(_reason("long", language))
    return tuple(found)


def _reason(
    code: ReasonCode, language: Language, *, slot: str | None = None, label: str | None = None, source: str = ""
) -> Reason:
    return Reason(code, _WORDS[code].in_language(language).format(slot=label, source=source), slot)
