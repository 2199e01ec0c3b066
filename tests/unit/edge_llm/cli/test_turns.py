"""Several lines make one turn: a trailing backslash goes on, triple quotes open a block."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.cli.turns import FIRST_PROMPT, NEXT_PROMPT, LineReader, as_text, piped_lines, read_turn
from runtimes.errors import PromptError


def reader(*lines: str, prompts: list[str] | None = None) -> LineReader:
    rest = list(lines)

    def read_line(prompt: str) -> str:
        if prompts is not None:
            prompts.append(prompt)
        if not rest:
            raise EOFError
        return rest.pop(0)

    return read_line


@pytest.mark.parametrize(
    ("lines", "turn"),
    [
        (["hello"], "hello"),
        ([""], ""),
        (["one \\", "two"], "one \ntwo"),
        (["one\\", "two\\", "three"], "one\ntwo\nthree"),
        (["cut\\"], "cut"),
        (['"""one line"""'], "one line"),
        (['"""', "def f():", "    return 1", '"""'], "def f():\n    return 1"),
        (['"""first', "second", 'third"""'], "first\nsecond\nthird"),
        (['  """', "a", "", "b", '"""  '], "a\n\nb"),
        (['"""', "never closed"], "never closed"),
    ],
)
def test_lines_make_a_turn(lines: list[str], turn: str) -> None:
    assert read_turn(reader(*lines)) == turn


def test_a_block_keeps_backslashes_and_the_following_turn() -> None:
    read_line = reader('"""', "a\\", '"""', "next")
    assert read_turn(read_line) == "a\\"
    assert read_turn(read_line) == "next"


def test_the_prompt_shows_that_a_turn_goes_on() -> None:
    prompts: list[str] = []
    read_turn(reader("a\\", "b", prompts=prompts))
    assert prompts == [FIRST_PROMPT, NEXT_PROMPT]


def test_no_more_input() -> None:
    with pytest.raises(EOFError):
        read_turn(reader())


@given(
    st.lists(st.text(st.characters(exclude_characters='"\\\n\r'), min_size=1), min_size=1).filter(lambda x: "".join(x).strip())
)
def test_any_text_can_be_sent_as_a_block(lines: list[str]) -> None:
    block = ['"""', *lines, '"""']
    assert read_turn(reader(*block)) == "\n".join(lines)


def test_piped_lines_are_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("你好\r\nzwei\n".encode() + b"\xff\xfe\n")))
    read_line = piped_lines()
    assert read_line("") == "你好"
    assert read_line("") == "zwei"
    with pytest.raises(PromptError, match="not UTF-8"):
        read_line("")
    with pytest.raises(EOFError):
        read_line("")


def test_bytes_that_are_not_text() -> None:
    with pytest.raises(PromptError, match=r"byte 2"):
        as_text(b"ab\xffcd")
