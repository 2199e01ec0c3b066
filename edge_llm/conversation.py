"""One dialogue with the assistant: which actions were asked for, what is still missing, what waits for the person's word.

The person's own words choose the actions, before anything else is read; text from memory or a tool can fill a slot and can do
nothing more. Code decides every step here. A model is asked only to answer in words and to pick a span of the person's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from edge_llm import planning, several
from edge_llm.actions.approval import Approval, ApprovalDesk, Host
from edge_llm.actions.execute import Executor, Outcome
from edge_llm.actions.manifest import Language
from edge_llm.actions.policy import Covers, review
from edge_llm.actions.values import Call
from edge_llm.answering import Answerer
from edge_llm.confidence import Confidence, guess, understood
from edge_llm.messages import Message
from edge_llm.planning import Draft
from edge_llm.reporting import report, say, show_plan
from edge_llm.requested import RoutedPart, joined, route_all
from edge_llm.turns import APPROVE, DENY, Answer, Decision, Declined, Done, Failed, Proposal, Question, Turn
from edge_llm.understand.context import Context
from edge_llm.understand.language import is_cancel, is_no, is_yes, language_of
from edge_llm.understand.taking_back import is_left_for_a_reason, is_taken_back
from runtimes.errors import AnswerError, CancelledError, PolicyError, PromptError

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
    r"(?:please )?(?:undo|take (?:it|that) back|revert)(?: (?:it|that|the last one))?[.!]?"
    r"|(?:请|帮我)?(?:撤销|撤回|取消刚才)(?:刚才|上一[个步次条]|那[个条]|它|的|操作|消息|提醒|吧|了|一下)*[。！!]?",
    re.IGNORECASE,
)
_SHORT: Final = 4
"""Chinese characters, or words, of a reply that may be a name or a number and so tells nothing of the person's language."""


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
    """Somebody else's text was read since the request was begun."""
    language: Language = "en"
    undo: Call | None = None
    """Takes back what was done last."""
    history: list[Message] = field(default_factory=list)


