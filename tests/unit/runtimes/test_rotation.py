"""Rotated int8 weights against numpy's own arithmetic, and where a graph says they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from quantize.blocks import Q4_0
from runtimes.errors import BundleError
from runtimes.fill_layout import FillLayout
from runtimes.rotation import GROUP, PackedMatrix, rotate, rotate_file, rotation


def packed_matrix(rows: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes and scales as MatMulNBits stores them, and the weights they stand for."""
    drawn = np.random.default_rng(seed).standard_normal((rows, columns), np.float32)
    drawn[:, 5] *= 30  # an outlier
    quantized = Q4_0.quantize(drawn, "drawn")
    packed, scales = Q4_0.matmulnbits(quantized)
    return packed.reshape(rows, -1), scales.reshape(rows, -1).astype(np.float32), Q4_0.dequantize(quantized)


def test_a_rotation_is_orthogonal() -> None:
    matrix = rotation(GROUP)
    assert set(np.unique(matrix)) == {-1, 1}
    np.testing.assert_array_equal(matrix @ matrix.T, GROUP * np.eye(GROUP))


@pytest.mark.parametrize(("rows", "columns"), [(1, 64), (3, 192), (300, 576), (2050, 64)])
def test_rotated_weights_are_the_weights_within_half_a_step(rows: int, columns: int) -> None:
    """Also over more rows than are rotated at once."""
    packed, scales, weights = packed_matrix(rows, columns, rows)
    found = rotate(packed, scales)
    expected = (weights.reshape(rows, -1, GROUP) @ rotation(GROUP)).reshape(rows, columns)
    steps = GROUP * found.scales[:, None]
    assert found.codes.dtype == np.int8
    assert found.codes.shape == (columns, rows)
    np.testing.assert_allclose(np.abs(found.codes).max(0), 127)
    assert (np.abs(found.codes.T * steps - expected) <= 0.501 * steps).all()


def test_products_of_rotated_operands_are_the_products() -> None:
    packed, scales, weights = packed_matrix(40, 128, 0)
    found = rotate(packed, scales)
    given_rows = np.random.default_rng(1).standard_normal((7, 128), np.float32)
    rotated = (given_rows.reshape(7, -1, GROUP) @ rotation(GROUP)).reshape(7, 128)
    product, expected = rotated @ found.codes * found.scales, given_rows @ weights.T
    assert np.abs(product - expected).max() < 0.02 * np.abs(expected).max()


def test_rows_of_zeros_stay_zero() -> None:
    found = rotate(np.full((3, 32), 0x88, np.uint8), np.ones((3, 2), np.float32))
    assert not found.codes.any()
    assert np.isfinite(found.scales).all()


def test_matrices_are_read_from_where_they_are(tmp_path: Path) -> None:
    path, places, expected = tmp_path / "weights", {}, {}
    with path.open("wb") as stream:
        for name, shape in {"a": (9, 64), "b": (5, 192)}.items():
            packed, scales, _ = packed_matrix(*shape, 3)
            stream.write(b"between")
            places[name] = PackedMatrix(*shape, stream.tell(), stream.tell() + packed.nbytes)
            stream.write(packed.tobytes() + scales.tobytes())
            expected[name] = rotate(packed, scales)
    found = rotate_file(path, places, threads=2)
    assert list(found) == list(places)
    for name, matrix in found.items():
        np.testing.assert_array_equal(matrix.codes, expected[name].codes)
        np.testing.assert_array_equal(matrix.scales, expected[name].scales)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="ends before b"):
        rotate_file(path, places, threads=1)


def test_a_layout_comes_back_from_its_text() -> None:
    layout = FillLayout({"a": PackedMatrix(3, 64, 0, 4096)}, {"table": 8192})
    assert FillLayout.from_text(layout.to_text()) == layout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"matrices": {}, "tables": []}',
        *(json.dumps({"matrices": {"a": at}, "tables": {}}) for at in (1, [1, 64, 0], [0, 64, 0, 0], [1, 96, 0, 0])),
        *(json.dumps({"matrices": {"a": at}, "tables": {}}) for at in ([1, 64, -1, 0], [1, 64, 0, 1.5], [True, 64, 0, 0])),
        *(json.dumps({"matrices": {}, "tables": {"t": at}}) for at in (-1, None, "0", False)),
    ],
)
def test_a_layout_that_says_nothing_or_lies_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one of them
        FillLayout.from_text(text)
