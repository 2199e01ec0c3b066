"""Personal memory: what a person wrote and was sent, encrypted on the device, searched at once, and forgotten for real.

    with Memory.open() as memory:
        memory.add("~/Documents")
        for hit in memory.search("when is the dentist?"):
            ...

Names are loaded when first used: importing this package loads no database, no encoder and no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_llm.memory.adding import Added, Failure
    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.items import Draft, Hit, Item, Mention, Person, Source, Span
    from edge_llm.memory.keys import KeyringKey, MasterKey, PassphraseKey, RawKey
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.recall import Recall, Recalled

_HOMES = {
    "Added": "adding",
    "Draft": "items",
    "Embedder": "embedder",
    "Failure": "adding",
    "Hit": "items",
    "Item": "items",
    "KeyringKey": "keys",
    "MasterKey": "keys",
    "Memory": "memory",
    "Mention": "items",
    "PassphraseKey": "keys",
    "Person": "items",
    "RawKey": "keys",
    "Recall": "recall",
    "Recalled": "recall",
    "Source": "items",
    "Span": "items",
}

__all__ = [
    "Added",
    "Draft",
    "Embedder",
    "Failure",
    "Hit",
    "Item",
    "KeyringKey",
    "MasterKey",
    "Memory",
    "Mention",
    "PassphraseKey",
    "Person",
    "RawKey",
    "Recall",
    "Recalled",
    "Source",
    "Span",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'edge_llm.memory' has no attribute {name!r}")
    return getattr(import_module(f"edge_llm.memory.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
