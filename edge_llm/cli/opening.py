"""Finds and opens what a person named, and says what takes long meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.cli.progress import ProgressDisplay

if TYPE_CHECKING:
    from edge_llm import Home, Model
    from runtimes.bundle import Bundle

_LONGEST_NAME = 80


def open_model(model: str, *, runtime: str | None, threads: int | None, context_length: int | None, home: Path | None) -> Model:
    """`edge_llm.load` with its progress on stderr. The caller closes the model.

    Raises:
        EdgeLLMError: whatever `edge_llm.load` raises.
    """
    from edge_llm import Home, load

    with ProgressDisplay() as progress:
        return load(
            model,
            runtime=runtime,
            threads=threads,
            context_length=context_length,
            home=Home(home),
            progress=progress.on_model_step,
        )


def find_source(name: str, home: Home, progress: ProgressDisplay) -> Path:
    """The checkpoint called `name`: a path as it is, or a model of the catalog or the hub, fetched if it is not here.

    Raises:
        UnknownModelError, NetworkError, StorageError: it could not be had.
    """
    from edge_llm.catalog import CATALOG, pull

    path = Path(name).expanduser()
    if path.exists() and name not in CATALOG:  # a folder that happens to be called like a model does not hide it
        return path
    return pull(name, home=home, progress=progress.on_model_step)


def open_reference(name: str, home: Home, progress: ProgressDisplay) -> Bundle:
    """What a bundle is measured against: the 32-bit form of the checkpoint called `name`, made once and kept.

    An ONNX bundle is taken as it is: someone made it to be the reference.

    Raises:
        EdgeLLMError: the checkpoint could not be had or converted.
    """
    from edge_llm.source_index import source_hash
    from quantize.pipeline import quantize
    from quantize.recipe import WRITER_VERSION, recipe_for
    from runtimes.bundle import MANIFEST_NAME, read_bundle

    source = find_source(name, home, progress)
    if (source / MANIFEST_NAME).is_file():
        bundle = read_bundle(source)
        if bundle.manifest.format != "gguf":
            return bundle
        source = bundle.model_path
    made_of = f"{source_hash(source, home)[:16]}-float32-v{WRITER_VERSION}"
    target = home.bundles / f"{source.stem[:_LONGEST_NAME]}-{made_of}-onnx"
    with home.lock(f"convert-{made_of}-onnx"):
        if not (target / MANIFEST_NAME).is_file():
            home.make(home.bundles)
            quantize(source, target, recipe=recipe_for(32), force=True, progress=progress.on_quantize_step)
    return read_bundle(target)
