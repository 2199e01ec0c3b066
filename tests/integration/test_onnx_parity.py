"""The 32-bit ONNX form against transformers' own logits, and the written directory in onnxruntime-genai.

Tiny random models of every family with the switches that change the graph, and the real default model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader, quants

from quantize.architecture import Architecture, TensorSpec
from quantize.blocks import Q4_0, Q8_0, BlockFormat
from quantize.families import find_family, find_family_of_gguf
from runtimes.contract import Session
from runtimes.gguf import read_header
from runtimes.tokenizer import open_tokenizer
from tests.onnx_models import Weights, open_onnx, random_weights, write_onnx

torch = pytest.importorskip("torch", reason="transformers is the reference")
transformers = pytest.importorskip("transformers", reason="transformers is the reference")

TOLERANCE = 1e-3
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 131,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "llama-tied": ("llama", {"tie_word_embeddings": True}),
    "llama-biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama-ungrouped": ("llama", {"num_key_value_heads": 4}),
    "llama-one-kv-head": ("llama", {"num_key_value_heads": 1}),
    "llama-wide-heads": ("llama", {"head_dim": 32}),
    "llama-linear-rope": ("llama", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "llama-llama3-rope": ("llama", {"rope_scaling": LLAMA3, "rope_theta": 500_000.0}),
    "mistral": ("mistral", {"sliding_window": None}),
    "mistral-window": ("mistral", {"sliding_window": 200}),
    "qwen2": ("qwen2", {}),
    "qwen2-tied": ("qwen2", {"tie_word_embeddings": True, "rope_theta": 1e6}),
    "qwen3": ("qwen3", {}),
    "qwen3-tied": ("qwen3", {"tie_word_embeddings": True, "head_dim": 32}),
}


def reference_logits(model_type: str, values: dict[str, Any], weights: Weights, ids: list[int]) -> np.ndarray:
    """transformers' logits, float32 (tokens, vocabulary)."""
    config = transformers.AutoConfig.for_model(model_type, **values, attn_implementation="eager")
    model = transformers.AutoModelForCausalLM.from_config(config, torch_dtype=torch.float32).eval()
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert set(missing) == ({"lm_head.weight"} if config.tie_word_embeddings else set())
    assert not unexpected
    model.tie_weights()
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].numpy()


@pytest.mark.parametrize("variant", VARIANTS)
def test_tiny_models_give_transformers_logits(variant: str, tmp_path: Path) -> None:
    model_type, changes = VARIANTS[variant]
    values = {**SIZES, **changes}
    as_shipped = transformers.AutoConfig.for_model(model_type, **values).to_dict()
    architecture = find_family(model_type).from_config(as_shipped)
    weights = random_weights(architecture, seed=3)
    ids = np.random.default_rng(5).integers(0, architecture.vocabulary_size, 150).tolist()
    expected = reference_logits(model_type, values, weights, ids)
    with open_onnx(write_onnx(tmp_path / "model", architecture, weights), architecture) as session:
        whole = session.feed(ids, rows=150)
        session.rewind(0)
        session.feed(ids[:100], rows=0)
        one_by_one = np.concatenate([session.feed([token]) for token in ids[100:]])
    assert np.abs(expected).max() > 1, "logits near 0 would agree whatever the graph does"
    np.testing.assert_allclose(whole, expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(one_by_one, expected[100:], atol=TOLERANCE, rtol=0)


@pytest.fixture(scope="module")
def smol(smol_gguf: Path) -> tuple[Architecture, Weights]:
    """The default model and its dequantised weights, in Hugging Face's layout."""
    header = read_header(smol_gguf)
    family = find_family_of_gguf(header.architecture)
    architecture = family.from_gguf(header)
    stored = {tensor.name: tensor for tensor in GGUFReader(smol_gguf).tensors}
    weights = {}
    for spec in family.tensors(architecture):
        tensor, order = stored[spec.gguf_name], family.gguf_row_order(architecture, spec)
        value = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(spec.shape)
        weights[spec.name] = value if order is None else value[np.argsort(order)]
    return architecture, weights


def test_real_model_gives_transformers_logits(smol: tuple[Architecture, Weights], smol_gguf: Path, tmp_path: Path) -> None:
    architecture, weights = smol
    values = {
        "hidden_size": architecture.hidden_size,
        "intermediate_size": architecture.intermediate_size,
        "num_hidden_layers": architecture.layers,
        "num_attention_heads": architecture.heads,
        "num_key_value_heads": architecture.kv_heads,
        "vocab_size": architecture.vocabulary_size,
        "max_position_embeddings": architecture.context_length,
        "rms_norm_eps": architecture.norm_epsilon,
        "rope_theta": architecture.rope.theta,
        "tie_word_embeddings": True,
    }
    ids = open_tokenizer(smol_gguf).encode("The tower is 324 metres (1,063 ft) tall.\n\ndef f(x):\n    return x * 2\n" * 4)
    expected = reference_logits("llama", values, weights, ids)
    with open_onnx(write_onnx(tmp_path / "model", architecture, weights), architecture, context_length=256) as session:
        np.testing.assert_allclose(session.feed(ids, rows=len(ids)), expected, atol=TOLERANCE, rtol=0)


GENAI = """
import json, os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: onnxruntime phones home from there
import onnxruntime_genai
directory, prompts, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
model, answers = onnxruntime_genai.Model(directory), []
for prompt in prompts:
    parameters = onnxruntime_genai.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + count)
    generator = onnxruntime_genai.Generator(model, parameters)
    generator.append_tokens(prompt)
    while not generator.is_done():
        generator.generate_next_token()
    answers.append([int(token) for token in generator.get_sequence(0)][len(prompt):])
print(json.dumps(answers))
"""
PROMPTS = (
    "<|im_start|>user\nWhat is the capital of Japan?<|im_end|>\n<|im_start|>assistant\n",
    "The quick brown fox jumps over the lazy dog. The quick brown",
)
NEW_TOKENS = 24


def four_bits(spec: TensorSpec) -> BlockFormat | None:
    return {"embedding": Q8_0, "attention": Q4_0, "ffn": Q4_0}.get(spec.role)


def greedy(session: Session, prompt: list[int], stops: tuple[int, ...]) -> list[int]:
    """The most likely continuation, without the token that ends it, as onnxruntime-genai gives it."""
    session.rewind(0)
    tokens: list[int] = []
    logits = session.feed(prompt)
    while len(tokens) < NEW_TOKENS and (token := int(logits.argmax())) not in stops:
        tokens.append(token)
        logits = session.feed([token])
    return tokens


def test_onnxruntime_genai_opens_the_directory_and_gives_the_same_tokens(
    smol: tuple[Architecture, Weights], smol_gguf: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is the peer")
    architecture, weights = smol
    directory, tokenizer = write_onnx(tmp_path / "model", architecture, weights, four_bits), open_tokenizer(smol_gguf)
    prompts = [tokenizer.encode(prompt) for prompt in PROMPTS]
    with open_onnx(directory, architecture, context_length=256) as session:
        expected = [greedy(session, prompt, architecture.stop_token_ids) for prompt in prompts]
    command = [sys.executable, "-c", GENAI, str(directory), json.dumps(prompts), str(NEW_TOKENS)]
    answers = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert answers == expected
    assert "Tokyo" in tokenizer.decode(answers[0])
    assert len(answers[1]) == NEW_TOKENS
