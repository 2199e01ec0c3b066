"""A store for the log and the permissions of a host that keeps no memory: encrypted as memory is, and gone at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_llm.memory.store import Store


@contextmanager
def scratch_store() -> Iterator[Store]:
    """A store under a random key that is kept nowhere, in a temporary folder that is deleted afterwards.

    Raises:
        StorageError: the folder cannot be written.
    """
    from edge_llm.memory.keys import RawKey
    from edge_llm.memory.sealing import new_key
    from edge_llm.memory.store import Store

    with (
        tempfile.TemporaryDirectory(prefix="edge-llm-", ignore_cleanup_errors=True) as folder,
        Store.open(Path(folder) / "actions.db", RawKey(new_key())) as store,
    ):
        yield store
