"""A bundle in, a phone directory out: verified, described by `phone.json`, written in one piece.

Knows what a phone needs of a bundle and what it does not. Knows no device (the caller has planned the memory), no chat
template language and no delivery to an app store (delivery.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from android_bridge.manifest import (
    PHONE_MANIFEST_NAME,
    Memory,
    PhoneManifest,
    SamplingDefaults,
    read_manifest,
    write_manifest,
)
from android_bridge.phone_model import read_phone_model
from android_bridge.phone_tokenizer import write_tokenizer
from android_bridge.turn_format import Render, compile_turns
from runtimes.bundle import Bundle, FileEntry, hash_file
from runtimes.directory import is_vacant, whole_directory
from runtimes.errors import BundleError, ConfigError, StorageError

_DATA_SUFFIX = ".data"
_FOR_GENAI = ("genai_config.json", "tokenizer_config.json")
"""With these, onnxruntime-genai's Android library opens the same directory."""
_PHONE_GRAPH = "phone.onnx"
_LOGITS_START = "logits_start"
"""The graph's optional input: the first position that gets logits, counted from the end when negative (quantize's graph)."""


@dataclass(frozen=True)
class ExportOptions:
    """What the app decides. Raises ConfigError out of range."""

    context_length: int
    """Most tokens the app will hold."""
    memory: Memory
    """What the model takes at that length, as planned for the device."""
    actions: tuple[Mapping[str, Any], ...] = ()
    sampling: SamplingDefaults = field(default_factory=SamplingDefaults)

    def __post_init__(self) -> None:
        if self.context_length < 1:
            raise ConfigError(f"The context length is {self.context_length}; it must be at least 1.")


def export(bundle: Bundle, directory: str | os.PathLike[str], render: Render | None, options: ExportOptions) -> PhoneManifest:
    """Write the phone directory of a bundle.

    What stays behind: the graph for prefill (it was measured on x86 only, and doubles the memory), the reports, the Jinja
    template (it becomes data), and every file nobody reads there.

    Args:
        bundle: verified, as `read_bundle` gives it.
        directory: must not exist, or be an older export.
        render: the model's chat template; None exports a model that only continues texts.

    Raises:
        BundleError: the directory holds something else. TokenizerError, TemplateError: the phone could not read the
            vocabulary, or not write the turns. ConfigError: a context longer than the model's. StorageError: the disk said no.
    """
    manifest = bundle.manifest
    if options.context_length > manifest.context_length:
        raise ConfigError(
            f"The context length is {options.context_length}; {manifest.name} holds {manifest.context_length}. Ask for less."
        )
    model = read_phone_model(bundle)
    turns = None if render is None else compile_turns(render)
    with _written(Path(directory)) as staging:
        for source in _files_to_copy(bundle):
            shutil.copyfile(source, staging / source.name)
        graph = _write_phone_graph(staging / manifest.model) if manifest.format == "onnx" else manifest.model
        tokenizer = write_tokenizer(bundle, staging)
        exported = PhoneManifest(
            name=manifest.name,
            format="onnx" if manifest.format == "onnx" else "gguf",
            family=manifest.family,
            model=graph,
            context_length=options.context_length,
            vocabulary_size=manifest.vocabulary_size,
            kv=model.kv,
            memory=options.memory,
            requires=model.requires,
            tokenizer=tokenizer,
            turns=turns,
            stop_token_ids=manifest.stop_token_ids,
            sampling=options.sampling,
            files={path.name: FileEntry(hash_file(path), path.stat().st_size) for path in sorted(staging.iterdir())},
            actions=options.actions,
            licence=manifest.licence,
            source=manifest.source,
        )
        write_manifest(exported, staging)
    return exported


def verify_export(directory: str | os.PathLike[str]) -> PhoneManifest:
    """Read a phone directory back and check every file. Raises BundleError, which names the file that is not as it was."""
    path = Path(directory)
    manifest = read_manifest(path)
    for name, entry in manifest.files.items():
        file = path / name
        if not file.is_file():
            raise BundleError(f"{file} is missing. Export the bundle again.")
        if file.stat().st_size != entry.size or hash_file(file) != entry.sha256:
            raise BundleError(f"{file} is damaged: it is not as its manifest says. Export the bundle again.")
    return manifest


def _write_phone_graph(path: Path) -> str:
    """Write the graph the Kotlin library runs beside the one it is made from, over the same weights; returns its name.

    It gives the logits of the last position only. The bundle's graph gives all of them unless an optional input says
    otherwise, which ONNX Runtime's Java API cannot feed, and onnxruntime-genai needs them all.
    """
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    for initializer in model.graph.initializer:
        if initializer.name == _LOGITS_START:
            initializer.CopyFrom(onnx.helper.make_tensor(_LOGITS_START, onnx.TensorProto.INT64, [1], [-1]))
    inputs = [item for item in model.graph.input if item.name != _LOGITS_START]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    (path.parent / _PHONE_GRAPH).write_bytes(model.SerializeToString())
    return _PHONE_GRAPH


def _files_to_copy(bundle: Bundle) -> Sequence[Path]:
    model = bundle.model_path
    wanted = [model, model.with_name(model.name + _DATA_SUFFIX), *(bundle.directory / name for name in _FOR_GENAI)]
    return [path for path in wanted if path.is_file() and (bundle.manifest.format == "onnx" or path == model)]


@contextmanager
def _written(target: Path) -> Iterator[Path]:
    """A directory to write into, which is `target` at the end. Raises BundleError or StorageError."""
    if not is_vacant(target) and not (target / PHONE_MANIFEST_NAME).is_file():
        raise BundleError(f"{target} exists and is not an export, so it is not replaced. Choose another output path.")
    try:
        with whole_directory(target) as staging:
            yield staging
    except OSError as error:
        raise StorageError(f"Cannot write {target}: {error.strerror or error}. Choose another output path.") from error
