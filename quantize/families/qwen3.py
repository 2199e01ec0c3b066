"""Qwen3 (dense): no biases, and query and key heads are normalised."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from quantize.families.qwen2 import Qwen2
from quantize.hf_config import HFConfig

_DEFAULT_HEAD_DIM = 128


class Qwen3(Qwen2):
    """transformers/models/qwen3/modeling_qwen3.py; llama.cpp's LLM_ARCH_QWEN3."""

    model_type: ClassVar[str] = "qwen3"
    gguf_architecture: ClassVar[str] = "qwen3"
    qk_norm: ClassVar[bool] = True

    @override
    def biases(self, read: HFConfig) -> tuple[bool, bool, bool]:
        if read.flag("attention_bias", default=False):
            raise read.unsupported("it is a Qwen3 with attention biases, which llama.cpp cannot hold.")
        return False, False, False

    @override
    def default_head_dim(self, hidden_size: int, heads: int) -> int:
        return _DEFAULT_HEAD_DIM


FAMILY = Qwen3()
