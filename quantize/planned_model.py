"""What is planned for, from whatever describes it: a name, a config.json, a checkpoint, a GGUF file or a bundle.

Reads descriptions only: headers, config.json, reports. Never reads a weight and never asks a network.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantize.architecture import Role, TensorSpec
from quantize.families import find_family, find_family_of_gguf
from quantize.genai_config import NAME as GENAI_NAME
from quantize.hf_files import read_json
from quantize.known_models import known_shape
from quantize.model_shape import EMBEDDING, ModelShape, shape_of
from quantize.report import JSON_NAME
from quantize.stored_model import GGUF_BYTES_PER_TENSOR, StoredModel, StoredTensor, TextBytes
from runtimes.bundle import MANIFEST_NAME, Bundle, read_bundle
from runtimes.errors import BundleError, SourceError, TokenizerError, UnsupportedModelError
from runtimes.gguf import read_header

if TYPE_CHECKING:
    from runtimes.gguf import GGUFHeader

_CONFIG = "config.json"
_JSON_LIMIT = 16 << 20
_VOCABULARIES = ("tokenizer.json", "tokenizer.model")
_ROLES: tuple[Role, ...] = ("embedding", "head", "attention", "ffn", "norm", "bias")


@dataclass(frozen=True)
class PlannedModel:
    """A model as planning sees it."""

    shape: ModelShape
    texts: TextBytes | None = None
    """What its vocabulary takes; None where that is guessed."""
    stored: StoredModel | None = None
    """The form it is already in, where that is one a runtime opens."""


def read_planned_model(model: str | os.PathLike[str]) -> PlannedModel:
    """Read what describes a model.

    Args:
        model: path of a config.json, a Hugging Face directory (its config.json is enough), a .gguf file or a bundle; or a
            name of `known_models`, or a number of parameters such as "10b". What exists as a path is a path.

    Raises:
        UnknownModelError: neither a path nor a name.
        SourceError, UnsupportedModelError, BundleError: damaged, or of a kind that cannot be planned for.
        ConfigError: a number of parameters that no model has.
    """
    path = Path(model)
    if (path / MANIFEST_NAME).is_file():
        return _read_bundle(path)
    if (path / _CONFIG).is_file():
        return _read_directory(path)
    if path.is_file() and path.suffix == ".gguf":
        return _read_gguf(path)
    if path.is_file() and path.suffix == ".json":
        return PlannedModel(_read_config(path))
    if path.exists():
        raise SourceError(
            f"{path} does not describe a model. Give a config.json, a directory that holds one, a .gguf file or a bundle."
        )
    if isinstance(model, os.PathLike) or path.is_absolute() or path.suffix in {".gguf", ".json"} or str(model).startswith("."):
        raise SourceError(f"{path} does not exist. Check the path.")
    return PlannedModel(known_shape(str(model)))


def _read_config(path: Path) -> ModelShape:
    config = read_json(path, _JSON_LIMIT)
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise SourceError(f"{path} names no model_type. Download the model again.")
    try:
        architecture = find_family(kind).from_config(config, str(path))
    except UnsupportedModelError as error:
        message = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise UnsupportedModelError(message) from error
    note = ""
    if config.get("quantization_config") is not None:
        note = "Its weights are already quantized: `edge-llm quantize` needs the checkpoint from before that."
    return shape_of(architecture, path.resolve().parent.name, note)


def _read_directory(path: Path) -> PlannedModel:
    shape = _read_config(path / _CONFIG)
    vocabulary = next((path / name for name in _VOCABULARIES if (path / name).is_file()), None)
    if vocabulary is None:
        return PlannedModel(shape)
    beside = [path / name for name in ("tokenizer_config.json", "chat_template.jinja")]
    size = sum(file.stat().st_size for file in (vocabulary, *beside) if file.is_file())
    return PlannedModel(shape, replace(TextBytes.guess(shape.vocabulary_size), onnx=size))


def _read_gguf(path: Path) -> PlannedModel:
    header = read_header(path)
    shape = _shape_of_gguf(header)
    tensors = []
    for spec in shape.tensors:
        found = header.tensors.get(spec.gguf_name)
        if found is None:
            raise SourceError(f"{path}: the tensor {spec.gguf_name!r} is missing. Download or convert the model again.")
        tensors.append(StoredTensor(spec, found.type, found.nbytes))
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.type] = sizes.get(tensor.type, 0) + tensor.bytes
    recipe = max(sizes, key=lambda kind: sizes[kind])
    stored = StoredModel(shape, recipe, "gguf", tuple(tensors), path.stat().st_size, exists=True)
    return PlannedModel(shape, _texts_of_gguf(header), stored)


def _shape_of_gguf(header: GGUFHeader) -> ModelShape:
    name = header.text("general.name") or header.path.stem
    try:
        return shape_of(find_family_of_gguf(header.architecture).from_gguf(header), name)
    except UnsupportedModelError:
        return _foreign_shape(header, name)


def _foreign_shape(header: GGUFHeader, name: str) -> ModelShape:
    """A model that llama.cpp may open though no family here knows it: what its metadata and tensors say."""

    def number(key: str, default: int | None = None) -> int:
        value = header.integer(f"{header.architecture}.{key}")
        found = default if value is None else value
        if found is None or found < 1:
            raise header.fail(f"'{header.architecture}.{key}' is {found}.")
        return found

    heads, width = number("attention.head_count"), number("embedding_length")
    layers = number("block_count")
    tensors = tuple(
        TensorSpec(EMBEDDING if found.name == "token_embd.weight" else found.name, found.name, found.shape, _role(found.name))
        for found in header.tensors.values()
    )
    return ModelShape(
        name=name,
        tensors=tensors,
        layers=layers,
        hidden_size=width,
        intermediate_size=number("feed_forward_length"),
        heads=heads,
        kv_heads=number("attention.head_count_kv", heads),
        head_dim=number("attention.key_length", max(1, width // heads)),
        vocabulary_size=header.vocabulary_size,
        context_length=header.context_length,
        tied="output.weight" not in header.tensors,
        family=None,
        kv_layers=layers,
        note=f"No family here knows {header.architecture}: only the file itself is planned for, all layers with a full cache.",
    )


def _role(name: str) -> Role:
    part = name.rpartition(".")[0].rpartition(".")[2]
    if "norm" in part:
        return "norm"
    if part in {"token_embd", "per_layer_token_embd"}:
        return "embedding"
    if part == "output":
        return "head"
    return "attention" if part.startswith("attn") else "ffn"


def _texts_of_gguf(header: GGUFHeader) -> TextBytes:
    from runtimes.gguf_vocabulary import tokenizer_json

    start = min((tensor.offset for tensor in header.tensors.values()), default=0)
    guess = TextBytes.guess(header.vocabulary_size)
    try:
        rebuilt = len(tokenizer_json(header).encode("utf-8"))
    except TokenizerError:  # only the GGUF form has this vocabulary, then
        rebuilt = guess.onnx
    template = len((header.text("tokenizer.chat_template") or "").encode("utf-8"))
    return TextBytes(onnx=rebuilt + 2 * template, gguf=max(0, start - len(header.tensors) * GGUF_BYTES_PER_TENSOR))


def _read_bundle(path: Path) -> PlannedModel:
    bundle = read_bundle(path, verify=False)
    manifest = bundle.manifest
    size = (path / MANIFEST_NAME).stat().st_size + sum(entry.size for entry in manifest.files.values())
    recipe = str(manifest.recipe.get("name") or "as it is")
    if manifest.format == "gguf":
        found = _read_gguf(bundle.model_path)
        if found.stored is None:
            raise BundleError(f"{path} holds no model.")
        return replace(found, stored=replace(found.stored, file_bytes=size, recipe=recipe))
    if manifest.format != "onnx":
        raise BundleError(f"{path} is in {manifest.format} format, which no device runs. Plan an ONNX or GGUF bundle.")
    shape, tensors = _read_onnx(bundle)
    weights = sum(tensor.bytes for tensor in tensors)
    names = [name for name in (manifest.tokenizer, manifest.chat_template) if name is not None and name in manifest.files]
    text = sum(manifest.files[name].size for name in names)
    return PlannedModel(
        shape,
        replace(TextBytes.guess(shape.vocabulary_size), onnx=min(text, size - weights)),
        StoredModel(shape, recipe, "onnx", tensors, size, exists=True),
    )


def _read_onnx(bundle: Bundle) -> tuple[ModelShape, tuple[StoredTensor, ...]]:
    """From the report and the settings that every bundle of ours carries. Raises BundleError."""
    try:
        report = read_json(bundle.directory / JSON_NAME, _JSON_LIMIT)
        decoder = read_json(bundle.directory / GENAI_NAME, _JSON_LIMIT)["model"]["decoder"]
        tensors = tuple(_stored(row) for row in report["tensors"])
        inner = next(tensor.spec.shape[0] for tensor in tensors if tensor.spec.name.endswith("mlp.gate_proj.weight"))
        shape = ModelShape(
            name=bundle.manifest.name,
            tensors=tuple(tensor.spec for tensor in tensors),
            layers=_count(decoder["num_hidden_layers"]),
            hidden_size=_count(decoder["hidden_size"]),
            intermediate_size=inner,
            heads=_count(decoder["num_attention_heads"]),
            kv_heads=_count(decoder["num_key_value_heads"]),
            head_dim=_count(decoder["head_size"]),
            vocabulary_size=bundle.manifest.vocabulary_size,
            context_length=bundle.manifest.context_length,
            tied=all(tensor.spec.role != "head" for tensor in tensors),
            family=bundle.manifest.family,
            kv_layers=_count(decoder["num_hidden_layers"]),
        )
    except (KeyError, TypeError, ValueError, StopIteration, SourceError) as error:
        raise BundleError(
            f"{bundle.path} does not say what it is made of ({type(error).__name__}: {error}). Plan its checkpoint instead."
        ) from error
    return shape, tensors


def _stored(row: Mapping[str, Any]) -> StoredTensor:
    name, role, kind = row["name"], row["role"], row["type"]
    shape = tuple(_count(size) for size in row["shape"])
    if role not in _ROLES or not isinstance(name, str) or not isinstance(kind, str) or math.prod(shape) < 1:
        raise ValueError(f"{name!r} is no tensor")
    return StoredTensor(TensorSpec(name, "", shape, role), kind, _count(row["bytes"]))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{value!r} is not a positive integer")
    return value
