"""Which directories are ONNX sentence encoders, and what their files say: pooling, length, dimensions.

A sentence encoder is a graph and a `tokenizer.json`, in the layout of sentence-transformers or of the hub's ONNX exports
(the graph in `onnx/`), as `edge-llm pull` stores it (flat), or as a bundle with a manifest of format "onnx". What
else those layouts hold is read when it is there: `1_Pooling/config.json`, `sentence_bert_config.json`, `config.json`.

Knows files; runs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from runtimes.bundle import MANIFEST_NAME, read_bundle
from runtimes.errors import BundleError, StorageError, UnsupportedModelError

Pooling: TypeAlias = Literal["mean", "cls"]

GRAPHS = (
    "model_quantized.onnx",
    "model_int8.onnx",
    "onnx/model_quantized.onnx",
    "onnx/model_int8.onnx",
    "model.onnx",
    "onnx/model.onnx",
)
"""Where the graph may be; the first that is there is taken, so int8 before float32."""
TOKENIZER = "tokenizer.json"
POOLING = "1_Pooling/config.json"
PULLED_POOLING = "pooling.json"
"""The name of POOLING in the flat folder that `edge-llm pull` makes."""
LENGTH = "sentence_bert_config.json"
CONFIG = "config.json"

_MARKS = frozenset({"modules.json", "config_sentence_transformers.json", POOLING})
"""What sentence-transformers writes, and nobody else."""
_EXTERNAL = ("_data", ".data")
"""How a file that holds a graph's weights is called after it."""
_TERMS = ("README.md", "LICENSE")
_LONGEST = 512
_SHORTEST = 8
_RESERVED_POSITIONS = {"roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2}
"""Families whose first positions are never used: 514 positions are 512 tokens."""
_JSON_LIMIT = 1 << 20
_SAMPLE = 1 << 20
_SAMPLES = 16
_AGAIN = "Pull or export the encoder again."


@dataclass(frozen=True)
class EncoderDirectory:
    """A sentence encoder on disk."""

    model: Path
    tokenizer: Path
    pooling: Pooling
    max_tokens: int
    """Most tokens of one run, those that begin and end a text included."""
    dimensions: int | None
    """None where only the graph knows."""
    pad_id: int
    digest: str
    """Changes with whatever shapes the vectors."""


def choose_files(files: Iterable[str]) -> list[str]:
    """What of a folder with files of these names makes a sentence encoder; nothing when it is none.

    A folder with weights of another form too is one when sentence-transformers wrote it: others may hold a language model.
    """
    names = set(files)
    graph = next((name for name in GRAPHS if name in names), None)
    if graph is None or TOKENIZER not in names:
        return []
    if any(name.endswith((".safetensors", ".gguf")) for name in names) and names.isdisjoint(_MARKS):
        return []
    wanted = (TOKENIZER, CONFIG, LENGTH, POOLING, *(graph + ending for ending in _EXTERNAL), *_TERMS)
    return [graph, *(name for name in wanted if name in names)]


def read_encoder(path: Path) -> EncoderDirectory:
    """What the directory is.

    Raises:
        BundleError: it lacks a graph or a tokenizer, or one of its files is malformed.
        UnsupportedModelError: it pools otherwise than by the mean or the first token.
        StorageError: the system does not let us read it.
    """
    try:
        model, tokenizer = _find_files(path)
        config = _read_json(path / CONFIG)
        pooling = _pooling(path)
        max_tokens = _max_tokens(_read_json(path / LENGTH), config)
        shaped_by = [_sampled_digest(model), _sampled_digest(tokenizer), pooling, str(max_tokens)]
        return EncoderDirectory(
            model=model,
            tokenizer=tokenizer,
            pooling=pooling,
            max_tokens=max_tokens,
            dimensions=_count(config, "hidden_size"),
            pad_id=_count(config, "pad_token_id") or 0,
            digest=hashlib.sha256(" ".join(shaped_by).encode()).hexdigest()[:16],
        )
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error


def _find_files(path: Path) -> tuple[Path, Path]:
    if (path / MANIFEST_NAME).is_file():
        bundle = read_bundle(path)
        if bundle.manifest.format != "onnx" or bundle.tokenizer_path is None:
            raise BundleError(f"{path} is a bundle without a graph or a tokenizer, so it is no sentence encoder. {_AGAIN}")
        return bundle.model_path, bundle.tokenizer_path
    model = next((path / name for name in GRAPHS if (path / name).is_file()), None)
    if model is None or not (path / TOKENIZER).is_file():
        missing = TOKENIZER if model is not None else " or ".join(GRAPHS)
        raise BundleError(f"{path} is no ONNX sentence encoder: it has no {missing}. {_AGAIN}")
    return model, path / TOKENIZER


def _read_json(path: Path) -> Mapping[str, Any]:
    """The object in a file; an empty one where there is no file."""
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _JSON_LIMIT:
            raise ValueError(f"it is larger than {_JSON_LIMIT} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is malformed: {error}. {_AGAIN}") from error
    if not isinstance(found, dict):
        raise BundleError(f"{path} is not a JSON object. {_AGAIN}")
    return found


def _pooling(path: Path) -> Pooling:
    config = next((found for name in (POOLING, PULLED_POOLING) if (found := _read_json(path / name))), None)
    if config is None:
        return "mean"
    chosen = {name.removeprefix("pooling_mode_") for name, on in config.items() if name.startswith("pooling_mode_") and on}
    if isinstance(config.get("pooling_mode"), str):
        chosen.add(config["pooling_mode"])
    if chosen in ({"mean_tokens"}, {"mean"}):
        return "mean"
    if chosen in ({"cls_token"}, {"cls"}):
        return "cls"
    raise UnsupportedModelError(
        f"{path} pools by {', '.join(sorted(chosen)) or 'nothing'}; this edge-llm knows mean and cls. Choose another encoder."
    )


def _max_tokens(length: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    positions = _count(config, "max_position_embeddings")
    if positions is not None:
        positions -= _RESERVED_POSITIONS.get(str(config.get("model_type")), 0)
    limits = [limit for limit in (_count(length, "max_seq_length"), positions, _LONGEST) if limit is not None]
    return max(_SHORTEST, min(limits))


def _count(config: Mapping[str, Any], name: str) -> int | None:
    value = config.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _sampled_digest(path: Path) -> str:
    """SHA-256 of a file's size and of sixteen megabytes spread over it: other weights differ everywhere, and a file of two
    gigabytes is not read whole each time memory is opened."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for sample in range(_SAMPLES):
            file.seek(min(sample * max(_SAMPLE, size // _SAMPLES), size))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
