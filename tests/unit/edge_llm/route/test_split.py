"""Several requests in one sentence: what is taken apart, and what a message keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.route import split_requests

SEVERAL = [
    ("text Anna I'm late and then set a timer for ten minutes", ["text Anna I'm late", "set a timer for ten minutes"]),
    ("call mom and play some jazz", ["call mom", "play some jazz"]),
    ("what's the weather and book me a taxi", ["what's the weather", "book me a taxi"]),
    ("book a table for two and text Anna the address", ["book a table for two", "text Anna the address"]),
    ("set an alarm for 7, remind me to call the bank", ["set an alarm for 7", "remind me to call the bank"]),
    ("给妈妈打电话，然后定个闹钟", ["给妈妈打电话", "定个闹钟"]),
    ("给妈妈发微信说我晚点到，提醒我买牛奶", ["给妈妈发微信说我晚点到", "提醒我买牛奶"]),
    ("打车去虹桥站，给小李发短信说我到了", ["打车去虹桥站", "给小李发短信说我到了"]),
    ("先查一下天气，再订一张去上海的票", ["先查一下天气", "订一张去上海的票"]),
]
ONE = [
    "add milk and eggs to my list",
    "tell Bob to buy milk and call me",
    "tell Bob to buy milk and call Anna",
    "remind me to buy milk and call mom",
    "text Anna that I'll cook and then make tea",
    'send Tom a message saying "come over and call a taxi"',
    "play rock and roll",
    "牛奶，鸡蛋加到购物清单",
    "告诉小王把书带来，给我打电话",
    "再放一首歌",
    "给小李发短信说“你先去，然后打车回来”",
]


@pytest.mark.parametrize(("words", "requests"), SEVERAL)
def test_requests_are_taken_apart_in_their_order(words: str, requests: list[str]) -> None:
    assert split_requests(words) == requests


@pytest.mark.parametrize("words", ONE)
def test_one_request_stays_whole(words: str) -> None:
    assert split_requests(words) == [words]


def test_blank_words_are_no_request() -> None:
    assert split_requests("  ") == []


@given(st.text(st.sampled_from("ab ,.;\"'“”，。然后再订call and then set a timer text"), max_size=80))
def test_every_piece_comes_from_the_words_in_order(words: str) -> None:
    place = 0
    for piece in split_requests(words):
        assert piece
        place = words.index(piece, place) + len(piece)
