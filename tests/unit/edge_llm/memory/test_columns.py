"""The columns in RAM say what the store says, after every change, and know who neighbours whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from edge_llm.memory.analysis import DATED, index_terms
from edge_llm.memory.columns import NO_TIME, ColumnCache, Columns
from edge_llm.memory.items import KINDS, Draft
from edge_llm.memory.records import Stamp, to_ms
from edge_llm.memory.store import Store
from tests.unit.edge_llm.memory.store_samples import NOON, messages, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def current(store: Store, cache: ColumnCache | None = None) -> Columns:
    with store.reading() as connection:
        return (cache or ColumnCache()).current(connection)


def test_an_empty_store_has_no_rows(store: Store) -> None:
    columns = current(store)
    assert len(columns) == 0
    assert columns.rows_of(np.array([1, 2])).tolist() == []


def test_every_item_is_in_its_row(store: Store) -> None:
    store.put("talk", "records", messages(40), stamp=Stamp(1))
    store.put("notes", "text", [Draft("A note. Is it?", "note", "n"), Draft("Seen yesterday", "note", "m")], stamp=Stamp(1))
    columns = current(store)
    items = store.items(columns.ids.tolist())
    assert len(items) == len(columns) == 42
    for row, item in enumerate(items):
        assert columns.rows_of(np.array([item.id])).tolist() == [row]
        assert KINDS[columns.kinds[row]] == item.kind
        assert columns.times[row] == (NO_TIME if item.time is None else to_ms(item.time))
        assert columns.threads[row] == (item.thread or 0)
        assert columns.asks[row] == item.text.endswith("?")
        assert columns.dated[row] == (DATED in index_terms(item.text).split())
    assert columns.names["person"] >= columns.names["person 3"]


def test_neighbours_are_those_before_and_after_in_the_thread(store: Store) -> None:
    store.put("talk", "records", messages(20), stamp=Stamp(1))  # two threads, by turns
    columns = current(store)
    by_locator = {item.locator: item.id for item in store.items(columns.ids.tolist())}
    (row,) = columns.rows_of(np.array([by_locator["10"]]))
    before, after = columns.neighbours(int(row), 2)
    assert before == [by_locator["6"], by_locator["8"]]
    assert after == [by_locator["12"], by_locator["14"]]
    (first,) = columns.rows_of(np.array([by_locator["0"]]))
    assert columns.neighbours(int(first), 2)[0] == []


def test_a_long_pause_ends_a_stretch(store: Store) -> None:
    early = [replace(one, thread="t") for one in messages(3)]
    late = [replace(one, thread="t", locator=f"late {n}", time=NOON + timedelta(days=2)) for n, one in enumerate(messages(3))]
    store.put("talk", "records", [*early, *late], stamp=Stamp(1))
    columns = current(store)
    assert len(set(columns.episodes.tolist())) == 2
    assert len(set(columns.threads.tolist())) == 1


def test_it_follows_the_store(store: Store) -> None:
    cache = ColumnCache()
    store.put("talk", "records", messages(10), stamp=Stamp(1))
    first = current(store, cache)
    assert current(store, cache) is first
    store.put("talk", "records", messages(4), stamp=Stamp(2))
    assert len(current(store, cache)) == 4
    assert len(first) == 10


def test_conditions_hold_together(store: Store) -> None:
    store.put("talk", "records", messages(10), stamp=Stamp(1))
    store.put("notes", "text", [Draft("A note", "note", "n")], stamp=Stamp(1))
    columns = current(store)
    assert columns.allowed() is None
    since, until = to_ms(NOON + timedelta(minutes=2)), to_ms(NOON + timedelta(minutes=5))
    rows = columns.allowed(since=since, until=until, kind="message")
    assert rows is not None
    assert sorted(item.locator for item in store.items(columns.ids[rows].tolist())) == ["2", "3", "4"]
    nothing = columns.allowed(since=since, kind="note")
    assert nothing is not None
    assert not nothing.any()
