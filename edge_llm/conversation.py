"""One dialogue with the assistant: which actions were asked for, what is still missing, what waits for the person's word.

The person's own words choose the actions, before anything else is read; text from memory or a tool can fill a slot and can do
nothing more. Code decides every step here. A model is asked only to answer in words and to pick a span of the person's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from edge_llm import planning
from edge_llm.actions.approval import Approval, ApprovalDesk, Host
from edge_llm.actions.execute import Executor, Outcome
from edge_llm.actions.manifest import Language
from edge_llm.actions.policy import Covers, review
from edge_llm.actions.values import Call
from edge_llm.answering import Answerer
from edge_llm.confidence import Confidence, understood
from edge_llm.messages import Message
from edge_llm.planning import Draft, RoutedPart
from edge_llm.reporting import report
from edge_llm.turns import APPROVE, DENY, Answer, Decision, Declined, Done, Failed, Proposal, Question, Turn
from edge_llm.understand.context import Context
from edge_llm.understand.language import is_cancel, is_no, is_yes, language_of
from runtimes.errors import CancelledError, PolicyError, PromptError

if TYPE_CHECKING:
    from edge_llm.actions.policy import Review
    from edge_llm.memory.memory import Memory
    from edge_llm.route.router import Routed

Approve = Callable[[Proposal], "Decision | bool"]
"""The host's interface: shows the proposal, and gives back what the person said."""

_MEMORY_SEARCH: Final = "memory.search"
_REMEMBERED: Final = 8
"""Messages of small talk that the model is shown again."""
_UNDO = re.compile(
    r"^(?:please )?(?:undo|take (?:it|that) back|revert)(?: (?:it|that|the last one))?[.!]?$|^撤销|^撤回|^取消刚才",
    re.IGNORECASE,
)
_WORDS: Mapping[str, tuple[str, str]] = {
    "cancelled": ("All right, I leave it.", "好的，不做了。"),
    "denied": ("Not done.", "没有执行。"),
    "no undo": ("There is nothing that I can take back.", "没有可以撤销的操作。"),
    "which": ("Do you mean: {names}?", "你是想：{names}？"),
    "plan": ("{count} steps:", "共 {count} 步："),
}


class Routes(Protocol):
    """Which actions words ask for (`edge_llm.route.router.Router`)."""

    def route(self, words: str, k: int = 5) -> Routed:
        """The likeliest actions, and how likely it is none."""
        ...


@dataclass(frozen=True)
class Parts:
    """What conversations of one assistant share."""

    router: Callable[[], Routes]
    executor: Executor
    desk: ApprovalDesk
    host: Host
    grants: Covers
    answerer: Answerer
    context: Callable[[Language], Context]
    """The moment and the people, as of now."""
    memory: Memory | None = None
    approve: Approve | None = None


@dataclass
class _State:
    """Where the dialogue stands."""

    plan: list[Draft] = field(default_factory=list)
    asked: str | None = None
    """The slot that was asked for, of the first draft that is not ready."""
    choosing: tuple[list[RoutedPart], int] | None = None
    """The requests of a sentence, and the place of the one that may ask for several actions."""
    proposal: Proposal | None = None
    done: list[tuple[Call, Outcome]] = field(default_factory=list)
    """Steps that were carried out before the rest was asked for again."""
    untrusted_read: bool = False
    undo: Call | None = None
    history: list[Message] = field(default_factory=list)


