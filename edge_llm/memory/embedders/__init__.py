"""Sentence encoders, found by name. One that brings its own code is a file here with a function `open_embedder`; every other
one is a directory that onnx.py runs.

Knows how a name or a path becomes an embedder. Opens no socket: `edge-llm pull` fetches what is not here.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from runtimes.errors import InputError, UnknownModelError

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.memory.embedder import Embedder

DEFAULT_EMBEDDER = "use"
"""The embedder that is used when none is named."""


def open_embedder(
    name_or_path: str | os.PathLike[str] | None = None, *, home: Home | None = None, threads: int | None = None
) -> Embedder:
    """An embedder, ready to load when it is first used.

    Args:
        name_or_path: "use"; an encoder that was pulled, by its name (all-minilm-l6-v2, hf:owner/repo); a directory with an ONNX
            sentence encoder. None takes the default one. What exists as a path is a path.
        home: where pulled models are; None takes the default one.
        threads: how many cores it uses; None takes those there are.

    Raises:
        UnknownModelError: no embedder has this name. InputError: it was not pulled yet, or what has the name is no encoder.
        BundleError, UnsupportedModelError, RuntimeUnavailableError: it cannot be used; raised when it is first used.
    """
    name = DEFAULT_EMBEDDER if name_or_path is None else os.fspath(name_or_path)
    if name.isidentifier() and any(module.name == name for module in iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        if hasattr(module, "open_embedder"):
            embedder: Embedder = module.open_embedder(threads=threads)
            return embedder
    from edge_llm.home import Home, expand
    from edge_llm.memory.embedders.onnx import OnnxEmbedder

    path = expand(Path(name))
    if name and path.is_dir():
        return OnnxEmbedder(path, threads=threads)
    return OnnxEmbedder(_find_pulled(name, home or Home()), name=name, threads=threads)


def _find_pulled(name: str, home: Home) -> Path:
    from edge_llm.catalog import CATALOG, HUB_PREFIX, find_installed, nearest_names

    found = find_installed(name, home)
    if found is None and name not in CATALOG and not name.startswith(HUB_PREFIX):
        raise UnknownModelError(name, nearest_names(name))
    if found is None:
        raise InputError(f"{name} is not on this machine. Fetch it with `edge-llm pull {name}`.")
    if found.format != "encoder":
        raise InputError(f"{name} is a model that writes text, not a sentence encoder. `edge-llm models` lists what there is.")
    return found.path
