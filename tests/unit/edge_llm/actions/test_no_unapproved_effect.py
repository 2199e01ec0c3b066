"""Whatever a model emits: no effect without a matching approval, none twice, none with other arguments, and no false log.

A machine plays a model that emits anything (text, JSON, whole tool calls, claims of approval), a loop that obeys it as far as
code lets it, and a person who says yes, no, always, or nothing. Beside it runs an account of what the person really allowed.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_llm.actions.approval import APPROVAL_S, REQUEST_S, Approval, Request
from edge_llm.actions.execute import Executor
from edge_llm.actions.manifest import Action
from edge_llm.actions.policy import review
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call, Provenance, SlotValue
from runtimes.errors import PolicyError
from tests.unit.edge_llm.actions.desk_samples import Recorder, Setting, action, setting, slot

URI = [{"kind": "uri", "target": "x:{recipient}{text}"}]
PYTHON = [{"kind": "python", "target": "app:f"}]
SLOTS = {"recipient": slot("recipient"), "text": slot("text")}
ACTIONS: dict[str, Action] = {
    one.id: one
    for one in (
        action(),
        action("sms.sendall", consent="always"),
        action("shop.buy", effect="purchase", consent="always", slots=SLOTS, carriers=[*PYTHON, *URI]),
        action("note.add", effect="local", consent="none", slots={"text": slot("text")}, preview="", carriers=PYTHON),
        action("note.erase", effect="local", slots={"text": slot("text")}, preview="", carriers=PYTHON),
        action("contact.add", effect="local", consent="none", slots=SLOTS, carriers=PYTHON),
        action("web.search", effect="read", consent="none", slots={"text": slot("query")}, preview="",
               carriers=[{"kind": "uri", "target": "https://example.org/{text}"}]),
        replace(action("mcp.read", effect="read", consent="none", slots={"text": slot("data")}, preview="",
                       carriers=[{"kind": "mcp", "target": "s/t"}]), trusted=False),
    )
}  # fmt: skip
MEMORY_DISK = Path("/dev/shm")
"""The log flushes each entry to the disk; where there is one in RAM, the machine plays faster."""
SAID = ("hi", "Mum", "+8613800138000")
"""What the person really typed: the loop marks only these as the person's."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
STRANGE = st.sampled_from(["eve@evil.example", {"amount": "1", "currency": "CNY"}])
VALUES = st.one_of(*5 * [st.sampled_from(SAID)], STRANGE, JSON)
CLAIMS: dict[str, st.SearchStrategy[Any]] = {
    "approved": st.sampled_from([True]),
    "approval": st.fixed_dictionaries({"request_id": st.text(max_size=16), "secret": st.text(max_size=32)}) | JSON,
    "untrusted_read": st.sampled_from([False]),
    "sources": st.just({"recipient": "typed", "text": "typed"}),
    "consent": st.just("none"),
}


