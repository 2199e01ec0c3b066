"""The sizes of a model that planning needs: its tensors, and what its key-value cache holds.

Wider than Architecture: it also describes models that no family here converts. Knows shapes and counts. Knows no file,
no type of a weight and no device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from quantize.architecture import Architecture, Rope, TensorSpec
from quantize.families import find_family
from runtimes.errors import ConfigError

EMBEDDING: Final = "model.embed_tokens.weight"

_FEWEST_PARAMETERS = 20_000_000
_MOST_PARAMETERS = 1_000_000_000_000
_LARGE = 600_000_000
_UNTIED = 4_000_000_000


@dataclass(frozen=True)
class ModelShape:
    """What a model is made of."""

    name: str
    tensors: tuple[TensorSpec, ...]
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary_size: int
    context_length: int
    """Tokens."""
    tied: bool
    """The head is the embedding."""
    family: str | None
    """File name in quantize/families; None where this build cannot convert the model."""
    kv_layers: int
    """Layers with a key-value cache of their own; the others read an earlier layer's."""
    windowed_layers: int = 0
    """Of them, those that look back `window` tokens at most."""
    window: int = 0
    note: str = ""
    """What of this is assumed or left out, in a sentence; empty for what was read from a file."""

    @property
    def parameters(self) -> int:
        """Weights; a tied head counts once."""
        return sum(math.prod(spec.shape) for spec in self.tensors)

    def is_head(self, spec: TensorSpec) -> bool:
        """Whether this tensor makes the logits: it is multiplied for the rows whose logits are wanted only."""
        return spec.role == "head" or (self.tied and spec.name == EMBEDDING)

    def is_multiplied(self, spec: TensorSpec) -> bool:
        """Whether all of this tensor is read for a token. Of an embedding one row is."""
        return spec.role != "embedding" or self.is_head(spec)

    def attention_macs(self, tokens: float) -> float:
        """Multiply-accumulates of one token's attention to `tokens` of them, all layers."""
        return 2 * self.layers * self.heads * self.head_dim * tokens

    def kv_elements(self, tokens: float, *, windowed: bool) -> float:
        """Numbers in the caches of all layers for `tokens`; `windowed` ones keep no more than their window."""
        short = min(tokens, self.window) if windowed else tokens
        positions = (self.kv_layers - self.windowed_layers) * tokens + self.windowed_layers * short
        return 2 * self.kv_heads * self.head_dim * positions

    def kv_reads(self, tokens: float, *, windowed: bool) -> float:
        """Numbers that one token's attention reads of them: layers that share a cache read it each."""
        return self.kv_elements(tokens, windowed=windowed) * self.layers / self.kv_layers


def shape_of(architecture: Architecture, name: str, note: str = "") -> ModelShape:
    """The shape of a model that a family converts."""
    return ModelShape(
        name=name,
        tensors=tuple(find_family(architecture.family).tensors(architecture)),
        layers=architecture.layers,
        hidden_size=architecture.hidden_size,
        intermediate_size=architecture.intermediate_size,
        heads=architecture.heads,
        kv_heads=architecture.kv_heads,
        head_dim=architecture.head_dim,
        vocabulary_size=architecture.vocabulary_size,
        context_length=architecture.context_length,
        tied=architecture.tied,
        family=architecture.family,
        kv_layers=architecture.layers,
        note=note,
    )


def dense_shape(parameters: int, name: str | None = None) -> ModelShape:
    """A dense model of about this many parameters, in Llama 3's proportions.

    Layers are a 128th of the width and 12 at least, heads have 128 dimensions (64 below a width of 2048), eight of them
    hold keys and values (four below that width), and the feed-forward is about 3.5 times as wide. Up to 4 billion
    parameters the head is tied, below 600 million the vocabulary is SmolLM2's. Within 2 % of `parameters`.

    Raises:
        ConfigError: fewer than 20 million or more than a million million parameters.
    """
    if not _FEWEST_PARAMETERS <= parameters <= _MOST_PARAMETERS:
        raise ConfigError(f"A model of {parameters:g} parameters is not between 20 million and 1,000 billion.")
    width = _width_of(parameters)
    inner = _inner_of(width)
    missing = parameters - _count(width, inner, parameters)
    inner = max(32, inner + round(missing / (3 * width * _layers_of(width)) / 32) * 32)
    called = name or f"a dense model of {parameters / 1e9:.3g} billion parameters"
    return shape_of(_dense(width, inner, parameters, called), called, "Its shape is assumed: dense, in Llama 3's proportions.")


def _layers_of(width: int) -> int:
    return max(12, round(width / 128))


def _inner_of(width: int) -> int:
    return round(3.5 * width / 32) * 32


def _width_of(parameters: int) -> int:
    """The largest multiple of 128 whose model is not larger than this."""
    low, high = 1, 1 << 9
    while low < high:
        middle = (low + high + 1) // 2
        width = 128 * middle
        low, high = (middle, high) if _count(width, _inner_of(width), parameters) <= parameters else (low, middle - 1)
    return 128 * low


def _count(width: int, inner: int, parameters: int) -> int:
    """Parameters of such a model."""
    model = _dense(width, inner, parameters, "")
    attention = 2 * (model.query_rows + model.kv_rows) * width
    tables = (1 if model.tied else 2) * model.vocabulary_size * width
    return tables + width + model.layers * (attention + 3 * inner * width + 2 * width)


def _dense(width: int, inner: int, parameters: int, name: str) -> Architecture:
    head_dim = 64 if width < 2048 else 128
    kv_heads = 4 if width < 2048 else 8
    return Architecture(
        family="llama",
        model_type="llama",
        layers=_layers_of(width),
        hidden_size=width,
        intermediate_size=inner,
        heads=kv_heads * max(1, round(width / head_dim / kv_heads)),
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary_size=128_256 if parameters >= _LARGE else 49_152,
        context_length=131_072,
        norm_epsilon=1e-5,
        rope=Rope(500_000.0),
        tied=parameters < _UNTIED,
        origin=name,
    )
