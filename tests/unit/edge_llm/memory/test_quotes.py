"""Quotes are found whatever they look like, and chance is not taken for one."""

from __future__ import annotations

import pytest

from edge_llm.memory.quotes import QuoteFinder

LONG = "We will meet Katharina at the harbour café on Tuesday evening, right after the last ferry has come in."
CHINESE = "我们下周三晚上在外滩的老咖啡馆见面,记得带上护照。"


def quotes(text: str, original: str) -> bool:
    return bool(QuoteFinder([("text", text)]).quoting(original))


@pytest.mark.parametrize(
    ("text", "original"),
    [
        (LONG, LONG),
        (f"You wrote: “{LONG.upper()}” Is that right?", LONG),
        ("She said meet Katharina, at the HARBOUR cafe\u0301! Fine.", LONG),
        ("meet\nKatharina at  the harbour café", LONG),
        (LONG, f"Dear all,\n{LONG}\nBest"),
        ("他说下周三晚上在外滩的老咖啡馆见。", CHINESE),
        ("下周三 晚上 在 外滩", CHINESE),
        ("The code is tulip 4471 9, isn't it?", "tulip 4471 9"),
        ("密码是天王盖地虎,对吗", "天王盖地虎"),
    ],
)
def test_a_quote(text: str, original: str) -> None:
    assert quotes(text, original)


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("When will we meet Katharina?", LONG),
        ("on Tuesday evening we go to the harbour", LONG),
        ("ok, see you", "ok"),
        ("ok, see you", "see you"),
        ("晚上见", "晚上"),
        ("", LONG),
        (LONG, ""),
        (LONG, "?!"),
    ],
)
def test_no_quote(text: str, original: str) -> None:
    assert not quotes(text, original)


def test_each_text_that_quotes_is_named() -> None:
    finder = QuoteFinder([(1, LONG), (2, "nothing of the kind"), (3, CHINESE), (4, f"again: {LONG}")])
    assert finder.quoting_any([LONG]) == {1, 4}
    assert finder.quoting_any([LONG, CHINESE]) == {1, 3, 4}
    assert finder.quoting_any([]) == frozenset()
