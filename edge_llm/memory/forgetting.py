"""What forgetting takes along: the items that were meant, the conversations made from them, and copies in plain files.

Knows which parts of edge-llm may repeat an item. How an item leaves the store's bytes is erase.py's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory import chat_cuts, erase
from edge_llm.memory.chat_cuts import FileCut

if TYPE_CHECKING:
    from edge_llm.memory.chats import Chats
    from edge_llm.memory.erase import Plan
    from edge_llm.memory.receipt import Receipt
    from edge_llm.memory.store import Store


@dataclass(frozen=True)
class Forgotten:
    """What forgetting takes, or took."""

    plan: Plan
    """All items, the turns of conversations among them; counted by source and kind, with a few examples."""
    turns: tuple[int, ...]
    """Those of the items that were not asked for: turns of kept conversations that were made from the others, or repeat
    them."""
    files: tuple[FileCut, ...]
    """Plain files of saved conversations that repeat them, and what these lose."""
    receipt: Receipt | None = None
    """Proof, for `Memory.verify_erased`; None while nothing was done."""

    @property
    def ids(self) -> tuple[int, ...]:
        """All items."""
        return self.plan.ids


def plan(store: Store, chats: Chats, folder: Path, ids: Collection[int]) -> Forgotten:
    """What forgetting these items would take along. Changes nothing.

    Args:
        folder: where plain files of conversations are.

    Raises:
        StorageError: one of them cannot be read.
    """
    turns = chats.touched_by(ids)
    files = chat_cuts.find_cuts(folder, chats.texts(ids))
    return Forgotten(erase.plan(store, sorted({*ids, *turns})), tuple(sorted(turns)), files)


def execute(store: Store, chats: Chats, folder: Path, planned: Forgotten) -> Receipt:
    """Forget what was planned. Killed in between, some of it is left, and the same call takes the rest.

    Raises:
        StorageError, StoreBusyError, StoreDamagedError: see `erase.forget`.
    """
    chat_cuts.execute(folder, planned.files)
    receipt = erase.forget(store, planned.ids)
    chats.tidy()
    return receipt
