"""Queries typed in pinyin: they find what sounds so, nothing else is read as pinyin, and nothing of it outlives an item."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.memory import erase, residue
from edge_llm.memory.items import Draft
from edge_llm.memory.keys import RawKey
from edge_llm.memory.pinyin import by_sound, is_spelled
from edge_llm.memory.query import parse
from edge_llm.memory.search import Searcher
from edge_llm.memory.store import Store

TEXTS = (
    "我的医生说要多喝水", "一生一世", "請醫生回電話", "图书馆旁边见", "旅游计划", "我们去西安吧", "银行卡丢了",
    "Women in tech", "a sky",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", RawKey(bytes(32))) as opened:
        opened.put("talk", "records", [Draft(text, "message", str(at)) for at, text in enumerate(TEXTS)])
        yield opened


def found(store: Store, query: str, *, pinyin: bool | None = None) -> list[str]:
    return [hit.text for hit in Searcher(store).search(query, pinyin=pinyin).hits]


@pytest.mark.parametrize("query", ["yisheng", "yi sheng", "YiSheng", "yīshēng", "yi'sheng", "ys", "醫生"])
def test_a_word_is_found_however_it_is_typed_and_the_usual_one_comes_first(store: Store, query: str) -> None:
    assert set(found(store, query)[:2]) == {"我的医生说要多喝水", "請醫生回電話"}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("tushuguan", "图书馆旁边见"),
        ("tu shu guan", "图书馆旁边见"),
        ("lvyou", "旅游计划"),
        ("luyou", "旅游计划"),
        ("lǚyóu", "旅游计划"),
        ("xian", "我们去西安吧"),
        ("xi'an", "我们去西安吧"),
        ("yinhang", "银行卡丢了"),
        ("yhk", "银行卡丢了"),
        ("yisheng dianhua", "請醫生回電話"),
        ("yisheng 电话", "請醫生回電話"),
        ("wo de yisheng shuo yao duo he shui", "我的医生说要多喝水"),
    ],
)
def test_what_sounds_so_is_the_first_hit(store: Store, query: str, text: str) -> None:
    assert found(store, query)[0] == text


def test_the_characters_are_marked_and_named(store: Store) -> None:
    hit = Searcher(store).search("yisheng").hits[0]
    assert [hit.text[span.start : span.end] in ("医生", "醫生") for span in hit.spans] == [True]
    assert hit.why == "matches 'yisheng' and '医生'"


def test_letters_that_are_somewhere_as_typed_are_words(store: Store) -> None:
    assert found(store, "women") == ["Women in tech"]
    assert found(store, "sky") == ["a sky"]


def test_pinyin_can_be_asked_for_and_refused(store: Store) -> None:
    assert set(found(store, "women", pinyin=True)) == {"Women in tech", "我们去西安吧"}
    assert found(store, "yisheng", pinyin=False) == []


@pytest.mark.parametrize(
    "query", ["dentist", "when is the dentist?", "he can", "boat", '"yisheng"', "yisheng2", "a@b.cn", "tv", "mum", "", "hmmmmm"]
)
def test_what_is_no_pinyin_is_left_as_it_was_typed(store: Store, query: str) -> None:
    assert found(store, query, pinyin=True) == found(store, query, pinyin=False)


@pytest.mark.parametrize("query", ["banana", "danger in china", "yi", "zhuang", "xx"])
def test_what_sounds_like_nothing_here_finds_nothing(store: Store, query: str) -> None:
    assert found(store, query) == found(store, query, pinyin=False)


def test_a_store_without_chinese_loads_no_table_of_sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.memory.pinyin._characters", lambda: pytest.fail("it was loaded"))
    with Store.open(tmp_path / "english", RawKey(bytes(32))) as english:
        english.put("talk", "records", [Draft("see you at the lake", "message", "1")])
        assert found(english, "banana") == []


def test_nothing_sounds_like_what_was_forgotten(store: Store) -> None:
    """The vocabulary is all that a spelled query knows, so the scan for forgotten terms covers it."""
    ids = store.select()[:3]
    receipt = erase.forget(store, ids)
    assert found(store, "yisheng") == found(store, "ys") == []
    assert residue.search(store, receipt, []).clean
    with store.reading() as connection:
        query = parse("yisheng")
        assert by_sound(connection, query) == query


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="aeinghsuyvzü'\"1 医生", max_size=20), st.sampled_from([None, True]))
def test_no_query_makes_it_fail(store: Store, query: str, pinyin: bool | None) -> None:
    for hit in Searcher(store).search(query, pinyin=pinyin).hits:
        assert all(0 <= span.start < span.end <= len(hit.text) for span in hit.spans)
    is_spelled(parse(query))
