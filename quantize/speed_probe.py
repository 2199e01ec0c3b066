"""What `this_machine` times: reads and products in numpy, and a small model of random weights in the runtime.

Knows how to build a bundle without a checkpoint and how to time it. Knows no formula.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from quantize.architecture import Architecture, Rope, TensorSpec
from quantize.blocks import BLOCK, FORMATS, Quantized, Weight
from quantize.families import find_family
from quantize.model_shape import ModelShape
from quantize.recipe import recipe_for
from quantize.tensor_types import assign_types
from quantize.write_onnx import MODEL_NAME, PREFILL_NAME, OnnxWriter
from runtimes import RuntimeConfig, open_session, read_bundle
from runtimes.bundle import Manifest, write_bundle
from runtimes.memory import peak_memory_bytes

PREFILL_TOKENS: Final = 256
"""One full pass of runtimes/ort.py."""

FAR_TOKENS: Final = 4 * PREFILL_TOKENS
"""In the cache when decoding is timed again, for what a longer cache costs."""

PREFILL_FAR_HELD: Final = FAR_TOKENS - PREFILL_TOKENS
"""The same for prefill."""

_DECODE_TOKENS = 12
_ROUNDS = 3
# Enough to be far larger than a cache: what a small model's own weights take, or this much of a large one's.
_BODY_BYTES = 160 << 20
_HEAD_BYTES = 48 << 20
_FEWEST_LAYERS = 2
_BUFFER_BYTES = 256 << 20
_PRODUCT = 768


@dataclass(frozen=True)
class Timing:
    """What a probe took: medians of the rounds."""

    decode_s: float
    """For one token, with `held` in the cache on average."""
    held: float
    decode_far_s: float
    """The same with `held_far`."""
    held_far: float
    prefill_s: float
    """For PREFILL_TOKENS."""
    prefill_far_s: float
    """For so many more, with PREFILL_FAR_HELD in the cache."""
    first_prefill_s: float
    """For the first ones, which load what is only needed for many tokens at once."""
    process_bytes: int
    """Resident before the model was loaded."""
    rounds: int


def read_rates(threads: int) -> tuple[float, float]:
    """Bytes per second that the threads read together, and float32 multiply-accumulates per second of a product."""
    part = _BUFFER_BYTES // 8 // threads
    buffer = np.ones(part * threads, np.int64)
    slices = [buffer[index * part : (index + 1) * part] for index in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        read_s = _median(lambda: list(pool.map(np.add.reduce, slices)), 7)
    square = np.ones((_PRODUCT, _PRODUCT), np.float32)
    product_s = _median(lambda: square @ square, 7)
    return buffer.nbytes / read_s, _PRODUCT**3 / product_s


def cut_to_probe(shape: ModelShape, bits: int) -> Architecture:
    """A llama of the shape's widths with as many layers and tokens as weigh what is needed."""
    weight = {4: 0.75, 8: 1.25}.get(bits, 4.0)
    layer = weight * (
        2 * shape.hidden_size * (shape.heads + shape.kv_heads) * shape.head_dim
        + 3 * shape.hidden_size * shape.intermediate_size
    )
    rows = int(_HEAD_BYTES / (1.25 if bits < 32 else 4.0) / shape.hidden_size)
    return Architecture(
        family="llama",
        model_type="llama",
        layers=max(min(_FEWEST_LAYERS, shape.layers), min(shape.layers, int(_BODY_BYTES / layer))),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        vocabulary_size=max(BLOCK, min(shape.vocabulary_size, rows)),
        context_length=FAR_TOKENS + _ROUNDS * _DECODE_TOKENS,
        norm_epsilon=1e-5,
        rope=Rope(10_000.0),
        tied=True,
        origin="the probe",
    )


def write_probe(path: Path, architecture: Architecture, bits: int) -> None:
    """Write a bundle of random weights. Raises StorageError."""
    specs = find_family(architecture.family).tensors(architecture)
    with write_bundle(path) as bundle:
        with OnnxWriter(bundle.directory, architecture) as writer:
            for spec, weight in _random_weights(specs, bits):
                writer.add(spec, weight)
            writer.finish()
        bundle.finish(
            Manifest(
                name="probe",
                format="onnx",
                family=architecture.family,
                model=MODEL_NAME,
                prefill=PREFILL_NAME if (bundle.directory / PREFILL_NAME).is_file() else None,
                context_length=architecture.context_length,
                vocabulary_size=architecture.vocabulary_size,
            )
        )


def time_probe(path: Path, threads: int) -> Timing:
    """Time what `write_probe` wrote. In a process of its own, so that memory is the runtime's.

    Raises:
        RuntimeUnavailableError, RuntimeFailedError: it could not be run.
    """
    bundle = read_bundle(path, verify=False)
    before = peak_memory_bytes()
    config = RuntimeConfig(threads=threads, context_length=bundle.manifest.context_length)
    with open_session(bundle, "onnx", config) as session:
        # What the tokens are makes no difference to the work.
        prompt = [index % bundle.manifest.vocabulary_size for index in range(PREFILL_TOKENS)]

        def decode() -> float:
            return _seconds(lambda: [session.feed([token]) for token in range(_DECODE_TOKENS)]) / _DECODE_TOKENS

        first = _seconds(lambda: session.feed(prompt))
        prefills, decodes = [], []
        for _ in range(_ROUNDS):
            session.rewind(0)
            prefills.append(_seconds(lambda: session.feed(prompt)))
            decodes.append(decode())
        session.rewind(PREFILL_TOKENS)
        for _ in range(PREFILL_TOKENS, FAR_TOKENS, PREFILL_TOKENS):
            session.feed(prompt)
        far_prefills = []
        for _ in range(_ROUNDS):
            session.rewind(PREFILL_FAR_HELD)
            far_prefills.append(_seconds(lambda: session.feed(prompt)))
        far = [decode() for _ in range(_ROUNDS)]
    return Timing(
        decode_s=statistics.median(decodes),
        held=PREFILL_TOKENS + _DECODE_TOKENS / 2,
        decode_far_s=statistics.median(far),
        held_far=FAR_TOKENS + _ROUNDS * _DECODE_TOKENS / 2,
        prefill_s=statistics.median(prefills),
        prefill_far_s=statistics.median(far_prefills),
        first_prefill_s=first,
        process_bytes=before,
        rounds=_ROUNDS,
    )


def _random_weights(specs: list[TensorSpec], bits: int) -> Iterator[tuple[TensorSpec, Weight]]:
    """No two tensors alike: onnxruntime keeps those that are once, and they would be read from the cache."""
    types = assign_types(recipe_for(bits), specs)
    generator = np.random.default_rng(0)
    for spec in specs:
        kind = types[spec.name]
        if kind not in FORMATS:
            yield spec, generator.random(spec.shape, np.float32) * np.float32(0.01)
            continue
        rows, columns = spec.shape
        codes = generator.integers(0, 1 << FORMATS[kind].bits, spec.shape, dtype=np.uint8)
        yield spec, Quantized(FORMATS[kind], codes, np.full((rows, columns // BLOCK), 1e-3, np.float16))


def _median(call: Callable[[], object], rounds: int) -> float:
    call()
    return statistics.median(_seconds(call) for _ in range(rounds))


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
