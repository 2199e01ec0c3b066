"""What comes of asking the assistant: one of six kinds, as values and as JSON. Knows no model and does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from edge_llm.actions.approval import Request
from edge_llm.actions.execute import Outcome
from edge_llm.actions.manifest import Action
from edge_llm.actions.policy import Review
from edge_llm.actions.preview import source_words
from edge_llm.actions.values import Call, SlotValue
from edge_llm.confidence import Confidence


@dataclass(frozen=True)
class Answer:
    """Words in reply to words. Nothing was done."""

    text: str
    confidence: Confidence
    items: tuple[int, ...] = ()
    """Ids of the items of memory that it leans on."""


@dataclass(frozen=True)
class Question:
    """Something is missing, or has several meanings: the person's next words answer it."""

    text: str
    confidence: Confidence
    action: Action | None = None
    """None where the question is which action is meant."""
    slot: str | None = None
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    """What is known so far."""


@dataclass(frozen=True)
class Proposal:
    """A plan that waits for the person's word. What is shown is `text`, whole."""

    text: str
    confidence: Confidence
    reviews: tuple[Review, ...]
    """Every step in its order, also those that need no approval."""
    requests: tuple[Request, ...]
    """The steps that do."""

    @property
    def may_always(self) -> bool:
        """The person may also say: always."""
        return len(self.requests) == 1 and self.requests[0].review.may_always


@dataclass(frozen=True)
class Done:
    """The plan was carried out, or handed to another app's own screen."""

    text: str
    confidence: Confidence
    calls: tuple[Call, ...]
    outcomes: tuple[Outcome, ...]
    """One for each call."""


@dataclass(frozen=True)
class Declined:
    """The person said no, or policy did. Nothing more was done."""

    text: str
    confidence: Confidence
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Failed:
    """It could not be carried out. `outcomes` are the steps that were tried, the last one the one that failed."""

    text: str
    confidence: Confidence
    calls: tuple[Call, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


Turn: TypeAlias = Answer | Question | Proposal | Done | Declined | Failed


@dataclass(frozen=True)
class Decision:
    """The person's word on a proposal."""

    kind: Literal["approve", "always", "deny", "edit"]
    words: str = ""
    """What should be otherwise, as the person says it: "no, tomorrow"."""


APPROVE = Decision("approve")
ALWAYS = Decision("always")
DENY = Decision("deny")


def turn_document(turn: Turn) -> dict[str, Any]:
    """The JSON form: {kind, action, slots{name: {value, shown, source}}, text, confidence, needs_approval}, and what the kind
    adds to it: `items`, `slot`, `steps`, `status`."""
    document: dict[str, Any] = {
        "kind": type(turn).__name__.lower(),
        "action": None,
        "slots": {},
        "text": turn.text,
        "confidence": turn.confidence.value,
        "basis": turn.confidence.basis,
        "reason": turn.confidence.reason,
        "needs_approval": isinstance(turn, Proposal),
    }
    if isinstance(turn, Answer):
        return {**document, "items": list(turn.items)}
    if isinstance(turn, Question):
        action = None if turn.action is None else turn.action.id
        return {**document, "action": action, "slot": turn.slot, "slots": _slots(turn.slots)}
    if isinstance(turn, Proposal):
        calls = tuple(review.call for review in turn.reviews)
        reasons = [[str(reason) for reason in review.reasons] for review in turn.reviews]
        steps = [{**_step(call), "reasons": said} for call, said in zip(calls, reasons, strict=True)]
        return {**document, **_step(calls[0]), "steps": steps}
    outcomes = turn.outcomes if isinstance(turn, Done | Failed) else ()
    steps = [{**_step(call), **_outcome(outcome)} for call, outcome in zip(turn.calls, outcomes, strict=False)]
    return {**document, **(_step(turn.calls[0]) if turn.calls else {}), "steps": steps}


def _step(call: Call) -> dict[str, Any]:
    return {"action": call.action.id, "slots": _slots(call.slots)}


def _slots(slots: Mapping[str, SlotValue]) -> dict[str, Any]:
    return {
        name: {"value": value.value, "shown": value.shown, "source": source_words(value.provenance, "en")}
        for name, value in slots.items()
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    carrier = None if outcome.carrier is None else outcome.carrier.kind
    return {
        "status": outcome.status,
        "carrier": carrier,
        "done": outcome.description,
        "result": outcome.result,
        "error": outcome.error,
        "can_undo": outcome.undo is not None,
    }
