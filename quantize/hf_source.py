"""A Hugging Face directory as a source: config.json, tokenizer files, and safetensors in one file or in shards.

Weights are only ever read from safetensors. Pickled ones (pytorch_model.bin) can run code and are refused.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantize.architecture import Architecture, TensorSpec
from quantize.completeness import check_tensors
from quantize.families import Family, find_family
from quantize.hf_files import read_json
from quantize.hf_tokenizer import HFTokenizer
from quantize.safetensors import SafetensorsFile
from runtimes.bundle import hash_file
from runtimes.errors import SourceError, UnsupportedModelError

if TYPE_CHECKING:
    from typing_extensions import Self

_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_CONFIG_LIMIT = 4 << 20
_INDEX_LIMIT = 16 << 20  # the largest real one (92,000 tensors) has 9 MB
_README_LIMIT = 1 << 20
_LICENCE = re.compile(r"^license:[ \t]*['\"]?([\w.+-]+)['\"]?[ \t]*$", re.MULTILINE)


class HFSource:
    """A `quantize.source.Source` over one directory."""

    def __init__(self, path: Path) -> None:
        """Read the configuration and every header.

        Raises:
            SourceError: malformed or incomplete.
            UnsupportedModelError: no family for it, or already quantized.
            TokenizerError, TemplateError: tokenizer files that are there and malformed.
        """
        self._path = path
        config = _read_config(path)
        self._tokenizer = HFTokenizer(path)
        self._family = _find_family(config, path / _CONFIG)
        self._architecture = self._with_special_tokens(self._family.from_config(config, str(path / _CONFIG)))
        wanted = {spec.name: spec.shape for spec in self._family.tensors(self._architecture)}
        with ExitStack() as opened:
            self._indexed, self._files = _open_weights(path, opened)
            found = {name: file.tensors[name].shape for name, file in self._files.items()}
            check_tensors(wanted, found, harmless=self._is_harmless, path=path)
            for name in wanted:
                self._files[name].require_floats(name)
            self._wanted = tuple(wanted)
            self._opened = opened.pop_all()

    @property
    def path(self) -> Path:
        """The directory."""
        return self._path

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self._path.resolve().name

    @property
    def format(self) -> str:
        """Always "safetensors"."""
        return "safetensors"

    @cached_property
    def sha256(self) -> str:
        """Of the lines "<sha256>  <file name>\\n" of the files that shape the model, sorted by name."""
        names = {_CONFIG, *self._tokenizer.names, *(file.path.name for file in self._files.values())}
        if self._indexed:
            names.add(_INDEX)
        try:
            lines = [f"{hash_file(self._path / name)}  {name}\n" for name in sorted(names)]
        except OSError as error:
            raise SourceError(f"{self._path} cannot be read: {error.strerror or error}. Check the disk.") from error
        return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()

    @property
    def family(self) -> Family:
        """The family that config.json's model_type names."""
        return self._family

    @property
    def architecture(self) -> Architecture:
        """Dimensions and special tokens."""
        return self._architecture

    @cached_property
    def stored_types(self) -> Mapping[str, int]:
        """Weights by the type they are stored in."""
        counts: dict[str, int] = {}
        for name in self._wanted:
            tensor = self._files[name].tensors[name]
            counts[tensor.type] = counts.get(tensor.type, 0) + math.prod(tensor.shape)
        return counts

    @cached_property
    def licence(self) -> str | None:
        """`license` of README.md's front matter, or None."""
        return _read_licence(self._path / "README.md")

    @property
    def chat_template(self) -> str | None:
        """The default Jinja template as it was shipped, or None."""
        return self._tokenizer.chat_template

    @property
    def add_bos(self) -> bool:
        """Whether the tokenizer puts BOS before a text."""
        return self._tokenizer.add_bos

    @property
    def gguf_header(self) -> None:
        """Always None."""
        return

    def tokenizer_files(self) -> Mapping[str, bytes]:
        """The vocabulary and, when there is one, tokenizer_config.json, as they are."""
        return self._tokenizer.files()

    def tensor(self, spec: TensorSpec) -> npt.NDArray[np.float32]:
        """One weight, float32 of `spec.shape`."""
        return self._files[spec.name].read(spec.name)

    def close(self) -> None:
        """Close the files. Idempotent."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _with_special_tokens(self, architecture: Architecture) -> Architecture:
        """What the tokenizer says joins what config.json says. A token past the embedding's rows can never come out."""
        size = architecture.vocabulary_size
        stops = {token for token in self._tokenizer.stop_token_ids if token < size}.union(architecture.stop_token_ids)
        bos = architecture.bos_token_id if self._tokenizer.bos_token_id is None else self._tokenizer.bos_token_id
        ordered = sorted(stops, key=lambda token: (token != self._tokenizer.eos_token_id, token))
        return replace(architecture, bos_token_id=bos, stop_token_ids=tuple(ordered))

    def _is_harmless(self, name: str) -> bool:
        """Tables that follow from the configuration, and a copy of the embedding where it is the head."""
        return name.endswith(".rotary_emb.inv_freq") or (name == "lm_head.weight" and self._architecture.tied)


