"""A standing permission is of one action, as it is defined, with one recipient; it is listed, sealed, and taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_llm.actions.grants import Grants
from edge_llm.actions.log import ActionLog
from edge_llm.actions.policy import review
from runtimes.errors import InputError, PolicyError
from tests.unit.edge_llm.actions.desk_samples import Setting, action, call, setting, slot, value
from tests.unit.edge_llm.memory.store_samples import OTHER_KEY, plain_pages


def test_it_covers_the_action_with_the_recipient_and_nothing_else(here: Setting) -> None:
    here.grants.allow(call())
    assert here.grants.covers(call(text=value("anything")))
    assert not here.grants.covers(call(recipient=value("+8613800138001")))
    assert not here.grants.covers(call(action("mail.send"), recipient=value("+8613800138000"), text=value("a")))
    assert not here.grants.covers(call(action(version=2)))
    assert not here.grants.covers(call(action(carriers=[{"kind": "uri", "target": "sms:{recipient}?body={text}&to=eve"}])))
    assert not here.grants.covers(replace(call(), action=replace(call().action, trusted=False)))


def test_it_covers_an_action_that_has_no_recipient(here: Setting) -> None:
    timer = action("timer.set", effect="local", slots={"duration": slot("duration")}, preview="{duration}", carriers=[])
    here.grants.allow(call(timer, duration=value("PT10M")))
    assert here.grants.covers(call(timer, duration=value("PT5M")))


def test_without_the_recipient_of_which_it_was_made_it_covers_nothing(here: Setting) -> None:
    share = action("share.text", slots={"recipient": slot("recipient", required=False), "text": slot("text")})
    here.grants.allow(call(share, text=value("a")))
    assert here.grants.covers(call(share, text=value("b")))
    assert not here.grants.covers(call(share, text=value("b"), recipient=value("eve")))


def test_it_is_listed_and_outlives_the_process(tmp_path: Path) -> None:
    with setting(tmp_path) as first:
        first.grants.allow(call())
    with setting(tmp_path) as second:
        (kept,) = second.grants.all()
        assert (kept.action, kept.recipient, kept.shown) == ("sms.send", "+8613800138000", "Zhang San")
        assert second.grants.covers(call())


def test_it_is_taken_back(here: Setting) -> None:
    here.grants.revoke(here.grants.allow(call()).id)
    assert here.grants.all() == []
    assert not here.grants.covers(call())
    assert here.kinds == ["allowed", "revoked"]
    with pytest.raises(InputError, match="no permission 1"):
        here.grants.revoke(1)


def test_the_same_again_is_one_permission(here: Setting) -> None:
    here.grants.allow(call())
    here.grants.allow(call(text=value("other words")))
    assert len(here.grants.all()) == 1


def test_what_can_be_allowed_is_policys_word(here: Setting) -> None:
    for never in (
        call(action(effect="purchase", consent="always")),
        call(action(consent="always")),
        call(text=value("a", "tool")),
    ):
        with pytest.raises(PolicyError):
            here.grants.allow(never)


def test_a_permission_covers_no_value_of_another(here: Setting) -> None:
    here.grants.allow(call())
    for strange in (call(text=value("a", "memory")), call(recipient=value("+8613800138000", "model"))):
        assert review(strange, untrusted_read=False, grants=here.grants).needs_approval
    assert review(call(), untrusted_read=True, grants=here.grants).needs_approval
    assert not review(call(), untrusted_read=False, grants=here.grants).needs_approval


def test_a_row_that_was_not_sealed_here_allows_nothing(here: Setting) -> None:
    here.grants.allow(call())
    with here.store.writing() as connection:
        connection.execute("UPDATE action_grants SET sealed = zeroblob(60)")
    assert not here.grants.covers(call())
    assert here.grants.all() == []


def test_a_row_that_was_given_another_key_allows_nothing(here: Setting) -> None:
    """The seal is bound to what it is found by, so a permission for one recipient cannot be moved to another."""
    here.grants.allow(call())
    key = here.grants._key(call(recipient=value("eve")))
    with here.store.writing() as connection:
        connection.execute("UPDATE action_grants SET key = ?", (key,))
    assert not here.grants.covers(call(recipient=value("eve")))


def test_nobody_is_named_in_the_pages(here: Setting) -> None:
    here.grants.allow(call())
    pages = plain_pages(here.store)
    assert not any(word in pages for word in (b"13800138000", b"Zhang San", b"sms.send"))


def test_it_stays_when_the_stores_key_changes(here: Setting) -> None:
    here.grants.allow(call())
    here.log.append("done", call())
    here.store.rotate(OTHER_KEY)
    log = ActionLog(here.store)
    assert Grants(here.store, log).covers(call())
    assert log.verify().ok
