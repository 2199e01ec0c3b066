"""The signals against their definitions computed slowly, and the fit against weights that are known."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from edge_llm.memory import fusion, ranking
from edge_llm.memory.columns import NO_TIME, Columns
from edge_llm.memory.lexical import Posting
from edge_llm.memory.query import Group


def columns(episodes: list[int], sizes: list[float], asks: list[bool] | None = None) -> Columns:
    count = len(episodes)
    ids = np.arange(1, count + 1)
    no = np.zeros(count, np.bool_)
    return Columns(
        1, ids, np.ones_like(ids), np.array(episodes), np.zeros_like(ids), np.full(count, NO_TIME), np.array(sizes, np.float32),
        np.array(episodes), no if asks is None else np.array(asks), no, {}, np.arange(count + 1, dtype=np.int32),
    )  # fmt: skip


def posting(word: str, rows: list[int], idf: float, titled: tuple[int, ...] = ()) -> Posting:
    return Posting(Group(word, ((word,),)), np.array(rows, np.int64), np.array(titled, np.int64), idf)


def bm25(count: float, size: float) -> float:
    return count * (ranking.K1 + 1) / (count + ranking.K1 * (1 - ranking.B + ranking.B * size))


def test_word_signals_are_what_they_are_defined_as() -> None:
    episodes, sizes = [1, 1, 1, 1, 1, 1, 2, 2], [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 1.0, 1.0]
    held = columns(episodes, sizes, [True, False, False, True, False, False, True, False])
    postings = [posting("a", [0, 2, 6], 2.0), posting("b", [2, 5], 1.0, titled=(5,))]
    rows = np.arange(8)
    signals, whole = ranking.word_signals(held, postings, ranking.Around(held, rows))
    mean = sum(sizes) / 8
    for row in rows:
        near = {d: row + d for d in range(-4, 5) if d and 0 <= row + d < 8 and episodes[row + d] == episodes[row]}
        size = sizes[row] / mean
        window_size = size + sum(ranking.AROUND[abs(d) - 1] * sizes[at] / mean for d, at in near.items())
        window_size /= 1 + 2 * sum(ranking.AROUND)
        own = window = reply = cover = 0.0
        for one in postings:
            times = {int(at): 1.0 for at in one.rows}
            times |= {int(at): 2.0 for at in one.titled}
            here = times.get(int(row), 0.0)
            around = here + sum(ranking.AROUND[abs(d) - 1] * times.get(int(at), 0.0) for d, at in near.items())
            own += one.idf * bm25(here, size)
            window += one.idf * bm25(around, window_size)
            cover += one.idf * (here > 0)
            if -1 in near and held.asks[near[-1]]:
                reply += one.idf * bm25(times.get(int(near[-1]), 0.0), sizes[near[-1]] / mean)
        most = 3.0
        assert signals["words"][row] == pytest.approx(own / most / (ranking.K1 + 1), abs=1e-5)
        assert signals["nearby_words"][row] == pytest.approx((window - own) / most / (ranking.K1 + 1), abs=1e-5)
        assert signals["cover"][row] == pytest.approx(cover / most, abs=1e-5)
        assert signals["reply"][row] == pytest.approx(reply / most / (ranking.K1 + 1), abs=1e-5)
    assert np.flatnonzero(whole).tolist() == [2]


def test_meaning_counts_in_deviations_from_the_usual_and_not_across_conversations() -> None:
    held = columns([1, 1, 2], [1.0, 1.0, 1.0])
    around = ranking.Around(held, np.arange(3))
    cosines, known = np.array([0.5, 0.3, 0.9], np.float32), np.array([True, True, False])
    signals = ranking.meaning_signals(cosines, known, around, (0.3, 0.1))
    assert signals["meaning"] == pytest.approx([2.0, 0.0, 0.0], abs=1e-5)
    assert signals["nearby_meaning"][1] == pytest.approx(2.0 / np.hypot(1, 0.6), abs=1e-5)
    assert signals["nearby_meaning"][2] == 0


def test_neighbours_stay_within_their_stretch() -> None:
    held = columns([1, 1, 1, 2, 2], [1.0] * 5)
    assert ranking.with_neighbours(held, np.array([2]), 2).tolist() == [0, 1, 2]
    assert ranking.with_neighbours(held, np.array([3]), 9).tolist() == [3, 4]
    assert ranking.with_neighbours(held, np.array([], np.int64), 2).tolist() == []


def test_the_first_choice_prefers_rare_words_and_what_is_allowed() -> None:
    held = columns([1] * 6, [1.0] * 6)
    postings = [posting("common", [0, 1, 2, 3], 0.5), posting("rare", [4, 5], 3.0)]
    assert set(ranking.best_by_words(held, postings, None, 2).tolist()) == {4, 5}
    allowed = np.array([True, True, True, True, True, False])
    assert set(ranking.best_by_words(held, postings, allowed, 10).tolist()) == {0, 1, 2, 3, 4}


def test_the_fit_finds_the_weights_that_made_the_answers() -> None:
    chance = np.random.default_rng(5)
    true = chance.normal(0, 1, len(fusion.SIGNALS))
    questions = []
    for _ in range(1500):
        table = chance.normal(0, 1, (30, len(true)))
        score = table @ true
        answer = np.zeros(30)
        answer[chance.choice(30, p=np.exp(score - score.max()) / np.exp(score - score.max()).sum())] = 1
        questions.append((table, answer))
    found = np.array(astuple(fusion.fit(questions, ridge=1e-6)))
    assert np.abs(found - true).max() < 0.15


def test_parts_add_up_to_the_score_and_every_signal_is_in_one() -> None:
    assert sorted(name for names in fusion.PARTS.values() for name in names) == sorted(fusion.SIGNALS)
    table = np.random.default_rng(1).normal(0, 1, (1, len(fusion.SIGNALS)))
    (score,) = fusion.scores(table, fusion.WEIGHTS)
    assert sum(fusion.parts(table[0], fusion.WEIGHTS).values()) == pytest.approx(score, abs=1e-3)


def test_a_missing_signal_counts_nothing() -> None:
    table = fusion.tabulate({"words": np.array([0.5, 1.0], np.float32)})
    assert table.shape == (2, len(fusion.SIGNALS))
    assert fusion.scores(table, fusion.WEIGHTS) == pytest.approx([0.5 * fusion.WEIGHTS.words, fusion.WEIGHTS.words])
