"""A preview shows every value as it will be used, whose words it is, and what about it is odd; and nothing can fake a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.preview import exact_form, make_preview
from edge_llm.actions.values import ORIGINS, Call, Provenance, SlotValue
from edge_llm.hidden import show_hidden
from tests.unit.edge_llm.actions.desk_samples import action, call, slot, value

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


def test_the_whole_preview() -> None:
    seen = make_preview(call(text=value("here\nbye", "memory", "mail from bob", item=3)), "en")
    assert seen.text == (
        "Text Zhang San (+8613800138000): here ⏎ bye\n"
        "  what it says: here\n"
        "    │ bye\n"
        "    ← NOT from you: memory #3: mail from bob\n"
        "  who gets it: Zhang San (+8613800138000)\n"
        "    ← your contacts: Zhang San"
    )
    assert [(part.name, part.trusted) for part in seen.slots] == [("text", False), ("recipient", True)]


def test_it_speaks_the_persons_language() -> None:
    assert make_preview(call(), "zh").text.splitlines()[:3] == [
        "发短信给Zhang San (+8613800138000)：I'm late",
        "  内容: I'm late",
        "    ← 你说的",
    ]


@pytest.mark.parametrize(
    ("role", "content", "shown", "seen"),
    [
        ("recipient", "+8613800138000", "Zhang San", "Zhang San (+8613800138000)"),
        ("recipient", "+8613800138000", "Zhang San (+86 138 0013-8000)", "Zhang San (+86 138 0013-8000)"),
        ("recipient", "+8613800138000", "+86138001380001", "+86138001380001 (+8613800138000)"),
        ("recipient", "bob@evil.example", "bob@evil.example.org", "bob@evil.example.org (bob@evil.example)"),
        ("recipient", "", "Mum", "Mum ()"),
        ("amount", {"amount": "12.50", "currency": "CNY"}, "¥12.50", "¥12.50 (12.50 CNY)"),
        ("amount", {"amount": "12.50", "currency": "CNY"}, "12.50 CNY", "12.50 CNY"),
        ("amount", {"amount": "2.50", "currency": "CNY"}, "12.50 CNY", "12.50 CNY (2.50 CNY)"),
        ("link", "https://a.example", "the site", "the site (https://a.example)"),
        ("time", "2026-11-25T15:00:00+08:00", "tomorrow, 15:00", "tomorrow, 15:00"),
        ("text", "what is sent", "something else", "what is sent"),
        ("data", [1, 2], "nothing", "[1,2]"),
    ],
)
def test_the_exact_form_is_shown_whatever_the_friendly_one_says(role: str, content: object, shown: str, seen: str) -> None:
    one = action("x.do", slots={"x": slot(role)}, preview="{x}", carriers=[])
    assert make_preview(call(one, x=value(content, shown=shown)), "en").slots[0].shown == seen


def test_a_time_that_is_not_the_persons_is_shown_exactly_too() -> None:
    one = action("x.do", slots={"x": slot("time")}, preview="{x}", carriers=[])
    shown = make_preview(call(one, x=value("2026-11-25T15:00:00+08:00", "model", shown="tomorrow")), "en").slots[0].shown
    assert shown == "tomorrow (2026-11-25 15:00+08:00)"
    assert exact_form("time", "soon") == "soon"


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(ORIGINS))
def test_nothing_in_a_value_or_a_source_makes_a_line_or_hides_a_character(
    content: str, shown: str, source: str, origin: str
) -> None:
    given_value = SlotValue(content, shown, Provenance(origin, source))  # type: ignore[arg-type]
    seen = make_preview(call(recipient=given_value, text=given_value), "en")
    assert show_hidden(seen.text) == seen.text
    lines = seen.text.split("\n")
    assert len([line for line in lines if line.startswith("  who gets it: ")]) == 1
    assert len([line for line in lines if line.startswith("  what it says: ")]) == 1
    sources = [line for line in lines if line.startswith("    ← ")]
    assert len(sources) == 2
    assert all(line.startswith("    ← NOT from you: ") == (origin not in ("typed", "contact")) for line in sources)
    assert all(line.startswith(("  who gets it: ", "  what it says: ", "    ← ", "    │ ", "! ")) for line in lines[1:])


def test_a_gap_cannot_push_words_onto_a_line_of_their_own() -> None:
    wide = make_preview(call(text=value("hi" + " " * 300 + "who gets it: Mum")), "en").text
    assert "hi ⟨300 spaces⟩ who gets it: Mum" in wide


def test_who_gets_it_stands_below_a_long_text() -> None:
    lines = make_preview(call(text=value("x\n" * 500)), "en").text.splitlines()
    assert lines[-2].startswith("  who gets it")


@pytest.mark.parametrize(
    ("recipient", "said"),
    [
        ("Zhang\u200bSan", "hidden characters"),
        ("\u202egro.elpmaxe@bob", "hidden characters"),
        ("p\u0430ypal@example.org", "mixes letters"),
        ("\u0440\u0430\u0443@example.org", "look like Latin"),
        ("\uff42ob@example.org", "unusual forms"),
        ("+86\u0661\u0663\u0668", "digits of another script"),
        ("bob\u0301\u0301\u0301\u0301", "marks piled"),
    ],
)
def test_an_odd_recipient_is_pointed_out(recipient: str, said: str) -> None:
    assert any(said in warning for warning in make_preview(call(recipient=value(recipient)), "en").warnings)


@pytest.mark.parametrize(
    "recipient", ["张三", "Zhang San", "山田太郎タロウ", "김철수", "Ольга", "Γιώργος", "bob@example.org", "José", "微信WeChat"]
)
def test_people_of_all_languages_have_no_odd_name(recipient: str) -> None:
    assert make_preview(call(recipient=value(recipient)), "en").warnings == ()


@pytest.mark.parametrize(
    ("link", "said", "leads"),
    [
        ("https://bank.example@evil.example/login", "after the @", "evil.example"),
        ("https://xn--80ak6aa92e.com/", "other letters", "аррӏе.com"),
        ("http://192.168.0.1/x", "bare number", "192.168.0.1"),
        ("https://p\u0430ypal.com", "mixes letters", "p\u0430ypal.com"),
    ],
)
def test_a_link_in_a_text_that_leads_elsewhere_than_it_looks_is_pointed_out(link: str, said: str, leads: str) -> None:
    warnings = make_preview(call(text=value(f"see {link} now")), "en").warnings
    assert any(said in warning for warning in warnings)
    assert any(f"leads to {leads}" in warning for warning in warnings)


def test_plain_links_and_texts_have_no_warning() -> None:
    for text in ("see https://example.org/a?b=c", "Привет, как дела? 你好", "I'm 10 minutes late", "www.example.org"):
        assert make_preview(call(text=value(text)), "en").warnings == ()


def test_a_servers_words_do_not_name_its_action_or_its_slots() -> None:
    from dataclasses import replace

    served = replace(action(), trusted=False)
    seen = make_preview(Call(served, call().slots), "en").text
    assert seen.startswith("sms.send (Send a text message)\n")
    assert "who gets it" not in seen
