"""A GGUF file as a source: its vocabulary rebuilt, its weights back in float32 and in Hugging Face's layout.

The header is runtimes.gguf's, the formulas of the block formats are those of the `gguf` package, which llama.cpp
keeps equal to its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantize.architecture import Architecture, TensorSpec
from quantize.completeness import check_tensors
from quantize.families import Family, find_family_of_gguf
from quantize.families.family import ROPE_FACTORS
from quantize.weight_reader import FLOAT_DECODERS, Decoder, read_weight
from runtimes.bundle import hash_file
from runtimes.errors import SourceError, TokenizerError, UnsupportedModelError
from runtimes.gguf import GGUFHeader, read_header

if TYPE_CHECKING:
    from typing_extensions import Self

_TOKENS = "tokenizer.ggml.tokens"
# The special tokens tokenizer_config.json names, and where GGUF keeps their ids.
_SPECIAL_TOKENS = {
    "bos_token": "tokenizer.ggml.bos_token_id",
    "eos_token": "tokenizer.ggml.eos_token_id",
    "pad_token": "tokenizer.ggml.padding_token_id",
    "unk_token": "tokenizer.ggml.unknown_token_id",
}


class GGUFSource:
    """A `quantize.source.Source` over one .gguf file."""

    def __init__(self, path: Path) -> None:
        """Read and check the header.

        Raises:
            SourceError: malformed or incomplete.
            UnsupportedModelError: no family, or a tensor type, for it.
        """
        self._path = path
        self._header = read_header(path)
        self._family = _find_family(self._header)
        self._architecture = self._family.from_gguf(self._header)
        wanted = {spec.gguf_name: spec.shape for spec in self._family.tensors(self._architecture)}
        found = {name: tensor.shape for name, tensor in self._header.tensors.items()}
        check_tensors(wanted, found, harmless=_is_harmless, path=path)
        self._stored = {name: self._header.tensors[name] for name in wanted}
        self._decoders = {kind: _find_decoder(kind, path) for kind in {tensor.type for tensor in self._stored.values()}}
        try:
            self._stream: BufferedIOBase = path.open("rb")
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror or error}. Check that it may be read.") from error

    @property
    def path(self) -> Path:
        """The .gguf file."""
        return self._path

    @property
    def name(self) -> str:
        """What the file calls itself, or its own name."""
        return self._header.text("general.name") or self._path.stem

    @property
    def format(self) -> str:
        """Always "gguf"."""
        return "gguf"

    @cached_property
    def sha256(self) -> str:
        """Of the file, as lower-case hex."""
        try:
            return hash_file(self._path)
        except OSError as error:
            raise SourceError(f"{self._path} cannot be read: {error.strerror or error}. Check the disk.") from error

    @property
    def family(self) -> Family:
        """The family that reads this architecture."""
        return self._family

    @property
    def architecture(self) -> Architecture:
        """Dimensions and special tokens."""
        return self._architecture

    @cached_property
    def stored_types(self) -> Mapping[str, int]:
        """Weights by the type they are stored in."""
        counts: dict[str, int] = {}
        for tensor in self._stored.values():
            counts[tensor.type] = counts.get(tensor.type, 0) + math.prod(tensor.shape)
        return counts

    @property
    def licence(self) -> str | None:
        """As the file names it."""
        return self._header.text("general.license")

    @property
    def chat_template(self) -> str | None:
        """The Jinja template as it was shipped, or None."""
        return self._header.text("tokenizer.chat_template")

    @property
    def add_bos(self) -> bool:
        """Whether the tokenizer puts BOS before a text."""
        return self._header.add_bos

    @property
    def gguf_header(self) -> GGUFHeader:
        """The file's header."""
        return self._header

    def tokenizer_files(self) -> Mapping[str, bytes]:
        """tokenizer.json, rebuilt from the vocabulary, and a tokenizer_config.json to go with it."""
        from runtimes.gguf_vocabulary import tokenizer_json

        if self._header.get(_TOKENS) is None:
            raise TokenizerError(f"{self._path} holds no vocabulary ({_TOKENS}). Take a GGUF file that has one.")
        config = json.dumps(self._tokenizer_config(), ensure_ascii=False, indent=2)
        return {
            "tokenizer.json": tokenizer_json(self._header).encode("utf-8"),
            "tokenizer_config.json": config.encode("utf-8"),
        }

    def tensor(self, spec: TensorSpec) -> npt.NDArray[np.float32]:
        """One weight, float32 of `spec.shape`, in Hugging Face's layout."""
        stored = self._stored[spec.gguf_name]
        where = f"{self._path}: {spec.gguf_name!r}"
        decode = self._decoders[stored.type]
        weights = read_weight(self._stream, stored.offset, stored.nbytes, stored.shape, decode, where)
        order = self._family.gguf_row_order(self._architecture, spec)
        return weights if order is None else weights[np.argsort(order)]

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _tokenizer_config(self) -> dict[str, object]:
        """What transformers and onnxruntime-genai read beside tokenizer.json."""
        texts = self._header.strings(_TOKENS)
        config: dict[str, object] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": self.add_bos,
            "clean_up_tokenization_spaces": False,
            "model_max_length": self._architecture.context_length,
        }
        for name, key in _SPECIAL_TOKENS.items():
            token = self._header.integer(key)
            if token is not None and 0 <= token < len(texts):
                config[name] = texts[token]
        if self.chat_template is not None:
            config["chat_template"] = self.chat_template
        return config


def _is_harmless(name: str) -> bool:
    """Tables of the rotary embedding, which the family has read already or which follow from the configuration."""
    return name == ROPE_FACTORS or name.endswith((".attn_rot_embd.weight", ".rope_freqs.weight"))


def _find_family(header: GGUFHeader) -> Family:
    try:
        return find_family_of_gguf(header.architecture)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"{header.path}: {error}") from error


def _find_decoder(kind: str, path: Path) -> Decoder:
    """How rows stored in this type become float32. Raises UnsupportedModelError."""
    if kind in FLOAT_DECODERS:
        return FLOAT_DECODERS[kind]
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

    def decode(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        rows: npt.NDArray[np.float32] = quants.dequantize(raw, GGMLQuantizationType[kind])
        return rows

    # The package gains types from version to version, and tells which it can read only when it is asked to.
    try:
        _, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
        decode(np.zeros((1, block_bytes), np.uint8))
    except (KeyError, NotImplementedError) as error:
        raise UnsupportedModelError(
            f"{path} holds weights of type {kind}, which cannot be turned back into numbers. "
            "Take the file in another quantization."
        ) from error
    return decode
