"""What a decoder-only transformer is made of, whatever file it came from.

Names, shapes and layout are Hugging Face's (rotary embedding by halves); families translate GGUF's to these.
Knows sizes, the rotary embedding's formula and how a tensor is called. Knows no file format and no weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from runtimes.errors import SourceError

Float32Array: TypeAlias = npt.NDArray[np.float32]
Role: TypeAlias = Literal["embedding", "head", "attention", "ffn", "norm", "bias"]

# Far above any published dense model, far below what would exhaust memory before the tensors themselves are read.
_LIMITS = {
    "layers": 1 << 10,
    "hidden_size": 1 << 16,
    "intermediate_size": 1 << 18,
    "heads": 1 << 10,
    "kv_heads": 1 << 10,
    "head_dim": 1 << 10,
    "vocabulary_size": 1 << 21,
    "context_length": 1 << 20,
}


@dataclass(frozen=True)
class LinearScaling:
    """Positions divided by `factor` (position interpolation, https://arxiv.org/abs/2306.15595)."""

    factor: float


@dataclass(frozen=True)
class Llama3Scaling:
    """Llama 3.1's scaling: long wavelengths are slowed down by `factor`, short ones kept, and those between blended.

    As `_compute_llama3_parameters` in transformers/modeling_rope_utils.py.
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context_length: int

    def divisors(self, frequencies: Float32Array) -> Float32Array:
        """What each frequency is divided by; same shape as `frequencies` (radians per token)."""
        wavelengths = 2 * np.pi / frequencies
        kept = self.original_context_length / wavelengths
        blend = np.clip((kept - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor), 0, 1)
        return (1 / ((1 - blend) / self.factor + blend)).astype(np.float32)


@dataclass(frozen=True)
class FrequencyFactors:
    """Each rotary frequency divided by a factor of its own: what a GGUF's `rope_freqs.weight` holds."""

    factors: tuple[float, ...]
    """head_dim / 2 of them."""


RopeScaling: TypeAlias = LinearScaling | Llama3Scaling | FrequencyFactors


@dataclass(frozen=True)
class Rope:
    """Rotary position embedding (https://arxiv.org/abs/2104.09864) over whole heads, by halves."""

    theta: float
    """Base of the geometric series of wavelengths."""
    scaling: RopeScaling | None = None

    def frequencies(self, head_dim: int) -> Float32Array:
        """Radians per token, unscaled; float32 (head_dim / 2,), computed in float32 as transformers does."""
        exponents = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
        return (1 / np.float32(self.theta) ** exponents).astype(np.float32)

    def factors(self, head_dim: int) -> Float32Array | None:
        """What the frequencies are divided by, float32 (head_dim / 2,); None when the division is not per frequency."""
        if isinstance(self.scaling, Llama3Scaling):
            return self.scaling.divisors(self.frequencies(head_dim))
        if isinstance(self.scaling, FrequencyFactors):
            return np.asarray(self.scaling.factors, dtype=np.float32)
        return None

    def tables(self, head_dim: int, positions: int) -> tuple[Float32Array, Float32Array]:
        """cos and sin of every angle for the first `positions` tokens; each float32 (positions, head_dim / 2)."""
        frequencies = self.frequencies(head_dim)
        factors = self.factors(head_dim)
        if factors is not None:
            frequencies = frequencies / factors
        elif isinstance(self.scaling, LinearScaling):
            frequencies = frequencies / np.float32(self.scaling.factor)
        angles = np.outer(np.arange(positions, dtype=np.float32), frequencies)
        return np.cos(angles), np.sin(angles)


@dataclass(frozen=True)
class Architecture:
    """The sizes and switches of one model. Raises SourceError when they contradict each other."""

    family: str
    """File name in quantize/families."""
    model_type: str
    """What config.json calls it."""
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    """Key and value heads, each shared by heads / kv_heads query heads."""
    head_dim: int
    vocabulary_size: int
    context_length: int
    """Tokens. At most the sliding window of a model that has one: within it, both kinds of attention are the same."""
    norm_epsilon: float
    rope: Rope
    tied: bool
    """The head is the embedding."""
    qkv_bias: bool = False
    output_bias: bool = False
    """A bias on the attention's output projection."""
    mlp_bias: bool = False
    """A bias on each of the three feed-forward projections."""
    qk_norm: bool = False
    """Query and key heads are RMS-normalised before the rotary embedding."""
    bos_token_id: int | None = None
    stop_token_ids: tuple[int, ...] = ()
    """Tokens that end a turn, the end-of-sequence token first."""
    origin: str = field(default="the model", compare=False)
    """The file these figures come from, for messages."""

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            value = getattr(self, name)
            if not 1 <= value <= limit:
                raise self.fail(f"{name} is {value}, which is not between 1 and {limit}.")
        if self.heads % self.kv_heads:
            raise self.fail(f"{self.heads} heads cannot share {self.kv_heads} key-value heads evenly.")
        if self.head_dim % 2:
            raise self.fail(f"heads of {self.head_dim} dimensions cannot be rotated by halves.")
        if not 0 < self.norm_epsilon < 1:
            raise self.fail(f"the epsilon of its norms is {self.norm_epsilon}, which is not between 0 and 1.")
        if not 0 < self.rope.theta < float("inf"):
            raise self.fail(f"the base of its rotary embedding is {self.rope.theta}.")
        self._check_scaling()
        for token in (self.bos_token_id, *self.stop_token_ids):
            if token is not None and not 0 <= token < self.vocabulary_size:
                raise self.fail(f"special token {token} is outside its vocabulary of {self.vocabulary_size}.")

    def fail(self, fact: str) -> SourceError:
        """An error that names the file; raise it."""
        return SourceError(f"{self.origin}: {fact} Download or convert the model again.")

    @property
    def query_rows(self) -> int:
        """Rows of the query projection."""
        return self.heads * self.head_dim

    @property
    def kv_rows(self) -> int:
        """Rows of the key projection, and of the value projection."""
        return self.kv_heads * self.head_dim

    def _check_scaling(self) -> None:
        scaling = self.rope.scaling
        if isinstance(scaling, LinearScaling | Llama3Scaling) and not 1 <= scaling.factor < float("inf"):
            raise self.fail(f"its rotary embedding is scaled by {scaling.factor}, which is not 1 or more.")
        if isinstance(scaling, Llama3Scaling) and not (
            0 < scaling.low_freq_factor < scaling.high_freq_factor < float("inf") and scaling.original_context_length > 0
        ):
            raise self.fail(f"its rotary scaling contradicts itself: {scaling}.")
        if isinstance(scaling, FrequencyFactors):
            if len(scaling.factors) != self.head_dim // 2:
                raise self.fail(f"it has {len(scaling.factors)} rotary factors for {self.head_dim // 2} frequencies.")
            if not all(0 < factor < float("inf") for factor in scaling.factors):
                raise self.fail("its rotary factors are not all positive.")


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a model, in Hugging Face's layout."""

    name: str
    """As in a safetensors checkpoint."""
    gguf_name: str
    shape: tuple[int, ...]
    """(rows, columns) of a projection, which maps columns to rows; (size,) of a norm or a bias."""
    role: Role
    """What a recipe chooses the type by."""
