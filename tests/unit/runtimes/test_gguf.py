"""The GGUF header reader: what it reads from good files, and that bad ones end in SourceError and nothing else."""

from __future__ import annotations

import math
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes.errors import SourceError, UnsupportedModelError
from runtimes.gguf import read_header

from .conftest import BOOL, F32, I32, STRING, U32, U64, Entry, GGUFBuilder, TensorEntry, byte_level_vocabulary, llama

Write = Callable[[GGUFBuilder], Path]


def test_reads_every_value_type(tiny: GGUFBuilder, write: Write) -> None:
    values = {
        0: 200,
        1: -100,
        2: 60000,
        3: -30000,
        4: 1 << 31,
        5: -(1 << 31),
        6: 0.5,
        7: True,
        10: 1 << 63,
        11: -(1 << 63),
        12: 1e300,
    }
    for kind, value in values.items():
        tiny.set(f"test.one.{kind}", kind, value).set(f"test.many.{kind}", kind, [value, value])
    tiny.set("test.text", STRING, "naïve 中 😀").set("test.texts", STRING, ["", "a\n", "中"]).set("test.none", STRING, [])
    header = read_header(write(tiny))
    for kind, value in values.items():
        one = header.get(f"test.one.{kind}")
        assert one == value
        assert type(one) is type(value)
        assert list(header.numbers(f"test.many.{kind}")) == [value, value]
    assert header.text("test.text") == "naïve 中 😀"
    assert list(header.strings("test.texts")) == ["", "a\n", "中"]
    assert list(header.strings("test.none")) == []
    assert header.get("test.absent", 7) == 7


def test_places_tensors_as_the_gguf_package_does(tiny: GGUFBuilder, write: Write) -> None:
    tiny.tensors.append(TensorEntry("blk.0.extra.weight", (64, 3, 2), bytes(2 * 34 * 6), kind=8))
    path = write(tiny)
    header, reference = read_header(path), gguf.GGUFReader(path)
    assert list(header.tensors) == [tensor.name for tensor in reference.tensors]
    for tensor in reference.tensors:
        mine = header.tensors[tensor.name]
        assert mine.shape == tuple(int(size) for size in reversed(tensor.shape))
        assert (mine.type, mine.offset, mine.nbytes) == (tensor.tensor_type.name, tensor.data_offset, tensor.n_bytes)


def test_type_table_is_that_of_the_gguf_package() -> None:
    from runtimes.gguf import _TENSOR_TYPES

    for number, (name, block, size) in _TENSOR_TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, *gguf.GGML_QUANT_SIZES[kind]) == (name, block, size)


def test_another_alignment(tiny: GGUFBuilder, write: Write) -> None:
    tiny.set("general.alignment", U32, 128).alignment = 128
    header = read_header(write(tiny))
    assert header.alignment == 128
    assert all(tensor.offset % 128 == 0 for tensor in header.tensors.values())


def test_version_2_is_read(tiny: GGUFBuilder, write: Write) -> None:
    tiny.version = 2
    assert read_header(write(tiny)).version == 2


def test_says_what_a_bundle_needs(tiny: GGUFBuilder, write: Write) -> None:
    header = read_header(write(tiny))
    tokens = header.vocabulary_size
    assert (header.architecture, header.context_length) == ("llama", 64)
    assert header.bos_token_id == tokens - 2
    assert header.stop_token_ids == (tokens - 1,)
    assert not header.add_bos


@pytest.mark.parametrize(
    ("pre", "stated", "expected"), [("gpt-2", True, True), ("llama-bpe", None, True), ("llama-bpe", False, False)]
)
def test_add_bos_is_stated_or_usual(tiny: GGUFBuilder, write: Write, pre: str, stated: bool | None, expected: bool) -> None:
    tiny.set("tokenizer.ggml.pre", STRING, pre)
    if stated is not None:
        tiny.set("tokenizer.ggml.add_bos_token", 7, stated)
    assert read_header(write(tiny)).add_bos is expected


def test_values_of_another_type_are_an_error(tiny: GGUFBuilder, write: Write) -> None:
    header = read_header(write(tiny.set("test.text", STRING, "a").set("test.flag", BOOL, 1).set("test.number", F32, 1.0)))
    for read in (header.text, header.strings, header.numbers, header.integer):
        with pytest.raises(SourceError, match=r"test\.flag"):
            read("test.flag")
    with pytest.raises(SourceError, match=r"test\.number"):
        header.integer("test.number")
    assert header.number("llama.block_count") == 1.0