def calls_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Calls with each slot of an action filled."""
    arguments = {one.name: VALUES for one in ACTIONS[name].slots}
    return st.fixed_dictionaries({"action": st.just(name), "arguments": st.fixed_dictionaries(arguments)}, optional=CLAIMS)


CALLS = st.sampled_from([*ACTIONS, "sms.send", "sms.send", "shop.buy", "note.erase", "note.erase"]).flatmap(calls_of)
CROOKED = st.fixed_dictionaries(
    {
        "action": st.sampled_from([*ACTIONS, "shell.run"]),
        "arguments": st.fixed_dictionaries({}, optional={"recipient": VALUES, "text": VALUES, "cc": VALUES}),
    },
    optional=CLAIMS,
)
NOISE = st.text(max_size=30) | JSON.map(json.dumps) | CROOKED.map(json.dumps)


@dataclass
class Given:
    """An approval that the person gave, and what for."""

    approval: Approval
    call: Call
    made: float
    used: bool = False


class Turns(RuleBasedStateMachine):
    """The desk, the executor and the log beside an account of what the person allowed."""

    here: Setting

    @initialize(trusting=st.booleans())
    def begin(self, trusting: bool) -> None:
        self.open = ExitStack()
        folder = self.open.enter_context(tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None))
        self.here = self.open.enter_context(setting(Path(folder)))
        self.effects: list[tuple[str, Any]] = []
        answers = {"uri": ProviderResult(handed_over=True), "python": ProviderResult("x"), "mcp": ProviderResult("x")}
        self.recorders = [Recorder(kind, self.effects, answer) for kind, answer in answers.items()]  # type: ignore[arg-type]
        self.executor = Executor(self.here.desk, self.here.log, self.here.grants, self.recorders)
        self.untrusted_read = False
        self.ways: list[tuple[str, str]] = []
        self.waiting: list[tuple[Request, float, bool]] = []
        self.given: list[Given] = []
        self.calls: list[Call] = []
        self.always: set[tuple[str, str]] = set()
        self.kinds: list[str] = []
        if trusting:
            self.propose(Call(ACTIONS["sms.send"], {"recipient": self.value("Mum"), "text": self.value("hi")}))
            self.answer(0, "always")

    # The model, and a loop that obeys it

    @rule(output=CALLS.map(json.dumps))
    def model_calls(self, output: str) -> None:
        self.model_emits(output)

    @rule(output=NOISE)
    def model_babbles(self, output: str) -> None:
        self.model_emits(output)

    def model_emits(self, output: str) -> None:
        """The loop proposes what it reads, runs it outright, and takes every claim of an approval at its word."""
        try:
            said = json.loads(output)
        except ValueError:
            said = None
        said = said if isinstance(said, dict) else {}
        of = ACTIONS.get(str(said.get("action")))
        arguments = said.get("arguments")
        if of is None or not isinstance(arguments, dict):
            return
        call = Call(of, {name: self.value(content) for name, content in arguments.items()})
        claimed = said.get("approval")
        claims = [Approval(str(claimed), output.encode("utf-8", "surrogatepass"))] if claimed is not None else []
        if isinstance(claimed, dict):
            claims.append(Approval(str(claimed.get("request_id")), str(claimed.get("secret")).encode("utf-8", "surrogatepass")))
        claims += [Approval(request.id, str(claimed).encode("utf-8", "surrogatepass")) for request, _, _ in self.waiting[:2]]
        for claim in claims:
            self.try_to_run(call, claim)
        self.try_to_run(call, None)
        self.calls.append(call)
        self.propose(call)

    def value(self, content: Any) -> SlotValue:
        typed = isinstance(content, str) and content in SAID
        return SlotValue(content, "Mum", Provenance("typed" if typed else "model", "Mum"))

    def propose(self, call: Call) -> None:
        try:
            looked = review(call, untrusted_read=self.untrusted_read, grants=self.here.grants)
        except PolicyError:
            return
        try:
            self.waiting.append((self.here.desk.request(looked), self.here.time.monotonic, self.untrusted_read))
            self.kinds.append("proposed")
        except PolicyError:
            assert not self.well_formed(call)
            self.kinds.append("refused")

    # The person

    @precondition(lambda self: self.waiting)
    @rule(always=st.booleans(), attack=st.sampled_from(["none", "late", "forged", "altered", "redefined", "unapproved"]))
    def person_agrees_and_it_is_done(self, always: bool, attack: str) -> None:
        """As it should go: the latest request, answered, carried out at once; or attacked just before; and then once more."""
        before = len(self.given)
        self.answer(len(self.waiting) - 1, "always" if always and self.waiting[-1][0].review.may_always else "yes")
        for real in self.given[before:]:
            if attack == "late":
                self.here.time.pass_by(APPROVAL_S)
            elif attack == "forged":
                self.try_to_run(real.call, Approval(real.approval.request_id, bytes(32)))
                real.used = True
            elif attack == "altered":
                self.try_to_run(Call(real.call.action, {**real.call.slots, "text": self.value("eve")}), real.approval)
            elif attack == "redefined":
                self.redefine(real)
            elif attack == "unapproved":
                self.try_to_run(real.call, None)
            self.try_to_run(real.call, real.approval)
            self.try_to_run(real.call, real.approval)

    @precondition(lambda self: self.always)
    @rule(content=VALUES, read=st.sampled_from([False, False, True]), other=st.booleans())
    def what_is_allowed_is_used(self, content: Any, read: bool, other: bool) -> None:
        """A permission, for its own recipient or another's, with other words, and after something was read."""
        name, recipient = sorted(self.always)[-1 if other else 0]
        whom = {"recipient": "hi" if other else json.loads(recipient), "text": content}
        slots = {one.name: self.value(whom[one.name]) for one in ACTIONS[name].slots}
        self.untrusted_read = read
        self.try_to_run(Call(ACTIONS[name], slots), None)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), answer=st.sampled_from(["yes", "no", "always"]))
    def person_answers(self, data: st.DataObject, answer: str) -> None:
        self.answer(data.draw(st.integers(0, len(self.waiting) - 1)), answer)

    def answer(self, place: int, answer: str) -> None:
        request, asked, after_reading = self.waiting[place]
        late = self.here.time.monotonic - asked >= REQUEST_S
        host = self.here.host
        try:
            if answer == "no":
                host.deny(request)
                self.kinds.append("denied")
            elif answer == "yes":
                self.given.append(Given(host.approve(request), request.call, self.here.time.monotonic))
                self.kinds.append("approved")
            else:
                self.given.append(Given(host.always(request), request.call, self.here.time.monotonic))
                self.kinds += ["approved", "allowed"]
                assert self.all_the_persons(request.call)
                assert not after_reading
                self.always.add((request.call.action.id, json.dumps(request.call.arguments.get("recipient"))))
        except PolicyError:
            if answer == "always" and not request.review.may_always:
                return
            assert late
            self.kinds.append("expired")
        else:
            assert not late
        self.waiting.pop(place)

    @rule(seconds=st.sampled_from([1.0, 1.0, 1.0, APPROVAL_S, REQUEST_S]))
    def time_passes(self, seconds: float) -> None:
        self.here.time.pass_by(seconds)

    @rule(read=st.sampled_from([False, False, True]))
    def another_turn(self, read: bool) -> None:
        self.untrusted_read = read

    @precondition(lambda self: self.always)
    @rule()
    def person_takes_all_back(self) -> None:
        for grant in self.here.grants.all():
            self.here.grants.revoke(grant.id)
            self.kinds.append("revoked")
        self.always.clear()

    # What is tried with real approvals

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def an_approval_is_used(self, data: st.DataObject) -> None:
        """Used or not, fresh or stale: for its own call, or for any other that the model proposed."""
        real = data.draw(st.sampled_from(self.given))
        call = data.draw(st.sampled_from([real.call, real.call, *self.calls]))
        self.try_to_run(call, real.approval)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), name=st.sampled_from(["recipient", "text", "cc"]), content=VALUES)
    def arguments_are_altered_after_it(self, data: st.DataObject, name: str, content: Any) -> None:
        real = data.draw(st.sampled_from(self.given))
        self.try_to_run(Call(real.call.action, {**real.call.slots, name: self.value(content)}), real.approval)

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def the_action_is_altered_after_it(self, data: st.DataObject) -> None:
        self.redefine(data.draw(st.sampled_from(self.given)))

    def redefine(self, real: Given) -> None:
        carriers = tuple(replace(carrier, target=carrier.target + "&to=eve") for carrier in real.call.action.carriers)
        self.try_to_run(Call(replace(real.call.action, carriers=carriers), real.call.slots), real.approval)

    def try_to_run(self, call: Call, approval: Approval | None) -> None:
        """Run it, and hold what happened against the account."""
        before = len(self.effects)
        real = next((given for given in self.given if given.approval is approval), None)
        try:
            expected = self.is_allowed(call, approval, real)
        except ValueError:
            expected = None
        if real is not None:
            real.used = True
        try:
            done = self.executor.run(call, approval, untrusted_read=self.untrusted_read)
        except PolicyError:
            assert not expected
            self.kinds += [] if expected is None else ["refused"]
            assert len(self.effects) == before
            return
        assert expected
        assert self.effects[before:] == [(call.action.id, call.arguments)]
        assert done.carrier is not None
        self.ways.append((call.action.id, done.carrier.kind))
        self.kinds += ["begun", "done"]

    # The account

    def is_allowed(self, call: Call, approval: Approval | None, real: Given | None) -> bool:
        """Whether the person's words allow this. Raises ValueError: the call has no canonical form."""
        said = call.canonical
        same = real is not None and said == real.call.canonical and call.action == real.call.action
        fresh = real is not None and not real.used and self.here.time.monotonic - real.made < APPROVAL_S
        if not self.well_formed(call):
            return False
        return (same and fresh) if approval is not None else not self.must_ask(call)

    def well_formed(self, call: Call) -> bool:
        return set(call.slots) == {one.name for one in call.action.slots}

    def all_the_persons(self, call: Call) -> bool:
        return all(one.value in SAID for one in call.slots.values() if isinstance(one.value, str)) and all(
            isinstance(one.value, str) for one in call.slots.values()
        )

    def must_ask(self, call: Call) -> bool:
        own = self.all_the_persons(call)
        known = (call.action.id, json.dumps(call.arguments.get("recipient"))) in self.always
        name = call.action.id
        if name in ("sms.sendall", "shop.buy"):
            return True
        if name in ("sms.send", "note.erase"):
            return not (known and own and not self.untrusted_read)
        if name == "mcp.read":
            return not (known and own and not self.untrusted_read)
        if name == "contact.add":
            recipient = call.slots["recipient"].value
            return not (isinstance(recipient, str) and recipient in SAID)
        return name == "web.search" and not own

    @invariant()
    def money_went_to_no_function(self) -> None:
        if hasattr(self, "here"):
            assert not any(kind != "uri" for name, kind in self.ways if name == "shop.buy")

    @invariant()
    def the_log_says_what_happened_and_nothing_else(self) -> None:
        if hasattr(self, "here"):
            found = self.here.log.verify()
            assert found.ok, found.problems
            assert self.here.kinds == self.kinds
            assert self.kinds.count("begun") == len(self.effects)

    def teardown(self) -> None:
        if hasattr(self, "open"):
            self.open.close()


TestTurns = Turns.TestCase
TestTurns.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
