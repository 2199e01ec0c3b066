"""Scores and probabilities, on points in a plane."""

from __future__ import annotations

import numpy as np
import pytest

from edge_llm.route.calibrate import _ridged, _solve, fit

ACTIONS = 3
CENTRES = np.array([[2.0, 0], [-2, 0], [0, 2], [0, -3]])
"""The last one is none's."""


def points(seed: int, each: int = 20, noise: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2, -1], each)
    return CENTRES[labels] + draw.normal(0, noise, (len(labels), 2)), labels


def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.exp(-np.square(left[:, None] - right[None]).sum(axis=2) / 2).astype(np.float32)


def test_left_out_scores_are_those_of_a_fit_without_the_example() -> None:
    known, labels = points(0, each=5)
    columns = np.where(labels < 0, ACTIONS, labels)
    _, left_out = _solve(_ridged(kernel(known, known)), columns, ACTIONS)
    for out in (0, 7, 19):
        others = np.delete(np.arange(len(known)), out)
        weights, _ = _solve(_ridged(kernel(known[others], known[others])), columns[others], ACTIONS)
        expected = kernel(known[out : out + 1], known[others])[0] @ weights
        np.testing.assert_allclose(left_out[out], expected, atol=1e-4)


def test_probabilities_find_the_action_and_none_and_sum_to_one() -> None:
    known, labels = points(1)
    learned = fit(kernel(known, known), labels, ACTIONS)
    asked, wanted = points(2)
    right = 0
    for point, label in zip(asked, wanted, strict=True):
        shares, none = learned.probabilities(kernel(point[None], known)[0])
        assert shares.sum() + none == pytest.approx(1, abs=1e-5)
        right += (none > 0.5) if label < 0 else bool(none < 0.5 and shares.argmax() == label)
    assert right >= 0.95 * len(wanted)


def test_far_from_every_example_is_none() -> None:
    known, labels = points(1)
    learned = fit(kernel(known, known), labels, ACTIONS)
    _, none = learned.probabilities(kernel(np.array([[30.0, 30]]), known)[0])
    assert none > 0.5


def test_an_example_of_none_amid_an_actions_gives_way() -> None:
    known, labels = points(3)
    known = np.vstack([known, CENTRES[0]])
    learned = fit(kernel(known, known), np.append(labels, -1), ACTIONS)
    assert len(known) - 1 not in learned.kept


def test_a_negative_stays_against_its_own_action_and_gives_way_to_another() -> None:
    known, labels = points(3)
    known = np.vstack([known, CENTRES[0]])
    own, of_another = -2 - 0, -2 - 1
    assert len(known) - 1 in fit(kernel(known, known), np.append(labels, own), ACTIONS).kept
    assert len(known) - 1 not in fit(kernel(known, known), np.append(labels, of_another), ACTIONS).kept


@pytest.mark.parametrize("labels", [[0], [0, 0], [0, -1], [0, 1]])
def test_few_examples_are_enough_to_be_finite(labels: list[int]) -> None:
    known = np.arange(2 * len(labels), dtype=float).reshape(-1, 2)
    learned = fit(kernel(known, known), np.array(labels), 2)
    shares, none = learned.probabilities(kernel(known[:1], known)[0])
    assert np.isfinite(shares).all()
    assert 0 <= none <= 1
