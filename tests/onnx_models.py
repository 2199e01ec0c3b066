"""Writing and opening ONNX models in tests, from any architecture and any choice of types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from quantize.architecture import Architecture, TensorSpec
from quantize.blocks import BlockFormat
from quantize.families import find_family
from quantize.write_onnx import ACCURACY_LEVEL, MODEL_NAME, OnnxWriter
from runtimes.bundle import Bundle, Manifest
from runtimes.contract import RuntimeConfig, Session
from runtimes.registry import find_runtime

Float32 = npt.NDArray[np.float32]
Weights = Mapping[str, Float32]
Choice = Callable[[TensorSpec], BlockFormat | None]
"""The block format of a tensor; None keeps it in float32."""


def random_weights(architecture: Architecture, seed: int = 0) -> dict[str, Float32]:
    """Weights that keep a tiny random model's logits around 1, its norms away from 1 and its biases from 0."""
    generator = np.random.default_rng(seed)
    found = {}
    for spec in find_family(architecture.family).tensors(architecture):
        spread = 0.3 if spec.role in ("norm", "bias") else spec.shape[-1] ** -0.5
        drawn = generator.standard_normal(spec.shape, np.float32) * np.float32(spread)
        found[spec.name] = drawn + np.float32(spec.role == "norm")
    return found


def write_onnx(
    directory: Path,
    architecture: Architecture,
    weights: Weights,
    choose: Choice = lambda _: None,
    *,
    accuracy_level: int = ACCURACY_LEVEL,
) -> Path:
    """Write a model, each tensor as chosen where its shape allows it; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with OnnxWriter(directory, architecture, accuracy_level=accuracy_level) as writer:
        for spec in find_family(architecture.family).tensors(architecture):
            block_format, weight = choose(spec), weights[spec.name]
            fits = block_format is not None and block_format.fits(spec.shape)
            writer.add(spec, block_format.quantize(weight, spec.name) if block_format and fits else weight)
        writer.finish()
    return directory


def rounded(architecture: Architecture, weights: Weights, choose: Choice) -> dict[str, Float32]:
    """The same weights, each rounded to its chosen format and back."""
    found = {}
    for spec in find_family(architecture.family).tensors(architecture):
        block_format, weight = choose(spec), weights[spec.name]
        fits = block_format is not None and block_format.fits(spec.shape)
        found[spec.name] = block_format.dequantize(block_format.quantize(weight)) if block_format and fits else weight
    return found


def open_onnx(directory: Path, architecture: Architecture, *, context_length: int | None = None) -> Session:
    """A session on what `write_onnx` wrote, without a manifest on disk."""
    manifest = Manifest(
        name="test",
        format="onnx",
        family=architecture.family,
        model=MODEL_NAME,
        context_length=architecture.context_length,
        vocabulary_size=architecture.vocabulary_size,
    )
    return find_runtime("onnx").open(Bundle(directory, manifest), RuntimeConfig(threads=2, context_length=context_length))
