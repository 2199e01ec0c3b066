"""Tables in text: lists as people say them, CSV with the column that was meant, and nothing where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.actions.tools.table import Row, figures_in, table_in

CSV = ["Month,Rent,Spending", "Jan,900,1200.5", 'Feb,910,"1,100"', ""]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("rent 900, food 400.5 and fun 150", [("rent", 900), ("food", 400.5), ("fun", 150)]),
        ("房租900，吃饭400，娱乐150元", [("房租", 900), ("吃饭", 400), ("娱乐", 150)]),
        ("a: 1,100; b = -2\nc is $3", [("a", 1100), ("b", -2), ("c", 3)]),
        ("3, 5, 8", [("1", 3), ("2", 5), ("3", 8)]),
        ("my spending by month", []),
        ("rent 900, food", []),
        ("", []),
    ],
)
def test_figures(words: str, rows: list[tuple[str, float]]) -> None:
    assert figures_in(words) == tuple(Row(label, value) for label, value in rows)


@pytest.mark.parametrize(
    ("lines", "wanted", "rows"),
    [
        (CSV, "my spending", [("Jan", 1200.5), ("Feb", 1100)]),
        (CSV, "", [("Jan", 900), ("Feb", 910)]),
        (["年份;人数", "2024;3", "2025;5"], "", [("2024", 3), ("2025", 5)]),
        (["a\tb", "x\t1", "broken line", "y\t2"], "", [("x", 1), ("y", 2)]),
        (["n", "1"], "", []),
        (["a,b", "x,y"], "", []),
        (["a,b"], "", []),
        (["a,b", "x" * 200_000 + ",1"], "", []),
        ([], "", []),
    ],
)
def test_csv(lines: list[str], wanted: str, rows: list[tuple[str, float]]) -> None:
    assert table_in(lines, wanted) == tuple(Row(label, value) for label, value in rows)


@given(st.text(max_size=60), st.lists(st.text(alphabet='a1,;\t"|. ', max_size=12), max_size=5))
def test_any_text_is_a_table_or_none(words: str, lines: list[str]) -> None:
    figures_in(words)
    table_in(lines, words)
