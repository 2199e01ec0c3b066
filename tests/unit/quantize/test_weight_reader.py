"""Reading a tensor: bounded memory, and an honest answer when the file has changed."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from quantize.weight_reader import FLOAT_DECODERS, read_weight
from runtimes.errors import SourceError


def test_memory_stays_at_the_tensor_and_a_few_pieces(tmp_path: Path) -> None:
    values = np.ones((6000, 2000), np.float16)
    (tmp_path / "w").write_bytes(values.tobytes())
    with (tmp_path / "w").open("rb") as stream:
        tracemalloc.start()
        read = read_weight(stream, 0, values.nbytes, values.shape, FLOAT_DECODERS["F16"], "w")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert read.sum(dtype=np.float64) == values.size
    assert peak < read.nbytes + (24 << 20)


def test_rows_longer_than_a_piece_are_read_one_by_one() -> None:
    values = np.arange(2 * (5 << 18), dtype=np.float32).reshape(2, -1)
    read = read_weight(io.BytesIO(b"xx" + values.tobytes()), 2, values.nbytes, values.shape, FLOAT_DECODERS["F32"], "w")
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3), ()])
def test_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    read = read_weight(io.BytesIO(values.tobytes()), 0, values.nbytes, shape, FLOAT_DECODERS["F32"], "w")
    assert read.shape == shape
    np.testing.assert_array_equal(read, values)


def test_the_result_is_the_callers_to_change() -> None:
    read = read_weight(io.BytesIO(bytes(16)), 0, 16, (4,), FLOAT_DECODERS["F32"], "w")
    read += 1
    assert read.tolist() == [1, 1, 1, 1]


def test_a_file_that_ends_early_and_a_disk_that_fails_are_named() -> None:
    with pytest.raises(SourceError, match="m: 'w' ends early"):
        read_weight(io.BytesIO(bytes(12)), 0, 16, (4,), FLOAT_DECODERS["F32"], "m: 'w'")

    class Broken(io.BytesIO):
        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match="m: 'w' cannot be read: Input/output error"):
        read_weight(Broken(bytes(16)), 0, 16, (4,), FLOAT_DECODERS["F32"], "m: 'w'")
