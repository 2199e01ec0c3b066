"""Lowest layer: a bundle of files -> token ids in, logits out. Knows no chat and no sampling.

Names are loaded when first used, so that `import runtimes` (and every error class) costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.bundle import Bundle, Manifest, read_bundle, write_bundle
    from runtimes.contract import Capabilities, Logits, Runtime, RuntimeConfig, RuntimeStatus, Session
    from runtimes.registry import find_runtime, installed_runtimes, open_session

_HOMES = {
    "Bundle": "bundle",
    "Capabilities": "contract",
    "Logits": "contract",
    "Manifest": "bundle",
    "Runtime": "contract",
    "RuntimeConfig": "contract",
    "RuntimeStatus": "contract",
    "Session": "contract",
    "find_runtime": "registry",
    "installed_runtimes": "registry",
    "open_session": "registry",
    "read_bundle": "bundle",
    "write_bundle": "bundle",
}

__all__ = [
    "Bundle",
    "Capabilities",
    "Logits",
    "Manifest",
    "Runtime",
    "RuntimeConfig",
    "RuntimeStatus",
    "Session",
    "find_runtime",
    "installed_runtimes",
    "open_session",
    "read_bundle",
    "write_bundle",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'runtimes' has no attribute {name!r}")
    return getattr(import_module(f"runtimes.{home}"), name)
