"""The header of a GGUF file: its metadata and where its tensors lie.

Knows the layout of GGUF versions 2 and 3, little endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md),
and the keys every model has. Never reads a weight. llama.cpp ends the whole process on some malformed files, so
`read_header` refuses those before the file is handed over (runtimes/gguf_checks.py says which).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from runtimes.errors import SourceError, UnsupportedModelError
from runtimes.gguf_checks import check_model
from runtimes.gguf_pretokenizers import PRE_TOKENIZERS
from runtimes.gguf_reader import AGAIN, Cursor, StringArray, Value
from runtimes.gguf_stops import find_stop_tokens

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
"""Also the least that llama.cpp can map into memory: it asserts this alignment of every tensor."""
MAX_DIMENSIONS = 4
"""GGML_MAX_DIMS."""
MAX_NAME_BYTES = 63
"""GGML_MAX_NAME less the closing zero."""

_MAX_ENTRIES = 1 << 16
_MAX_ELEMENTS = (1 << 63) - 1
_SMALLEST_ENTRY = 8 + 1 + 4 + 1
_SMALLEST_TENSOR = 8 + 4 + 4 + 8
_MAX_ALIGNMENT = 1 << 20

# ggml type id -> name, elements per block, bytes per block (enum ggml_type and type_traits of ggml.h and ggml.c).
_TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}

_Wanted = TypeVar("_Wanted")


@dataclass(frozen=True)
class GGUFTensor:
    """Where one tensor lies in the file."""

    name: str
    shape: tuple[int, ...]
    """Rows first, as numpy orders it (GGUF itself stores the fastest dimension first)."""
    type: str
    """ggml's name of the element type: "F32", "Q4_0", ..."""
    offset: int
    """Bytes from the start of the file."""
    nbytes: int


