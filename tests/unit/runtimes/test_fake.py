"""The fake runtime: scripted answers, seeded logits, refused model files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runtimes import RuntimeConfig, open_session, read_bundle
from runtimes.bundle import Manifest, write_bundle
from runtimes.errors import BundleError, ConfigError, PromptError
from runtimes.fake import RUNTIME, FakeSession

END = 2


def answer(session: FakeSession, prompt: list[int], *, feed_end: bool = False) -> list[int]:
    """Greedy generation up to END, which is fed back only when asked."""
    found = []
    token = int(session.feed(prompt)[0].argmax())
    while token != END:
        found.append(token)
        token = int(session.feed([token])[0].argmax())
    if feed_end:
        session.feed([END])
    return found


@pytest.mark.parametrize("feed_end", [False, True])
def test_answers_come_in_turn_and_the_last_one_repeats(feed_end: bool) -> None:
    session = FakeSession(50, 200, script=[[5, 6, 7, END], [8, END], [9, 5, END]])
    found = [answer(session, [20, 21, 22], feed_end=feed_end) for _ in range(4)]
    assert found == [[5, 6, 7], [8], [9, 5], [9, 5]]


def test_script_is_a_function_of_the_tokens_held() -> None:
    session = FakeSession(50, 200, script=[[5, 6, END], [8, END]])
    assert answer(session, [20]) == [5, 6]
    session.rewind(1)
    assert int(session.feed([21])[0].argmax()) == 5
    session.rewind(0)
    rows = session.feed([20, 5, 6, END, 30, 8], rows=6)
    assert rows.argmax(axis=1).tolist() == [5, 6, END, 8, 8, END]


def test_scripted_token_is_all_but_certain() -> None:
    row = FakeSession(50, 20, script=[[5, END]]).feed([1])[0].astype(np.float64)
    assert np.exp(row[5]) / np.exp(row).sum() > 1 - 1e-6


def test_seeded_logits_depend_on_seed_and_history_only() -> None:
    first = FakeSession(40, 20, seed=1).feed([1, 2, 3], rows=3)
    again = FakeSession(40, 20, seed=1)
    np.testing.assert_array_equal(np.concatenate([again.feed([1]), again.feed([2, 3], rows=2)]), first)
    assert not np.array_equal(FakeSession(40, 20, seed=2).feed([1, 2, 3], rows=3), first)
    assert len({row.tobytes() for row in first}) == 3
    assert abs(float(FakeSession(5000, 20).feed([1]).std()) - 1) < 0.05


@pytest.mark.parametrize(
    "arguments",
    [
        {"vocabulary_size": 0, "context_length": 5},
        {"vocabulary_size": 5, "context_length": 0},
        {"vocabulary_size": 5, "context_length": 5, "script": []},
        {"vocabulary_size": 5, "context_length": 5, "script": [[]]},
        {"vocabulary_size": 5, "context_length": 5, "script": [[5]]},
        {"vocabulary_size": 5, "context_length": 5, "seed": 2**63},
    ],
)
def test_impossible_models_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        FakeSession(**arguments)


def test_snapshot_goes_to_the_same_model_only() -> None:
    first = FakeSession(50, 20, seed=1)
    first.feed([1, 2])
    FakeSession(50, 20, seed=1).restore(first.snapshot())
    with pytest.raises(PromptError, match="another model"):
        FakeSession(50, 20, seed=2).restore(first.snapshot())


def write(path: Path, model: object) -> Path:
    with write_bundle(path) as writer:
        text = model if isinstance(model, str) else json.dumps(model)
        (writer.directory / "fake.json").write_text(text, encoding="utf-8")
        writer.finish(Manifest("fake", "fake", "fake", "fake.json", context_length=16, vocabulary_size=8))
    return path


def test_bundle_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "fake", {"vocabulary_size": 8, "context_length": 16, "script": [[3, 2]]})
    with open_session(path, config=RuntimeConfig(context_length=4)) as session:
        assert session.capabilities.context_length == 4
        assert int(session.feed([1])[0].argmax()) == 3


@pytest.mark.parametrize(
    "model",
    [
        "not json",
        "[" * 100_000,
        [],
        {"context_length": 16, "seed": 1},
        {"vocabulary_size": True, "context_length": 16, "seed": 1},
        {"vocabulary_size": 8, "context_length": 16},
        {"vocabulary_size": 8, "context_length": 16, "seed": 1, "script": [[1]]},
        {"vocabulary_size": 8, "context_length": 16, "seed": "1"},
        {"vocabulary_size": 8, "context_length": 16, "seed": 2**70},
        {"vocabulary_size": 8, "context_length": 16, "script": [1, 2]},
        {"vocabulary_size": 8, "context_length": 16, "script": [["a"]]},
        {"vocabulary_size": 8, "context_length": 16, "script": [[8]]},
        " " * ((1 << 20) + 1),
    ],
    ids=lambda model: str(model)[:40],
)
def test_bad_model_files_name_the_file(tmp_path: Path, model: object) -> None:
    bundle = read_bundle(write(tmp_path / "fake", model))
    with pytest.raises(BundleError, match=r"fake\.json"):
        RUNTIME.open(bundle, RuntimeConfig())
