"""Mistral 7B, Nemo and their like: llama's tensors, no biases, and in the first ones a sliding window."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from quantize.families.llama import Llama
from quantize.hf_config import HFConfig

_DEFAULT_WINDOW = 4096


class Mistral(Llama):
    """transformers/models/mistral/modeling_mistral.py; a GGUF of it calls itself llama."""

    model_type: ClassVar[str] = "mistral"
    owns_gguf_architecture: ClassVar[bool] = False

    @override
    def biases(self, read: HFConfig) -> tuple[bool, bool, bool]:
        return False, False, False

    @override
    def attention_span(self, read: HFConfig) -> int:
        span = super().attention_span(read)
        window = read.optional_integer("sliding_window") if read.has("sliding_window") else _DEFAULT_WINDOW
        return span if window is None else min(span, window)


FAMILY = Mistral()