class Conversation:
    """One dialogue. Any thread may ask; one request at a time is worked on. Made by `Assistant.conversation`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._working: int | None = None
        """The thread that holds the lock."""
        self._deciding = False
        """The host's interface is being asked."""
        self._state = _State()

    def ask(self, text: str, *, cancel: threading.Event | None = None) -> Turn:
        """See `Assistant.ask`."""
        words = text.strip()
        if not words:
            raise PromptError("There is nothing to answer. Say what you want.")
        with self._turn():
            language = self._language(words)
            turn = self._reply(words, language, cancel) if self._is_waiting() else None
            return turn or self._begin(words, language, cancel)

    def decide(self, proposal: Proposal, decision: Decision | bool, *, cancel: threading.Event | None = None) -> Turn:
        """See `Assistant.decide`."""
        if self._deciding:
            raise PolicyError("The assistant was given `approve`, which is being asked: it returns the decision.")
        with self._turn():
            if self._state.proposal is not proposal:
                raise PolicyError("This proposal is not waiting: it was answered or changed. Ask again.")
            return self._decided(proposal, decision, self._state.language, cancel)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One turn at a time. Raises PolicyError where `approve` comes back to the conversation that waits for it."""
        if self._working == threading.get_ident():
            raise PolicyError("This conversation waits for the decision. Give it, or ask another conversation meanwhile.")
        with self._lock:
            self._working = threading.get_ident()
            try:
                yield
            finally:
                self._working = None

    def _language(self, words: str) -> Language:
        """The language of words; a reply that is only a name, a number or a time leaves it as it was."""
        state, said = self._state, language_of(words)
        length = len(re.findall(r"[\u3400-\u9fff]", words)) if said == "zh" else len(re.findall(r"[^\W\d_]+", words))
        if not (self._is_waiting() and length <= _SHORT):
            state.language = said
        return state.language

    def _is_waiting(self) -> bool:
        state = self._state
        return state.asked is not None or state.choosing is not None or state.proposal is not None

    # A new request

    def _begin(self, words: str, language: Language, cancel: threading.Event | None) -> Turn:
        self._drop()
        self._state.untrusted_read = False
        if _UNDO.fullmatch(words):
            return self._undo(language, cancel)
        context = self._parts.context(language)
        routed = joined(route_all(self._parts.router(), words, context), words, context)
        return self._planned(routed, words, language, cancel)

    def _planned(self, routed: list[RoutedPart], words: str, language: Language, cancel: threading.Event | None) -> Turn:
        """Go on with the requests of a sentence, or ask which action one of them means."""
        context = self._parts.context(language)
        drafts: list[Draft] = []
        for place, one in enumerate(routed):
            if not one.actions:
                continue
            each = several.drafts(one.actions[0], one.words, context, one.confidence)
            if not one.sure and not (len(one.actions) == 1 and self._may_guess(each[0], language)):
                return self._which(routed, place, language)
            drafts += each
        about_data = [one.action.id for one in drafts] == [_MEMORY_SEARCH]
        if not drafts or about_data:
            return self._answer(words, language, cancel, about_data=about_data)
        self._state.plan = [self._with_usual(one) for one in several.together(drafts, context)]
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
        try:
            answer = self._parts.answerer.answer(words, language, history=history, must_be_own=about_data, cancel=cancel)
        except (AnswerError, PromptError) as error:  # the model cannot answer this, and can answer the next
            return Failed(str(error), guess(0.0))
        if answer.confidence.basis == "guess":  # what was found, or was not, is in no later prompt
            self._state.history = [*history, Message("user", words), Message("assistant", answer.text)]
        return answer

    def _which(self, routed: list[RoutedPart], place: int, language: Language) -> Turn:
        self._state.choosing = routed, place
        names = [action.name.in_language(language) for action in routed[place].actions]
        either = " / ".join(f"{number}. {name}" for number, name in enumerate(names, 1))
        return Question(say("which", language, names=either), routed[place].confidence)

    def _undo(self, language: Language, cancel: threading.Event | None) -> Turn:
        call = self._state.undo
        if call is None:
            return Answer(say("no undo", language), understood(1.0, "undo"))
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
        if _UNDO.fullmatch(words) and not is_cancel(words):
            return None
        is_refused = is_no(words) or is_left_for_a_reason(words)
        if is_cancel(words) or is_taken_back(words) or (is_refused and self._may_be_refused()):
            return self._left("cancelled", language, understood(1.0, "cancel"))
        if state.choosing is not None:
            return self._chosen(words, language, cancel)
        context = self._parts.context(language)
        at, changed = planning.replied_to_plan(state.plan, state.asked, words, context)
        if changed is None:
            routed = route_all(self._parts.router(), words, context)
            changed = planning.restated(state.plan[at], routed, context)
            if changed is None and any(one.actions and one.sure for one in routed):
                return None
            if changed is None and state.proposal is not None:
                changed = planning.added(state.plan[at], words, context)
        if changed is not None:
            self._drop_proposal()
            state.plan[at] = self._with_usual(changed)
        elif state.proposal is not None:
            return self._offered(state.proposal, language, cancel)
        return self._go_on(language, cancel)

    def _may_be_refused(self) -> bool:
        """Whether "no" gives up what was begun. To the question what a message says it may be the answer."""
        state = self._state
        if state.asked is None:
            return state.proposal is not None
        asked = next((one.action.slot(state.asked) for one in state.plan if not one.ready), None)
        return asked is not None and asked.role not in ("text", "data")

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
        return self._planned(routed, said, language, cancel)

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
        state.proposal = Proposal(show_plan(reviews, language), _least(state.plan), reviews, requests)
        return self._offered(state.proposal, language, cancel)

    def _offered(self, proposal: Proposal, language: Language, cancel: threading.Event | None) -> Turn:
        """The proposal, or what came of it where the host's interface is asked at once."""
        if self._parts.approve is None:
            return proposal
        self._stop_if(cancel)
        self._deciding = True
        try:
            decision = self._parts.approve(proposal)
        except BaseException:  # nobody agreed to anything
            self._drop()
            raise
        finally:
            self._deciding = False
        return self._decided(proposal, decision, language, cancel)

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
            words = decision.words.strip()
            turn = self._reply(words, language, cancel) if words else self._offered(proposal, language, cancel)
            return turn or self._begin(words, language, cancel)
        if decision.kind == "deny":
            return self._left("denied", language, proposal.confidence, tuple(one.call for one in proposal.reviews))
        if decision.kind == "always" and not proposal.may_always:
            self._drop()
            raise PolicyError("This cannot be allowed once for all. Ask again, and approve it once.")
        host, asked = self._parts.host, iter(proposal.requests)
        agree = host.always if decision.kind == "always" else host.approve
        try:
            approvals = [agree(next(asked)) if one.needs_approval else None for one in proposal.reviews]
        except PolicyError as error:  # the person took too long
            return self._left("denied", language, proposal.confidence, tuple(one.call for one in proposal.reviews), str(error))
        self._state.proposal = None
        return self._carry_out(language, approvals, cancel)

    def _carry_out(self, language: Language, approvals: list[Approval | None], cancel: threading.Event | None) -> Turn:
        """Each step in its order. What an earlier one read, or how long it took, may make a later one ask first."""
        state = self._state
        confidence, begun = _least(state.plan), False
        while state.plan:
            self._stop_if(cancel)
            call, approval = state.plan[0].call, approvals.pop(0)
            if approval is None and self._review(call, language).needs_approval:
                return self._go_on(language, cancel)
            planned = {one.action.id for one in state.plan}
            try:
                outcome = self._parts.executor.run(call, approval, untrusted_read=state.untrusted_read, planned=planned)
            except PolicyError as error:
                if begun and approval is not None:  # it was approved too long ago: an earlier step took its time
                    return self._go_on(language, cancel)
                return self._left("denied", language, confidence, (call,), str(error))
            begun = True
            state.plan.pop(0)
            state.done.append((call, outcome))
            state.untrusted_read |= outcome.untrusted
            if outcome.status in ("done", "handed over") and call.action.effect != "read":
                state.undo = outcome.undo
            if outcome.status == "failed":
                break
        return self._ended(language, confidence)

    def _ended(self, language: Language, confidence: Confidence) -> Turn:
        done, failed = self._state.done, any(outcome.status == "failed" for _, outcome in self._state.done)
        lines = [report(call, outcome, language) for call, outcome in done]
        if self._state.plan:
            names = [one.action.name.in_language(language) for one in self._state.plan]
            lines.append(say("rest", language, names=", ".join(names)))
        calls, outcomes = tuple(call for call, _ in done), tuple(outcome for _, outcome in done)
        self._drop()
        return (Failed if failed else Done)("\n".join(lines), confidence, calls, outcomes)

    def _left(
        self, key: str, language: Language, confidence: Confidence, calls: tuple[Call, ...] = (), why: str = ""
    ) -> Declined:
        """Given up; what was done before stays, and is told."""
        told = [report(call, outcome, language) for call, outcome in self._state.done]
        self._drop()
        return Declined("\n".join([*told, why or say(key, language)]), confidence, calls)

    def _stop_if(self, cancel: threading.Event | None) -> None:
        if cancel is not None and cancel.is_set():
            self._drop()
            raise CancelledError("Cancelled. What was done before stays done.")

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