def _read_config(path: Path) -> dict[str, Any]:
    if not (path / _CONFIG).is_file():
        raise SourceError(
            f"{path} has no {_CONFIG}, so it is not a Hugging Face model directory. "
            "Give a .gguf file or a directory with config.json and safetensors."
        )
    config = read_json(path / _CONFIG, _CONFIG_LIMIT)
    quantized = config.get("quantization_config")
    if quantized is not None:
        method = quantized.get("quant_method", "unknown") if isinstance(quantized, dict) else "unknown"
        raise UnsupportedModelError(
            f"{path / _CONFIG}: the weights are already quantized (method {method!r}). Take the checkpoint from before that."
        )
    return config


def _find_family(config: Mapping[str, Any], where: Path) -> Family:
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise SourceError(f"{where} names no model_type. Download the model again.")
    try:
        return find_family(kind)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"{where}: {error}") from error


def _open_weights(path: Path, opened: ExitStack) -> tuple[bool, dict[str, SafetensorsFile]]:
    """Whether there is an index, and the file of each tensor."""
    if (path / _INDEX).is_file():
        return True, _open_shards(path, opened)
    present = sorted(path.glob("*.safetensors"))
    if len(present) != 1:
        raise _no_weights(path, present)
    file = SafetensorsFile(present[0])
    opened.callback(file.close)
    return False, dict.fromkeys(file.tensors, file)


def _no_weights(path: Path, present: list[Path]) -> SourceError:
    if present:
        return SourceError(f"{path} has {len(present)} safetensors files and no {_INDEX} that joins them. Download it too.")
    if any(path.glob("*.bin")) or any(path.glob("*.pt")) or any(path.glob("*.pth")):
        return UnsupportedModelError(
            f"{path} has pickled weights, which can run code and are never loaded, and no safetensors. "
            "Download the safetensors version."
        )
    return SourceError(f"{path} has no safetensors files. Download the model's weights too.")


def _open_shards(path: Path, opened: ExitStack) -> dict[str, SafetensorsFile]:
    index = path / _INDEX
    places = read_json(index, _INDEX_LIMIT).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise SourceError(f"{index} has no weight_map of file names. Download it again.")
    shards: dict[str, SafetensorsFile] = {}
    for shard in sorted(set(places.values())):
        # By its name alone: the hub's cache makes every file a link that leads outside the directory.
        if not shard.endswith(".safetensors") or any(sign in shard for sign in "/\\:\0"):
            raise SourceError(f"{index} names {shard!r}, which is not a safetensors file beside it. Do not use this model.")
        if not (path / shard).is_file():
            raise SourceError(f"{path / shard} is missing: {_INDEX} names it. Download all of the model's files.")
        shards[shard] = SafetensorsFile(path / shard)
        opened.callback(shards[shard].close)
    for name, shard in places.items():
        if name not in shards[shard].tensors:
            raise SourceError(f"{path / shard} does not hold {name!r}, which {_INDEX} says it does. Download both again.")
    return {name: shards[shard] for name, shard in places.items()}


def _read_licence(readme: Path) -> str | None:
    """A README is prose for people: one that cannot be read says nothing of the licence, and is no reason to stop."""
    try:
        with readme.open("rb") as stream:
            text = stream.read(_README_LIMIT).decode("utf-8", errors="replace").replace("\r\n", "\n")
    except OSError:
        return None
    if not text.startswith("---\n"):
        return None
    found = _LICENCE.search(text[4:].split("\n---", 1)[0])
    return found.group(1) if found else None
