"""What an engine does with memory: how it keeps the key-value cache and the weights. Pure data, each row with its source.

There is no factor of speed here: an engine is fast or slow by the bytes it moves and the products it runs, and those
follow from these facts. Knows no model and no device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from quantize.tensor_types import Container


@dataclass(frozen=True)
class Engine:
    """One engine's habits."""

    name: str
    source: str
    kv_bytes: int
    """Of a number in the key-value cache."""
    chunk: int
    """Most tokens in one pass: what activations are held for."""
    kv_copies: float = 1.0
    """Caches at the peak, in units of the one that holds the context asked for."""
    windowed_cache: bool = False
    """Layers with a window keep no more than it."""
    static_context: int | None = None
    """Caches and attention are of this many tokens, however few are held; None where both follow what is held."""
    packed_bytes_per_block: int = 0
    """What loading adds to each block of 32 weights that is multiplied; negative where it takes away."""
    copies_tied_head: bool = False
    """An embedding that is also the head is kept twice: where it is looked up, and packed for the product."""
    prefill_layout: bool = False
    """On some machines a second layout of the weights is kept for long prompts (Target.repacking)."""

    def span(self, held: float) -> float:
        """Tokens that attention goes over when so many are held."""
        return held if self.static_context is None else float(self.static_context)


ONNXRUNTIME: Final = Engine(
    name="onnxruntime",
    source="runtimes/ort.py: float32 caches that grow in steps, the old one beside the new; prepacked weights measured with "
    "onnxruntime 1.32 (4 bytes a block: its sums)",
    kv_bytes=4,
    kv_copies=2.0,
    chunk=256,
    packed_bytes_per_block=4,
    copies_tied_head=True,
    prefill_layout=True,
)
LLAMA_CPP: Final = Engine(
    name="llama.cpp",
    source="llama.cpp's defaults: float16 caches of n_ctx tokens, micro-batches of 512, weights mapped or repacked in place",
    kv_bytes=2,
    chunk=512,
    windowed_cache=True,
)
EXECUTORCH: Final = Engine(
    name="executorch",
    source="ExecuTorch, examples/models/llama: exported with --max_seq_length 2048 in float32, caches and activations of "
    "that length planned ahead; XNNPACK packs the file's float32 scales as bfloat16",
    kv_bytes=4,
    chunk=2048,
    packed_bytes_per_block=-2,
)
LITERT_LM: Final = Engine(
    name="litert-lm",
    source="LiteRT-LM of June 2025 (llm_litert_compiled_model_executor.cc) and AI Edge Torch (kv_cache.py): static float32 "
    "caches of 4,096 tokens, updated in place on CPU; attention goes over all of them under a mask",
    kv_bytes=4,
    chunk=1024,
    static_context=4096,
)

OWN_ENGINES: Final[Mapping[Container, Engine]] = MappingProxyType({"onnx": ONNXRUNTIME, "gguf": LLAMA_CPP})
"""What runs a bundle, by its format."""
