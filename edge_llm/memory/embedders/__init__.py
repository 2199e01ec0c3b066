"""Sentence encoders, one file each, found by name: `edge_llm/memory/embedders/<name>.py` has a function `open_embedder`.

Knows how a name or a folder becomes an embedder. Importing this package loads no encoder.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.memory.embedder import Embedder

DEFAULT_EMBEDDER = "use-multilingual-v3"
"""The embedder that is used when none is named."""


def open_embedder(
    name_or_path: str | os.PathLike[str] | None = None, *, home: Home | None = None, threads: int | None = None
) -> Embedder:
    """An embedder by name. Loads nothing yet."""
    from edge_llm.memory.embedders import use

    return use.open_embedder(threads=threads)
