"""A checkpoint in, a bundle out, with proof of what the shrinking cost. Knows nothing of chat or Android.

Names are loaded when first used, so that `import quantize` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantize.pipeline import BundleSummary, Progress, quantize
    from quantize.recipe import Recipe, recipe_for
    from quantize.source import Source, open_source

_HOMES = {
    "BundleSummary": "pipeline",
    "Progress": "pipeline",
    "Recipe": "recipe",
    "Source": "source",
    "open_source": "source",
    "quantize": "pipeline",
    "recipe_for": "recipe",
}

__all__ = ["BundleSummary", "Progress", "Recipe", "Source", "open_source", "quantize", "recipe_for"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'quantize' has no attribute {name!r}")
    return getattr(import_module(f"quantize.{home}"), name)
