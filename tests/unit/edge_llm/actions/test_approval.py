"""An approval is of one call, once, for a while, and only the host's side of the desk makes one."""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace

import pytest

from edge_llm.actions import approval as module
from edge_llm.actions.approval import APPROVAL_S, REQUEST_S, Approval, ApprovalDesk, Request
from edge_llm.actions.policy import review
from edge_llm.actions.values import Call
from runtimes.errors import PolicyError
from tests.unit.edge_llm.actions.desk_samples import Setting, action, call, value


def asked(here: Setting, of: Call | None = None) -> Request:
    return here.desk.request(review(of or call(), untrusted_read=False, grants=here.grants))


def test_an_approval_is_used_once(here: Setting) -> None:
    given = here.host.approve(asked(here))
    here.desk.redeem(given, call())
    with pytest.raises(PolicyError, match="was used"):
        here.desk.redeem(given, call())
    assert here.kinds == ["proposed", "approved"]


@pytest.mark.parametrize(
    "other",
    [
        call(text=value("I'm late!")),
        call(recipient=value("+8613800138001")),
        call(action(version=2)),
        call(action(carriers=[{"kind": "uri", "target": "sms:{recipient}?body={text}&to=eve"}])),
        call(action("mail.send"), recipient=value("+8613800138000"), text=value("I'm late")),
    ],
)
def test_it_is_worth_nothing_for_another_call_and_nothing_afterwards(here: Setting, other: Call) -> None:
    given = here.host.approve(asked(here))
    with pytest.raises(PolicyError, match="of another call"):
        here.desk.redeem(given, other)
    with pytest.raises(PolicyError, match="was used"):
        here.desk.redeem(given, call())


def assert_used(here: Setting, given: Approval) -> None:
    """It was taken, and so it is worth nothing any more."""
    with pytest.raises(PolicyError, match="was used"):
        here.desk.redeem(given, call())


def test_where_a_value_came_from_and_how_it_is_shown_is_not_what_was_approved(here: Setting) -> None:
    given, same = here.host.approve(asked(here)), call(recipient=value("+8613800138000", "tool", "a page", shown="Mum"))
    here.desk.redeem(given, same)
    assert_used(here, given)


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
@pytest.mark.parametrize(("what", "seconds"), [("approval", APPROVAL_S), ("request", REQUEST_S)])
def test_it_expires_by_either_clock(here: Setting, clock: str, what: str, seconds: float) -> None:
    """The monotonic clock stands still while a machine sleeps; the wall clock can be set back."""
    request = asked(here)
    given = here.host.approve(request) if what == "approval" else None
    setattr(here.time, clock, getattr(here.time, clock) + seconds)
    with pytest.raises(PolicyError, match="expired"):
        here.desk.redeem(given, call()) if given else here.host.approve(request)
    if what == "request":
        assert here.kinds == ["proposed", "expired"]


def test_it_holds_until_then(here: Setting) -> None:
    request = asked(here)
    here.time.pass_by(REQUEST_S - 1)
    given = here.host.approve(request)
    here.time.pass_by(APPROVAL_S - 1)
    here.desk.redeem(given, call())
    assert_used(here, given)


def test_a_clock_that_is_set_back_ends_it(here: Setting) -> None:
    given = here.host.approve(asked(here))
    here.time.wall -= 3600
    with pytest.raises(PolicyError, match="expired"):
        here.desk.redeem(given, call())


def test_what_was_not_made_here_is_worth_nothing(here: Setting) -> None:
    request = asked(here)
    given = here.host.approve(request)
    for forged in (Approval(request.id, bytes(32)), Approval(given.request_id, given.secret[:-1]), Approval("", b"")):
        with pytest.raises(PolicyError):
            here.desk.redeem(forged, call())
    with pytest.raises(PolicyError):
        ApprovalDesk(here.log, here.time.clocks).redeem(given, call())


