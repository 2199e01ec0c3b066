"""Plans of the real default model beside the bundles that are then made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantize.pipeline import quantize
from quantize.planned_model import read_planned_model
from quantize.recipe import recipe_for
from quantize.stored_model import store
from quantize.tensor_types import CONTAINERS


@pytest.mark.parametrize("bits", [4, 8])
def test_file_sizes_are_those_of_real_bundles(bits: int, smol_gguf: Path, tmp_path: Path) -> None:
    planned = read_planned_model(smol_gguf)
    for bundle in quantize(smol_gguf, tmp_path / "out", recipe=recipe_for(bits), formats=CONTAINERS):
        form = store(planned.shape, recipe_for(bits), bundle.format, planned.texts)
        assert form.file_bytes == pytest.approx(bundle.bytes, rel=0.001)
        made = read_planned_model(bundle.path)
        assert made.stored is not None
        assert made.stored.file_bytes == bundle.bytes
        assert made.stored.read_bytes == form.read_bytes
        again = store(made.shape, recipe_for(bits), bundle.format, made.texts)
        assert again.file_bytes == pytest.approx(bundle.bytes, rel=0.01)


def test_the_file_itself(smol_gguf: Path) -> None:
    planned = read_planned_model(smol_gguf)
    assert planned.shape.parameters == 134_515_008
    assert planned.stored is not None
    assert planned.stored.recipe == "Q4_1"
    assert planned.stored.file_bytes == smol_gguf.stat().st_size
