"""The seam between two processes: what is cleaned before it crosses, and what is refused after."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.drafts import LINE_CHARS, DraftFinisher, InvalidDraftError, clean, clean_line, from_json, to_json
from edge_llm.memory.ingest.reader import Limits
from edge_llm.memory.items import KINDS, ROLES, Draft, Mention
from runtimes.errors import UnreadableFileError

LIMITS = Limits(item_chars=200)
TEXT = st.text(st.characters(), max_size=600)  # lone surrogates and control characters included
TIMES = st.none() | st.datetimes(
    timezones=st.sampled_from((timezone.utc, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))))
)
MENTIONS = st.builds(
    Mention,
    role=st.sampled_from(ROLES),
    name=st.none() | TEXT,
    handles=st.lists(TEXT, max_size=3).map(tuple),
    is_owner=st.booleans(),
)
DRAFTS = st.builds(
    Draft,
    text=TEXT,
    kind=st.sampled_from(KINDS),
    locator=TEXT,
    external_id=st.none() | TEXT,
    title=st.none() | TEXT,
    time=TIMES,
    end=TIMES,
    people=st.lists(MENTIONS, max_size=3).map(tuple),
    thread=st.none() | TEXT,
)
GOOD: dict[str, Any] = {"text": "hello", "kind": "note", "locator": "1"}


@settings(max_examples=100, deadline=None)
@given(st.lists(DRAFTS, max_size=4))
def test_whatever_a_reader_yields_crosses_whole(drafts: list[Draft]) -> None:
    finisher = DraftFinisher(LIMITS, 0)
    finished = [part for draft in drafts for part in finisher.finish(draft)]
    assert [from_json(json.loads(to_json(part)), LIMITS) for part in finished] == finished
    assert len({part.locator for part in finished}) == len(finished)
    assert all(part.text and len(part.text) <= LIMITS.item_chars for part in finished)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("tab\tstays \x00\x07\x1b[2J\x7f\x9b gone", "tab\tstays [2J gone"),
        ("\ud83d\ude00 joined, \ud83d alone \ude00", "😀 joined, \ufffd alone \ufffd"),
        ("\u202egnp.exe\u202c z\u200bero \u200fمرحبا", "\u202egnp.exe\u202c z\u200bero \u200fمرحبا"),
        ("\ufeff  \n text \n ", "text"),
        ("e\u0301 é", "e\u0301 é"),
    ],
)
def test_cleaning_keeps_what_a_person_could_have_written(raw: str, kept: str) -> None:
    assert clean(raw) == kept
    assert clean(kept) == kept


def test_lines_are_one_line_and_a_long_one_stays_itself() -> None:
    assert clean_line(" a\n\tb  c ") == "a b c"
    long, other = "x" * 1000, "x" * 999 + "y"
    assert len(clean_line(long)) == LINE_CHARS
    assert clean_line(long) != clean_line(other)


def test_a_long_text_becomes_parts_that_keep_everything_else() -> None:
    words = " ".join(f"word{number}" for number in range(100))
    whole = Draft(words, "mail", "<id>", external_id="x", title="t", people=(Mention("from", "Ines"),), thread="th")
    parts = list(DraftFinisher(LIMITS, 0).finish(whole))
    assert " ".join(part.text for part in parts) == words
    assert [part.locator for part in parts] == ["<id>", *(f"<id>, part {number}" for number in range(2, len(parts) + 1))]
    assert {(part.external_id, part.title, part.people, part.thread, part.kind) for part in parts} == {
        ("x", "t", whole.people, "th", "mail")
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": 5}, "text is no text"),
        ({"text": None}, "text is no text"),
        ({"text": "  "}, "text is blank"),
        ({"text": "x" * 201}, "longer than 200"),
        ({"text": "a\x00b"}, "control characters"),
        ({"text": "a\rb"}, "control characters"),
        ({"text": "\ud800"}, "control characters"),
        ({"kind": "virus"}, "kind"),
        ({"kind": ["note"]}, "kind"),
        ({"locator": ""}, "locator"),
        ({"locator": "x" * 600}, "locator"),
        ({"title": ["x"]}, "title is no text"),
        ({"external_id": "x" * 3000}, "external_id"),
        ({"time": "2024-03-05T09:30:00"}, "time has no time zone"),
        ({"time": "yesterday"}, "time is no time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time is no time"),
        ({"end": 5}, "end is no text"),
        ({"people": "Ines"}, "people"),
        ({"people": [["from", "Ines", [], False]] * 1001}, "people"),
        ({"people": [["boss", "Ines", [], False]]}, "people"),
        ({"people": [[["from"], "Ines", [], False]]}, "people"),
        ({"people": [["from", 5, [], False]]}, "name is no text"),
        ({"people": [["from", "Ines", [5], False]]}, "handle is no text"),
        ({"people": [["from", "Ines", [], 1]]}, "people"),
        ({"surprise": 1}, "unknown field 'surprise'"),
    ],
)
def test_what_is_no_draft_is_refused(change: dict[str, Any], reason: str) -> None:
    assert from_json(GOOD, LIMITS) == Draft("hello", "note", "1")
    with pytest.raises(InvalidDraftError, match=reason):
        from_json({**GOOD, **change}, LIMITS)


def test_a_small_file_that_says_too_much_is_refused() -> None:
    limits, draft = Limits(expanded_bytes=1 << 30), Draft("x" * 20_000, "note", "1")
    finisher = DraftFinisher(limits, 1 << 20)
    with pytest.raises(UnreadableFileError, match="67,108,864 characters in so small a file"):
        list(chain.from_iterable(finisher.finish(draft) for _ in range(4_000)))
    with pytest.raises(UnreadableFileError, match="more than 3 items"):
        list(DraftFinisher(Limits(items=3, item_chars=5_000), 0).finish(draft))
