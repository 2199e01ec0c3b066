"""Speeds and memory that others published for models on the CPUs of planned devices, and the forms they ran.

Sources, with the commit or date read:
  ExecuTorch    examples/models/llama/README.md and examples/models/llama2/README.md (main, 2026): OnePlus 12 (Snapdragon 8
                Gen 3, 16 GB), XNNPACK with KleidiAI, prompts of 64 tokens, exported with --max_seq_length 2048. Sizes in MiB.
  LiteRT-LM     README.md of June 2025 (767d74f): Samsung S24 Ultra and MacBook Pro M3, CPU, 1,024 tokens of prefill and 256
                of decode, context 4,096. It says "4-bit per-channel" and no more, so the bytes that a token reads are those
                of the published file's own parts: gemma3-1b-it-int4.litertlm has 584,417,280 bytes, 4.7 MB of them the
                vocabulary; TF_LITE_PREFILL_DECODE of Gemma 3n E2B 1.59 GB and of E4B 2.55 GiB (antimatter15's
                reverse-engineering-gemma-3n; r/LocalLLaMA, 2025-05). Types within them: 4 bits, Gemma 3n's head 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from quantize.architecture import TensorSpec
from quantize.engines import EXECUTORCH, LITERT_LM, Engine
from quantize.known_models import known_shape
from quantize.stored_model import StoredModel, StoredTensor
from quantize.targets import CHANNEL_KERNEL, FLOAT_KERNEL, Target

MIB = 2**20
GROUP_32 = ("Q4_0", 5.0)
"""4 bits and a 32-bit scale for 32 weights in the file; XNNPACK packs the scale in 16 (engines.EXECUTORCH)."""
GROUP_128 = ("4-bit g128", 4.125)
TABLE_32 = ("4-bit g32 table", 4.5)
CHANNEL_4, CHANNEL_8, BF16 = ("4-bit per channel", 4.0), ("8-bit per channel", 8.0), ("BF16", 16.0)


@dataclass(frozen=True)
class Row:
    """One published measurement."""

    target: str
    engine: Engine
    form: StoredModel
    prompt_tokens: int
    new_tokens: int
    prefill: float | None
    """Tokens per second."""
    decode: float
    rss_bytes: int | None = None
    extra: bool = False
    """Not among the rows that planning is held to: 16-bit weights, which no recipe of ours has."""


def _form(
    model: str,
    body: tuple[str, float],
    head: tuple[str, float],
    table: tuple[str, float],
    *,
    untied: bool = False,
    read_bytes: float | None = None,
) -> StoredModel:
    """The matrices of a model in these types (name, bits a weight); scaled to `read_bytes` where those are known."""
    shape = known_shape(model)
    if untied:
        rows = TensorSpec("lm_head.weight", "", (shape.vocabulary_size, shape.hidden_size), "head")
        shape = replace(shape, tied=False, tensors=(*shape.tensors, rows))
    tensors = []
    for spec in shape.tensors:
        if len(spec.shape) == 2:
            kind, bits = head if shape.is_head(spec) else table if spec.role == "embedding" else body
            tensors.append(StoredTensor(spec, kind, round(math.prod(spec.shape) * bits / 8)))
    form = StoredModel(shape, body[0], "gguf", tuple(tensors), 0)
    if read_bytes is None:
        return form
    scale = read_bytes / form.read_bytes
    return replace(form, tensors=tuple(replace(tensor, bytes=round(tensor.bytes * scale)) for tensor in tensors))


def with_published_types(target: Target) -> Target:
    """The profile with a rate for each type above that it does not tell apart."""
    kernels = {CHANNEL_4[0]: CHANNEL_KERNEL, CHANNEL_8[0]: CHANNEL_KERNEL, BF16[0]: FLOAT_KERNEL}
    return replace(target, compute={**target.compute, **{kind: target.compute[kernel] for kind, kernel in kernels.items()}})


def _litert(target: str, prefills: tuple[float, ...], decodes: tuple[float, ...]) -> list[Row]:
    forms = (
        _form("gemma-3-1b", CHANNEL_4, CHANNEL_4, CHANNEL_4, read_bytes=584_417_280 - 4.7e6),
        _form("gemma-3n-e2b", CHANNEL_4, CHANNEL_8, CHANNEL_4, read_bytes=1.59e9),
        _form("gemma-3n-e4b", CHANNEL_4, CHANNEL_8, CHANNEL_4, read_bytes=2.55 * 2**30),
    )
    return [
        Row(target, LITERT_LM, form, 1024, 256, prefill, decode)
        for form, prefill, decode in zip(forms, prefills, decodes, strict=True)
    ]


def _executorch(form: StoredModel, prefill: float | None, decode: float, rss: int | None = None, *, extra: bool = False) -> Row:
    return Row("snapdragon-8-gen3", EXECUTORCH, form, 64, 128, prefill, decode, None if rss is None else rss * MIB, extra=extra)


ROWS = [
    *_litert("snapdragon-8-gen3", (243.24, 110.5, 73.5), (43.56, 16.1, 9.2)),
    _executorch(_form("llama-3.2-1b", GROUP_32, CHANNEL_8, CHANNEL_8, untied=True), 260.5, 50.2, 1921),
    _executorch(_form("llama-3.2-3b", GROUP_32, CHANNEL_8, CHANNEL_8, untied=True), 89.7, 19.7, 3726),
    _executorch(_form("llama-2-7b", GROUP_128, GROUP_128, TABLE_32), None, 11.55),
    _executorch(_form("llama-3-8b", GROUP_128, GROUP_128, TABLE_32), None, 10.85),
    *_litert("apple-m3", (422.98, 232.5, 170.1), (66.89, 27.6, 20.1)),
    _executorch(_form("llama-3.2-1b", BF16, BF16, BF16), 60.3, 19.2, 3185, extra=True),
    _executorch(_form("llama-3.2-3b", BF16, BF16, BF16), 21.2, 7.6, 7419, extra=True),
]
"""The rows that planning is held to, then two of 16-bit weights."""
