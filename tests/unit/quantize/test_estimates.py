"""The formulas: what they add up, and how far they are from what others published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quantize.engines import LITERT_LM, LLAMA_CPP, ONNXRUNTIME
from quantize.estimates import decode_seconds, memory, packed_bytes, prefill_seconds, weight_bytes
from quantize.known_models import known_shape
from quantize.recipe import recipe_for
from quantize.stored_model import store
from quantize.targets import BLOCK_KERNEL, FLOAT_KERNEL, Compute, Figure, find_target
from tests.bench.bench_plan import compare_published
from tests.bench.published_rows import ROWS, Row

PHONE = find_target("snapdragon-8-gen3")
SHAPE = known_shape("llama-3.2-1b")
EIGHT = store(SHAPE, recipe_for(8), "gguf")
ENDLESS = Figure(1e30, "a test")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.target}-{row.form.shape.name}-{row.form.recipe}")
def test_published_rows(row: Row) -> None:
    for comparison in compare_published(row):
        assert comparison.met, comparison


def test_every_row_of_the_list_is_held_to_a_bound() -> None:
    held = [row for row in ROWS if not row.extra]
    assert sorted((row.target, row.decode) for row in held) == sorted(
        [("snapdragon-8-gen3", speed) for speed in (43.56, 16.1, 9.2, 50.2, 19.7, 11.55, 10.85)]
        + [("apple-m3", speed) for speed in (66.89, 27.6, 20.1)]
    )
    assert sum(row.rss_bytes is not None for row in held) == 2


def test_without_computing_a_token_is_its_bytes() -> None:
    free = Compute(ENDLESS, ENDLESS)
    target = replace(PHONE, compute={BLOCK_KERNEL: free, FLOAT_KERNEL: free})
    cache = 2 * 8 * 64 * 16 * 100 * LLAMA_CPP.kv_bytes
    assert decode_seconds(EIGHT, target, LLAMA_CPP, 100) == pytest.approx((EIGHT.read_bytes + cache) / 50e9)


def test_without_reading_a_prompt_is_its_products() -> None:
    target = replace(PHONE, bandwidth=ENDLESS)
    head = 128_256 * 2048
    body = SHAPE.parameters - head
    attention = SHAPE.attention_macs(1) * 10 * 5.5
    rates = PHONE.compute[BLOCK_KERNEL].prefill.value, PHONE.compute[FLOAT_KERNEL].prefill.value
    expected = (10 * body + head) / rates[0] + attention / rates[1]
    assert prefill_seconds(EIGHT, target, LLAMA_CPP, 10) == pytest.approx(expected, rel=1e-3)


def test_more_is_slower_and_larger() -> None:
    times = [decode_seconds(EIGHT, PHONE, ONNXRUNTIME, held) for held in (0, 1, 100, 10_000)]
    assert times == sorted(times)
    assert len(set(times)) == 4
    sizes = [memory(EIGHT, PHONE, ONNXRUNTIME, context).total_bytes for context in (1, 256, 257, 100_000)]
    assert sizes == sorted(sizes)
    assert decode_seconds(EIGHT, PHONE, LITERT_LM, 1) == decode_seconds(EIGHT, PHONE, LITERT_LM, 4000)


def test_a_type_that_was_measured_has_its_own_rate() -> None:
    slow = Compute(Figure(1e9, "a test"), Figure(2e9, "a test"))
    target = replace(PHONE, compute={**PHONE.compute, "Q8_0": slow})
    assert decode_seconds(EIGHT, target, LLAMA_CPP, 0) > SHAPE.parameters / 1e9
    assert decode_seconds(store(SHAPE, recipe_for(32), "gguf"), target, LLAMA_CPP, 0) < 0.5


def test_what_weights_take_in_memory() -> None:
    four = store(SHAPE, recipe_for(4), "onnx")
    table = next(tensor for tensor in four.tensors if tensor.spec.role == "embedding")
    packed = sum(packed_bytes(tensor, ONNXRUNTIME) for tensor in four.tensors)
    assert packed - four.weight_bytes == 4 * sum(tensor.weights // 32 for tensor in four.tensors if len(tensor.spec.shape) == 2)
    assert weight_bytes(four, PHONE, ONNXRUNTIME) == packed + table.bytes
    assert weight_bytes(four, replace(PHONE, repacking=Figure(1e9, "a test")), ONNXRUNTIME) == 2 * packed + table.bytes
    assert weight_bytes(four, PHONE, LLAMA_CPP) == four.weight_bytes


def test_the_graph_for_long_prompts_has_its_own_rate_of_attention() -> None:
    four = store(SHAPE, recipe_for(4), "onnx")
    widened = replace(PHONE, repacking=Figure(1e9, "a test"))
    slow = replace(widened, scored_attention=Figure(1e6, "a test"))
    further = SHAPE.attention_macs(512 * 256.5)
    taken = [prefill_seconds(four, target, ONNXRUNTIME, 512) for target in (widened, slow)]
    assert taken[1] - taken[0] == pytest.approx(further / 1e6 - further / PHONE.compute[FLOAT_KERNEL].prefill.value)
    assert prefill_seconds(EIGHT, slow, ONNXRUNTIME, 512) == prefill_seconds(EIGHT, widened, ONNXRUNTIME, 512)