MALFORMED: dict[str, tuple[Callable[[GGUFBuilder], object], str]] = {
    "magic": (lambda b: setattr(b, "magic", b"GGML"), "does not begin with 'GGUF'"),
    "version 1": (lambda b: setattr(b, "version", 1), "version 1"),
    "future version": (lambda b: setattr(b, "version", 4), "version 4"),
    "big endian": (lambda b: setattr(b, "version", 3 << 24), "big-endian"),
    "tensor count": (lambda b: setattr(b, "tensor_count", 1 << 60), f"{1 << 60} tensors"),
    "entry count": (lambda b: setattr(b, "entry_count", (1 << 64) - 1), "metadata entries"),
    "one entry too many": (lambda b: setattr(b, "entry_count", len(b.entries) + 1), "."),
    "duplicate key": (lambda b: b.entries.append(b.entries[3]), "the name of an earlier one"),
    "empty key": (lambda b: b.set("", U32, 1), "no name"),
    "key not UTF-8": (lambda b: b.set("a\udcff", U32, 1), "not UTF-8"),
    "text not UTF-8": (lambda b: b.set("test.text", STRING, "a\udcff"), "'test.text' is not UTF-8"),
    "token not UTF-8": (lambda b: b.set("tokenizer.ggml.tokens", STRING, ["a", "\udcff"]), "item 1 is not UTF-8"),
    "bool": (lambda b: b.entries.append(_Raw(_key("test.bool") + struct.pack("<IB", 7, 2))), "not a bool"),
    "bool in array": (
        lambda b: b.entries.append(_Raw(_key("test.bool") + struct.pack("<IIQB", 9, 7, 1, 2))),
        "neither 0 nor 1",
    ),
    "value type": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<I", 13) + bytes(8))), "value type 13"),
    "item type": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IIQ", 9, 77, 0))), "type 77"),
    "nested arrays": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IIQ", 9, 9, 1))), "array of arrays"),
    "array length": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IIQ", 9, 12, 1 << 61))), "would need"),
    "string count": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IIQ", 9, 8, 1 << 61))), "would need"),
    "string length": (lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IQ", 8, 1 << 63))), "would need"),
    "string in array": (
        lambda b: b.entries.append(_Raw(_key("test.x") + struct.pack("<IIQQ", 9, 8, 1, (1 << 64) - 1))),
        "would need",
    ),
    "alignment 0": (lambda b: b.set("general.alignment", U32, 0), "alignment is 0"),
    "alignment 48": (lambda b: b.set("general.alignment", U32, 48), "alignment is 48"),
    "alignment 8": (lambda b: b.set("general.alignment", U32, 8), "alignment is 8"),
    "alignment text": (lambda b: b.set("general.alignment", STRING, "32"), "alignment is 32"),
    "rank 0": (lambda b: _tensor(b, dimensions=()), "0 dimensions"),
    "rank 5": (lambda b: _tensor(b, dimensions=(1, 1, 1, 1, 1)), "5 dimensions"),
    "empty shape": (lambda b: _tensor(b, dimensions=(32, 0)), r"impossible shape \(0, 32\)"),
    "shape beyond 63 bits": (lambda b: _tensor(b, dimensions=(1 << 40, 1 << 40)), "impossible shape"),
    "shape beyond the file": (lambda b: _tensor(b, dimensions=(1 << 30, 4)), "cut short"),
    "tensor type": (lambda b: _tensor(b, kind=36), "tensor type 36"),
    "rows of part blocks": (lambda b: _tensor(b, dimensions=(33, 2), kind=2), "no multiple of the 32"),
    "misaligned": (lambda b: _tensor(b, offset=7), "not at a multiple of 32"),
    "overlap": (lambda b: _tensor(b, offset=0), "where .* is expected"),
    "gap": (lambda b: _tensor(b, offset=1 << 20), "where .* is expected"),
    "offset outside": (lambda b: _tensor(b, offset=1 << 63), "where .* is expected"),
    "tensor name": (lambda b: _tensor(b, name="n" * 64), "64 bytes"),
    "no tensor name": (lambda b: _tensor(b, name=""), "0 bytes"),
    "duplicate tensor": (lambda b: _tensor(b, name="token_embd.weight"), "two tensors"),
}


class _Raw(Entry):
    """Bytes in place of a metadata entry."""

    def __init__(self, raw: bytes) -> None:
        super().__init__("raw", 0, raw)

    def __bytes__(self) -> bytes:
        assert isinstance(self.value, bytes)
        return self.value


def _key(name: str) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode()


def _tensor(
    builder: GGUFBuilder,
    name: str = "extra.weight",
    dimensions: tuple[int, ...] = (32,),
    kind: int = 0,
    offset: int | None = None,
) -> None:
    builder.tensors.append(TensorEntry(name, dimensions, bytes(128), kind, offset))


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_named_with_the_fact(tiny: GGUFBuilder, write: Write, case: str) -> None:
    change, fact = MALFORMED[case]
    change(tiny)
    path = write(tiny)
    with pytest.raises(SourceError, match=fact) as caught:
        read_header(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("case", ["version 1", "future version", "big endian", "tensor type"])
def test_whole_files_of_another_kind_are_unsupported(tiny: GGUFBuilder, write: Write, case: str) -> None:
    MALFORMED[case][0](tiny)
    with pytest.raises(UnsupportedModelError):
        read_header(write(tiny))


def test_every_truncation_is_found(tiny: GGUFBuilder, tmp_path: Path) -> None:
    raw, end = bytes(tiny), len(tiny.header())
    path = tmp_path / "cut.gguf"
    for size in [*range(0, end, 13), end, len(raw) - 32, len(raw) - 1]:
        path.write_bytes(raw[:size])
        with pytest.raises(SourceError):
            read_header(path)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.gguf", tmp_path):
        with pytest.raises(SourceError, match="cannot be read"):
            read_header(path)


@pytest.mark.parametrize(
    "case", ["tensor count", "entry count", "array length", "string count", "string length", "string in array"]
)
def test_lying_counts_allocate_nothing(tiny: GGUFBuilder, write: Write, case: str) -> None:
    MALFORMED[case][0](tiny)
    path = write(tiny)
    tracemalloc.start()
    with pytest.raises(SourceError):
        read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_header_past_the_limit_is_refused_without_reading_it(tiny: GGUFBuilder, tmp_path: Path) -> None:
    tiny.entries.append(_Raw(_key("test.x") + struct.pack("<IQ", 8, 1 << 31)))
    path = tmp_path / "huge.gguf"
    path.write_bytes(bytes(tiny))
    with path.open("r+b") as stream:
        stream.truncate(1 << 32)  # sparse: the length is honest, and no model has such a header
    tracemalloc.start()
    with pytest.raises(SourceError, match="more than 256 MiB"):
        read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


BASE = llama(byte_level_vocabulary())
RAW = bytes(BASE)
HEADER = len(BASE.header())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    edits=st.lists(st.tuples(st.integers(0, HEADER - 1), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.none() | st.integers(0, len(RAW)),
)
def test_any_damage_is_read_or_refused(tmp_path: Path, edits: list[tuple[int, int]], cut: int | None) -> None:
    raw = bytearray(RAW)
    for place, byte in edits:
        raw[place] = byte
    path = tmp_path / "damaged.gguf"
    path.write_bytes(raw[:cut])
    try:
        header = read_header(path)
        stops = header.stop_token_ids
    except SourceError as error:
        message = str(error)
    else:
        assert all(tensor.offset + tensor.nbytes <= len(raw) for tensor in header.tensors.values())
        assert all(0 <= stop < header.vocabulary_size for stop in stops)
        return
    assert str(path) in message


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "noise.gguf"
    for raw in (tail, b"GGUF" + struct.pack("<I", 3) + tail):
        path.write_bytes(raw)
        with pytest.raises(SourceError):
            read_header(path)


STOPS = [
    (["a", "<|im_end|>", "</s>"], {}, (1, 2)),
    (["a", "b", "c"], {"eos_token_id": 2, "eot_token_id": 1}, (2, 1)),
    (["<|end|>", "<|return|>", "<|call|>"], {}, (1, 2)),
    (["<|end|>", "<|flush|>", "<|calls|>"], {}, (1, 2)),
    (["</s>", "<|tool_response>", "<eos>"], {}, (1, 2)),
    (["<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"], {}, (0, 1, 2)),
    (["<|fim_pad|>", "b", "c"], {"fim_pad_token_id": 1}, (1,)),
    (["a", "<|im_end|>", "c"], {"fim_pad_token_id": 3}, (1,)),
]


@pytest.mark.parametrize(("tokens", "ids", "expected"), STOPS)
def test_stop_tokens(
    tiny: GGUFBuilder, write: Write, tokens: list[str], ids: dict[str, int], expected: tuple[int, ...]
) -> None:
    tiny.tensors = []
    tiny.drop("tokenizer.ggml.eos_token_id").drop("tokenizer.ggml.bos_token_id").set("tokenizer.ggml.tokens", STRING, tokens)
    tiny.set("tokenizer.ggml.token_type", I32, [1] * len(tokens))
    for name, value in ids.items():
        tiny.set(f"tokenizer.ggml.{name}", U32, value)
    assert read_header(write(tiny)).stop_token_ids == expected


def test_numbers_are_kept_exactly(tiny: GGUFBuilder, write: Write) -> None:
    header = read_header(write(tiny.set("test.big", U64, [0, (1 << 64) - 1]).set("test.nan", F32, [math.inf, math.nan])))
    assert list(header.numbers("test.big")) == [0, (1 << 64) - 1]
    assert math.isnan(header.numbers("test.nan")[1])
