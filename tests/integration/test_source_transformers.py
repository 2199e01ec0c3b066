"""Sources against transformers: the weights it saves are the ones we read, and its tokenizers agree on every special token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import processors
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from quantize.hf_tokenizer import HFTokenizer
from quantize.source import open_source
from tests.tiny import CHATML, byte_tokenizer

SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 160,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
BOS, EOS = "<|im_start|>", "<|im_end|>"


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "config",
    [
        LlamaConfig(**SIZES, tie_word_embeddings=True),
        LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True),
        MistralConfig(**SIZES),
        Qwen2Config(**SIZES),
        Qwen3Config(**SIZES, head_dim=16),
    ],
    ids=["llama", "llama-biases", "mistral", "qwen2", "qwen3"],
)
def test_what_transformers_saves_is_read_bit_for_bit(tmp_path: Path, config: Any, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).to(kind)
    model.save_pretrained(tmp_path / "model", max_shard_size="40KB")
    assert (tmp_path / "model" / "model.safetensors.index.json").is_file()
    state = model.state_dict()
    with open_source(tmp_path / "model") as source:
        specs = source.family.tensors(source.architecture)
        tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
        assert {spec.name for spec in specs} == set(state) - tied
        for spec in specs:
            np.testing.assert_array_equal(source.tensor(spec), state[spec.name].float().numpy(), err_msg=spec.name)


@pytest.mark.parametrize("template_bos", [False, True])
@pytest.mark.parametrize(
    "stated",
    [
        {"tokenizer_class": "PreTrainedTokenizerFast"},
        {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True},
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True},
        {"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": False},
        {"tokenizer_class": "LlamaTokenizerFast"},
        {"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": None},
        {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True},
        {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": True},
        {"tokenizer_class": "GemmaTokenizerFast"},
    ],
    ids=lambda stated: "-".join(map(str, stated.values())),
)
def test_special_tokens_are_those_transformers_finds(tmp_path: Path, stated: dict[str, Any], template_bos: bool) -> None:
    tokenizer = byte_tokenizer()
    if template_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, 257)]
        )
    config = {**stated, "bos_token": BOS, "eos_token": EOS, "chat_template": CHATML, "model_max_length": 64}
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    ours = HFTokenizer(tmp_path)
    assert ours.add_bos is (theirs("ab").input_ids[0] == theirs.bos_token_id)
    assert ours.bos_token_id == theirs.bos_token_id
    assert theirs.eos_token_id in ours.stop_token_ids
    assert ours.chat_template == theirs.get_chat_template()


@pytest.mark.parametrize("named", [False, True])
def test_a_template_file_wins_over_the_configuration(tmp_path: Path, named: bool) -> None:
    in_config: Any = [{"name": "default", "template": "config"}, {"name": "rag", "template": "r"}] if named else "config"
    (tmp_path / "tokenizer.json").write_text(byte_tokenizer().to_str(), encoding="utf-8")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": in_config}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert HFTokenizer(tmp_path).chat_template == AutoTokenizer.from_pretrained(tmp_path).get_chat_template() == "config"
    (tmp_path / "chat_template.jinja").write_text("file", encoding="utf-8")
    assert HFTokenizer(tmp_path).chat_template == AutoTokenizer.from_pretrained(tmp_path).get_chat_template() == "file"


def test_the_default_models_rebuilt_tokenizer_opens_in_transformers(tmp_path: Path, smol_gguf: Path) -> None:
    with open_source(smol_gguf) as source:
        for name, content in source.tokenizer_files().items():
            (tmp_path / name).write_bytes(content)
        stops, bos, template = source.architecture.stop_token_ids, source.architecture.bos_token_id, source.chat_template
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.eos_token_id in stops
    assert tokenizer.bos_token_id == bos
    assert tokenizer.get_chat_template() == template
    text = "Hello, 世界! 👋🏽  def f(x):\n\treturn x <|im_end|>"
    assert tokenizer.decode(tokenizer(text).input_ids) == text
