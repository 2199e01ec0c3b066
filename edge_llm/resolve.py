"""From what someone typed to a bundle that a runtime can open: found, pulled, or converted once and kept.

Knows where bundles come from and which format a runtime wants. Knows nothing of weights.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from edge_llm.catalog import CATALOG, find_installed, pull
from edge_llm.home import Home, expand
from edge_llm.installed import InstalledModel, verify
from edge_llm.progress import Progress
from edge_llm.source_index import source_hash
from runtimes.bundle import MANIFEST_NAME, Bundle, read_bundle
from runtimes.errors import BundleError, RuntimeUnavailableError, SourceError, StorageError
from runtimes.registry import find_runtime

if TYPE_CHECKING:
    from edge_llm.progress import ProgressCallback
    from quantize.pipeline import Progress as ConversionProgress

KEPT_BITS = 8
"""What a checkpoint is converted to when nobody said how: below 500M parameters 4 bits cost too much to be a default."""

REFERENCE_BITS = 32

_Format: TypeAlias = Literal["onnx", "gguf"]
_CONFIG = "config.json"
_LONGEST_STEM = 80
_LONGEST_FILE_NAME = 255


@dataclass(frozen=True)
class Checkpoint:
    """A model found on this machine."""

    path: Path
    """A bundle, a .gguf file or a Hugging Face directory."""
    installed: InstalledModel | None = None
    """Its record, when it has a name and was pulled."""

    @property
    def name(self) -> str | None:
        """What people call it; None when it has no name but its path."""
        return None if self.installed is None else self.installed.name

    @property
    def is_bundle(self) -> bool:
        return (self.path / MANIFEST_NAME).is_file()


def resolve(
    model: str | os.PathLike[str],
    *,
    runtime: str | None = None,
    home: Home | None = None,
    progress: ProgressCallback | None = None,
    endpoint: str | None = None,
    index: str | None = None,
) -> Bundle:
    """Get a model ready to be opened.

    A bundle is taken as it is, and verified. A .gguf file is taken as it is for a runtime that opens GGUF, and when no
    runtime is named and llama-cpp-python is installed. Every other checkpoint is converted once, to 8 bits, and kept
    in the home, where it is found again by the checkpoint's SHA-256. A name is pulled first, unless it was before:
    a model that is here needs no network.

    Args:
        model: path of a bundle, a .gguf file or a Hugging Face directory; or a name: of the catalog, hf:owner/repo or
            hf:owner/repo/file.gguf. What exists as a path is a path.
        runtime: the runtime it is for; None takes onnx, or for a .gguf file what opens it.
        home: where models are kept; None takes the default one.
        progress: told what is going on when there is something to wait for.
        endpoint, index: as in `edge_llm.catalog.pull`.

    Raises:
        UnknownModelError: neither a path nor a name.
        BundleError, SourceError, UnsupportedModelError, TokenizerError: damaged, or not for this build.
        RuntimeUnavailableError: no such runtime.
        NetworkError, StorageError: it could not be fetched or kept.
    """
    home = home or Home()
    found = find_checkpoint(model, home=home, progress=progress, endpoint=endpoint, index=index)
    if found.is_bundle:
        return read_bundle(found.path)
    wanted = _format_for(found, runtime)
    if wanted == "gguf" and found.path.suffix == ".gguf":
        return read_bundle(found.path)
    return _converted(found, wanted, KEPT_BITS, home, progress)


def resolve_reference(
    model: str | os.PathLike[str], *, home: Home | None = None, progress: ProgressCallback | None = None
) -> Bundle:
    """What a smaller form of a model is measured against: the checkpoint's 32-bit ONNX form, made once and kept.

    An ONNX bundle is taken as it is: someone made it to be the reference. Arguments and errors as for `resolve`.
    """
    home = home or Home()
    found = find_checkpoint(model, home=home, progress=progress)
    if found.is_bundle:
        bundle = read_bundle(found.path)
        if bundle.manifest.format != "gguf":
            return bundle
        found = Checkpoint(bundle.model_path)
    return _converted(found, "onnx", REFERENCE_BITS, home, progress)


def find_checkpoint(
    model: str | os.PathLike[str],
    *,
    home: Home,
    progress: ProgressCallback | None = None,
    endpoint: str | None = None,
    index: str | None = None,
) -> Checkpoint:
    """Where a model is: the path itself, or what its name was, or now is, pulled to. Arguments as for `resolve`.

    Raises:
        UnknownModelError, BundleError, SourceError: neither a model's path nor a name.
        NetworkError, StorageError: it could not be fetched.
    """
    path = _existing_path(model)
    if path is not None:
        return Checkpoint(path)
    name = os.fspath(model)
    path = pull(name, home=home, progress=progress, endpoint=endpoint, index=index)
    return Checkpoint(path, find_installed(name, home))


def _existing_path(model: str | os.PathLike[str]) -> Path | None:
    """`model` as a path, or None when it is a name."""
    name = os.fspath(model)
    path = expand(Path(name))
    if not name or any(len(part) > _LONGEST_FILE_NAME for part in path.parts):
        return None  # no file system has such a name, and asking it is an error of its own
    if path.is_file() or any((path / file).is_file() for file in (MANIFEST_NAME, _CONFIG)):
        return path
    if name in CATALOG:
        return None  # a folder that happens to be called like the model does not hide it
    if path.is_dir():
        inside = [str(path / child) for child in ("onnx", "gguf") if (path / child / MANIFEST_NAME).is_file()]
        hint = f"It holds bundles: give {' or '.join(inside)}." if inside else "Make a bundle with `edge-llm quantize`."
        raise BundleError(f"{path} is neither a bundle nor a Hugging Face directory. {hint}")
    looks_like_path = isinstance(model, os.PathLike) or path.is_absolute() or name.startswith((".", "~"))
    if looks_like_path or (name.endswith(".gguf") and ":" not in name):
        raise SourceError(f"{path} does not exist. Check the path; `edge-llm models` lists the models that have names.")
    return None


def _format_for(found: Checkpoint, runtime: str | None) -> _Format:
    """The format in which the runtime is to get this checkpoint."""
    is_gguf = found.path.suffix == ".gguf"
    if runtime is None:
        # Someone who gives a GGUF file wants that file; it can only be had where llama.cpp is.
        return "gguf" if is_gguf and found.installed is None and find_spec("llama_cpp") is not None else "onnx"
    formats = find_runtime(runtime).formats
    if "gguf" in formats and (is_gguf or "onnx" not in formats):
        return "gguf"
    if "onnx" in formats:
        return "onnx"
    raise RuntimeUnavailableError(
        f"The runtime {runtime} opens bundles in {', '.join(sorted(formats))} format, which {found.path} cannot be "
        "converted to. Choose another runtime."
    )


def _converted(found: Checkpoint, wanted: _Format, bits: int, home: Home, progress: ProgressCallback | None) -> Bundle:
    """The bundle that was made of this checkpoint, or is made now."""
    from quantize.recipe import WRITER_VERSION

    source = found.path
    made_of = f"{source_hash(source, home)[:16]}-{bits}bit-{wanted}-v{WRITER_VERSION}"
    if (kept := _find_kept(home, made_of)) is not None:
        return kept

    def waiting() -> None:
        if progress is not None:
            progress(Progress("wait", 0, 0, source.name))

    def converting(step: ConversionProgress) -> None:
        if progress is not None:
            progress(Progress("convert", step.done, step.total, source.name))

    with home.lock(f"convert-{made_of}", waiting=waiting):
        if (kept := _find_kept(home, made_of)) is not None:  # another process made it meanwhile
            return kept
        from quantize.pipeline import quantize
        from quantize.recipe import recipe_for

        if found.installed is not None:
            verify(found.installed)
        target = home.make(home.bundles) / f"{source.stem[:_LONGEST_STEM]}-{made_of}"
        _remove(target)
        quantize(source, target, recipe=recipe_for(bits), formats=(wanted,), name=found.name, progress=converting)
    return read_bundle(target, verify=False)  # it was hashed as it was written


def _find_kept(home: Home, made_of: str) -> Bundle | None:
    """What was made before, whatever its checkpoint was called then; None when it is not there or no longer whole."""
    return next(filter(None, map(_read_whole, home.bundles.glob(f"*-{made_of}"))), None)


def _read_whole(path: Path) -> Bundle | None:
    try:
        return read_bundle(path)
    except BundleError:
        return None  # damaged since; its checkpoint is here, so it is made again


def _remove(damaged: Path) -> None:
    if damaged.exists():
        try:
            shutil.rmtree(damaged)
        except OSError as error:
            raise StorageError(f"Cannot remove {damaged}, which is damaged: {error.strerror or error}.") from error