def test_a_wrong_secret_uses_the_approval_up_so_that_it_cannot_be_guessed_at(here: Setting) -> None:
    given = here.host.approve(asked(here))
    with pytest.raises(PolicyError):
        here.desk.redeem(Approval(given.request_id, bytes(32)), call())
    with pytest.raises(PolicyError):
        here.desk.redeem(given, call())


def test_a_request_is_answered_once_and_only_the_one_that_was_made(here: Setting) -> None:
    request = asked(here)
    for other in (
        replace(request),
        Request(request.id, review(call(text=value("x")), untrusted_read=False, grants=here.grants)),
    ):
        with pytest.raises(PolicyError, match="not waiting"):
            here.host.approve(other)
        request = asked(here)
    here.host.deny(request)
    for answer in (here.host.approve, here.host.deny, here.host.always):
        with pytest.raises(PolicyError, match="not waiting"):
            answer(request)
    assert here.kinds[-1] == "denied"


def test_what_policy_refuses_is_never_asked(here: Setting) -> None:
    with pytest.raises(PolicyError, match="has no “cc”"):
        asked(here, call(cc=value("eve")))
    assert here.kinds == ["refused"]


def test_always_is_kept_and_approves(here: Setting) -> None:
    here.desk.redeem(here.host.always(asked(here)), call())
    assert here.grants.covers(call(text=value("again")))
    assert here.kinds == ["proposed", "approved", "allowed"]


@pytest.mark.parametrize(
    "never",
    [
        call(action(effect="purchase", consent="granted")),
        call(action(consent="always")),
        call(recipient=value("+8613800138000", "memory")),
        call(text=value("a", "model")),
    ],
)
def test_always_is_refused_where_it_must_not_be_said_and_the_request_goes_on_waiting(here: Setting, never: Call) -> None:
    request = asked(here, never)
    with pytest.raises(PolicyError, match="once for all"):
        here.host.always(request)
    assert here.grants.all() == []
    here.desk.redeem(here.host.approve(request), never)


def test_always_is_refused_after_untrusted_text_was_read(here: Setting) -> None:
    request = here.desk.request(review(call(), untrusted_read=True, grants=here.grants))
    with pytest.raises(PolicyError, match="once for all"):
        here.host.always(request)


def test_the_desk_forgets_the_oldest_of_too_many(here: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    requests = [asked(here, call(text=value(str(number)))) for number in range(4)]
    with pytest.raises(PolicyError, match="not waiting"):
        here.host.approve(requests[0])
    here.host.approve(requests[3])


def test_nothing_that_is_printed_holds_the_secret(here: Setting) -> None:
    given = here.host.approve(asked(here))
    assert given.secret.hex() not in repr(given)
    assert str(given.secret) not in repr(given)
    assert "Grants" not in repr(here.host)


def test_a_copied_approval_is_the_same_one(here: Setting) -> None:
    given = here.host.approve(asked(here))
    copied = pickle.loads(pickle.dumps(given))
    here.desk.redeem(copied, call())
    with pytest.raises(PolicyError):
        here.desk.redeem(given, call())


def test_of_many_threads_one_uses_it(here: Setting) -> None:
    given = here.host.approve(asked(here))
    start, used, refused = threading.Barrier(8), [], []

    def use() -> None:
        start.wait()
        try:
            here.desk.redeem(given, call())
            used.append(1)
        except PolicyError:
            refused.append(1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(used), len(refused)) == (1, 7)


def test_a_value_changed_after_the_preview_is_not_what_was_approved(here: Setting) -> None:
    paying = call(action(slots={"recipient": {"role": "recipient", "schema": {}}, "text": {"role": "data", "schema": {}}}),
                  recipient=value("a"), text=value({"sum": 1}))  # fmt: skip
    request = asked(here, paying)
    request.call.arguments["text"]["sum"] = 1_000_000
    given = here.host.approve(request)
    with pytest.raises(PolicyError, match="of another call"):
        here.desk.redeem(given, request.call)
