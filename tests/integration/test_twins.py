"""The real model at 4 bits in both containers: one set of codes, and each container as its own world expects it."""

from __future__ import annotations

import json
import os
import pydoc_data.topics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import onnx
import pytest

import edge_llm
from quantize.architecture import TensorSpec
from quantize.pipeline import quantize
from quantize.recipe import RECIPES
from quantize.source import open_source
from runtimes.bundle import read_bundle
from runtimes.contract import RuntimeConfig
from runtimes.registry import open_session
from runtimes.tokenizer import open_bundle_tokenizer

ROOT = Path(__file__).parents[2]
MEMORY = 1_000_000_000
PROMPTS = (
    "The capital of Japan is",
    "def add(a, b):\n    return",
    "北京是中国的",
    "Once upon a time, there was a",
    # long enough for small differences in attention to show in undecided tokens
    "The harbour lay quiet that morning, and the boats that had gone out before dawn were not yet back. A woman in a grey coat "
    "walked along the wall, counting the empty rings where they are tied up at night, and wrote each number in a small book. "
    "Nobody had asked her to do this, and nobody ever read what she wrote, but",
    "The museum bought the painting in 1931, sold it eleven years later to pay for a new roof, and has tried to get it back "
    "ever since. Its present owner, who keeps it above a piano, has been offered",
)
NEW_TOKENS = 24

CONVERT = """
import sys
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
quantize(sys.argv[1], sys.argv[2], recipe=recipe_for(4), formats=("onnx", "gguf"))
"""

GENAI = """
import json, sys
import onnxruntime_genai as og
config = og.Config(sys.argv[1])
config.overlay('{"model": {"decoder": {"session_options": {"intra_op_num_threads": 2}}}}')  # as ours: rounding hangs on it
model = og.Model(config)
tokenizer = og.Tokenizer(model)
answers = []
for prompt in json.loads(sys.argv[2]):
    ids = prompt if isinstance(prompt, list) else [int(token) for token in tokenizer.encode(prompt)]
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=len(ids) + int(sys.argv[3]))
    generator = og.Generator(model, parameters)
    generator.append_tokens(ids)
    while not generator.is_done():
        generator.generate_next_token()
    answers.append([ids, [int(token) for token in generator.get_sequence(0)][len(ids):]])
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Twins:
    onnx: Path
    gguf: Path
    report: dict[str, Any]
    specs: list[TensorSpec]


@pytest.fixture(scope="module")
def twins(smol_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """Made by a process of its own, whose memory is that of the conversion alone."""
    out = tmp_path_factory.mktemp("twins") / "out"
    subprocess.run([sys.executable, "-c", CONVERT, str(smol_gguf), str(out)], cwd=ROOT, check=True, timeout=240)
    with open_source(smol_gguf) as source:
        specs = source.family.tensors(source.architecture)
    return Twins(out / "onnx", out / "gguf", json.loads((out / "onnx" / "report.json").read_text()), specs)


def test_conversion_takes_little_memory(twins: Twins) -> None:
    assert 0 < twins.report["cost"]["peak_memory_bytes"] < MEMORY


def weights_in_onnx(directory: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every stored weight of the graph, dequantised by the formulas of the operators' documentation."""
    model = onnx.load(directory / "model.onnx", load_external_data=False)
    stored = {}
    for tensor in model.graph.initializer:
        place = {entry.key: entry.value for entry in tensor.external_data}
        if place:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            count = int(np.prod(tensor.dims))
            stored[tensor.name] = np.fromfile(directory / place["location"], dtype, count, offset=int(place["offset"])).reshape(
                tensor.dims
            )
    for name, array in stored.items():
        scales = stored.get(name.removesuffix(".weight") + ".scales")
        if array.dtype == np.float32:
            yield name, array
            continue
        assert scales is not None
        codes = array.reshape(len(array), -1).astype(np.int16)
        if codes.shape[1] < scales.shape[1] * 32:
            codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(len(array), -1) - 8
        else:
            codes = codes - 128
        blocks = codes.reshape(len(array), scales.shape[1], 32).astype(np.float32)
        yield name, (blocks * scales[..., None]).reshape(len(array), -1)


def weights_in_gguf(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Every tensor, read and dequantised by the reference package, in llama.cpp's row order."""
    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors}


def test_dequantised_weights_are_equal_to_the_last_bit(twins: Twins) -> None:
    in_onnx, in_gguf = dict(weights_in_onnx(twins.onnx)), weights_in_gguf(twins.gguf / "model.gguf")
    compared = 0
    for spec in twins.specs:
        left, right = in_onnx.get(spec.name), in_gguf[spec.gguf_name]
        part = spec.name.split(".")[-2]
        if left is None and part in ("q_proj", "k_proj", "v_proj"):  # stored as one matrix, query rows first
            joined = in_onnx[spec.name.replace(part, "qkv_proj")]
            rows = {"q_proj": slice(0, 576), "k_proj": slice(576, 768), "v_proj": slice(768, 960)}
            left = joined[rows[part]]
        assert left is not None, spec.name
        if part in ("q_proj", "k_proj"):  # llama.cpp rotates neighbours, so its rows are interleaved
            heads = len(right) // 64
            right = right.reshape(heads, 32, 2, -1).swapaxes(1, 2).reshape(right.shape)
        assert left.tobytes() == right.tobytes(), spec.name
        compared += left.size
    assert compared == twins.report["weights"]


