"""Device profiles: what a machine's memory and cores can do, each figure with its source.

Pure data. Knows no model and no formula (estimates.py has those), and measures nothing (this_machine.py does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from runtimes.errors import ConfigError

THIS: Final = "this"
"""The target that is measured when it is asked for (this_machine.py) and is no row here."""

BLOCK_KERNEL: Final = "int8-block"
"""Products of 8-bit activations with weights in blocks, a scale for each 32 or 128: what our recipes and llama.cpp run."""
CHANNEL_KERNEL: Final = "int8-channel"
"""The same with one scale for each row of weights, as LiteRT-LM's files have it."""
FLOAT_KERNEL: Final = "float32"
"""Products in 32-bit floats: attention, and weights that are not quantized."""


@dataclass(frozen=True)
class Figure:
    """A number and where it comes from."""

    value: float
    source: str


@dataclass(frozen=True)
class Compute:
    """Multiply-accumulates per second that the cores sustain together in one kind of product."""

    decode: Figure
    """One row of activations: all the work that does not overlap with reading the weights."""
    prefill: Figure
    """Many rows at once."""


@dataclass(frozen=True)
class KernelLimit:
    """A kernel that only newer runtimes have."""

    type: str
    """The tensor type that needs it, by ggml's name."""
    runtime: str
    version: str
    """The oldest that has it."""
    source: str


@dataclass(frozen=True)
class Target:
    """One device. All sizes in bytes, all rates per second."""

    name: str
    """What people type after --target."""
    title: str
    memory: Figure
    """Installed."""
    usable_share: Figure
    """Of the memory, what one app can count on."""
    bandwidth: Figure
    """Bytes the cores really read."""
    peak_bandwidth: Figure | None
    """Bytes by the data sheet; None where it is not known."""
    compute: Mapping[str, Compute]
    """By tensor type ("Q4_0"), or by one of the kernels above where no type is told apart."""
    cores: str
    instruction_sets: tuple[str, ...]
    process: Figure
    """Bytes of the app and its runtime before a model is loaded."""
    limits: tuple[KernelLimit, ...] = ()
    repacking: Figure | None = None
    """Bytes of weights laid out anew when the first long prompt comes, where onnxruntime does that with 4-bit ones
    (runtimes/ort.py: on x86); None where it does not."""
    scored_attention: Figure | None = None
    """Multiply-accumulates of attention in the graph for long prompts that second layout belongs to, which takes all scores
    of a pass at once; None where it is as fast as any other."""
    measured: bool = False
    """The figures were measured just now, on the machine itself, with this build's kernels."""
    notes: tuple[str, ...] = field(default=())

    @property
    def usable_bytes(self) -> int:
        """What one app can count on."""
        return int(self.memory.value * self.usable_share.value)

    def with_memory(self, installed: float) -> Target:
        """The same device with another amount of memory, bytes. Raises ConfigError."""
        if not _LEAST_MEMORY <= installed <= _MOST_MEMORY:
            raise ConfigError(f"A device with {installed / 1e9:g} GB of memory is not between 1 and 1024 GB.")
        return replace(self, memory=Figure(float(installed), "as given"))


_LEAST_MEMORY = 10**9
_MOST_MEMORY = 1024 * 10**9

_EXECUTORCH = "ExecuTorch, examples/models/llama/README.md, OnePlus 12"
_LITERT = "LiteRT-LM, README.md of June 2025 (1,024 tokens of prefill, 256 of decode)"
_LANES = "a quarter of int8: an SDOT does 16 multiply-accumulates where an FMLA does 4"
_PROCESS = Figure(70e6, "this program with onnxruntime on x86 Linux, before a model is loaded; an app's own was not measured")
_ARM64_8BIT = KernelLimit(
    "Q8_0", "onnxruntime", "1.23", "8-bit MatMulNBits on arm64 came with onnxruntime 1.23; loading fails before"
)
_NOT_MEASURED = ("No kernel of ours was timed on this device: the rates are those that other engines published for it.",)

