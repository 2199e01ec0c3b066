"""From what someone typed to a bundle that a runtime can open: found, pulled, or converted once and kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback
    from runtimes.bundle import Bundle


def resolve(
    model: str | os.PathLike[str],
    *,
    runtime: str | None = None,
    home: Home | None = None,
    progress: ProgressCallback | None = None,
    endpoint: str | None = None,
    index: str | None = None,
) -> Bundle:
    """The bundle for `model` (being written; this is its signature)."""
    raise NotImplementedError
