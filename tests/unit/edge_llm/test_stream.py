"""Streaming text: whatever the cut into tokens, the same text comes out, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.stream import TextStream
from runtimes.errors import ConfigError


class PieceTokenizer:
    """Token i is the i-th piece of a byte string."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces

    def token_bytes(self, token_id: int) -> bytes:
        return self.pieces[token_id]


def stream_of(pieces: Sequence[bytes], stops: Sequence[str]) -> TextStream:
    return TextStream(PieceTokenizer(pieces), stops)  # type: ignore[arg-type]


def shown(pieces: Sequence[bytes], stops: Sequence[str] = (), *, cut_short: bool = False) -> list[str]:
    stream = stream_of(pieces, stops)
    return [*(stream.push(index) for index in range(len(pieces))), stream.end(cut_short=cut_short)]


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in pairwise(places)]


def expected(text: str, stops: Sequence[str]) -> str:
    """The definition: up to where the stop string that ends first begins; of those that end together, the longest."""
    ends = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    return text[: min(ends)[1]] if ends else text


texts = st.text("ab<|é好🙂\n", max_size=30)
any_bytes = st.one_of(texts.map(str.encode), st.binary(max_size=20))
stop_lists = st.lists(st.text("ab<|好🙂", min_size=1, max_size=4), max_size=3)


@given(any_bytes, st.lists(st.integers(0, 100)), stop_lists)
def test_any_split_gives_the_text_of_the_whole(data: bytes, cuts: list[int], stops: list[str]) -> None:
    assert "".join(shown(split(data, cuts), stops)) == expected(data.decode("utf-8", "replace"), stops)


@given(texts, st.lists(st.integers(0, 100)), stop_lists)
def test_nothing_shown_is_ever_taken_back_and_nothing_is_held_without_reason(
    text: str, cuts: list[int], stops: list[str]
) -> None:
    pieces = split(text.encode(), cuts)
    so_far, known = "", b""
    for piece, out in zip(pieces, shown(pieces, stops), strict=False):
        so_far, known = so_far + out, known + piece
        whole = known.decode("utf-8", "ignore")
        target = expected(whole, stops)
        assert target.startswith(so_far)
        held = target[len(so_far) :]
        assert held == "" or any(stop.startswith(held) and stop != held for stop in stops)


@given(texts, st.lists(st.integers(0, 100)))
def test_an_unfinished_character_is_left_out_of_a_cut_answer(text: str, cuts: list[int]) -> None:
    data = text.encode()[:-1]
    assert "".join(shown(split(data, cuts), cut_short=True)) == data.decode("utf-8", "ignore")


def test_a_character_waits_for_its_last_byte() -> None:
    assert shown([b"\xe5\xa5", b"\xbd!", b"\xf0\x9f"]) == ["", "好!", "", "\ufffd"]


def test_a_stop_string_across_tokens_is_not_shown() -> None:
    assert shown([b"one\nU", b"se", b"r", b": two"], ["\nUser:"]) == ["one", "", "", "", ""]


def test_what_looked_like_a_stop_string_is_shown_when_it_is_none() -> None:
    assert shown([b"a\nU", b"se", b"s it"], ["\nUser:"]) == ["a", "", "\nUses it", ""]
    assert shown([b"a\nUse"], ["\nUser:"]) == ["a", "\nUse"]


def test_nothing_comes_after_the_stop() -> None:
    stream = stream_of([b"a#b", b"c"], ["#"])
    assert stream.push(0) == "a"
    assert stream.stopped
    assert stream.push(1) == ""
    assert stream.end() == ""


@pytest.mark.parametrize("stops", [[""], ["a", ""], "abc"])
def test_stops_must_be_a_list_of_texts(stops: Sequence[str]) -> None:
    with pytest.raises(ConfigError, match="stop"):
        stream_of([], stops)