def test_q4_0_is_that_of_llama_cpps_own_quantizer(twins: Twins, smol_gguf: Path, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp's quantizer is the reference")
    quantize(smol_gguf, tmp_path / "theirs", recipe=RECIPES[32], formats=("gguf",), llama_type="Q4_0")
    ours = {tensor.name: tensor for tensor in gguf.GGUFReader(twins.gguf / "model.gguf").tensors}
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "theirs" / "model.gguf").tensors}
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].tensor_type == tensor.tensor_type, name
        assert ours[name].data.tobytes() == tensor.data.tobytes(), name
    assert sum(tensor.tensor_type == gguf.GGMLQuantizationType.Q4_0 for tensor in ours.values()) == 210


def test_gguf_runs_in_llama_cpp_as_onnx_runs_here(twins: Twins) -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp runs the file")
    config = RuntimeConfig(threads=2, context_length=256)
    bundles = [read_bundle(path) for path in (twins.onnx, twins.gguf)]
    ids = open_bundle_tokenizer(bundles[0]).encode("The tower is 324 metres (1,063 ft) tall, about the same height as an")
    assert (
        open_bundle_tokenizer(bundles[1]).encode("The tower is 324 metres (1,063 ft) tall, about the same height as an") == ids
    )
    logits = []
    for bundle, runtime in zip(bundles, ("onnx", "llamacpp"), strict=True):
        with open_session(bundle, runtime, config) as session:
            logits.append(session.feed(ids, rows=len(ids)))
    left, right = (values - values.mean(axis=1, keepdims=True) for values in logits)
    cosines = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    # Both round activations to 8 bits on the way, each in its own blocks.
    assert cosines.min() > 0.98, cosines


def answers_of_genai(directory: Path, prompts: Sequence[str | list[int]], home: Path) -> list[tuple[list[int], list[int]]]:
    """Token ids of each prompt and of its greedy answer."""
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "HOME": str(home)}
    run = subprocess.run(
        [sys.executable, "-c", GENAI, str(directory), json.dumps(prompts), str(NEW_TOKENS)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=240,
    )
    return [(ids, answer) for ids, answer in json.loads(run.stdout.splitlines()[-1])]


def test_exact_gives_the_tokens_of_onnxruntime_genai_at_any_length(twins: Twins, tmp_path: Path) -> None:
    """From 128 tokens on there is another graph for prefill, past them a prompt is fed in chunks, and in an answer there are
    drafts: none of it with `exact`. Of 128 n + 1 tokens the last one's products are a tile of a single row."""
    pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is the peer")
    with edge_llm.load(twins.onnx, threads=2, exact=True) as model:
        prompts = [prompt for tokens in (40, 128, 129, 200, 257, 385, 600) for prompt in passages(model, tokens, 2)]
        encoded: list[str | list[int]] = [model.tokenizer.encode(prompt, bos=True) for prompt in prompts]
        for prompt, (ids, answer) in zip(prompts, answers_of_genai(twins.onnx, encoded, tmp_path), strict=True):
            model.clear_cache()
            ours = list(model.generate(prompt, max_tokens=NEW_TOKENS).token_ids)
            assert ours == answer[: len(ours)], len(ids)
            assert len(answer) - len(ours) <= 1, "the token that ends an answer is left out"


def passages(model: edge_llm.Model, tokens: int, count: int) -> list[str]:
    """Texts of so many tokens, from the documentation that ships inside Python."""
    words = " ".join(pydoc_data.topics.topics.values()).split()
    found: list[str] = []
    for start in range(0, len(words) - tokens, 997):
        ids = model.tokenizer.encode(" ".join(words[start : start + tokens]), bos=True)[:tokens]
        text = b"".join(map(model.tokenizer.token_bytes, ids)).decode("utf-8", "ignore")
        if model.count_tokens(text) == tokens:
            found.append(text)
            if len(found) == count:
                return found
    raise AssertionError(f"no {count} passages of {tokens} tokens")


def test_onnxruntime_genai_opens_the_directory_and_gives_the_same_tokens(twins: Twins, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is the peer")
    bundle = read_bundle(twins.onnx)
    tokenizer = open_bundle_tokenizer(bundle)
    with open_session(bundle, "onnx", RuntimeConfig(threads=2, context_length=256)) as session:
        for prompt, (ids, answer) in zip(PROMPTS, answers_of_genai(twins.onnx, PROMPTS, tmp_path), strict=True):
            assert ids == tokenizer.encode(prompt)
            session.rewind(0)
            logits, greedy = session.feed(ids), []
            while len(greedy) < NEW_TOKENS:
                greedy.append(int(logits[-1].argmax()))
                if greedy[-1] in bundle.manifest.stop_token_ids:
                    break
                logits = session.feed(greedy[-1:])
            assert answer == greedy[: len(answer)], prompt
            assert len(answer) >= len(greedy) - 1  # the token that ends a turn may be left out
