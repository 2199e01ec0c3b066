"""Safetensors: equal to the reference library, and a clear refusal of everything malformed."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantize.safetensors import HEADER_LIMIT, SafetensorsFile
from runtimes.errors import SourceError, UnsupportedModelError
from tests.unit.quantize.tiny_checkpoints import encode_floats, pack, with_header

ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def open_bytes(path: Path, data: bytes) -> SafetensorsFile:
    path.write_bytes(data)
    return SafetensorsFile(path)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_reads_what_the_reference_library_writes(tmp_path: Path, kind: type) -> None:
    generator = np.random.default_rng(1)
    tensors = {"b": generator.standard_normal((3, 5)).astype(kind), "a": generator.standard_normal(7).astype(kind)}
    safetensors.numpy.save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    file = SafetensorsFile(tmp_path / "x.safetensors")
    assert set(file.tensors) == {"a", "b"}
    for name, value in tensors.items():
        assert file.tensors[name].shape == value.shape
        read = file.read(name)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, value.astype(np.float32))
    file.close()
    file.close()


def test_what_we_pack_the_reference_library_reads(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "x.safetensors").write_bytes(pack({"w": ("F32", (2, 3), values.tobytes())}))
    np.testing.assert_array_equal(safetensors.numpy.load_file(tmp_path / "x.safetensors")["w"], values)


def test_bfloat16_is_the_upper_half_of_a_float(tmp_path: Path) -> None:
    values = np.array([[1.0, -2.5, 3.140625, 2.0**-126]], np.float32)
    file = open_bytes(tmp_path / "x", pack({"w": ("BF16", (1, 4), encode_floats(values, "BF16"))}))
    np.testing.assert_array_equal(file.read("w"), values)


def test_long_tensors_are_read_in_pieces(tmp_path: Path) -> None:
    values = np.arange(3_000_000, dtype=np.float32).reshape(3000, 1000)
    file = open_bytes(tmp_path / "x", pack({"w": ("F32", values.shape, values.tobytes())}))
    np.testing.assert_array_equal(file.read("w"), values)


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "0 bytes"),
        (b"\1\0\0\0", "4 bytes"),
        (struct.pack("<Q", 1 << 62) + b"{}", str(1 << 62)),
        (struct.pack("<Q", HEADER_LIMIT + 1) + bytes(64), "takes up to"),
        (struct.pack("<Q", 3) + b"{}", "has 10"),
        (with_header(b"not json", b""), "JSON"),
        (with_header(b"\xff\xfe", b""), "JSON"),
        (with_header(b"[" * 100_000, b""), "JSON"),
        (with_header([], b""), "not a JSON object"),
        (with_header(b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{}}', b"1234"), "twice"),
        (with_header({"w": 3}, b""), "not described"),
        (with_header({"w": {**ENTRY, "more": 1}}, bytes(8)), "not described"),
        (with_header({"w": {**ENTRY, "shape": [-2]}}, bytes(8)), "absurd shape"),
        (with_header({"w": {**ENTRY, "shape": [True, 2]}}, bytes(8)), "absurd shape"),
        (with_header({"w": {**ENTRY, "shape": [2.0]}}, bytes(8)), "absurd shape"),
        (with_header({"w": {**ENTRY, "shape": [1 << 70]}}, bytes(8)), "absurd shape"),
        (with_header({"w": {**ENTRY, "shape": [1] * 9}}, bytes(8)), "absurd shape"),
        (with_header({"w": {**ENTRY, "shape": [1 << 40, 1 << 40]}}, bytes(8)), "does not take the 8 bytes"),
        (with_header({"w": {**ENTRY, "shape": [3]}}, bytes(8)), "does not take the 8 bytes"),
        (with_header({"w": {**ENTRY, "data_offsets": [8, 0]}}, bytes(8)), "data_offsets"),
        (with_header({"w": {**ENTRY, "data_offsets": [0]}}, bytes(8)), "data_offsets"),
        (with_header({"w": {**ENTRY, "data_offsets": [0, "8"]}}, bytes(8)), "data_offsets"),
        (with_header({"w": ENTRY}, bytes(4)), "the file has"),
        (with_header({"w": ENTRY}, bytes(9)), "the file has"),
        (with_header({"w": ENTRY, "v": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)), "overlaps"),
        (with_header({"w": ENTRY, "v": {**ENTRY, "data_offsets": [12, 20]}}, bytes(20)), "hole"),
        (with_header({"w": {**ENTRY, "data_offsets": [1 << 62, (1 << 62) + 8]}}, bytes(8)), "hole"),
    ],
)
def test_malformed_files_are_refused_with_the_fact(tmp_path: Path, data: bytes, fact: str) -> None:
    with pytest.raises(SourceError, match="Download") as caught:
        open_bytes(tmp_path / "bad.safetensors", data)
    assert "bad.safetensors" in str(caught.value)
    assert fact in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    values = np.zeros((4, 8), np.float32)
    values[2, 3] = value
    file = open_bytes(tmp_path / "x", pack({"model.w": ("BF16", (4, 8), encode_floats(values, "BF16"))}))
    with pytest.raises(SourceError, match=r"'model\.w'.*NaN or infinite"):
        file.read("model.w")


def test_a_double_that_no_float_can_hold_is_not_finite(tmp_path: Path) -> None:
    file = open_bytes(tmp_path / "x", pack({"w": ("F64", (1,), struct.pack("<d", 1e300))}))
    with pytest.raises(SourceError, match="infinite"):
        file.read("w")


@pytest.mark.parametrize("kind", ["F8_E4M3", "I8", "U8"])
def test_types_that_are_no_plain_floats_are_unsupported(tmp_path: Path, kind: str) -> None:
    file = open_bytes(tmp_path / "x", pack({"w": (kind, (4,), bytes(4))}))
    with pytest.raises(UnsupportedModelError, match=kind):
        file.read("w")


def test_an_unknown_type_is_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="F3_E1M1"):
        open_bytes(tmp_path / "x", pack({"w": ("F3_E1M1", (4,), bytes(4))}))


def test_a_file_cut_short_after_opening_is_an_error(tmp_path: Path) -> None:
    file = open_bytes(tmp_path / "x", pack({"w": ("F32", (1 << 16,), bytes(1 << 18))}))
    with (tmp_path / "x").open("r+b") as stream:
        stream.truncate(1 << 17)
    with pytest.raises(SourceError, match="cut short"):
        file.read("w")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        SafetensorsFile(tmp_path / "none.safetensors")


GOOD = pack({"w": ("F32", (2, 4), np.ones(8, np.float32).tobytes()), "v": ("BF16", (3,), bytes(6))}, {"format": "pt"})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, len(GOOD)),
)
def test_no_damage_raises_anything_else(tmp_path: Path, edits: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(GOOD)
    for place, value in edits:
        data[place] = value
    try_to_read(tmp_path / "x", bytes(data))
    try_to_read(tmp_path / "x", bytes(data[:cut]))


keys = st.sampled_from(["dtype", "shape", "data_offsets", "w"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 80), 1 << 80) | st.floats() | st.sampled_from(["F32", "BF16", "w"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=json_values, data=st.binary(max_size=16))
def test_no_header_raises_anything_else(tmp_path: Path, header: Any, data: bytes) -> None:
    try_to_read(tmp_path / "x", with_header(json.dumps(header).encode(), data))


def try_to_read(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        file = SafetensorsFile(path)
    except SourceError:
        return
    for name, tensor in file.tensors.items():
        if 0 not in tensor.shape:
            with suppress(SourceError):
                assert file.read(name).shape == tensor.shape
    file.close()
