"""What `import quantize` offers: a kept list, loaded when used."""

from __future__ import annotations

import pytest

import quantize

NAMES = ["BundleSummary", "Progress", "Recipe", "Source", "open_source", "quantize", "recipe_for"]


def test_public_names() -> None:
    assert quantize.__all__ == NAMES
    for name in NAMES:
        assert getattr(quantize, name).__name__ == name


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = quantize.nothing