@dataclass(frozen=True)
class GGUFHeader:
    """What a GGUF file says of itself. Get one from `read_header`."""

    path: Path
    version: int
    metadata: Mapping[str, Value]
    tensors: Mapping[str, GGUFTensor]
    """By name, in the file's order."""
    alignment: int
    """Bytes every tensor's offset is a multiple of."""

    def get(self, key: str, default: Value | None = None) -> Value | None:
        """A metadata value of any type."""
        return self.metadata.get(key, default)

    def text(self, key: str) -> str | None:
        """A string, or None when absent. Raises SourceError when it is of another type."""
        return self._typed(key, str)

    def integer(self, key: str) -> int | None:
        """An integer, or None when absent. Raises SourceError when it is of another type."""
        return self._typed(key, int)

    def number(self, key: str) -> float | None:
        """A finite or non-finite float, or an integer as one; None when absent. Raises SourceError for another type."""
        value = self.metadata.get(key)
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else self._typed(key, float)

    def flag(self, key: str) -> bool | None:
        """A bool, or None when absent. Raises SourceError when it is of another type."""
        return self._typed(key, bool)

    def strings(self, key: str) -> StringArray | tuple[()]:
        """An array of strings, or an empty one when absent. Raises SourceError when it is of another type."""
        return self._typed(key, StringArray) or ()

    def numbers(self, key: str) -> Sequence[float]:
        """An array of numbers, or an empty one when absent. Raises SourceError when it is of another type."""
        return self._typed(key, memoryview) or ()

    def fail(self, fact: str, next_step: str = AGAIN) -> SourceError:
        """An error that names this file; raise it."""
        return SourceError(f"{self.path}: {fact} {next_step}")

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the model family: "llama", "qwen2", ..."""
        return self._required_text("general.architecture")

    @property
    def context_length(self) -> int:
        """Tokens the model was trained to hold."""
        return self._required_integer(f"{self.architecture}.context_length")

    @cached_property
    def vocabulary_size(self) -> int:
        """Rows of the token embedding; tokens in the vocabulary for a file without weights."""
        embedding = self.tensors.get("token_embd.weight")
        if embedding is not None:
            return embedding.shape[0]
        tokens = self.strings("tokenizer.ggml.tokens")
        return len(tokens) or self._required_integer(f"{self.architecture}.vocab_size")

    @property
    def bos_token_id(self) -> int | None:
        """The beginning-of-sequence token, if the file names one. SentencePiece's usual 1 otherwise, as in llama.cpp."""
        stated = self.integer("tokenizer.ggml.bos_token_id")
        usual = self.text("tokenizer.ggml.model") == "llama" and len(self.strings("tokenizer.ggml.tokens")) > 1
        return 1 if stated is None and usual else stated

    @property
    def add_bos(self) -> bool:
        """Whether the model expects BOS before a prompt. Without the key, as llama.cpp decides by the vocabulary's kind."""
        stated = self.flag("tokenizer.ggml.add_bos_token")
        if stated is not None:
            return stated and self.bos_token_id is not None
        cut = PRE_TOKENIZERS.get(self.text("tokenizer.ggml.pre") or "default")
        usual = self.text("tokenizer.ggml.model") == "llama" or (cut is not None and cut.adds_bos)
        return usual and self.bos_token_id is not None

    @cached_property
    def stop_token_ids(self) -> tuple[int, ...]:
        """Tokens that end a turn, EOS first: those the file names, and the known end-of-turn texts among its tokens."""
        return find_stop_tokens(self)

    def _typed(self, key: str, kind: type[_Wanted]) -> _Wanted | None:
        value = self.metadata.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(f"{key!r} is not of type {kind.__name__}.")
        return value

    def _required_text(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise self.fail(f"{key!r} is missing.")
        return value

    def _required_integer(self, key: str) -> int:
        value = self.integer(key)
        if value is None:
            raise self.fail(f"{key!r} is missing.")
        return value


def read_header(path: str | os.PathLike[str]) -> GGUFHeader:
    """Read and check the header of a GGUF model. The file is closed again and no weight is read.

    Raises:
        SourceError: not a GGUF file, cut short, contradicting itself, or of a kind that llama.cpp dies on.
        UnsupportedModelError: an older or big-endian GGUF, or a tensor type this build does not know.
    """
    location = Path(path)
    try:
        with location.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            header = _read(Cursor(stream, size, location), size, location)
    except OSError as error:
        raise SourceError(
            f"{location} cannot be read: {error.strerror or error}. Check the path and its permissions."
        ) from error
    check_model(header)
    return header


def _read(cursor: Cursor, size: int, path: Path) -> GGUFHeader:
    version = _read_version(cursor, path)
    tensor_count, entry_count = cursor.numbers("Q", 2, "the counts")
    _check_count(cursor, entry_count, _SMALLEST_ENTRY, "metadata entries")
    metadata: dict[str, Value] = {}
    for index in range(entry_count):
        key = cursor.string(f"the name of metadata entry {index}")
        if not key or key in metadata:
            raise cursor.fail(f"metadata entry {index} has {'the name of an earlier one: ' + repr(key) if key else 'no name'}.")
        metadata[key] = cursor.value(key)
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is not int or not DEFAULT_ALIGNMENT <= alignment <= _MAX_ALIGNMENT or alignment & (alignment - 1):
        raise cursor.fail(f"its alignment is {alignment}, not a power of two from {DEFAULT_ALIGNMENT} to {_MAX_ALIGNMENT}.")
    _check_count(cursor, tensor_count, _SMALLEST_TENSOR, "tensors")
    relative: dict[str, GGUFTensor] = {}
    for index in range(tensor_count):
        tensor = _read_tensor(cursor, index, alignment)
        if tensor.name in relative:
            raise cursor.fail(f"two tensors are called {tensor.name!r}.")
        relative[tensor.name] = tensor
    tensors = _place(cursor, relative, alignment, size)
    return GGUFHeader(path, version, MappingProxyType(metadata), MappingProxyType(tensors), alignment)


def _read_version(cursor: Cursor, path: Path) -> int:
    magic = cursor.take(len(MAGIC), "the first four bytes")
    if magic != MAGIC:
        raise SourceError(f"{path} does not begin with 'GGUF', so it is not a GGUF file. Check the path, or download it again.")
    version = cursor.number("I", "the version")
    if version in VERSIONS:
        return version
    if version & 0xFFFF == 0:
        raise UnsupportedModelError(f"{path} is a big-endian GGUF file. Download the little-endian one.")
    raise UnsupportedModelError(
        f"{path} is GGUF version {version}; versions 2 and 3 are supported. Convert the model again with a current llama.cpp."
    )


def _check_count(cursor: Cursor, count: int, smallest: int, what: str) -> None:
    if count > _MAX_ENTRIES or count * smallest > cursor.left:
        raise cursor.fail(f"it claims {count} {what}, which cannot fit in the {cursor.left} bytes that are left.")


def _read_tensor(cursor: Cursor, index: int, alignment: int) -> GGUFTensor:
    """One entry of the tensor table. Its offset is still relative to the data section."""
    name = cursor.string(f"the name of tensor {index}")
    if not name or len(name.encode()) > MAX_NAME_BYTES:
        raise cursor.fail(f"tensor {index} has a name of {len(name.encode())} bytes; 1 to {MAX_NAME_BYTES} are allowed.")
    rank = cursor.number("I", f"the rank of {name!r}")
    if not 1 <= rank <= MAX_DIMENSIONS:
        raise cursor.fail(f"{name!r} has {rank} dimensions; 1 to {MAX_DIMENSIONS} are allowed.")
    dimensions = cursor.numbers("Q", rank, f"the shape of {name!r}")
    elements = prod(dimensions)
    if not 0 < elements <= _MAX_ELEMENTS:
        raise cursor.fail(f"{name!r} has the impossible shape {dimensions[::-1]}.")
    kind = cursor.number("I", f"the type of {name!r}")
    offset = cursor.number("Q", f"the offset of {name!r}")
    if kind not in _TENSOR_TYPES:
        raise UnsupportedModelError(
            f"{cursor.path}: {name!r} has the tensor type {kind}, which this build does not know. "
            "Use a file in another quantization, or update edge-llm."
        )
    type_name, block, block_bytes = _TENSOR_TYPES[kind]
    if dimensions[0] % block:
        raise cursor.fail(
            f"{name!r} has rows of {dimensions[0]} elements, no multiple of the {block} in a block of {type_name}."
        )
    if offset % alignment:
        raise cursor.fail(f"{name!r} lies at offset {offset}, not at a multiple of {alignment}.")
    return GGUFTensor(name, dimensions[::-1], type_name, offset, elements // block * block_bytes)


def _place(cursor: Cursor, tensors: Mapping[str, GGUFTensor], alignment: int, size: int) -> dict[str, GGUFTensor]:
    """Make offsets absolute. As llama.cpp demands, tensors follow each other in the table's order without a gap."""
    start = _align(cursor.position, alignment)
    expected = 0
    placed = {}
    for name, tensor in tensors.items():
        if tensor.offset != expected:
            raise cursor.fail(f"{name!r} lies at offset {tensor.offset} of the data section, where {expected} is expected.")
        end = start + tensor.offset + tensor.nbytes
        if end > size:
            raise cursor.fail(f"{name!r} ends at byte {end} and the file has {size}: the file is cut short.")
        placed[name] = replace(tensor, offset=start + tensor.offset)
        expected = _align(tensor.offset + tensor.nbytes, alignment)
    return placed


def _align(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment
