"""The `genai_config.json` beside a model.onnx, so that onnxruntime-genai opens the directory unchanged.

Its parser is strict (an unknown key is an error), so nothing of our own goes here. Format:
https://onnxruntime.ai/docs/genai/reference/config.html.
"""

from __future__ import annotations

import json

from quantize.architecture import Architecture

NAME = "genai_config.json"


def genai_config(architecture: Architecture, model_file: str) -> str:
    """The file's text, for greedy search by default.

    A model that names no stop token gets token 0, because the format demands one.
    """
    stops = list(architecture.stop_token_ids) or [0]
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": model_file,
        "head_size": architecture.head_dim,
        "hidden_size": architecture.hidden_size,
        "num_attention_heads": architecture.heads,
        "num_hidden_layers": architecture.layers,
        "num_key_value_heads": architecture.kv_heads,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }
    config = {
        "model": {
            "type": architecture.model_type,
            "vocab_size": architecture.vocabulary_size,
            "context_length": architecture.context_length,
            "bos_token_id": stops[0] if architecture.bos_token_id is None else architecture.bos_token_id,
            "eos_token_id": stops,
            "pad_token_id": stops[0],
            "decoder": decoder,
        },
        "search": {
            "do_sample": False,
            "max_length": architecture.context_length,
            "num_beams": 1,
            "past_present_share_buffer": True,
            "temperature": 1.0,
            "top_k": 1,
            "top_p": 1.0,
        },
    }
    return json.dumps(config, indent=2) + "\n"
