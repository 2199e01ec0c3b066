"""What llama.cpp would die of is refused in words, and what is not refused does not kill it."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runtimes.errors import SourceError, UnsupportedModelError
from runtimes.gguf import read_header

from .conftest import (
    BOOL,
    F32,
    I32,
    STRING,
    U32,
    Entry,
    GGUFBuilder,
    byte_level_tokens,
    byte_level_vocabulary,
    llama,
    sentencepiece_vocabulary,
)

Write = Callable[[GGUFBuilder], Path]

REFUSED: dict[str, tuple[str, int, object, str]] = {
    "no layers": ("llama.block_count", U32, 0, "block_count' is 0"),
    "too many layers": ("llama.block_count", U32, 513, "block_count' is 513"),
    "no width": ("llama.embedding_length", U32, 0, "embedding_length' is 0"),
    "no context": ("llama.context_length", U32, 0, "context_length' is 0"),
    "negative context": ("llama.context_length", I32, -1, "context_length' is -1"),
    "context of text": ("llama.context_length", STRING, "8192", "not of type int"),
    "no heads": ("llama.attention.head_count", U32, 0, "missing or 0|cannot share"),
    "heads that do not share": ("llama.attention.head_count", U32, 3, "rotate|cannot share"),
    "groups that do not divide": ("llama.attention.head_count_kv", U32, 3, "cannot share"),
    "a head count of another length": ("llama.attention.head_count", I32, [2, 2], "for each of the 1 layers"),
    "a negative head count": ("llama.attention.head_count", I32, [-2], "sensible size"),
    "unequal heads": ("llama.attention.key_length", U32, 8, "must be equal"),
    "no key": ("llama.attention.key_length", U32, 0, "no attention head"),
    "odd rotation": ("llama.rope.dimension_count", U32, 15, "must be equal"),
    "epsilon": ("llama.attention.layer_norm_rms_epsilon", F32, -1.0, "no norm can use"),
    "epsilon not a number": ("llama.attention.layer_norm_rms_epsilon", F32, math.nan, "no norm can use"),
    "rope base": ("llama.rope.freq_base", F32, 0.0, "must be above 0"),
    "rope factor": ("llama.rope.scaling.factor", F32, math.inf, "must be above 0"),
    "rope scaling": ("llama.rope.scaling.type", STRING, "spiral", "'spiral' is unknown"),
    "experts": ("llama.expert_count", U32, 1025, "experts contradict"),
    "used without experts": ("llama.expert_used_count", U32, 2, "experts contradict"),
    "groups without experts": ("llama.expert_group_count", U32, 1, "experts contradict"),
    "predicted layers": ("llama.nextn_predict_layers", U32, 2, "2 of 1 layers"),
    "empty architecture": ("general.architecture", STRING, "", "'general.architecture' is missing"),
    "adapter": ("general.type", STRING, "adapter", "of the type 'adapter'"),
    "part": ("split.count", U32, 3, "one of 3 parts"),
    "no tokens": ("tokenizer.ggml.tokens", STRING, [], "has no tokens"),
    "tokens of numbers": ("tokenizer.ggml.tokens", U32, [1, 2], "not of type"),
    "vocabulary kind": ("tokenizer.ggml.model", STRING, "bert", "'bert'"),
    "fewer tokens than rows": ("tokenizer.ggml.tokens", STRING, ["a", "b"], "vocabulary 2 tokens"),
    "token types": ("tokenizer.ggml.token_type", I32, [1], "1 items for"),
    "scores": ("tokenizer.ggml.scores", F32, [0.0], "1 items for"),
    "bos": ("tokenizer.ggml.bos_token_id", U32, 1 << 20, "outside its vocabulary"),
    "eos": ("tokenizer.ggml.eos_token_id", U32, (1 << 32) - 1, "outside its vocabulary"),
    "merges of numbers": ("tokenizer.ggml.merges", U32, [1], "not of type"),
    "template of numbers": ("tokenizer.chat_template", U32, 1, "not of type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_fact(tiny: GGUFBuilder, write: Write, case: str) -> None:
    key, kind, value, fact = REFUSED[case]
    path = write(tiny.set(key, kind, value))
    with pytest.raises(SourceError, match=fact) as caught:
        read_header(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("case", ["rope scaling", "adapter", "part", "vocabulary kind"])
def test_other_kinds_of_models_are_unsupported(tiny: GGUFBuilder, write: Write, case: str) -> None:
    key, kind, value, _ = REFUSED[case]
    with pytest.raises(UnsupportedModelError):
        read_header(write(tiny.set(key, kind, value)))


@pytest.mark.parametrize(
    "key", ["llama.block_count", "llama.context_length", "llama.attention.head_count", "general.architecture"]
)
def test_required_keys(tiny: GGUFBuilder, write: Write, key: str) -> None:
    with pytest.raises(SourceError, match="missing"):
        read_header(write(tiny.drop(key)))


def test_heads_fit_their_projections(tiny: GGUFBuilder, write: Write) -> None:
    for key in ("key", "value"):
        tiny.set(f"llama.attention.{key}_length", U32, 16)
    assert read_header(write(tiny)).architecture == "llama"
    with pytest.raises(SourceError, match=r"'blk.0.attn_q.weight' has 32 rows and its heads need 64"):
        read_header(write(tiny.set("llama.attention.head_count", U32, 4)))


@pytest.mark.parametrize("token", ["!", "!\0tail", "[EMPTY_256]"])
def test_tokens_that_llama_cpp_takes_for_one(tiny: GGUFBuilder, write: Write, token: str) -> None:
    tokens = byte_level_tokens() + [""] * (tiny.tensors[0].dimensions[1] - 256)
    tokens[256:] = [f"word {index}" for index in range(256, len(tokens))]
    tokens[255:257] = [token, ""]
    with pytest.raises(SourceError, match="repeat another one"):
        read_header(write(tiny.set("tokenizer.ggml.tokens", STRING, tokens)))


def test_vectors_are_f32(tiny: GGUFBuilder, write: Write) -> None:
    tiny.tensors[1] = replace(tiny.tensors[1], kind=1, data=bytes(64))
    with pytest.raises(UnsupportedModelError, match=r"vector 'output_norm.weight' is stored as F16"):
        read_header(write(tiny))


def test_integers_are_no_weights(tiny: GGUFBuilder, write: Write) -> None:
    tiny.tensors[0] = replace(tiny.tensors[0], kind=26)
    with pytest.raises(UnsupportedModelError, match="stored as I32"):
        read_header(write(tiny))


LOAD = """
import sys
from llama_cpp import llama_cpp as api
quiet = api.llama_log_callback(lambda *message: None)
api.llama_log_set(quiet, None)
api.llama_backend_init()
loaded = 0
for path in sys.argv[1:]:
    print(path, flush=True)
    model_params = api.llama_model_default_params()
    model_params.use_extra_bufts = False
    model = api.llama_model_load_from_file(path.encode(), model_params)
    if not model:
        continue
    loaded += 1
    params = api.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = 32, 8, 1, 1
    context = api.llama_init_from_model(model, params)
    if context:
        api.llama_decode(context, api.llama_batch_get_one((api.llama_token * 2)(0, 1), 2))
        api.llama_free(context)
    api.llama_model_free(model)
