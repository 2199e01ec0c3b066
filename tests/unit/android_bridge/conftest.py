"""A tiny real model in both forms, as quantize writes them."""

from __future__ import annotations

import pytest

from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import Bundle, read_bundle
from tests.unit.quantize.tiny_checkpoints import write_gguf


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """By format: "onnx" and "gguf"."""
    folder = tmp_path_factory.mktemp("phone")
    checkpoint = write_gguf(folder / "tiny.gguf")
    quantize(checkpoint, folder / "out", recipe=recipe_for(4), formats=("onnx", "gguf"))
    return {kind: read_bundle(folder / "out" / kind) for kind in ("onnx", "gguf")}
