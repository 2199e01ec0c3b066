"""The stages of a conversion: open, check, write tensor by tensor, report, publish in one piece.

Each tensor is read once, quantized once and given to the writer of every format, so that twins hold the same codes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from quantize import blocks
from quantize.architecture import TensorSpec
from quantize.blocks import BLOCK, Quantized, Weight
from quantize.gguf_metadata import gguf_metadata
from quantize.llama_quantizer import check_llama_type, llama_quantize
from quantize.recipe import FLOAT, RECIPES, WRITER_VERSION, Recipe, TypeName
from quantize.report import Cost, Report, Stopwatch, TensorRecord, describe_source, relative_error
from quantize.source import Source, open_source
from quantize.staging import check_space, stage_bundles, storage_errors
from quantize.tensor_types import CONTAINERS, Container, assign_types, tensor_bytes
from quantize.write_gguf import GGUFWriter
from quantize.write_onnx import MODEL_NAME as ONNX_NAME
from quantize.write_onnx import PREFILL_NAME, OnnxWriter, WeightWriter
from runtimes.bundle import MANIFEST_NAME, BundleWriter, Manifest
from runtimes.errors import BundleError, ConfigError
from runtimes.gguf import read_header

Format: TypeAlias = Container
FORMATS: Final = CONTAINERS

_GGUF_NAME = "model.gguf"
_FLOAT_GGUF_NAME = "model-f32.gguf"
_TEMPLATE_NAME = "chat_template.jinja"
_VOCABULARIES = ("tokenizer.json", "tokenizer.model")
# Graph, vocabulary, metadata and reports: 3 to 25 MB, whatever the model's size.
_OVERHEAD_BYTES = 32 << 20


@dataclass(frozen=True)
class Progress:
    """How far a conversion is."""

    stage: str
    """What is being done, in a word or two: "weights", "llama.cpp", "publishing"."""
    done: int
    """Weights written so far."""
    total: int
    """Weights of the model."""


@dataclass(frozen=True)
class BundleSummary:
    """One bundle that was written."""

    path: Path
    format: Format
    bytes: int
    """Of all its files."""
    bits_per_weight: float
    """Bits of the stored tensors over the model's weights: scales, norms and biases counted, a tied head once."""
    types: Mapping[TypeName, int]
    """Weights (elements) by type."""


ProgressCallback: TypeAlias = Callable[[Progress], None]


