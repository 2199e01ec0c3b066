"""Spans are places of the text as stored, whatever folding did; names in queries are told from words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.analysis import fold, words
from edge_llm.memory.highlight import distinct_words, explain, find_spans
from edge_llm.memory.naming import find_names, without_names
from edge_llm.memory.query import parse


def marked(text: str, query: str) -> list[str]:
    return [text[span.start : span.end] for span in find_spans(text, parse(query).strong)]


@pytest.mark.parametrize(
    ("text", "query", "spans"),
    [
        ("He was RUNNING, she runs.", "run", ["RUNNING", "runs"]),
        ("張偉明在臺灣", "张伟明 台湾", ["張偉明", "臺灣"]),
        ("我的手机壳", "机", ["机"]),
        ("我的手機", "手机", ["手機"]),
        ("ﾊﾟｿｺﾝを買う", "パソコン", ["ﾊﾟｿｺﾝ"]),
        ("Ｃａｆé au lait", "cafe", ["Ｃａｆé"]),
        ("call +1 (555) 123-4567 now", "5551234567", ["+1 (555) 123-4567"]),
        ("an e-mail", "email", ["e-mail"]),
        ("the support group, a group", '"support group"', ["support group"]),
        ("a\u200bb pass\u200bword", "password", ["pass\u200bword"]),
        ("nothing here", "zebra", []),
        ("", "x", []),
    ],
)
def test_spans(text: str, query: str, spans: list[str]) -> None:
    assert marked(text, query) == spans


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aé\u0301 手機机壳臺running1-'\u200bＡﬁ", max_size=40), st.text(alphabet="a手机壳run ﬁ1", max_size=6))
def test_spans_lie_in_order_within_the_text_and_hold_a_word_of_the_query(text: str, query: str) -> None:
    groups = parse(query).strong
    looked_for = {term[0] for group in groups for phrase in group.alternatives for term in phrase}
    end = 0
    for span in find_spans(text, groups):
        assert end <= span.start < span.end <= len(text)
        end = span.end
        assert looked_for & set("".join(words(text[span.start : span.end])) + fold(text[span.start : span.end]))


def test_reasons_are_a_few_words() -> None:
    parts = {"words": 4.0, "meaning": 2.0, "neighbours": 3.0, "form": -1.0}
    assert explain(["dentist"], [], parts, sender=None, time=None) == "matches 'dentist'; similar meaning"
    assert explain(["a", "b", "c", "d", "e"], [], {"words": 1.0}, sender=None, time=None) == "matches 'a', 'b', 'c' and 'd', …"
    assert explain([], ["boat"], parts, sender="Anna", time="May") == (
        "similar meaning; next to 'boat'; from Anna; at the time of 'May'"
    )
    assert explain([], [], {}, sender=None, time=None) != ""


def test_pairs_of_a_sentence_are_named_as_one_word() -> None:
    groups = parse("我们在朝阳公园吃火锅").strong
    assert "朝阳公园" in "".join(distinct_words([group for group in groups if group.text in ("朝阳", "阳公", "公园")]))


NAMES = {
    "anna lee": frozenset({1}),
    "anna": frozenset({1, 2}),
    "lee": frozenset({1}),
    "mark": frozenset({3}),
    "will": frozenset({4}),
    "张伟明": frozenset({5}),
    "伟明": frozenset({5}),
}


@pytest.mark.parametrize(
    ("query", "named", "rest"),
    [
        ("what did Anna Lee say", [("Anna Lee", {1})], "what did say"),
        ("anna's flat", [("anna's", {1, 2})], "flat"),
        ("mark the page", [], "mark the page"),
        ("Mark the page", [("Mark", {3})], "the page"),
        ("will it rain", [], "will it rain"),
        ("張偉明的護照", [("張偉明", {5})], "的護照"),
        ("伟明说什么", [("伟明", {5})], "说什么"),
        ("", [], ""),
    ],
)
def test_names(query: str, named: list[tuple[str, set[int]]], rest: str) -> None:
    found = find_names(query, NAMES)
    assert [(name.text, set(name.people)) for name in found] == named
    assert without_names(query, found) == rest