class Conversation:
    """One dialogue. Any thread may ask; one request at a time is worked on. Made by `Assistant.conversation`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._state = _State()

    def ask(self, text: str, *, cancel: threading.Event | None = None) -> Turn:
        """See `Assistant.ask`."""
        words = text.strip()
        if not words:
            raise PromptError("There is nothing to answer. Say what you want.")
        with self._lock:
            language = language_of(words)
            state = self._state
            state.untrusted_read = False
            turn = self._reply(words, language, cancel) if self._is_waiting() else None
            return turn or self._begin(words, language, cancel)

    def decide(self, proposal: Proposal, decision: Decision | bool, *, cancel: threading.Event | None = None) -> Turn:
        """See `Assistant.decide`."""
        with self._lock:
            if self._state.proposal is not proposal:
                raise PolicyError("This proposal is not waiting: it was answered or changed. Ask again.")
            return self._decided(proposal, decision, language_of(self._state.plan[0].words), cancel)

    def _is_waiting(self) -> bool:
        state = self._state
        return state.asked is not None or state.choosing is not None or state.proposal is not None

    # A new request

    def _begin(self, words: str, language: Language, cancel: threading.Event | None) -> Turn:
        self._drop()
        if _UNDO.match(words):
            return self._undo(language, cancel)
        return self._planned(planning.route_all(self._parts.router(), words), words, language, cancel)

    def _planned(self, routed: list[RoutedPart], words: str, language: Language, cancel: threading.Event | None) -> Turn:
        """Go on with the requests of a sentence, or ask which action one of them means."""
        context = self._parts.context(language)
        drafts: list[Draft] = []
        for place, one in enumerate(routed):
            if not one.actions:
                continue
            draft = planning.draft(one.actions[0], one.words, context, one.confidence)
            if not one.sure and not (len(one.actions) == 1 and self._may_guess(draft, language)):
                return self._which(routed, place, language)
            drafts.append(draft)
        about_data = [one.action.id for one in drafts] == [_MEMORY_SEARCH]
        if not drafts or about_data:
            return self._answer(words, language, cancel, about_data=about_data)
        self._state.plan = [self._with_usual(one) for one in drafts]
        return self._go_on(language, cancel)

    def _may_guess(self, draft: Draft, language: Language) -> bool:
        """Whether a call that may not be what was meant can be shown as it is: the words fill it, and the person decides."""
        if not draft.ready or draft.action.id == _MEMORY_SEARCH:
            return False
        reviewed = review(
            draft.call, untrusted_read=False, grants=self._parts.grants, planned={draft.action.id}, language=language
        )
        return draft.action.effect == "read" or reviewed.needs_approval

    def _answer(self, words: str, language: Language, cancel: threading.Event | None, *, about_data: bool = False) -> Turn:
        history = tuple(self._state.history[-_REMEMBERED:])
        answer = self._parts.answerer.answer(words, language, history=history, must_be_own=about_data, cancel=cancel)
        if not answer.items:  # what was found is in no later prompt
            self._state.history += [Message("user", words), Message("assistant", answer.text)]
        return answer

    def _which(self, routed: list[RoutedPart], place: int, language: Language) -> Turn:
        self._state.choosing = routed, place
        names = [action.name.in_language(language) for action in routed[place].actions]
        either = " / ".join(f"{number}. {name}" for number, name in enumerate(names, 1))
        return Question(_say("which", language).format(names=either), routed[place].confidence)

    def _undo(self, language: Language, cancel: threading.Event | None) -> Turn:
        call, self._state.undo = self._state.undo, None
        if call is None:
            return Answer(_say("no undo", language), understood(1.0, "undo"))
        self._state.plan = [planning.ready(call, understood(1.0, call.action.id))]
        return self._go_on(language, cancel)

    def _with_usual(self, draft: Draft) -> Draft:
        """A draft in which what the person only referred to ("my usual lunch") is what memory says it is."""
        if self._parts.memory is None:
            return draft
        resolved = planning.with_usual(draft, self._parts.memory)
        self._state.untrusted_read |= resolved is not draft
        return resolved

    # The reply to a question, or a change of a proposal

    def _reply(self, words: str, language: Language, cancel: threading.Event | None) -> Turn | None:
        """What a waiting question or proposal makes of the words; None where they begin something new."""
        state = self._state
        if is_cancel(words) or (state.proposal is not None and is_no(words)):
            self._drop()
            return Declined(_say("cancelled", language), understood(1.0, "cancel"))
        if state.choosing is not None:
            return self._chosen(words, language, cancel)
        context = self._parts.context(language)
        at = next((place for place, one in enumerate(state.plan) if not one.ready), len(state.plan) - 1)
        changed = planning.replied(state.plan[at], state.asked, words, context)
        if changed is None:
            routed = planning.route_all(self._parts.router(), words)
            changed = planning.restated(state.plan[at], routed, context)
            if changed is None and any(one.actions and one.sure for one in routed):
                return None
        if changed is not None:
            self._drop_proposal()
            state.plan[at] = self._with_usual(changed)
        elif state.proposal is not None:
            return state.proposal
        return self._go_on(language, cancel)

    def _chosen(self, words: str, language: Language, cancel: threading.Event | None) -> Turn | None:
        choosing, self._state.choosing = self._state.choosing, None
        if choosing is None:
            return None
        routed, place = choosing
        said, actions = routed[place].words, routed[place].actions
        action = planning.chosen(actions, words, language) or (actions[0] if is_yes(words) else None)
        if action is None:
            return self._answer(said, language, cancel) if is_no(words) else None
        routed[place] = RoutedPart(said, (action,), understood(1.0, action.id))
        return self._planned(routed, said, language_of(said), cancel)

    # From a plan to its end

    def _go_on(self, language: Language, cancel: threading.Event | None) -> Turn:
        """Ask for what is missing, or propose, or carry out."""
        state = self._state
        for one in state.plan:
            if not one.ready:
                state.asked, text = planning.question_of(one, language)
                return Question(text, one.confidence, one.action, state.asked, one.slots)
        state.asked = None
        reviews = tuple(self._review(one.call, language) for one in state.plan)
        refused = next((one for one in reviews if one.refusals), None)
        if refused is not None:
            self._drop()
            return Declined(" ".join(map(str, refused.refusals)), _least(state.plan), (refused.call,))
        needed = [one for one in reviews if one.needs_approval]
        if not needed:
            return self._carry_out(language, [None] * len(reviews), cancel)
        requests = tuple(self._parts.desk.request(one) for one in needed)
        proposal = Proposal(_shown(reviews, language), _least(state.plan), reviews, requests)
        state.proposal = proposal
        if self._parts.approve is None:
            return proposal
        return self._decided(proposal, self._parts.approve(proposal), language, cancel)

    def _review(self, call: Call, language: Language) -> Review:
        planned = {one.action.id for one in self._state.plan}
        return review(
            call, untrusted_read=self._state.untrusted_read, grants=self._parts.grants, planned=planned, language=language
        )

    def _decided(
        self, proposal: Proposal, decision: Decision | bool, language: Language, cancel: threading.Event | None
    ) -> Turn:
        if isinstance(decision, bool):
            decision = APPROVE if decision else DENY
        if decision.kind == "edit":
            turn = self._reply(decision.words.strip() or "?", language, cancel)
            return self._go_on(language, cancel) if turn is None else turn
        if decision.kind == "deny":
            self._drop()
            return Declined(_say("denied", language), proposal.confidence, tuple(one.call for one in proposal.reviews))
        host, self._state.proposal = self._parts.host, None
        agree = host.always if decision.kind == "always" else host.approve
        asked = iter(proposal.requests)
        approvals = [agree(next(asked)) if one.needs_approval else None for one in proposal.reviews]
        return self._carry_out(language, approvals, cancel)

    def _carry_out(self, language: Language, approvals: list[Approval | None], cancel: threading.Event | None) -> Turn:
        """Each step in its order. What an earlier one read may make a later one ask first."""
        state = self._state
        confidence = _least(state.plan)
        while state.plan:
            if cancel is not None and cancel.is_set():
                self._drop()
                raise CancelledError("Cancelled. What was done before stays done.")
            call, approval = state.plan[0].call, approvals.pop(0)
            if approval is None and self._review(call, language).needs_approval:
                return self._go_on(language, cancel)
            planned = {one.action.id for one in state.plan}
            try:
                outcome = self._parts.executor.run(call, approval, untrusted_read=state.untrusted_read, planned=planned)
            except PolicyError as error:
                self._drop()
                return Declined(str(error), confidence, (call,))
            state.plan.pop(0)
            state.done.append((call, outcome))
            state.untrusted_read |= outcome.untrusted
            state.undo = outcome.undo or state.undo
            if outcome.status == "failed":
                break
        return self._ended(language, confidence)

    def _ended(self, language: Language, confidence: Confidence) -> Turn:
        done, failed = self._state.done, any(outcome.status == "failed" for _, outcome in self._state.done)
        text = "\n".join(report(call, outcome, language) for call, outcome in done)
        calls, outcomes = tuple(call for call, _ in done), tuple(outcome for _, outcome in done)
        self._drop()
        return (Failed if failed else Done)(text, confidence, calls, outcomes)

    def _drop(self) -> None:
        """Forget what was asked for; what can be taken back, and small talk, stay."""
        self._drop_proposal()
        state = self._state
        state.plan, state.done, state.asked, state.choosing = [], [], None, None

    def _drop_proposal(self) -> None:
        proposal, self._state.proposal = self._state.proposal, None
        for request in proposal.requests if proposal is not None else ():
            with suppress(PolicyError):  # it has expired
                self._parts.host.deny(request)


def _least(plan: Sequence[Draft]) -> Confidence:
    """How sure the least sure step is."""
    return min((one.confidence for one in plan), key=lambda one: one.value)


def _shown(reviews: Sequence[Review], language: Language) -> str:
    """All steps of a plan, each with its preview and why it asks."""
    texts = ["\n".join([one.preview.text, *(f"? {reason}" for reason in one.reasons)]) for one in reviews]
    if len(texts) == 1:
        return texts[0]
    numbered = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
    return "\n".join([_say("plan", language).format(count=len(texts)), *numbered])


def _say(key: str, language: Language) -> str:
    return _WORDS[key][language == "zh"]
