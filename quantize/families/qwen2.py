"""Qwen2 and Qwen2.5: biases on query, key and value."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from quantize.families.family import Family
from quantize.hf_config import HFConfig


class Qwen2(Family):
    """transformers/models/qwen2/modeling_qwen2.py; llama.cpp's LLM_ARCH_QWEN2."""

    model_type: ClassVar[str] = "qwen2"
    gguf_architecture: ClassVar[str] = "qwen2"

    @override
    def biases(self, read: HFConfig) -> tuple[bool, bool, bool]:
        return True, False, False

    @override
    def attention_span(self, read: HFConfig) -> int:
        span = super().attention_span(read)
        if not read.flag("use_sliding_window", default=False):
            return span
        return min(span, read.integer("sliding_window", span))


FAMILY = Qwen2()
