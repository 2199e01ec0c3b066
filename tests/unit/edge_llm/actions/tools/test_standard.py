"""Bound functions take the places of those that the standard actions name, with the same parameters."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.tools.standard import standard_functions
from edge_llm.home import Home
from edge_llm.memory import Memory
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

TARGETS = {carrier.target: action for action in library() for carrier in action.carriers if carrier.kind == "python"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_carrier_names_a_function_that_takes_the_slots(target: str) -> None:
    module, _, name = target.partition(":")
    signature = inspect.signature(getattr(import_module(module), name))
    slots = TARGETS[target].slots
    signature.bind(**{slot.name: None for slot in slots})
    signature.bind(**{slot.name: None for slot in slots if slot.required})


def test_bound_functions_are_the_named_ones(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "m.db", key=bytes(32), embedder=WordEmbedder()) as memory:
        bound = standard_functions(memory=memory, home=Home(tmp_path))
        for target, function in bound.items():
            module, _, name = target.partition(":")
            assert list(inspect.signature(function).parameters) == list(
                inspect.signature(getattr(import_module(module), name)).parameters
            )
        bound["edge_llm.actions.tools.lists:add_note"](text="hello")
        assert bound["edge_llm.actions.tools.lists:show_notes"]()["items"] == ["hello"]
        made = bound["edge_llm.actions.tools.events:alarm_file"](time="2026-11-24T07:00:00Z")
        assert Path(made["path"]).parent == tmp_path / "made"
    assert not any("lists" in target for target in standard_functions(home=Home(tmp_path)))
