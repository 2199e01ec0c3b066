"""Written GGUF files in llama.cpp against transformers' own logits: tiny random models of every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.families import find_family
from quantize.recipe import recipe_for
from quantize.tensor_types import assign_types
from quantize.write_gguf import GGUFWriter, MetadataValue
from runtimes.registry import open_session
from tests.integration.test_onnx_parity import SIZES, VARIANTS, reference_logits
from tests.onnx_models import random_weights

# llama.cpp keeps keys and values in 16 bits: differences reach 4.4e-3 where logits reach 4.5.
TOLERANCE = 1e-2


def vocabulary(size: int) -> dict[str, MetadataValue]:
    """One that llama.cpp takes; no text is cut here."""
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": ["a", "b", "ab", *(f"t{index}" for index in range(3, size))],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": 0,
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_tiny_models_give_transformers_logits(variant: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is the reference")
    pytest.importorskip("llama_cpp", reason="llama.cpp runs the file")
    model_type, changes = VARIANTS[variant]
    values: dict[str, Any] = {**SIZES, **changes}
    family = find_family(model_type)
    architecture = family.from_config(transformers.AutoConfig.for_model(model_type, **values).to_dict())
    weights = random_weights(architecture, seed=3)
    specs = family.tensors(architecture)
    metadata = family.gguf_metadata(architecture) | vocabulary(architecture.vocabulary_size)
    with GGUFWriter(tmp_path / "m.gguf", architecture, metadata, assign_types(recipe_for(32), specs)) as writer:
        for spec in specs:
            writer.add(spec, weights[spec.name])
        writer.finish()

    ids = np.random.default_rng(5).integers(0, architecture.vocabulary_size, 150).tolist()
    expected = reference_logits(model_type, values, weights, ids)
    with open_session(tmp_path / "m.gguf", "llamacpp") as session:
        got = session.feed(ids, rows=len(ids))
    assert np.abs(expected).max() > 1, "logits near 0 would agree whatever the file says"
    np.testing.assert_allclose(got, expected, atol=TOLERANCE, rtol=0)
