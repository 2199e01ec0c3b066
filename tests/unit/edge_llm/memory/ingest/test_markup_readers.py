"""Plain text, Markdown and HTML."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from edge_llm.memory.ingest import html, markdown, text
from edge_llm.memory.ingest.html import visible_text
from edge_llm.memory.ingest.text import split_lines
from tests.unit.edge_llm.memory.ingest import documents
from tests.unit.edge_llm.memory.ingest.reading import read, texts

MORNING = datetime(2024, 3, 5, 8, 30, tzinfo=timezone.utc)


def test_text_gathers_paragraphs_and_knows_their_lines() -> None:
    found = read(text.READER, documents.text())
    assert [draft.locator for draft in found] == ["line 1", "line 7", "line 11", "line 15"]
    assert "".join("".join(draft.text for draft in found).split()) == "".join(documents.text().decode().split())
    assert {(draft.kind, draft.thread) for draft in found} == {("note", "document")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_in_any_encoding_and_with_any_newlines(encoding: str) -> None:
    notes: list[str] = []
    data = "明天我们在公司开会\r\n请大家准时参加\r\r这个问题很重要\n".encode(encoding)
    assert [draft.text for draft in read(text.READER, data, notes=notes)] == [
        "明天我们在公司开会\n请大家准时参加\n\n这个问题很重要"
    ]
    assert notes == ([] if encoding.startswith("utf-8") else [f"read as {encoding}"])


def test_lines_end_where_pieces_do_not() -> None:
    assert list(split_lines(["a\r", "\nb", "c\r", "d\n", "", "\r\n", "e"])) == ["a", "bc", "d", "", "e"]
    assert list(split_lines([])) == []
    assert list(split_lines(["x" * 250_000])) == ["x" * 100_000, "x" * 100_000, "x" * 50_000]


def test_a_file_of_one_endless_line_and_one_of_nothing() -> None:
    endless = read(text.READER, ("word " * 200_000).encode())
    assert sum(len(draft.text.split()) for draft in endless) == 200_000
    assert read(text.READER, b"\n" * 100_000 + b"  \t\n") == []


def test_markdown_by_headings() -> None:
    found = read(markdown.READER, documents.markdown())
    assert [(draft.title, draft.locator, draft.text) for draft in found] == [
        ("Diary", "beginning", "tags: [travel, 旅行]\n\nBefore any heading."),
        ("Diary > Travel", "Travel", "We went to Lisbon."),
        ("Diary > Travel > Japan", "Travel > Japan", "京都的秋天很美。\n\n```\n# not a heading\n```"),
        ("Diary > Travel > Setext", "Travel > Setext", "- a\n- b"),
    ]
    assert {draft.time.isoformat() if draft.time else "" for draft in found} == {"2024-03-05T12:00:00+01:00"}


@pytest.mark.parametrize(
    ("source", "titles"),
    [
        ("# A\nx\n## B #\ny", ["A", "A > B"]),
        ("#A\nx", [None]),
        ("####### seven\nx", [None]),
        ("    # code\n", [None]),
        ("A\n===\nx\n\nB\n---\ny", ["A", "A > B"]),
        ("x\n\n---\n\ny", [None]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", [None]),
        ("~~~\n# no\n~~~\n# yes\nx", [None, "yes"]),
        ("````\n```\n# no\n````\n# yes\nx", [None, "yes"]),
        ("```\n# never closed", [None]),
        ("# **Bold** and `code`\nx", ["**Bold** and `code`"]),
        ("---\nno front matter", [None]),
        ("---\ntitle: 'T'\n---\nx", ["T"]),
    ],
)
def test_what_is_a_heading_in_markdown(source: str, titles: list[str | None]) -> None:
    found = read(markdown.READER, source.encode())
    assert [draft.title for draft in found] == titles
    kept = "".join(draft.text for draft in found) + "".join(titles[-1] or "" for _ in found[-1:])
    assert all(word in kept for word in ("x", "y") if word in source.split())


def test_html_as_a_browser_shows_it() -> None:
    found = read(html.READER, documents.html())
    assert [(draft.title, draft.locator, draft.text) for draft in found] == [
        ("Reise & Ruhe", "beginning", "Start"),
        ("Reise & Ruhe > Reisen", "Reisen", "Wir waren in Lissabon.\nZweite Zeile"),
        ("Reise & Ruhe > Reisen > Japan", "Reisen > Japan", "京都的秋天很美。\neins\nzwei\nWas | Euro\nZug | 120"),
    ]
    assert {draft.time for draft in found} == {MORNING}


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("a<b>b</b>c &amp; &#20013;&nbsp;d", "abc & 中 d"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
        ("a<script>b</script>c<style>d</style><noscript>e</noscript><template>f</template>", "ac"),
        ("<p style='DISPLAY : none'>a</p><p style='visibility:hidden'>b</p><p hidden>c</p>d", "d"),
        ("<p style='font-size:0px'>a</p><p style='opacity: 0'>b</p><p style='font-size:0.9em;opacity:0.5'>c</p>", "c"),
        ("<span style='display:none'>a<b>b<br>c<img></b></span>d", "d"),
        ("<!-- a --><![CDATA[b]]>c", "c"),
        ("<textarea><b>a</b></textarea><option>x<option>y", "<b>a</b>\nx\ny"),
        ("<title>a</title>b", "b"),
        ("<svg><text>a</text></svg><iframe>b</iframe>c", "c"),
        ("<table><tr><td>a<td>b<tr><td>c</table>d", "a | b\nc\n\nd"),
        ("plain", "plain"),
        ("", ""),
        ("\x00<p>\x00a\ud800", "a?"),
    ],
)
def test_visible_text(markup: str, shown: str) -> None:
    assert visible_text(markup) == shown


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ('<meta charset="gb2312">', "gb18030"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=big5">', "big5"),
        ("<meta charset=shift_jis>", "shift_jis"),
        ('<?xml version="1.0" encoding="euc-jp"?>', "euc_jp"),
        ("", "utf-16"),
        ('<meta charset="utf-8">', "gb18030"),
        ('<meta charset="koi8-r">', "koi8_r"),
    ],
)
def test_html_in_the_encoding_it_declares_unless_it_lies(declaration: str, encoding: str) -> None:
    words = {"big5": "這個問題我們說過", "shift_jis": "これはテストです", "euc_jp": "これはテストです", "koi8_r": "Привет"}
    word = words.get(encoding, "这个问题我们说过")
    data = f"{declaration}<html><body><p>{word}</p></body></html>".encode(encoding)
    assert texts(html.READER, data) == word


@pytest.mark.parametrize(
    "markup",
    ["<div>" * 50_000 + "deep", "<p>" + "x" * 3_000_000, "<" * 500_000, "&" * 1_000_000, "<!--" * 100_000,
     "<a b='" + "c" * 3_000_000, "<h1>" + "h" * 500_000 + "</h1>x", "<table><td>" * 20_000],
    ids=["deep", "long", "angles", "ampersands", "comments", "attribute", "heading", "tables"],
)  # fmt: skip
def test_html_made_to_hurt_is_read_in_time(markup: str) -> None:
    read(html.READER, markup.encode())
