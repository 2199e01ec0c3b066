"""What needs the person's word, and what is refused whoever agrees: by whose words a value is, and by nothing a model says."""

from __future__ import annotations

from typing import Any

import pytest

from edge_llm.actions.manifest import EFFECTS, Action
from edge_llm.actions.policy import NoGrants, Review, definition, may_carry, review, settled
from edge_llm.actions.values import ORIGINS, TRUSTED_ORIGINS, Call, Origin, Provenance, SlotValue
from runtimes.errors import PolicyError
from tests.unit.edge_llm.actions.desk_samples import action, call, slot, value

UNTRUSTED = sorted(set(ORIGINS) - TRUSTED_ORIGINS)


class Everything:
    """Grants that cover every call."""

    def covers(self, call: Call) -> bool:
        return True


def codes(found: Review) -> list[str]:
    return [reason.code for reason in found.reasons]


def judged(of: Call, *, untrusted_read: bool = False, granted: bool = True) -> Review:
    return review(of, untrusted_read=untrusted_read, grants=Everything() if granted else NoGrants())


def note(**changes: Any) -> Action:
    return action("note.add", effect="local", consent="none", slots={"text": slot("text")}, preview="{text}", **changes)


NO_CARRIERS: dict[str, Any] = {"carriers": []}
PYTHON: dict[str, Any] = {"carriers": [{"kind": "python", "target": "edge_llm.actions.tools.lists:add_note"}]}


def test_a_granted_message_of_the_persons_own_words_need_not_ask() -> None:
    assert not judged(call()).needs_approval
    assert codes(judged(call(), granted=False)) == ["grant"]


@pytest.mark.parametrize("origin", UNTRUSTED)
@pytest.mark.parametrize("name", ["recipient", "text"])
def test_an_outward_call_with_a_value_of_another_asks_and_names_the_source(origin: Origin, name: str) -> None:
    found = judged(call(**{name: value("+8613900139000", origin, "mail from bob@example.org")}))
    assert codes(found) == ["value"]
    assert found.reasons[0].slot == name
    assert "mail from bob@example.org" in found.reasons[0].text
    assert "mail from bob@example.org" in found.preview.text
    assert not found.may_always, "no standing permission is made from such values, and none covers them"


def test_after_untrusted_text_was_read_an_outward_action_asks_though_allowed_for_good() -> None:
    assert "read" in codes(judged(call(), untrusted_read=True))
    assert not judged(call(), untrusted_read=True).may_always


def test_a_purchase_asks_whatever_is_allowed_and_is_never_allowed_for_good() -> None:
    for consent in ("granted", "always"):
        buying = call(action(effect="purchase", consent=consent))
        assert codes(judged(buying)) == ["purchase"]
        assert not judged(buying).may_always


def test_consent_each_time_is_asked_each_time() -> None:
    assert codes(judged(call(action(consent="always")))) == ["consent"]
    assert not judged(call(action(consent="always"))).may_always


def test_a_local_action_without_consent_does_not_ask_for_text_of_memory_that_stays_here() -> None:
    assert not judged(call(note(**PYTHON), text=value("milk", "memory")), granted=False, untrusted_read=True).needs_approval


@pytest.mark.parametrize("role", ["recipient", "amount", "link", "number", "app"])
def test_who_how_much_and_where_to_ask_in_a_local_action_too(role: str) -> None:
    local = action("contact.add", effect="local", consent="none", slots={"x": slot(role)}, preview="{x}", **PYTHON)
    assert codes(judged(call(local, x=value("5", "tool")))) == ["value"]
    assert not judged(call(local, x=value("5"))).needs_approval


def test_what_another_program_gets_asks_when_it_is_not_the_persons() -> None:
    """A search is a way out for a secret: its words reach a web site."""
    search = action("web.search", effect="read", consent="none", slots={"query": slot("query")}, preview="{query}",
                    carriers=[{"kind": "uri", "target": "https://example.org/?q={query}"}])  # fmt: skip
    assert not judged(call(search, query=value("weather"))).needs_approval
    assert codes(judged(call(search, query=value("the door code is 4711", "memory")))) == ["value"]


