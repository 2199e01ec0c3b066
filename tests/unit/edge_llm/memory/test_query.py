"""What was typed becomes words to look for: nothing is ever read as syntax, and nothing makes it fail."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.analysis import TOKENIZER, index_terms
from edge_llm.memory.lexical import match_expression
from edge_llm.memory.query import LONGEST, MOST_GROUPS, parse

SYNTAX = "\"'*^:(){}[]+-~\\|&;% \0ANDORTNEAR手机abc「」“”"


def index(*texts: str) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute(f'CREATE VIRTUAL TABLE terms USING fts5(title, body, tokenize="{TOKENIZER}")')
    for row, text in enumerate(texts):
        connection.execute("INSERT INTO terms(rowid, title, body) VALUES(?, '', ?)", (row, index_terms(text)))
    return connection


def found(connection: apsw.Connection, query: str) -> list[int]:
    """Rows that hold every strong word of a query."""
    groups = [group for group in parse(query).strong if not group.is_part]
    asked = "SELECT rowid FROM terms WHERE terms MATCH ?"
    rows = [{row[0] for row in connection.execute(asked, (match_expression(group),))} for group in groups]
    return sorted(set.intersection(*rows)) if rows else []


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=SYNTAX) | st.text())
def test_whatever_is_typed_is_a_query_that_runs(text: str) -> None:
    query = parse(text)
    connection = index("a few words", "手机")
    for group in (*query.groups, *query.required):
        connection.execute("SELECT rowid FROM terms WHERE terms MATCH ?", (match_expression(group),)).fetchall()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="手机电脑ab c张伟明李1", min_size=1).filter(lambda text: index_terms(text) != ""))
def test_a_text_is_found_by_itself_in_quotes(text: str) -> None:
    (phrase,) = parse(f'"{text}"').required
    rows = index(text, "x").execute("SELECT rowid FROM terms WHERE terms MATCH ?", (match_expression(phrase),)).fetchall()
    assert (0,) in rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("手", [0, 2]), ("机", [0, 1, 2]), ("手机", [0, 2]), ("手機", [0, 2]), ("机场", [1]), ("手机壳", [2]), ("壳", [2]),
        ("iphone手机", [2]), ("IPHONE", [2, 6]), ("running", [3]), ("ran", [3]), ("5551234567", [4]), ("+1 555-123-4567", [4]),
        ("anna@example.com", [4]), ("email", [5]), ("e-mail", [5]), ("wi-fi", [5]), ("wifi", [5]), ("iphone15", [6]),
        ("iphone 15", [6]), ("👍", [7]), ("C++", [8]), ("1250", [9]), ('"quick fox"', []), ('"fox quick"', [3]),
    ],
)  # fmt: skip
def test_what_a_query_finds(query: str, rows: list[int]) -> None:
    connection = index(
        "我的手机", "飞机场", "iPhone手机壳", "the fox quickly runs", "anna@example.com (555) 123-4567",
        "your e-mail and the wifi", "an iPhone 15", "great 👍🏽", "C++ for all", "1,250 euros",
    )  # fmt: skip
    assert found(connection, query) == rows


def test_function_words_count_only_when_there_is_nothing_else() -> None:
    assert [group.text for group in parse("what is the dentist").strong] == ["dentist"]
    assert [group.text for group in parse("to be or not to be").strong] == ["to", "be", "or", "not"]


@pytest.mark.parametrize(("query", "asks", "when"), [
    ("dentist", False, False), ("anna passport", False, False), ("护照", False, False), ("when is the dentist?", True, True),
    ("what did we eat", True, False), ("护照在哪里?", True, False), ("我们什么时候去北京", True, True),
])  # fmt: skip
def test_questions_are_told_from_words_to_look_up(query: str, asks: bool, when: bool) -> None:
    assert (parse(query).asks, parse(query).asks_when) == (asks, when)


@pytest.mark.parametrize("query", ["", "   ", "\0", '""', '"', "…!?", "🏽"])
def test_nothing_to_look_for(query: str) -> None:
    assert parse(query).groups == ()


def test_a_very_long_query_is_cut() -> None:
    query = parse(" ".join(f"word{number}" for number in range(10_000)))
    assert len(query.groups) == MOST_GROUPS
    assert len(query.text) <= LONGEST
