"""Lists in memory: what is written is found, and what is taken off is erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_llm.actions.tools import lists
from edge_llm.actions.tools.lists import Lists
from edge_llm.memory import Memory
from runtimes.errors import InputError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

KEY = bytes(range(32))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=KEY, embedder=WordEmbedder()) as opened:
        yield opened


def test_a_note_is_found_by_a_search(memory: Memory) -> None:
    assert Lists(memory).add_note(" the wifi code is on the fridge ") == {
        "list": "notes",
        "items": ["the wifi code is on the fridge"],
    }
    hit = memory.search("wifi code")[0]
    assert (hit.text, hit.item.source.name, hit.item.kind) == ("the wifi code is on the fridge", "notes", "note")


def test_lists_are_apart_and_in_order(memory: Memory) -> None:
    mine = Lists(memory)
    assert mine.show_shopping() == {"list": "shopping list", "items": []}
    mine.add_shopping(["milk", "鸡蛋"])
    mine.add_shopping(["bread"])
    mine.add_todo("call the vet", "2026-12-01T09:00:00+01:00")
    assert mine.show_shopping()["items"] == ["milk", "鸡蛋", "bread"]
    assert mine.show_todo()["items"] == ["call the vet"]
    assert mine.show_notes()["items"] == []
    assert memory.list(source="to-do list")[0].time == datetime.fromisoformat("2026-12-01T09:00:00+01:00")


def test_what_adding_gives_takes_it_back(memory: Memory) -> None:
    mine = Lists(memory)
    mine.add_shopping(["milk"])
    added = mine.add_shopping(["Milk", "bread"])
    assert mine.remove(added["items"]) == {"items": ["Milk", "bread"]}
    assert mine.show_shopping()["items"] == ["milk"]
    assert [hit.text for hit in memory.search("bread")] == []


def test_removing_is_all_or_nothing(memory: Memory) -> None:
    mine = Lists(memory)
    mine.add_shopping(["milk"])
    with pytest.raises(InputError, match="No list has an entry 'milk'"):
        mine.remove(["milk", "milk"])
    assert mine.show_shopping()["items"] == ["milk"]


@pytest.mark.parametrize("items", [[], ["", "  "]])
def test_nothing_is_not_written(memory: Memory, items: list[str]) -> None:
    with pytest.raises(InputError, match="nothing to write"):
        Lists(memory).add_shopping(items)
    with pytest.raises(InputError, match="no time"):
        Lists(memory).add_todo("x", "soon")


def test_the_functions_use_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Memory.open(tmp_path / "m.db", key=KEY, embedder=WordEmbedder()) as memory:
        monkeypatch.setattr(Memory, "open", classmethod(lambda cls: memory))
        monkeypatch.setattr(memory, "close", lambda: None)
        lists.add_note("a")
        lists.add_shopping(["b"])
        lists.add_todo("c")
        shown = lists.show_notes(), lists.show_shopping(), lists.show_todo()
        assert [one["items"] for one in shown] == [["a"], ["b"], ["c"]]
        assert lists.remove(["b"]) == {"items": ["b"]}
        monkeypatch.undo()


class ShoppingList(RuleBasedStateMachine):
    """Adding and removing, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.memory = Memory.open(Path(self.folder.name) / "m.db", key=KEY, embedder=WordEmbedder())
        self.lists = Lists(self.memory)
        self.expected: list[str] = []

    def teardown(self) -> None:
        self.memory.close()
        self.folder.cleanup()

    @rule(items=st.lists(st.sampled_from(["milk", "bread", "eggs"]), min_size=1, max_size=3))
    def add(self, items: list[str]) -> None:
        self.lists.add_shopping(items)
        self.expected += items

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.expected))
        self.lists.remove([item])
        del self.expected[len(self.expected) - 1 - self.expected[::-1].index(item)]

    @invariant()
    def same(self) -> None:
        assert self.lists.show_shopping()["items"] == self.expected


TestShoppingList = ShoppingList.TestCase
TestShoppingList.settings = settings(max_examples=5, stateful_step_count=8, deadline=None)
