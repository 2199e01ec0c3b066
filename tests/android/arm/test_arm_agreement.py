"""Agreement of logits, on rows small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.android.arm.agreement import compare, divergence, read_logits, write_sequences


def test_equal_logits_agree_wholly() -> None:
    rows = np.array([[1, 2, 3], [3, 2, 1]], np.float32)
    agreement = compare(rows, rows)
    assert (agreement.tokens, agreement.agreed, agreement.margin) == (2, 2, None)
    assert agreement.kld == pytest.approx(0)


def test_where_they_part_the_lead_is_the_references() -> None:
    reference = np.array([[5, 1, 0], [2, 1.75, 0], [9, 0, 0]], np.float32)
    other = np.array([[4, 1, 0], [1, 1.5, 0], [0, 9, 0]], np.float32)
    agreement = compare(reference, other)
    assert (agreement.agreed, agreement.margin) == (1, 0.25)
    assert agreement.largest_difference == 9


def test_divergence_ignores_what_softmax_ignores_and_has_a_direction() -> None:
    first = np.log(np.array([[0.5, 0.5]], np.float32))
    second = np.log(np.array([[0.25, 0.75]], np.float32))
    assert divergence(first, second + 7) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert divergence(second, first) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))


def test_logits_of_other_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="against"):
        compare(np.zeros((2, 3), np.float32), np.zeros((1, 3), np.float32))


def test_rows_come_back_by_answer(tmp_path: Path) -> None:
    np.arange(9, dtype="<f4").tofile(tmp_path / "logits")
    first, second = read_logits(tmp_path / "logits", [[7], [8, 9]])
    assert first.tolist() == [[0, 1, 2]]
    assert second.tolist() == [[3, 4, 5], [6, 7, 8]]
    write_sequences(tmp_path / "sequences", [[1, 2], [3]], [[7], [8, 9]])
    assert (tmp_path / "sequences").read_text() == "1 2 | 7\n3 | 8 9\n"