def quantize(
    source: Path | str,
    out: Path | str,
    *,
    recipe: Recipe,
    formats: Sequence[Format] = ("onnx",),
    llama_type: str | None = None,
    name: str | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> list[BundleSummary]:
    """Convert a checkpoint into bundles.

    Args:
        source: a .gguf file, a GGUF bundle, or a Hugging Face directory of safetensors.
        out: with one format the bundle itself; with both, a directory for the bundles `onnx` and `gguf`.
        llama_type: let llama.cpp's own quantizer choose the types ("Q4_K_M", ...). It starts from 32 bits and writes
            GGUF: `recipe` must be that of 32 bits and `formats` ("gguf",).
        name: what the bundle is called; None takes what the checkpoint calls itself.
        force: replace a bundle that is already there.
        progress: called after each tensor. What it raises ends the conversion and leaves nothing behind.

    Returns:
        One summary per format, in the order of `formats`.

    Raises:
        SourceError, TokenizerError: the checkpoint cannot be used.
        ConfigError: options that contradict each other, or an output that would overwrite the source.
        BundleError: the output exists and `force` is False, or it is not a bundle.
        StorageError: not enough space, or no permission. Nothing half-written is left.
        RuntimeUnavailableError, RuntimeFailedError: llama.cpp's quantizer is not installed, or failed.
    """
    stopwatch = Stopwatch()
    _check_options(recipe, formats, llama_type)
    location = Path(out).absolute()
    targets = [location] if len(formats) == 1 else [location / name for name in formats]
    with open_source(source) as checkpoint:
        conversion = _Conversion(checkpoint, recipe, llama_type, name or checkpoint.name, progress)
        with storage_errors(location):
            _check_output(checkpoint.path, location, targets)
        check_space(location, sum(conversion.estimate_bytes(name) for name in formats))
        with stage_bundles(targets, replace_existing=force) as writers:
            staged = dict(zip(formats, writers, strict=True))
            records = conversion.write_weights({name: writer.directory for name, writer in staged.items()})
            cost = stopwatch.read()
            return [
                conversion.finish(name, target, staged[name], records[name], cost)
                for name, target in zip(formats, targets, strict=True)
            ]


class _Conversion:
    """One source on its way into bundles."""

    def __init__(
        self, source: Source, recipe: Recipe, llama_type: str | None, called: str, progress: ProgressCallback | None
    ) -> None:
        """Raises TokenizerError when the source has no vocabulary, before any work is done."""
        self._source = source
        self._recipe = recipe
        self._llama_type = llama_type
        self._called = called
        self._progress = progress
        self._specs = source.family.tensors(source.architecture)
        self._types = assign_types(recipe, self._specs)
        self._total = sum(math.prod(spec.shape) for spec in self._specs)
        self._tokenizer_files = source.tokenizer_files()

    def estimate_bytes(self, name: Format) -> int:
        """About what a bundle takes on disk while it is written."""
        stored = sum(tensor_bytes(name, spec.shape, self._types[spec.name]) for spec in self._specs)
        if self._llama_type is not None:
            stored += stored // 2  # its result lies beside the 32-bit file, and is at most half as large
        architecture = self._source.architecture
        tables = architecture.context_length * architecture.head_dim * 4 if name == "onnx" else 0
        return stored + tables + _OVERHEAD_BYTES

    def write_weights(self, directories: Mapping[Format, Path]) -> dict[Format, tuple[TensorRecord, ...]]:
        """Write the model files; returns what became of each tensor."""
        errors: dict[str, float] = {}
        with ExitStack() as opened:
            writers: list[WeightWriter] = [
                opened.enter_context(self._open_writer(name, place)) for name, place in directories.items()
            ]
            done = 0
            for spec in self._specs:
                weights = self._source.tensor(spec)
                stored = self._quantize(spec, weights)
                for writer in writers:
                    writer.add(spec, stored)
                errors[spec.name] = relative_error(weights, stored) if isinstance(stored, Quantized) else 0.0
                done += math.prod(spec.shape)
                self._tell("weights", done)
            for writer in writers:
                writer.finish()
        if self._llama_type is not None:
            return {"gguf": self._requantize(directories["gguf"], self._llama_type)}
        return {name: self._records(name, errors) for name in directories}

    def finish(
        self, name: Format, target: Path, writer: BundleWriter, records: tuple[TensorRecord, ...], cost: Cost
    ) -> BundleSummary:
        """Add the tokenizer, the report and the manifest."""
        self._tell("publishing", self._total)
        origin = describe_source(self._source)
        report = Report(origin, self._describe_recipe(), name, records, cost)
        report.write(writer.directory)
        writer.finish(self._manifest(name, writer.directory, origin))
        size = sum(file.stat().st_size for file in writer.directory.rglob("*") if file.is_file())
        return BundleSummary(target, name, size, report.bits_per_weight, report.types)

    def _open_writer(self, name: Format, directory: Path) -> AbstractContextManager[WeightWriter]:
        if name == "onnx":
            return OnnxWriter(directory, self._source.architecture)
        file = directory / (_GGUF_NAME if self._llama_type is None else _FLOAT_GGUF_NAME)
        return GGUFWriter(file, self._source.architecture, gguf_metadata(self._source, self._recipe), self._types)

    def _quantize(self, spec: TensorSpec, weights: Weight) -> Weight:
        kind = self._types[spec.name]
        if kind == FLOAT or isinstance(weights, Quantized):
            return weights
        return blocks.find_format(kind).quantize(weights, f"{self._source.path}: {spec.name}")

    def _records(self, name: Format, errors: Mapping[str, float]) -> tuple[TensorRecord, ...]:
        return tuple(
            TensorRecord(spec.name, spec.role, spec.shape, kind, tensor_bytes(name, spec.shape, kind), errors[spec.name])
            for spec, kind in ((spec, self._types[spec.name]) for spec in self._specs)
        )

    def _requantize(self, directory: Path, llama_type: str) -> tuple[TensorRecord, ...]:
        """Replace the 32-bit file by what llama.cpp makes of it, and look at what that is."""
        self._tell("llama.cpp", self._total)
        llama_quantize(directory / _FLOAT_GGUF_NAME, directory / _GGUF_NAME, llama_type)
        (directory / _FLOAT_GGUF_NAME).unlink()
        stored = read_header(directory / _GGUF_NAME).tensors
        with open_source(directory / _GGUF_NAME) as result:
            return tuple(
                TensorRecord(
                    spec.name,
                    spec.role,
                    spec.shape,
                    stored[spec.gguf_name].type,
                    stored[spec.gguf_name].nbytes,
                    relative_error(self._source.tensor(spec), result.tensor(spec)),
                )
                for spec in self._specs
            )

    def _describe_recipe(self) -> dict[str, Any]:
        if self._llama_type is not None:
            return {"name": self._llama_type, "method": "llama.cpp", "writer_version": WRITER_VERSION}
        return {
            "name": self._recipe.name,
            "method": "round to nearest",
            "types": dict(self._recipe.types),
            "block": BLOCK,
            "writer_version": WRITER_VERSION,
        }

    def _write_texts(self, name: Format, directory: Path) -> tuple[str, str | None]:
        """Write the vocabulary and the chat template where the model file does not hold them; returns their names."""
        template = self._source.chat_template
        if name == "gguf":
            return _GGUF_NAME, None if template is None else _GGUF_NAME
        for file, content in self._tokenizer_files.items():
            (directory / file).write_bytes(content)
        if template is not None:
            (directory / _TEMPLATE_NAME).write_bytes(template.encode("utf-8"))
        vocabulary = next(file for file in _VOCABULARIES if file in self._tokenizer_files)
        return vocabulary, None if template is None else _TEMPLATE_NAME

    def _manifest(self, name: Format, directory: Path, origin: Mapping[str, Any]) -> Manifest:
        vocabulary, template = self._write_texts(name, directory)
        architecture = self._source.architecture
        return Manifest(
            name=self._called,
            format=name,
            family=architecture.family,
            model=ONNX_NAME if name == "onnx" else _GGUF_NAME,
            prefill=PREFILL_NAME if (directory / PREFILL_NAME).is_file() else None,
            context_length=architecture.context_length,
            vocabulary_size=architecture.vocabulary_size,
            tokenizer=vocabulary,
            chat_template=template,
            bos_token_id=architecture.bos_token_id,
            stop_token_ids=architecture.stop_token_ids,
            recipe=self._describe_recipe(),
            source={key: origin[key] for key in ("name", "format", "sha256")},
            licence=self._source.licence,
        )

    def _tell(self, stage: str, done: int) -> None:
        if self._progress is not None:
            self._progress(Progress(stage, done, self._total))


def _check_options(recipe: Recipe, formats: Sequence[Format], llama_type: str | None) -> None:
    if not formats or len(set(formats)) != len(formats) or not set(formats) <= set(FORMATS):
        raise ConfigError(f"The formats are {', '.join(formats) or 'none'}; choose one or more of {', '.join(FORMATS)}.")
    if llama_type is None:
        return
    check_llama_type(llama_type)
    if tuple(formats) != ("gguf",):
        raise ConfigError(f"llama.cpp's quantizer writes GGUF only: {llama_type} needs --format gguf.")
    if recipe != RECIPES[32]:
        raise ConfigError(f"llama.cpp's quantizer starts from 32 bits: {llama_type} cannot be made from {recipe.name}.")


def _check_output(source: Path, location: Path, targets: Sequence[Path]) -> None:
    """Raises ConfigError or BundleError for an output that would destroy the source, or nest bundles."""
    # Not Path.resolve, which raises RuntimeError on a link that leads to itself.
    origin = Path(os.path.realpath(source))
    for target in (location, *targets):
        place = Path(os.path.realpath(target))
        if place == origin or (target in targets and place in origin.parents):
            raise ConfigError(f"{target} would overwrite its own source {source}. Choose another output path.")
    if location.exists() and not location.is_dir():
        raise BundleError(f"{location} is a file. Choose another output path.")
    if location not in targets and (location / MANIFEST_NAME).exists():
        raise BundleError(f"{location} is a bundle itself, so it cannot hold others. Choose another output path.")
