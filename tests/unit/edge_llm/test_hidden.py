"""Characters nobody sees are seen, dropped or escaped; everything else is left alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.hidden import drop_hidden, escape_in_json, show_hidden

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invoice\u202egpj.exe", r"invoice\u202egpj.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("pay\u200bpal", r"pay\u200bpal"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\u2028b", r"a\u2028b"),
        ("\U000e0041", r"\U000e0041"),
        ("tab\tand\nline, café, 你好, עברית", "tab\tand\nline, café, 你好, עברית"),
        (FAMILY, FAMILY),
        ("a\u200db", r"a\u200db"),
        ("\u2764\ufe0f \u270f\ufe0e 1\ufe0f\u20e3 \xa9\ufe0f", "\u2764\ufe0f \u270f\ufe0e 1\ufe0f\u20e3 \xa9\ufe0f"),
        ("pay\ufe0f\ufe01", r"pay\ufe0f\ufe01"),
        ("\u2764\ufe0f\ufe0f\ufe0e", "\u2764\ufe0f" + r"\ufe0f\ufe0e"),
        ("1\ufe0f", r"1\ufe0f"),
        ("\ufff1\U0001bca0\U0001d173", r"\ufff1\U0001bca0\U0001d173"),
    ],
)
def test_hidden_characters_are_written_out(text: str, shown: str) -> None:
    assert show_hidden(text) == shown


def test_dropped() -> None:
    assert drop_hidden("ign\u200bore\u202e this\x00\r\nnext\u2028last") == "ignore this\nnext\nlast"
    assert drop_hidden(FAMILY) == FAMILY
    assert drop_hidden("tea\ufe06\ufe0f \u2764\ufe0f") == "tea \u2764\ufe0f"


@given(st.text())
def test_json_stays_the_same_document(text: str) -> None:
    written = json.dumps({"a": text}, ensure_ascii=False, indent=2)
    escaped = escape_in_json(written)
    assert json.loads(escaped) == {"a": text}
    assert show_hidden(escaped) == escaped
