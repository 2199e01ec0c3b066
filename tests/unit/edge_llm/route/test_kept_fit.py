"""What was learned is kept: found again for the same texts, made again for others and for a torn file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_llm.route.calibrate import _RIDGE, Fit, _without, fit
from edge_llm.route.kept_fit import kept_fit


def learned() -> Fit:
    rows = np.random.default_rng(7).random((12, 5)).astype(np.float32)
    return fit(np.exp(rows @ rows.T), np.arange(12) % 3 - 1, 2)


@pytest.fixture
def made() -> list[Fit]:
    return []


def test_a_fit_is_found_again_for_the_same_texts_and_no_others(tmp_path: Path, made: list[Fit]) -> None:
    def make() -> Fit:
        made.append(learned())
        return made[-1]

    first = kept_fit(tmp_path, "en", ["a", "b"], make)
    again = kept_fit(tmp_path, "en", ["a", "b"], make)
    assert len(made) == 1
    assert (again.gate, again.temperature) == (first.gate, first.temperature)
    np.testing.assert_array_equal(again.weights, first.weights)
    np.testing.assert_array_equal(again.kept, first.kept)
    kept_fit(tmp_path, "en", ["a", "c"], make)
    kept_fit(tmp_path, "zh", ["a", "c"], make)
    kept_fit(None, "en", ["a", "c"], make)
    assert len(made) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en.fit.npz", "zh.fit.npz"]


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04", b"nothing of the kind"])
def test_a_file_that_cannot_be_read_is_made_again(tmp_path: Path, made: list[Fit], torn: bytes) -> None:
    (tmp_path / "en.fit.npz").write_bytes(torn)
    kept_fit(tmp_path, "en", ["a"], lambda: made.append(learned()) or made[-1])
    kept_fit(tmp_path, "en", ["a"], lambda: pytest.fail("made twice"))
    assert len(made) == 1


def test_the_inverse_without_some_rows_is_that_of_the_rest() -> None:
    rows = np.random.default_rng(3).random((30, 8))
    matrix = rows @ rows.T + _RIDGE * np.eye(30)
    kept, gone = np.flatnonzero(np.arange(30) % 4), np.flatnonzero(np.arange(30) % 4 == 0)
    np.testing.assert_allclose(
        _without(np.linalg.inv(matrix), kept, gone), np.linalg.inv(matrix[np.ix_(kept, kept)]), rtol=1e-6
    )
