"""The checked-in goldens are what Python answers today; Kotlin's tests hold the library against the same files."""

from __future__ import annotations

import json

import pytest

from android_bridge.manifest import SystemTurn, TurnFormat
from android_bridge.turn_format import write_turns
from tests.golden import write


@pytest.mark.parametrize("name", ["actions.json", "turns.json", "sampling.json", "stream.json"])
def test_a_golden_is_what_python_answers(name: str) -> None:
    assert (write.FOLDER / name).read_text(encoding="utf-8") == write.files()[name]


@pytest.mark.parametrize("kind", ["bpe", "unigram", "added"])
def test_token_ids_are_what_the_reference_gives(kind: str) -> None:
    golden = json.loads((write.FOLDER / f"ids-{kind}.json").read_text(encoding="utf-8"))
    assert golden == write.tokenizer_golden(write.FOLDER / f"tokenizer-{kind}.json", len(golden["cases"]), seed=2)


def test_turns_read_back_write_the_same() -> None:
    for golden in json.loads((write.FOLDER / "turns.json").read_text(encoding="utf-8")):
        fields = golden["turns"]
        turns = TurnFormat(**{**fields, "system": None if fields["system"] is None else SystemTurn(**fields["system"])})
        for case in golden["cases"]:
            assert write_turns(turns, [tuple(turn) for turn in case["conversation"]]) == case["text"]
