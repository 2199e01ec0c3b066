"""Block formats against llama.cpp's own reference code, and against the arithmetic both containers promise."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType, quants
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.blocks import FORMATS, Q4_0, Q8_0, BlockFormat, find_format
from runtimes.errors import SourceError, UnsupportedModelError

Float32 = npt.NDArray[np.float32]
every_format = pytest.mark.parametrize("block_format", FORMATS.values(), ids=list(FORMATS))


def ggml_quantize(weights: Float32, name: str) -> npt.NDArray[np.uint8]:
    """What llama.cpp's quantizer writes for these rows, from its own library."""
    from llama_cpp._ggml import libggml as library

    chunk = library.ggml_quantize_chunk
    chunk.restype = ctypes.c_size_t
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    chunk.argtypes = [ctypes.c_int, pointer, pointer, number, number, number, pointer]
    rows, columns = weights.shape
    kind = GGMLQuantizationType[name]
    stored = np.zeros((rows, columns // 32 * find_format(name).block_bytes), np.uint8)
    written = chunk(kind.value, weights.ctypes.data, stored.ctypes.data, 0, rows, columns, None)
    assert written == stored.nbytes
    return stored


def awkward_weights() -> Float32:
    """Rows that catch a rounding, a sign or a tie done otherwise than the reference."""
    rng = np.random.default_rng(7)
    normal = rng.standard_normal((600, 96), dtype=np.float32)
    magnitudes = normal * np.float32(10) ** rng.integers(-7, 4, (600, 1)).astype(np.float32)
    halves = rng.integers(-16, 17, (64, 96)).astype(np.float32) / 2
    ties = rng.choice(np.array([-1, 1], np.float32), (64, 96))
    eighths = rng.integers(-1016, 1017, (64, 96)).astype(np.float32) / 8
    eighths[:, ::32] = 127
    constant = np.repeat(np.array([[0.0], [-0.0], [1e-8], [-3e-5], [6e-8], [0.7]], np.float32), 96, axis=1)
    tiny = normal[:4] * np.float32(1e-42)
    return np.concatenate([magnitudes, halves, ties, eighths, constant, tiny])


@every_format
def test_bytes_equal_llama_cpps_quantizer(block_format: BlockFormat) -> None:
    weights = awkward_weights()[:-4]
    stored = block_format.gguf_bytes(block_format.quantize(weights))
    np.testing.assert_array_equal(stored, ggml_quantize(weights, block_format.name))


@every_format
def test_bytes_equal_gguf_py(block_format: BlockFormat) -> None:
    weights = awkward_weights()[:-4] + np.float32(0)  # gguf-py keeps the sign of a block of -0; llama.cpp does not
    stored = block_format.gguf_bytes(block_format.quantize(weights))
    np.testing.assert_array_equal(stored, quants.quantize(weights, GGMLQuantizationType[block_format.name]))


@every_format
def test_weights_equal_gguf_py_from_the_same_bytes(block_format: BlockFormat) -> None:
    quantized = block_format.quantize(awkward_weights())
    expected = quants.dequantize(block_format.gguf_bytes(quantized), GGMLQuantizationType[block_format.name])
    np.testing.assert_array_equal(block_format.dequantize(quantized), expected)


@every_format
def test_gguf_bytes_round_trip(block_format: BlockFormat) -> None:
    quantized = block_format.quantize(awkward_weights())
    again = block_format.from_gguf_bytes(block_format.gguf_bytes(quantized))
    np.testing.assert_array_equal(again.codes, quantized.codes)
    np.testing.assert_array_equal(again.scales, quantized.scales)


@every_format
def test_matmulnbits_holds_the_same_weights(block_format: BlockFormat) -> None:
    quantized = block_format.quantize(awkward_weights())
    packed, scales = block_format.matmulnbits(quantized)
    rows, columns = quantized.shape
    assert packed.shape == (rows, columns // 32, 4 * block_format.bits)
    codes = packed if block_format.bits == 8 else np.stack([packed & 15, packed >> 4], axis=-1).reshape(rows, -1, 32)
    weights = (codes.astype(np.float32) - 2 ** (block_format.bits - 1)) * scales[..., None]
    np.testing.assert_array_equal(weights.reshape(rows, columns), block_format.dequantize(quantized))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_error_is_at_most_half_a_step(seed: int, rows: int, blocks: int) -> None:
    weights = np.random.default_rng(seed).standard_normal((rows, blocks * 32), dtype=np.float32)
    error = np.abs(Q8_0.dequantize(Q8_0.quantize(weights)) - weights).reshape(rows, blocks, 32)
    step = np.abs(weights).reshape(rows, blocks, 32).max(axis=2, keepdims=True) / 127
    assert (error <= step * 0.5 + step * 127 * 2**-11).all()
    # 4 bits reach from -8 to 7 steps, so the largest weight of the other sign may be off by a whole one.
    step = np.abs(weights).reshape(rows, blocks, 32).max(axis=2, keepdims=True) / 8
    error = np.abs(Q4_0.dequantize(Q4_0.quantize(weights)) - weights).reshape(rows, blocks, 32)
    assert (error <= step + step * 8 * 2**-11).all()


@every_format
def test_rows_do_not_depend_on_the_chunks_they_are_worked_in(
    block_format: BlockFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = awkward_weights()
    whole = block_format.quantize(weights)
    monkeypatch.setattr("quantize.blocks._CHUNK_WEIGHTS", 96 * 7)
    parts = block_format.quantize(weights)
    np.testing.assert_array_equal(parts.codes, whole.codes)
    np.testing.assert_array_equal(block_format.gguf_bytes(parts), block_format.gguf_bytes(whole))
    np.testing.assert_array_equal(block_format.dequantize(parts), block_format.dequantize(whole))


@every_format
def test_rows_reorder_with_their_scales(block_format: BlockFormat) -> None:
    weights = awkward_weights()
    order = np.random.default_rng(1).permutation(len(weights))
    moved = block_format.quantize(weights).take_rows(order)
    np.testing.assert_array_equal(
        block_format.gguf_bytes(moved), block_format.gguf_bytes(block_format.quantize(weights[order]))
    )


@every_format
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_weights_are_refused_by_name(block_format: BlockFormat, bad: float) -> None:
    weights = np.ones((3, 64), np.float32)
    weights[1, 40] = bad
    with pytest.raises(SourceError, match=r"blk\.0\.ffn_up.*NaN or infinite"):
        block_format.quantize(weights, "blk.0.ffn_up")


@every_format
def test_weights_beyond_a_float16_scale_are_refused(block_format: BlockFormat) -> None:
    with pytest.raises(SourceError, match="too large"):
        block_format.quantize(np.full((1, 32), 1e9, np.float32))


@every_format
@pytest.mark.parametrize("shape", [(4, 48), (32,), (0, 32), (2, 2, 32)])
def test_only_matrices_of_whole_blocks_fit(block_format: BlockFormat, shape: tuple[int, ...]) -> None:
    assert not block_format.fits(shape)
    with pytest.raises(SourceError, match="whole blocks"):
        block_format.quantize(np.zeros(shape, np.float32))


def test_cut_blocks_are_refused() -> None:
    with pytest.raises(SourceError, match="whole Q4_0 blocks"):
        Q4_0.from_gguf_bytes(np.zeros((2, 35), np.uint8))


def test_formats_are_found_by_ggmls_name() -> None:
    assert find_format("Q4_0") is Q4_0
    assert find_format("Q8_0") is Q8_0
    with pytest.raises(UnsupportedModelError, match=r"'Q9_9'.*Q4_0, Q8_0"):
        find_format("Q9_9")
