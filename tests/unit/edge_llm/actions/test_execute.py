"""The one door to effects: what goes through it, over which carrier, once; and that the log knows first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_llm.actions.approval import Approval
from edge_llm.actions.execute import Executor, Outcome
from edge_llm.actions.manifest import Action, CarrierKind
from edge_llm.actions.policy import NoGrants, review
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call
from edge_llm.memory.store import Store
from runtimes.errors import CarrierUnavailableError, PolicyError, RuntimeFailedError, StorageError
from tests.unit.edge_llm.actions.desk_samples import Recorder, Setting, action, call, setting, slot, value

LADDER = [
    {"kind": "python", "target": "a:b"},
    {"kind": "uri", "target": "sms:{recipient}"},
    {"kind": "clipboard", "target": "{text}"},
]


def approved(here: Setting, of: Call) -> Approval:
    return here.host.approve(here.desk.request(review(of, untrusted_read=True, grants=here.grants)))


def ladder(here: Setting, **providers: Recorder) -> Callable[[Call], Outcome]:
    executor = Executor(here.desk, here.log, here.grants, [replace(made, kind=kind) for kind, made in providers.items()])  # type: ignore[arg-type]
    return lambda of: executor.run(of, approved(here, of), untrusted_read=False)


def test_an_approved_call_is_carried_out_and_noted_before_and_after(here: Setting) -> None:
    done = here.executor.run(call(), approved(here, call()), untrusted_read=True)
    assert (done.status, done.carrier) == ("handed over", call().action.carriers[0])
    assert here.recorder.effects == [("sms.send", {"recipient": "+8613800138000", "text": "I'm late"})]
    assert here.kinds == ["proposed", "approved", "begun", "done"]


@pytest.mark.parametrize("untrusted_read", [False, True])
def test_without_an_approval_nothing_is_done(here: Setting, untrusted_read: bool) -> None:
    with pytest.raises(PolicyError, match="needs an approval"):
        here.executor.run(call(), untrusted_read=untrusted_read)
    assert here.recorder.effects == []
    assert here.kinds == ["refused"]


def test_what_is_allowed_for_good_needs_none_until_untrusted_text_is_read(here: Setting) -> None:
    here.grants.allow(call())
    here.executor.run(call(text=value("again")), untrusted_read=False)
    with pytest.raises(PolicyError):
        here.executor.run(call(text=value("again")), untrusted_read=True)
    with pytest.raises(PolicyError):
        here.executor.run(call(text=value("again", "memory")), untrusted_read=False)
    assert len(here.recorder.effects) == 1


def test_an_approval_does_not_open_what_policy_refuses(here: Setting) -> None:
    given = approved(here, call())
    with pytest.raises(PolicyError, match="did not ask for this"):
        here.executor.run(call(), given, untrusted_read=False, planned=["map.show"])
    assert here.recorder.effects == []


def test_an_approval_is_used_up_by_a_call_that_needs_none(here: Setting) -> None:
    given = approved(here, call())
    here.grants.allow(call())
    here.executor.run(call(), given, untrusted_read=False)
    with pytest.raises(PolicyError):
        here.executor.run(call(), given, untrusted_read=False)


def test_what_is_carried_out_is_what_was_looked_at_even_if_the_callers_copy_changes(here: Setting) -> None:
    slots = dict(call().slots)
    mine = Call(action(), slots)
    given = approved(here, mine)

    class Swapping(Recorder):
        def obstacle(self, carrier: Any, call: Call) -> None:
            slots["recipient"] = value("+8610000000000")

    swapping = Swapping()
    Executor(here.desk, here.log, here.grants, [swapping]).run(mine, given, untrusted_read=True)
    assert swapping.effects[0][1]["recipient"] == "+8613800138000"


def test_nothing_is_done_that_cannot_be_noted(here: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    given = approved(here, call())

    def full(*_: object) -> int:
        raise StorageError("No space is left.")

    monkeypatch.setattr(here.log, "append", full)
    with pytest.raises(StorageError):
        here.executor.run(call(), given, untrusted_read=True)
    assert here.recorder.effects == []


def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    with setting(tmp_path, dry_run=True) as here:
        tried = here.executor.run(call(), untrusted_read=True)
        assert tried.status == "tried"
        assert "sms:{recipient}" in tried.description
        assert here.recorder.effects == []
        assert here.kinds == ["tried"]
        with pytest.raises(PolicyError):
            here.executor.run(call(cc=value("eve")), untrusted_read=True)


def test_the_first_carrier_that_can_is_taken(here: Setting) -> None:
    uri, clipboard = Recorder(), Recorder()
    run = ladder(here, python=Recorder(refusal="not here"), uri=uri, clipboard=clipboard)
    assert run(call(action(carriers=LADDER))).carrier == action(carriers=LADDER).carriers[1]
    assert (len(uri.effects), len(clipboard.effects)) == (1, 0)


def test_where_nothing_happened_the_next_one_is_tried(here: Setting) -> None:
    clipboard = Recorder()
    run = ladder(here, uri=Recorder(answer=CarrierUnavailableError("no app")), clipboard=clipboard)
    assert run(call(action(carriers=LADDER))).status == "handed over"
    assert len(clipboard.effects) == 1
    assert here.kinds == ["proposed", "approved", "begun", "begun", "done"]


def test_where_something_may_have_happened_nothing_else_is_tried(here: Setting) -> None:
    clipboard = Recorder()
    run = ladder(here, uri=Recorder(answer=RuntimeFailedError("it broke")), clipboard=clipboard)
    failed = run(call(action(carriers=LADDER)))
    assert (failed.status, failed.error, clipboard.effects) == ("failed", "it broke", [])
    assert here.kinds[-1] == "failed"


def test_a_bug_in_a_provider_is_noted_and_goes_on(here: Setting) -> None:
    run = ladder(here, uri=Recorder(answer=ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        run(call(action(carriers=LADDER)))
    assert here.kinds[-1] == "failed"


def test_where_no_carrier_can_it_says_why(here: Setting) -> None:
    failed = ladder(here, uri=Recorder(refusal="No app opens sms: links."))(call(action(carriers=LADDER)))
    assert failed.status == "failed"
    assert failed.error is not None
    assert "Nothing here carries out python carriers." in failed.error
    assert "No app opens sms: links." in failed.error
    assert ladder(here)(call(action(carriers=[]))).error == "sms.send has no carrier."


@pytest.mark.parametrize("kind", ["python", "mcp"])
def test_money_is_never_spent_by_a_function_or_a_server(here: Setting, kind: CarrierKind) -> None:
    spending = action(
        effect="purchase", consent="always", carriers=[{"kind": kind, "target": "a:b"}, {"kind": "uri", "target": "x:"}]
    )
    function, uri = Recorder(), Recorder()
    done = ladder(here, **{kind: function, "uri": uri})(call(spending))
    assert (function.effects, len(uri.effects), done.status) == ([], 1, "handed over")


def test_a_servers_action_goes_nowhere_else(here: Setting) -> None:
    served = replace(action(carriers=[{"kind": "python", "target": "a:b"}, {"kind": "mcp", "target": "s/t"}]), trusted=False)
    function, server = Recorder(), Recorder(answer=ProviderResult("ok"))
    done = ladder(here, python=function, mcp=server)(Call(served, call().slots))
    assert (function.effects, len(server.effects)) == ([], 1)
    assert done.untrusted, "what a server says is never the person's, whatever the provider claims"


def test_a_result_comes_back_with_whose_words_it_is(here: Setting) -> None:
    here.recorder.answer = ProviderResult({"found": 3}, untrusted=True)
    done = here.executor.run(call(), approved(here, call()), untrusted_read=True)
    assert (done.status, done.result, done.untrusted) == ("done", {"found": 3}, True)


UNDO = {
    "note.remove": action(
        "note.remove", effect="local", slots={"number": slot("number")}, preview="Remove {number}", carriers=[]
    )
}


@pytest.mark.parametrize(("result", "undone"), [({"number": 7}, {"number": 7}), ({"id": 7}, None), ("7", None), (None, None)])
def test_what_can_be_taken_back_comes_with_the_call_that_does(here: Setting, result: object, undone: object) -> None:
    adding = action("note.add", effect="local", slots={"text": slot("text")}, preview="{text}", undo="note.remove",
                    carriers=[{"kind": "uri", "target": "note:{text}"}])  # fmt: skip
    here.recorder.answer = ProviderResult(result)
    executor = Executor(here.desk, here.log, here.grants, [here.recorder], find_action=UNDO.get)
    done = executor.run(call(adding, text=value("a")), approved(here, call(adding, text=value("a"))), untrusted_read=False)
    assert (done.undo and done.undo.arguments) == undone
    if done.undo:
        asked = review(done.undo, untrusted_read=False, grants=NoGrants())
        assert asked.needs_approval, "taking back is a call like any other"


def test_an_action_without_undo_has_none(here: Setting) -> None:
    def never(_: str) -> Action | None:
        raise AssertionError

    here.recorder.answer = ProviderResult({"number": 7})
    executor = Executor(here.desk, here.log, here.grants, [here.recorder], find_action=never)
    assert executor.run(call(), approved(here, call()), untrusted_read=True).undo is None


def test_a_busy_store_means_no_effect(tmp_path: Path) -> None:
    with setting(tmp_path) as here:
        given = approved(here, call())
        with Store.open(here.store.path, here.store._key, timeout_s=0.1) as other, other.writing():
            here.store._transactions.timeout_s = 0.1
            here.store._transactions._writer.set_busy_timeout(50)  # type: ignore[union-attr]
            with pytest.raises(StorageError):
                here.executor.run(call(), given, untrusted_read=True)
        assert here.recorder.effects == []