print(loaded)
"""

VALUES = (0, 1, 2, 3, 4, 8, 16, 31, 32, 33, 64, 255, 256, 511, 512, 513, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
TEXTS = ("", "llama", "qwen2", "qwen3", "gemma3", "mamba", "gpt2", "bert", "none", "yarn", "default", "llama-bpe", "x")
EXTRA = ("expert_count", "expert_used_count", "attention.key_length", "attention.sliding_window", "vocab_size", "pooling_type")


def mutate(builder: GGUFBuilder, rng: random.Random) -> None:
    """One wrong or merely unusual value."""
    entry = rng.choice(builder.entries)
    value = entry.value
    if rng.random() < 0.2:
        builder.set(f"llama.{rng.choice(EXTRA)}", U32, rng.choice(VALUES))
    elif isinstance(value, list):
        items = list(value)
        place = rng.randrange(len(items))
        items[place:] = rng.choice(([], items[:1], [items[0], *items[place + 1 :]], items[place:] + items[:1]))
        builder.set(entry.key, entry.kind, items)
    elif entry.kind == STRING:
        builder.set(entry.key, STRING, rng.choice(TEXTS))
    elif entry.kind == F32:
        builder.set(entry.key, F32, rng.choice((0.0, -1.0, math.nan, math.inf, 1e30)))
    elif rng.random() < 0.2:
        builder.drop(entry.key)
    else:
        builder.set(entry.key, U32, rng.choice(VALUES))


def test_what_passes_does_not_end_llama_cpp(tmp_path: Path) -> None:
    rng = random.Random(20)
    passed = []
    for index in range(400):
        builder = llama(rng.choice((byte_level_vocabulary, sentencepiece_vocabulary))())
        mutate(builder, rng)
        path = builder.write(tmp_path / f"{index}.gguf")
        if rng.random() < 0.4:
            raw = bytearray(path.read_bytes())
            raw[rng.randrange(len(builder.header()))] = rng.randrange(256)
            path.write_bytes(raw)
        try:
            read_header(path)
        except SourceError:
            path.unlink()
        else:
            passed.append(str(path))
    result = subprocess.run([sys.executable, "-c", LOAD, *passed], capture_output=True, text=True, timeout=200, check=False)
    lines = result.stdout.splitlines()
    assert result.returncode == 0, f"llama.cpp died on {lines[-1:]}: {result.stderr[-2000:]}"
    assert len(lines) == len(passed) + 1
    assert int(lines[-1]) > 20, "the test must also load good files"


def test_a_file_without_weights_or_vocabulary_passes(write: Write) -> None:
    header = read_header(write(GGUFBuilder([Entry("general.architecture", STRING, "llama"), Entry("general.flag", BOOL, 1)])))
    assert header.stop_token_ids == ()
    with pytest.raises(SourceError, match=r"'llama.vocab_size' is missing"):
        _ = header.vocabulary_size
