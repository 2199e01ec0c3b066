"""Text in pieces: nothing lost, nothing too long, cut where a reader would cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.passages import PASSAGE_CHARS, Numbering, OutlinePassages, PassageBuilder, split_text
from edge_llm.memory.items import Draft

WORDS = st.lists(st.sampled_from(("word", "a.", "Why?", "\n", "\n\n", "中文。", "字" * 30, "x" * 90)), max_size=200).map(
    " ".join
)


@settings(max_examples=200, deadline=None)
@given(WORDS, st.integers(40, 300))
def test_splitting_loses_nothing_but_blanks(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(part and len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one two three\n\nfour five six", ["one two three", "four five six"]),
        ("one two three. four five", ["one two three.", "four five"]),
        ("第一句话真的很长很长很长。“第二句也是。”第三句呢？", ["第一句话真的很长很长很长。", "“第二句也是。”第三句呢？"]),
        ("one two three four five six", ["one two three four", "five six"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("a" * 19 + "e\u0301" + "b" * 5, ["a" * 19, "e\u0301" + "b" * 5]),
        ("a" * 18 + "👩\u200d🚀" + "b" * 5, ["a" * 18, "👩\u200d🚀" + "b" * 5]),
    ],
)
def test_cuts_are_at_the_best_border(text: str, parts: list[str]) -> None:
    assert split_text(text, 20) == parts


def test_a_text_of_marks_alone_is_cut_all_the_same() -> None:
    marks = "\u0301" * 1000
    assert "".join(split_text(marks, 100)) == marks


@settings(max_examples=200)
@given(st.lists(st.sampled_from(("a", "a (2)", "a (3)", "a (2) (2)", "b"))))
def test_numbering_never_gives_a_locator_twice(names: list[str]) -> None:
    numbering, again = Numbering(), Numbering()
    given = [numbering.unique(name) for name in names]
    assert len(set(given)) == len(given)
    assert [again.unique(name) for name in names] == given


def gather(builder: PassageBuilder, paragraphs: list[str]) -> list[Draft]:
    return [draft for paragraph in paragraphs for draft in builder.add(paragraph, "p")] + list(builder.flush())


def test_passages_gather_short_paragraphs_and_cut_long_ones() -> None:
    short = gather(PassageBuilder("note"), [f"Paragraph {number} says little." for number in range(100)])
    assert all(500 < len(draft.text) <= PASSAGE_CHARS for draft in short[:-1])
    long = gather(PassageBuilder("note"), ["This sentence has about forty characters. " * 200])
    assert all(300 < len(draft.text) <= PASSAGE_CHARS and draft.text.endswith(".") for draft in long[:-1])
    chinese = gather(PassageBuilder("note"), ["这是一句十个字的话啊。" * 300])
    assert all(len(draft.text) <= PASSAGE_CHARS // 2 and draft.text.endswith("。") for draft in chinese)
    assert [draft.locator for draft in long[:3]] == ["p", "p (2)", "p (3)"]
    assert {draft.thread for draft in long} == {"document"}


def outline(steps: list[tuple[int, str] | str], title: str | None = None) -> list[tuple[str | None, str, str]]:
    passages = OutlinePassages("note")
    passages.builder.title = title
    drafts: list[Draft] = []
    for step in steps:
        drafts += passages.paragraph(step) if isinstance(step, str) else passages.heading(*step)
    return [(draft.title, draft.locator, draft.text) for draft in (*drafts, *passages.flush())]


def test_headings_make_the_path_and_no_word_of_them_is_lost() -> None:
    steps: list[tuple[int, str] | str] = [
        "before", (1, "A"), (2, "B"), "under b", (2, "Empty"), (1, "C"), "c1", "c2", (3, "Last\nline"),
    ]  # fmt: skip
    assert outline(steps) == [
        (None, "beginning", "before"),
        ("A > B", "A > B", "under b"),
        ("A > Empty", "A > Empty", "Empty"),
        ("C", "C", "c1\n\nc2"),
        ("C > Last line", "C > Last line", "Last line"),
    ]
    assert outline([(1, "A"), "x"], title="A") == [("A", "A", "x")]
    assert outline([(1, "A"), "x", (1, "A"), "y"]) == [("A", "A", "x"), ("A", "A (2)", "y")]


def test_a_heading_as_long_as_a_paragraph_is_one() -> None:
    assert outline([(1, "word " * 100), (1, "  ")]) == [(None, "beginning", ("word " * 100).strip())]
