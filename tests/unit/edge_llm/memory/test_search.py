"""The search of a store: what is found, in which order, within which limits, and for which reasons."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.memory import candidates as gathering
from edge_llm.memory.candidates import Limits
from edge_llm.memory.embedding import embed_pending
from edge_llm.memory.items import Draft, Kind, Mention
from edge_llm.memory.keys import RawKey
from edge_llm.memory.records import Stamp
from edge_llm.memory.search import Searcher
from edge_llm.memory.store import Store
from edge_llm.memory.vectors import VectorIndex
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

if TYPE_CHECKING:
    from edge_llm.memory.embedder import Vectors

NOW = datetime(2024, 5, 16, 10, 0, tzinfo=timezone.utc)  # a Thursday


def said(
    number: int, text: str, sender: str = "Anna", *, days_ago: float = 1, thread: str | None = "chat", **more: object
) -> Draft:
    time = NOW - timedelta(days=days_ago) + timedelta(minutes=number)
    draft = Draft(text, "message", str(number), time=time, people=(Mention("from", sender),), thread=thread)
    return replace(draft, **more)  # type: ignore[arg-type]


TALK = [
    said(0, "Good morning! How was the weekend?", "Bob"),
    said(1, "We went to the lake and rented a boat.", "Anna"),
    said(2, "Did you see the dentist?", "Bob"),
    said(3, "Yes, on Tuesday. He pulled a tooth.", "Anna"),
    said(4, "Ouch. My passport expires in June.", "Bob"),
    said(5, "張偉明的護照在抽屜裡", "Anna"),
    said(6, "The boat ticket was 12 euros", "Bob", days_ago=9, thread="other"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", RawKey(bytes(32))) as opened:
        opened.put("talk", "records", TALK, stamp=Stamp(1))
        note = Draft("Passport: renew at the town hall", "note", "n", title="Passport")
        opened.put("notes", "markdown", [note], stamp=Stamp(1))
        yield opened


@pytest.fixture
def searcher(store: Store) -> Searcher:
    return Searcher(store)


def locators(searcher: Searcher, query: str, k: int = 10, limits: Limits | None = None) -> list[str]:
    return [hit.item.locator for hit in searcher.search(query, k, limits=limits or Limits(), now=NOW).hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("boats", {"1", "6"}), ('"rented a boat"', {"1"}), ('"boat a rented"', set()), ("护照", {"5"}), ("護照", {"5"}),
        ("伟明", {"5"}), ("屉", {"5"}), ("zebra", set()), ("", set()), ("   \0", set()), ("euros 12", {"6"}),
    ],
)  # fmt: skip
def test_words_that_are_looked_up(searcher: Searcher, query: str, found: set[str]) -> None:
    assert set(locators(searcher, query)) == found


def test_an_item_with_all_words_comes_before_those_with_some(searcher: Searcher) -> None:
    assert locators(searcher, "boat euros")[0] == "6"
    assert locators(searcher, "passport")[0] == "n"  # in its title too


def test_the_answer_is_found_by_the_question_it_replies_to(searcher: Searcher) -> None:
    """It holds no word of the query, but the item before asks about it, and Anna wrote it."""
    hits = searcher.search("When did Anna go to the dentist?", 3, now=NOW).hits
    assert "3" in [hit.item.locator for hit in hits]
    (reply,) = [hit for hit in hits if hit.item.locator == "3"]
    assert "next to 'go' and 'dentist'" in reply.why
    assert "from Anna" in reply.why
    assert reply.parts["neighbours"] > 0
    assert reply.parts["people"] > 0
    assert reply.score == pytest.approx(sum(reply.parts.values()), abs=1e-3)


def test_neighbours_come_along_from_the_same_conversation_alone(searcher: Searcher) -> None:
    (hit, *_) = searcher.search("tooth", now=NOW).hits
    assert [item.locator for item in hit.before] == ["1", "2"]
    assert [item.locator for item in hit.after] == ["4", "5"]
    (note, *_) = searcher.search("town hall", now=NOW).hits
    assert note.before == note.after == ()


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (Limits(sources=["notes"]), {"n"}), (Limits(sources=["gone"]), set()), (Limits(kind="message"), {"4"}),
        (Limits(since=NOW - timedelta(days=2)), {"4"}), (Limits(until=NOW - timedelta(days=2)), set()),
        (Limits(people=[]), set()),
    ],
)  # fmt: skip
def test_limits_hold_before_anything_is_ranked(searcher: Searcher, limits: Limits, found: set[str]) -> None:
    assert set(locators(searcher, "passport", 1, limits)) == found


def test_only_what_involves_a_person(store: Store, searcher: Searcher) -> None:
    with store.reading() as connection:
        bob = connection.execute("SELECT DISTINCT person_id FROM mentions WHERE name = 'Bob'").get
    assert set(locators(searcher, "boat", limits=Limits(people=[bob]))) == {"6"}


def test_a_time_counted_from_now_narrows_and_is_told(searcher: Searcher) -> None:
    results = searcher.search("boat yesterday", now=NOW)
    assert [hit.item.locator for hit in results.hits] == ["1"]
    assert results.time is not None
    assert results.time.text == "yesterday"
    assert "at the time of 'yesterday'" in results.hits[0].why


def test_a_time_alone_lists_what_is_of_it_latest_first(searcher: Searcher) -> None:
    assert locators(searcher, "last week") == ["6"]
    assert locators(searcher, "yesterday", 3) == ["5", "4", "3"]


def test_a_time_of_which_there_is_nothing_is_dropped_and_told(searcher: Searcher) -> None:
    results = searcher.search("boat in 1987", now=NOW)
    assert results.time_was_dropped
    assert {hit.item.locator for hit in results.hits} == {"1", "6"}


def test_spans_are_those_of_the_text_as_stored(searcher: Searcher) -> None:
    (hit,) = searcher.search("张伟明", now=NOW).hits
    assert [hit.text[span.start : span.end] for span in hit.spans] == ["張偉明"]
    (hit,) = searcher.search("boating tickets", 1, now=NOW).hits
    assert [hit.text[span.start : span.end] for span in hit.spans] == ["boat", "ticket"]
    assert hit.why.startswith("matches 'boating' and 'tickets'")


def test_a_meaning_finds_what_no_word_does(store: Store) -> None:
    class Synonyms(WordEmbedder):
        def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
            return super().embed([text.replace("vessel", "we rented a boat") for text in texts])

    embedder = Synonyms()
    embed_pending(store, embedder)
    assert locators(Searcher(store), "vessel") == []
    with VectorIndex(store, embedder.model_id) as vectors:
        (hit, *_) = Searcher(store, embedder, vectors).search("vessel", now=NOW).hits
    assert hit.item.locator == "1"
    assert hit.why == "similar meaning"


def test_a_question_about_what_nothing_speaks_of_finds_nothing(searcher: Searcher) -> None:
    assert locators(searcher, "Who won the football championship in the boat?") == []
    assert locators(searcher, "Who rented the boat?") != []


def test_what_changes_is_searched_as_it_is_now(store: Store, searcher: Searcher) -> None:
    assert locators(searcher, "submarine") == []
    store.put("talk", "records", [*TALK, said(9, "A yellow submarine")], stamp=Stamp(2))
    assert locators(searcher, "submarine") == ["9"]
    store.put("talk", "records", TALK[1:], stamp=Stamp(3))
    assert locators(searcher, "submarine") == []
    assert "0" not in locators(searcher, "weekend morning")


def test_a_reranker_judges_the_first_hits_again(searcher: Searcher) -> None:
    plain = searcher.search("boat", now=NOW).hits
    turned = searcher.search("boat", now=NOW, reranker=lambda _, texts: [50.0 * rank for rank in range(len(texts))]).hits
    assert [hit.id for hit in turned] == [hit.id for hit in reversed(plain)]
    assert turned[0].parts["model"] == 50.0


@pytest.mark.parametrize("kind", ["message", "note"])
def test_few_hits_are_asked_for(searcher: Searcher, kind: Kind) -> None:
    assert searcher.search("passport", 0).hits == ()
    assert len(searcher.search("passport", 1, limits=Limits(kind=kind)).hits) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="\"'*^:(){}-~\0boat 护照昨天last week?AND") | st.text(max_size=60))
def test_no_query_makes_a_search_fail(searcher: Searcher, query: str) -> None:
    for hit in searcher.search(query, 3, now=NOW).hits:
        assert all(0 <= span.start < span.end <= len(hit.text) for span in hit.spans)
        assert hit.why


def test_ten_thousand_characters_are_a_query(searcher: Searcher) -> None:
    assert "1" in locators(searcher, "the boat on the lake " * 500)


def test_among_many_items_the_same_come_first_as_when_all_are_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    stock = [f"word{number}" for number in range(60)]
    drafts = [said(n, " ".join(chance.choice(stock, 6)), thread=f"t{n // 40}", days_ago=0) for n in range(600)]
    embedder = WordEmbedder()
    with Store.open(tmp_path / "many", RawKey(bytes(32))) as store:
        store.put("many", "records", drafts, stamp=Stamp(1))
        embed_pending(store, embedder)
        with VectorIndex(store, embedder.model_id) as vectors:
            searcher = Searcher(store, embedder, vectors)
            queries = [f"what about {' and '.join(chance.choice(stock, 3))}?" for _ in range(10)]
            whole = [locators(searcher, query, 5) for query in queries]
            monkeypatch.setattr(gathering, "ALL_RANKED", 100)
            part = [locators(searcher, query, 5) for query in queries]
    agreed = sum(len(set(one) & set(other)) for one, other in zip(whole, part, strict=True))
    assert agreed >= 0.95 * 5 * len(queries)