def test_a_servers_word_that_it_only_reads_is_not_believed() -> None:
    from dataclasses import replace

    tool = replace(
        action("mcp.x", effect="read", consent="none", slots={"q": slot("data")}, preview="{q}", **NO_CARRIERS), trusted=False
    )
    assert codes(judged(call(tool, q=value("a")), granted=False)) == ["grant"]
    assert "read" in codes(judged(call(tool, q=value("a")), untrusted_read=True))
    assert codes(judged(call(tool, q=value("a", "model")), granted=False)) == ["value"]


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_servers_action_goes_to_its_server_and_money_to_an_apps_own_screen(effect: str) -> None:
    from dataclasses import replace

    own = action(effect=effect, consent="always")
    assert may_carry(own, "uri")
    assert may_carry(own, "python") == may_carry(own, "mcp") == (effect != "purchase")
    served = replace(own, trusted=False)
    assert may_carry(served, "mcp") == (effect != "purchase")
    assert not any(may_carry(served, kind) for kind in ("python", "uri", "intent", "clipboard"))


def test_a_purchase_that_only_a_function_or_a_server_carries_is_refused() -> None:
    for kind in ("python", "mcp"):
        found = judged(call(action(effect="purchase", consent="always", carriers=[{"kind": kind, "target": "a:b"}])))
        assert [reason.code for reason in found.refusals] == ["carrier"]


def test_what_is_missing_or_unknown_or_unasked_for_or_endless_is_refused() -> None:
    whole = call()
    assert [r.slot for r in judged(Call(whole.action, {"text": whole.slots["text"]})).refusals] == ["recipient"]
    assert [r.code for r in judged(call(cc=value("eve"))).refusals] == ["slot"]
    unplanned = review(whole, untrusted_read=False, grants=Everything(), planned=["map.show"])
    assert [r.code for r in unplanned.refusals] == ["planned"]
    assert not review(whole, untrusted_read=False, grants=Everything(), planned=["sms.send"]).refusals
    assert [r.code for r in judged(call(text=value("x" * 20_001))).refusals] == ["long"]
    assert not judged(call(cc=value("eve"))).may_always


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), b"bytes", {1, 2}, object()])
def test_what_has_no_canonical_form_is_refused(bad: object) -> None:
    with pytest.raises(PolicyError, match="no JSON"):
        judged(call(text=SlotValue(bad, "", Provenance("typed"))))


def test_the_reviewed_call_is_a_copy_that_changes_with_nothing() -> None:
    amounts = {"amount": "12.50", "currency": "CNY"}
    slots = {"recipient": value("a@b.c"), "text": value(amounts)}
    found = judged(Call(action(), slots))
    amounts["amount"] = "99999"
    slots["recipient"] = value("eve@evil.example")
    assert found.call.arguments == {"recipient": "a@b.c", "text": {"amount": "12.50", "currency": "CNY"}}
    with pytest.raises(TypeError):
        found.call.slots["recipient"] = value("eve")  # type: ignore[index]


def test_what_json_changes_is_changed_before_anything_is_approved() -> None:
    once = settled(call(text=SlotValue({1: (2, 3)}, "", Provenance("typed"))))
    assert once.arguments["text"] == {"1": [2, 3]}
    assert settled(once).digest == once.digest


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"effect": "local"},
        {"consent": "always"},
        {"carriers": [{"kind": "uri", "target": "sms:{recipient}?body={text}&to=eve"}]},
        {"slots": {"recipient": slot("recipient"), "text": slot("text", required=False)}},
        {"undo": "sms.unsend"},
        {"carriers": [{"kind": "uri", "target": "sms:{recipient}?body={text}", "package": "com.example"}]},
    ],
)
def test_another_definition_is_another_action(change: dict[str, Any]) -> None:
    assert definition(action(**change)) != definition(action())


SEEN = [{"kind": "uri", "target": "sms:{recipient}?body={text}", "verified": "2026-11-24"}]


def test_better_words_are_the_same_action() -> None:
    assert definition(action(name="Text", examples={"en": ["text {recipient}"]}, carriers=SEEN)) == definition(action())


def test_reasons_are_in_the_persons_language() -> None:
    found = review(call(recipient=value("eve", "tool", "网页")), untrusted_read=True, grants=NoGrants(), language="zh")
    assert [reason.text for reason in found.reasons] == [
        "“收件人”不是你说的，来自：外部内容: 网页。", "刚刚读取了外部内容。",
    ]  # fmt: skip
