"""The SHA-256 of checkpoints on disk, remembered so that a model of gigabytes is not read anew at every start.

Knows files by path, size and time of change. A hash is recomputed when any of these differs; losing the index costs
one more reading.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from runtimes.errors import StorageError

if TYPE_CHECKING:
    from edge_llm.home import Home

INDEX_NAME = "sources.json"
_LIMIT = 4 << 20

_State: TypeAlias = list[list[str | int]]
"""Name, bytes and nanoseconds of the last change, of each file of a checkpoint."""


def source_hash(source: Path, home: Home) -> str:
    """The SHA-256 of a .gguf file or a Hugging Face directory, as `quantize.source` defines it.

    Raises:
        SourceError, UnsupportedModelError, TokenizerError: it is not a checkpoint this build can read.
        StorageError: the index cannot be written.
    """
    key, state = str(source.resolve()), _state_of(source)
    known = _read(home).get(key)
    if known is not None and known[0] == state:
        return known[1]
    from quantize.source import open_source

    with open_source(source) as checkpoint:
        digest = checkpoint.sha256
    _remember(home, key, state, digest)
    return digest


def _state_of(source: Path) -> _State:
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    described = [(file.name, file.stat()) for file in files if file.is_file()]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in described]


def _read(home: Home) -> dict[str, tuple[_State, str]]:
    path = home.bundles / INDEX_NAME
    try:
        if path.stat().st_size > _LIMIT:
            return {}
        return {str(key): (list(state), str(digest)) for key, (state, digest) in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}  # missing or damaged: nothing is remembered, and what is computed next is written anew


def _remember(home: Home, key: str, state: _State, digest: str) -> None:
    path = home.make(home.bundles) / INDEX_NAME
    with home.lock("sources"):
        entries = {known: value for known, value in _read(home).items() if Path(known).exists()}
        entries[key] = (state, digest)
        fresh = path.with_suffix(".partial")
        try:
            fresh.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
            os.replace(fresh, path)
        except OSError as error:
            raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error