_SNAPDRAGON_8_GEN_3 = Target(
    name="snapdragon-8-gen3",
    title="Snapdragon 8 Gen 3",
    memory=Figure(12e9, "Galaxy S24 Ultra, 12 GB; phones with this chip have 8 to 24 GB (--memory)"),
    usable_share=Figure(
        0.48,
        "5.8 of 12 GB free with three apps open (Lei Technology, 2025-06); 7.8 of 16 GB is the most that "
        f"{_EXECUTORCH}, was run with",
    ),
    bandwidth=Figure(50e9, f"MNN's measurement; {_EXECUTORCH}: bf16 weights x decode = 47 to 49 GB/s"),
    peak_bandwidth=Figure(76.8e9, "LPDDR5X-4800, 64 bits: Qualcomm's product brief"),
    compute=MappingProxyType(
        {
            BLOCK_KERNEL: Compute(
                decode=Figure(253e9, "as in prefill"),
                prefill=Figure(
                    253e9,
                    f"{_EXECUTORCH}, 4-bit weights in groups of 32, prompts of 64: 260.5 tok/s x 973 M weights (Llama-3.2-1B) "
                    "and 89.7 x 2,819 M (3B), both without the head",
                ),
            ),
            CHANNEL_KERNEL: Compute(
                decode=Figure(253e9, "as with blocks"),
                prefill=Figure(420e9, f"{_LITERT}, S24 Ultra: what its three prefill rows agree on"),
            ),
            FLOAT_KERNEL: Compute(
                decode=Figure(105e9, _LANES),
                prefill=Figure(105e9, _LANES),
            ),
        }
    ),
    cores="1 Cortex-X4 at 3.3 GHz, 5 Cortex-A720 at 3.0 to 3.2 GHz, 2 Cortex-A520",
    instruction_sets=("NEON", "NEON fp16", "dot product", "int8 matrix product", "BF16"),
    process=_PROCESS,
    limits=(_ARM64_8BIT,),
    notes=(*_NOT_MEASURED, "Rates are of a cool phone; under sustained load phones slow down."),
)

# LiteRT-LM's three prefill rows on the M3 give 664, 903 and 1,072 GMAC/s when attention costs what _LANES says: the median.
_M3_CHANNEL = 903e9
_M3_LIKE_8_GEN_3 = "the Snapdragon 8 Gen 3's share of its per-channel prefill: nobody published blocks on an M3's CPU"

_APPLE_M3 = Target(
    name="apple-m3",
    title="Apple M3",
    memory=Figure(16e9, "MacBook Pro; M3 machines have 8, 16 or 24 GB (--memory)"),
    usable_share=Figure(0.67, "what Metal lets one process wire of 16 GB (recommendedMaxWorkingSetSize: 10.9 GB)"),
    bandwidth=Figure(66.6e9, "65 % of the peak, which is the share the Snapdragon 8 Gen 3's cores reach; not measured"),
    peak_bandwidth=Figure(102.4e9, "LPDDR5-6400, 128 bits; Apple says 100 GB/s"),
    compute=MappingProxyType(
        {
            BLOCK_KERNEL: Compute(
                decode=Figure(_M3_CHANNEL * 253 / 420, _M3_LIKE_8_GEN_3),
                prefill=Figure(_M3_CHANNEL * 253 / 420, _M3_LIKE_8_GEN_3),
            ),
            CHANNEL_KERNEL: Compute(
                decode=Figure(_M3_CHANNEL * 253 / 420, _M3_LIKE_8_GEN_3),
                prefill=Figure(_M3_CHANNEL, f"{_LITERT}, MacBook Pro M3, CPU: the median of its three prefill rows"),
            ),
            FLOAT_KERNEL: Compute(
                decode=Figure(_M3_CHANNEL / 4, _LANES),
                prefill=Figure(_M3_CHANNEL / 4, _LANES),
            ),
        }
    ),
    cores="4 performance cores at 4.05 GHz, 4 efficiency cores at 2.75 GHz",
    instruction_sets=("NEON", "NEON fp16", "dot product", "int8 matrix product", "BF16"),
    process=_PROCESS,
    limits=(_ARM64_8BIT,),
    notes=(*_NOT_MEASURED, "CPU only: the M3's GPU shares the same memory and is not planned for."),
)

TARGETS: Final[Mapping[str, Target]] = MappingProxyType({target.name: target for target in (_SNAPDRAGON_8_GEN_3, _APPLE_M3)})
"""By name. `this` is none of them."""


def find_target(name: str) -> Target:
    """The profile of this name. Raises ConfigError, which names the nearest ones."""
    if name in TARGETS:
        return TARGETS[name]
    known = (*TARGETS, THIS)
    nearest = get_close_matches(name.lower(), known, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(nearest)}?" if nearest else f"Known are {', '.join(known)}."
    raise ConfigError(f"No target is called {name!r}. {hint}")
