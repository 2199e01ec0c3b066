"""Llama 1 to 3, TinyLlama, SmolLM2 and everything else that calls itself llama."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from quantize.families.family import Family
from quantize.hf_config import HFConfig


class Llama(Family):
    """transformers/models/llama/modeling_llama.py; llama.cpp's LLM_ARCH_LLAMA."""

    model_type: ClassVar[str] = "llama"
    gguf_architecture: ClassVar[str] = "llama"
    permutes_qk: ClassVar[bool] = True

    @override
    def biases(self, read: HFConfig) -> tuple[bool, bool, bool]:
        attention = read.flag("attention_bias", default=False)
        return attention, attention, read.flag("mlp_bias", default=False)


FAMILY = Llama()
