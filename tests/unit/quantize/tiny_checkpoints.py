"""Tiny checkpoints with random weights: Hugging Face directories and GGUF files, right or wrong on purpose."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFWriter, quants

from quantize.families import find_family
from tests.tiny import CHATML, byte_tokenizer

VOCABULARY = 260  # tests.tiny.byte_tokenizer's 259, and one more: "ab" in a GGUF, nothing in tokenizer.json
CONFIG: Mapping[str, Any] = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "bos_token_id": 257,
    "eos_token_id": 258,
}
Weights = dict[str, npt.NDArray[np.float32]]


def random_weights(config: Mapping[str, Any] = CONFIG, seed: int = 0) -> Weights:
    """Every tensor of the configured model, by its Hugging Face name; bfloat16-representable."""
    family = find_family(config["model_type"])
    generator = np.random.default_rng(seed)
    found = {}
    for spec in family.tensors(family.from_config(config)):
        drawn = generator.standard_normal(spec.shape, np.float32) * 0.1
        found[spec.name] = (drawn.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return found


def pack(tensors: Mapping[str, tuple[str, Sequence[int], bytes]], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file of (type, shape, bytes)."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    return with_header(header, b"".join(data for _, _, data in tensors.values()))


def with_header(header: object, data: bytes) -> bytes:
    """A safetensors file with whatever header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def encode_floats(values: npt.NDArray[np.float32], kind: str) -> bytes:
    """Values as safetensors stores them in this type."""
    if kind == "BF16":
        return (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    return values.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[kind]).tobytes()


def pack_weights(weights: Weights, kind: str = "BF16") -> bytes:
    """A safetensors file of these weights."""
    return pack({name: (kind, value.shape, encode_floats(value, kind)) for name, value in weights.items()}, {"format": "pt"})


def write_hf(
    directory: Path,
    *,
    config: Mapping[str, Any] = CONFIG,
    weights: Weights | None = None,
    shards: int = 1,
    tokenizer: bool = True,
) -> Path:
    """A Hugging Face directory; returns it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = random_weights(config) if weights is None else weights
    if shards == 1:
        (directory / "model.safetensors").write_bytes(pack_weights(tensors))
    else:
        places = {}
        for index in range(shards):
            name = f"model-{index + 1:05}-of-{shards:05}.safetensors"
            part = {key: tensors[key] for key in list(tensors)[index::shards]}
            (directory / name).write_bytes(pack_weights(part))
            places |= dict.fromkeys(part, name)
        (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    if tokenizer:
        (directory / "tokenizer.json").write_text(byte_tokenizer().to_str(), encoding="utf-8")
        stated = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
        (directory / "tokenizer_config.json").write_text(json.dumps({**stated, "chat_template": CHATML}), encoding="utf-8")
    return directory


def write_gguf(
    path: Path,
    *,
    config: Mapping[str, Any] = CONFIG,
    weights: Weights | None = None,
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
    extra: Mapping[str, npt.NDArray[np.float32]] | None = None,
    vocabulary: bool = True,
) -> Path:
    """The same model as a GGUF file, its matrices stored as `kind`; returns the path."""
    family = find_family(config["model_type"])
    architecture = family.from_config(config)
    writer = GGUFWriter(path, family.gguf_architecture)
    for key, value in family.gguf_metadata(architecture).items():
        if isinstance(value, str):
            continue
        (writer.add_float32 if isinstance(value, float) else writer.add_uint32)(key, value)
    writer.add_string("general.license", "mit")
    if vocabulary:
        _write_vocabulary(writer)
    given = random_weights(config) if weights is None else weights
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for spec in family.tensors(architecture):
        value = given[spec.name]
        part = spec.name.split(".")[-2]
        if config["model_type"] == "llama" and part in heads:
            value = permute(value, heads[part])
        if value.ndim == 1:
            writer.add_tensor(spec.gguf_name, value)
        else:
            writer.add_tensor(spec.gguf_name, quants.quantize(value, kind), raw_dtype=kind)
    for name, value in (extra or {}).items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def permute(value: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """What llama.cpp's converter does to query and key projections, written as it writes it."""
    return value.reshape(heads, 2, value.shape[0] // heads // 2, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)


def _write_vocabulary(writer: GGUFWriter) -> None:
    tokens = byte_tokenizer().get_vocab(with_added_tokens=True)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*sorted(tokens, key=lambda text: tokens[text]), "ab"])
    writer.add_token_types([1] * 256 + [3] * 3 + [1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(257)
    writer.add_eos_token_id(258)
    writer.add_chat_template(CHATML)
