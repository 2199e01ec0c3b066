"""The stages of a conversion: open, check, write tensor by tensor, report, publish in one piece.

Each tensor is read once, quantized once and given to the writer of every format, so that twins hold the same codes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from quantize.recipe import Recipe

Format: TypeAlias = Literal["onnx", "gguf"]
FORMATS: Final[tuple[Format, ...]] = ("onnx", "gguf")


@dataclass(frozen=True)
class Progress:
    """How far a conversion is."""

    stage: str
    """What is being done, in a word or two ("tensors", "hashing")."""
    done: int
    """Weights written so far."""
    total: int
    """Weights of the model."""


@dataclass(frozen=True)
class BundleSummary:
    """One bundle that was written."""

    path: Path
    format: Format
    bytes: int
    """Of all its files."""
    bits_per_weight: float
    """Bits of the stored tensors over the model's weights: scales, norms and biases counted, a tied head once."""
    types: Mapping[str, int]
    """Weights (elements) by type."""


def quantize(
    source: Path | str,
    out: Path | str,
    *,
    recipe: Recipe,
    formats: Sequence[Format] = ("onnx",),
    llama_type: str | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> list[BundleSummary]:
    """Convert a checkpoint into bundles.

    Args:
        source: a .gguf file, a GGUF bundle, or a Hugging Face directory of safetensors.
        out: with one format the bundle itself; with both, a directory for the bundles `onnx` and `gguf`.
        llama_type: let llama.cpp's own quantizer choose the types ("Q4_K_M", ...). It starts from 32 bits and writes
            GGUF: `recipe` must be that of 32 bits and `formats` ("gguf",).
        force: replace a bundle that is already there.
        progress: called after each tensor. What it raises ends the conversion and leaves nothing behind.

    Returns:
        One summary per format, in the order of `formats`.

    Raises:
        SourceError, TokenizerError: the checkpoint cannot be used.
        ConfigError: options that contradict each other, or an output that would overwrite the source.
        BundleError: the output exists and `force` is False, or it is not a bundle.
        StorageError: not enough space, or no permission. Nothing half-written is left.
        RuntimeUnavailableError, RuntimeFailedError: llama.cpp's quantizer is not installed, or failed.
    """
    raise NotImplementedError
