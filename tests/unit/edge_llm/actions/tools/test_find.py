"""Looking up: hits with where they come from, and a day's events in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from edge_llm.actions.tools.find import Finder, search_memory
from edge_llm.memory import Draft, Memory
from runtimes.errors import InputError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder


def at(time: str) -> datetime:
    return datetime.fromisoformat(time)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=bytes(32), embedder=WordEmbedder()) as opened:
        opened.add(
            [
                Draft("Dentist", "event", "1", time=at("2026-11-24T15:00:00+08:00")),
                Draft("Breakfast with Ann", "event", "2", time=at("2026-11-24T08:00:00+08:00")),
                Draft("Concert", "event", "3", time=at("2026-11-25T00:00:00+08:00")),
                Draft("the lease of the flat " + "x" * 2000, "document", "4", title="Lease"),
            ],
            source="papers",
        )
        yield opened


def test_hits_say_where_they_are_from(memory: Memory) -> None:
    found = Finder(memory).search_memory("lease flat")
    first = found["hits"][0]
    assert (first["title"], first["source"], first["locator"], first["kind"]) == ("Lease", "papers", "4", "document")
    assert len(first["text"]) == 600
    assert first["text"].endswith("…")
    json.dumps(found, allow_nan=False)


def test_a_day_is_the_persons_own(memory: Memory) -> None:
    found = Finder(memory).show_calendar("2026-11-24T12:00:00+08:00")
    assert found["day"] == "2026-11-24"
    assert [event["text"] for event in found["events"]] == ["Breakfast with Ann", "Dentist"]
    with pytest.raises(InputError, match="no time"):
        Finder(memory).show_calendar("someday")


def test_without_a_memory_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_LLM_HOME", str(tmp_path))
    with pytest.raises(InputError):
        search_memory("anything")
    assert not list(tmp_path.iterdir())
