"""Sentence encoders of a few kilobytes, in every layout that edge-llm reads, from a seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

_PLAIN = "the a cat dog sat ran on mat in rain sun house tree and big small old new"
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *_PLAIN.split(" "))
DIMENSIONS = 16


def write_encoder(
    folder: Path,
    *,
    graph: str = "model.onnx",
    pooling: dict[str, object] | None = None,
    pooling_file: str = "1_Pooling/config.json",
    config: dict[str, object] | None = None,
    max_seq_length: int | None = 12,
    inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"),
    output: str = "last_hidden_state",
    dynamic: bool = False,
    seed: int = 0,
) -> Path:
    """Write an encoder whose token states are tanh(embedding @ weights), and return the folder.

    Args:
        dynamic: multiply as int8, with one scale for all texts of a run, as dynamically quantized exports do.
    """
    (folder / graph).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(inputs, output, dynamic, seed), str(folder / graph))
    _tokenizer().save(str(folder / "tokenizer.json"))
    settings: dict[str, object] = {pooling_file: pooling, "config.json": config}
    if max_seq_length is not None:
        settings["sentence_bert_config.json"] = {"max_seq_length": max_seq_length}
    for name, content in settings.items():
        if content is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_padding(length=8)
    return tokenizer


def _graph(inputs: tuple[str, ...], output: str, dynamic: bool, seed: int) -> onnx.ModelProto:
    generator = np.random.default_rng(seed)
    table = generator.standard_normal((len(WORDS), DIMENSIONS)).astype(np.float32)
    weights = generator.standard_normal((DIMENSIONS, DIMENSIONS)).astype(np.float32)
    held = {"table": table, "weights": weights}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["embedded"])]
    if dynamic:
        held |= {
            "weights": np.clip(np.rint(weights * 40), -127, 127).astype(np.int8),
            "weight_scale": np.array(1 / 40, np.float32),
            "weight_zero": np.array(0, np.int8),
        }
        nodes += [
            helper.make_node("DynamicQuantizeLinear", ["embedded"], ["codes", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["codes", "weights", "zero", "weight_zero"], ["counted"]),
            helper.make_node("Cast", ["counted"], ["whole"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["scale", "weight_scale"], ["both"]),
            helper.make_node("Mul", ["whole", "both"], ["multiplied"]),
        ]
    else:
        nodes.append(helper.make_node("MatMul", ["embedded", "weights"], ["multiplied"]))
    states = output if output != "sentence_embedding" else "states"
    nodes.append(helper.make_node("Tanh", ["multiplied"], [states]))
    shape: list[str | int] = ["batch", "tokens", DIMENSIONS]
    if output == "sentence_embedding":
        held |= {"axis": np.array([1], np.int64), "last": np.array([2], np.int64)}
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
            helper.make_node("Mul", ["states", "column"], ["masked"]),
            helper.make_node("ReduceSum", ["masked", "axis"], [output], keepdims=0),
        ]
        shape = ["batch", DIMENSIONS]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
