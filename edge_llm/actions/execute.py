"""The one door to effects: policy, then the person's word, then the log, then a carrier.

Nothing in this package or above it calls a provider but the executor, and it calls one only for what policy lets through or an
approval covers. It works on its own copy of the call, so what is carried out is what was reviewed, approved and logged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from edge_llm.actions.approval import Approval, ApprovalDesk
from edge_llm.actions.log import ActionLog
from edge_llm.actions.manifest import Action, Carrier
from edge_llm.actions.policy import Covers, may_carry, review, settled
from edge_llm.actions.providers.provider import Provider
from edge_llm.actions.templates import value_text
from edge_llm.actions.values import Call, Provenance, SlotValue
from runtimes.errors import CarrierUnavailableError, EdgeLLMError, PolicyError

Status: TypeAlias = Literal["done", "handed over", "tried", "failed"]
"""Carried out; on another app's own screen, where the person finishes; a dry run: nothing was done; not carried out."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    status: Status
    description: str
    """What was done, exactly, or would have been: the URI, the function; empty when no carrier could be used."""
    carrier: Carrier | None = None
    result: Any = None
    """What the carrier gave back: a JSON value, or None."""
    untrusted: bool = False
    """The result is somebody else's text: count it as untrusted text read in this turn."""
    undo: Call | None = None
    """The call that takes it back, to be proposed like any other; None when the carrier cannot."""
    error: str | None = None
    """Why it failed, in words."""


class Executor:
    """Carries calls out. Used by any number of threads at once.

    Args:
        desk: where approvals were made.
        log: notes every call before it is carried out; what cannot be noted is not done.
        grants: what the person allowed once for all.
        providers: how; for each carrier the first provider of its kind is taken.
        find_action: an action by its id, for taking things back; None where there is none.
        dry_run: say what would be done and do nothing.
    """

    def __init__(
        self,
        desk: ApprovalDesk,
        log: ActionLog,
        grants: Covers,
        providers: Sequence[Provider],
        *,
        find_action: Callable[[str], Action | None] = lambda _: None,
        dry_run: bool = False,
    ) -> None:
        self._desk = desk
        self._log = log
        self._grants = grants
        self._providers = {provider.kind: provider for provider in reversed(providers)}
        self._find_action = find_action
        self._dry_run = dry_run

    def run(
        self,
        call: Call,
        approval: Approval | None = None,
        *,
        untrusted_read: bool,
        planned: Collection[str] | None = None,
    ) -> Outcome:
        """Carry a call out, over the first of its carriers that can be used here.

        Args:
            approval: the person's word on exactly this call; used up whatever happens. None where policy asks for none.
            untrusted_read, planned: as for `policy.review`.

        Raises:
            PolicyError: policy refuses it, it needs an approval, or the approval is not of this call, used or expired.
            StorageError: the log cannot be written; nothing was done.
        """
        own = settled(call)
        try:
            self._let_through(own, approval, untrusted_read=untrusted_read, planned=planned)
        except PolicyError as error:
            self._log.append("refused", own, {"error": str(error)})
            raise
        obstacles: list[str] = []
        for carrier, provider in self._ways(own, obstacles):
            description = provider.describe(carrier, own)
            told = {"carrier": carrier.kind, "description": description}
            if self._dry_run:
                self._log.append("tried", own, told)
                return Outcome("tried", description, carrier)
            self._log.append("begun", own, told)
            try:
                return self._carry(own, carrier, provider, description)
            except CarrierUnavailableError as error:
                obstacles.append(str(error))
        said = " ".join(dict.fromkeys(obstacles)) or f"{own.action.id} has no carrier."
        self._log.append("failed", own, {"error": said})
        return Outcome("failed", "", error=said)

    def _let_through(
        self, call: Call, approval: Approval | None, *, untrusted_read: bool, planned: Collection[str] | None
    ) -> None:
        """Policy and the person's word. Raises PolicyError."""
        reviewed = review(call, untrusted_read=untrusted_read, grants=self._grants, planned=planned)
        if approval is not None:
            self._desk.redeem(approval, call)
        if reviewed.refusals:
            raise PolicyError(" ".join(reason.text for reason in reviewed.refusals))
        if reviewed.needs_approval and approval is None and not self._dry_run:
            raise PolicyError(f"{call.action.id} needs an approval: {' '.join(reason.text for reason in reviewed.reasons)}")

    def _ways(self, call: Call, obstacles: list[str]) -> Iterator[tuple[Carrier, Provider]]:
        """The carriers that can be used, in order; why the others cannot goes to `obstacles`."""
        for carrier in call.action.carriers:
            provider = self._providers.get(carrier.kind)
            if not may_carry(call.action, carrier.kind):
                obstacle: str | None = f"{call.action.id} must not be carried out by {carrier.kind}."
            elif provider is None:
                obstacle = f"Nothing here carries out {carrier.kind} carriers."
            else:
                obstacle = provider.obstacle(carrier, call)
            if obstacle is not None:
                obstacles.append(obstacle)
            elif provider is not None:
                yield carrier, provider

    def _carry(self, call: Call, carrier: Carrier, provider: Provider, description: str) -> Outcome:
        """One carrier's try, noted in the log whatever comes. Raises CarrierUnavailableError: nothing happened."""
        try:
            given = provider.run(carrier, call)
        except CarrierUnavailableError:
            raise
        except EdgeLLMError as error:
            self._log.append("failed", call, {"carrier": carrier.kind, "error": str(error)})
            return Outcome("failed", description, carrier, error=str(error))
        except BaseException as error:
            self._log.append("failed", call, {"carrier": carrier.kind, "error": type(error).__name__})
            raise
        status: Status = "handed over" if given.handed_over else "done"
        self._log.append("done", call, {"carrier": carrier.kind, "status": status})
        return Outcome(
            status, description, carrier, given.result,
            untrusted=given.untrusted or not call.action.trusted,
            undo=self._undo(call, given.result),
        )  # fmt: skip

    def _undo(self, call: Call, result: Any) -> Call | None:
        """The call that takes this one back, filled from its result; None when something is missing."""
        action = None if call.action.undo is None else self._find_action(call.action.undo)
        if action is None or not isinstance(result, Mapping):
            return None
        source = Provenance("tool", f"what {call.action.id} gave")
        slots = {
            slot.name: SlotValue(result[slot.name], value_text(result[slot.name]), source)
            for slot in action.slots
            if slot.name in result
        }
        undo = Call(action, slots)
        return None if undo.missing else undo
