"""Small GGUF files made byte by byte, so that tests can also make wrong ones."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
_CODES = {0: "B", 1: "b", 2: "H", 3: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", 11: "q", 12: "d"}


@dataclass(frozen=True)
class Entry:
    """One metadata entry. `kind` is GGUF's value type; for an array, that of its items."""

    key: str
    kind: int
    value: object

    def __bytes__(self) -> bytes:
        name = _string(self.key)
        if isinstance(self.value, list):
            items = b"".join(_item(self.kind, item) for item in self.value)
            return name + struct.pack("<IIQ", ARRAY, self.kind, len(self.value)) + items
        return name + struct.pack("<I", self.kind) + _item(self.kind, self.value)


@dataclass(frozen=True)
class TensorEntry:
    """One row of the tensor table. `dimensions` in GGUF's order, `kind` a ggml type id."""

    name: str
    dimensions: tuple[int, ...]
    data: bytes
    kind: int = 0
    offset: int | None = None


@dataclass
class GGUFBuilder:
    """A tiny llama model; change what a test is about, then `bytes(...)` it."""

    entries: list[Entry] = field(default_factory=list)
    tensors: list[TensorEntry] = field(default_factory=list)
    magic: bytes = b"GGUF"
    version: int = 3
    alignment: int = 32
    entry_count: int | None = None
    tensor_count: int | None = None

    def set(self, key: str, kind: int, value: object) -> GGUFBuilder:
        """Replace or add a metadata entry."""
        self.entries = [entry for entry in self.entries if entry.key != key] + [Entry(key, kind, value)]
        return self

    def drop(self, key: str) -> GGUFBuilder:
        """Leave a metadata entry out."""
        self.entries = [entry for entry in self.entries if entry.key != key]
        return self

    def header(self) -> bytes:
        """Everything before the padding and the data."""
        count = len(self.entries) if self.entry_count is None else self.entry_count
        tensor_count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        out = self.magic + struct.pack("<IQQ", self.version, tensor_count, count) + b"".join(map(bytes, self.entries))
        offset = 0
        for tensor in self.tensors:
            out += _string(tensor.name) + struct.pack("<I", len(tensor.dimensions))
            out += struct.pack(f"<{len(tensor.dimensions)}Q", *tensor.dimensions)
            out += struct.pack("<IQ", tensor.kind, offset if tensor.offset is None else tensor.offset)
            offset += _padded(len(tensor.data), self.alignment)
        return out

    def __bytes__(self) -> bytes:
        header = self.header()
        out = header + bytes(_padded(len(header), self.alignment) - len(header))
        for tensor in self.tensors:
            out += tensor.data + bytes(_padded(len(tensor.data), self.alignment) - len(tensor.data))
        return out

    def write(self, path: Path) -> Path:
        """The file, at `path`."""
        path.write_bytes(bytes(self))
        return path


def _string(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw


def _item(kind: int, value: object) -> bytes:
    return _string(str(value)) if kind == STRING else struct.pack(f"<{_CODES[kind]}", value)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def byte_level_tokens() -> list[str]:
    """GPT-2's 256 byte characters, in its own order."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return [chr(byte) for byte in visible] + [chr(0x100 + rank) for rank in range(len(hidden))]


def byte_level_vocabulary(
    words: Sequence[str] = ("he", "ll", "llo", "hello", "Ġhe", "Ġhello", "in", "ing"), whole: Sequence[str] = ()
) -> list[Entry]:
    """Entries of a byte-level BPE vocabulary with two control tokens. Each of `words` is a merge of two earlier tokens;
    no merges lead to those of `whole`."""
    tokens = byte_level_tokens()
    merges = []
    for word in words:
        cut = next(middle for middle in range(1, len(word)) if word[:middle] in tokens and word[middle:] in tokens)
        merges.append(f"{word[:cut]} {word[cut:]}")
        tokens.append(word)
    tokens += whole
    kinds = [1] * len(tokens) + [3, 3]
    tokens += ["<|im_start|>", "<|im_end|>"]
    return [
        Entry("tokenizer.ggml.model", STRING, "gpt2"),
        Entry("tokenizer.ggml.pre", STRING, "gpt-2"),
        Entry("tokenizer.ggml.tokens", STRING, tokens),
        Entry("tokenizer.ggml.token_type", I32, kinds),
        Entry("tokenizer.ggml.merges", STRING, merges),
        Entry("tokenizer.ggml.bos_token_id", U32, len(tokens) - 2),
        Entry("tokenizer.ggml.eos_token_id", U32, len(tokens) - 1),
    ]


def sentencepiece_vocabulary() -> list[Entry]:
    """Entries of a SentencePiece vocabulary: three control tokens, 256 bytes, and pieces for texts of a and b."""
    pieces = ["\u2581", "a", "b", "ab", "\u2581ab", "ba"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    return [
        Entry("tokenizer.ggml.model", STRING, "llama"),
        Entry("tokenizer.ggml.tokens", STRING, tokens),
        Entry("tokenizer.ggml.scores", F32, [0.0] * 259 + [-float(rank) for rank in range(len(pieces))]),
        Entry("tokenizer.ggml.token_type", I32, [2, 3, 3] + [6] * 256 + [1] * len(pieces)),
        Entry("tokenizer.ggml.bos_token_id", U32, 1),
        Entry("tokenizer.ggml.eos_token_id", U32, 2),
    ]


def llama(vocabulary: list[Entry]) -> GGUFBuilder:
    """One layer of width 32, two heads on one key-value head, all weights F32 and zero but the norms."""
    tokens = next(entry.value for entry in vocabulary if entry.key == "tokenizer.ggml.tokens")
    assert isinstance(tokens, list)
    sizes = {"context_length": 64, "embedding_length": 32, "block_count": 1, "feed_forward_length": 32}
    entries = [Entry("general.architecture", STRING, "llama")]
    entries += [Entry(f"llama.{name}", U32, value) for name, value in sizes.items()]
    entries += [Entry("llama.attention.head_count", U32, 2), Entry("llama.attention.head_count_kv", U32, 1)]
    entries += [Entry("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), Entry("llama.rope.dimension_count", U32, 16)]
    shapes = {
        "token_embd.weight": (32, len(tokens)),
        "output_norm.weight": (32,),
        "blk.0.attn_norm.weight": (32,),
        "blk.0.attn_q.weight": (32, 32),
        "blk.0.attn_k.weight": (32, 16),
        "blk.0.attn_v.weight": (32, 16),
        "blk.0.attn_output.weight": (32, 32),
        "blk.0.ffn_norm.weight": (32,),
        "blk.0.ffn_gate.weight": (32, 32),
        "blk.0.ffn_up.weight": (32, 32),
        "blk.0.ffn_down.weight": (32, 32),
    }
    tensors = []
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        value = 1.0 if "norm" in name else 0.0
        tensors.append(TensorEntry(name, shape, struct.pack("<f", value) * count))
    return GGUFBuilder(entries + vocabulary, tensors)


@pytest.fixture
def tiny() -> GGUFBuilder:
    """A valid model; llama.cpp loads it."""
    return llama(byte_level_vocabulary())


@pytest.fixture
def write(tmp_path: Path) -> Callable[[GGUFBuilder], Path]:
    """Writes a builder's file into the test's own folder."""
    return lambda builder: builder.write(tmp_path / "model.gguf")
