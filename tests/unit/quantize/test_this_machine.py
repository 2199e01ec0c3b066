"""Measuring: rates that give back the times they were solved from, probes that are small, and processes that end."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from quantize import this_machine
from quantize.engines import ONNXRUNTIME
from quantize.estimates import decode_seconds, first_prompt_seconds, prefill_seconds
from quantize.known_models import known_names, known_shape
from quantize.model_shape import shape_of
from quantize.plan import plan
from quantize.planned_model import PlannedModel
from quantize.recipe import recipe_for
from quantize.speed_probe import PREFILL_FAR_HELD, PREFILL_TOKENS, Timing, cut_to_probe, read_rates, time_probe, write_probe
from quantize.stored_model import store
from quantize.targets import FLOAT_KERNEL
from quantize.this_machine import MachineFacts, measure
from runtimes.errors import RuntimeFailedError
from tests.unit.quantize.test_architecture import TINY

FACTS = MachineFacts("a processor", threads=1, memory_bytes=8 << 30, usable_bytes=4 << 30, instruction_sets=("AVX2",))
SHAPE = shape_of(replace(TINY, context_length=1024), "tiny")


def timing(decode_s: float, prefill_s: float, far: float = 1.5) -> Timing:
    return Timing(
        decode_s=decode_s,
        held=262.0,
        decode_far_s=decode_s * 1.3,
        held_far=1042.0,
        prefill_s=prefill_s,
        prefill_far_s=prefill_s * far,
        first_prefill_s=prefill_s + 0.5,
        process_bytes=50_000_000,
        rounds=3,
    )


def test_a_profile_gives_back_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {8: timing(0.020, 2.0), 4: timing(0.012, 1.5, far=1.2)}
    written: list[int] = []

    def answer(call: object, *_arguments: object) -> object:
        return (20e9, 60e9) if call is read_rates else times[written[-1]]

    monkeypatch.setattr(this_machine, "_in_own_process", answer)
    monkeypatch.setattr(this_machine, "write_probe", lambda _path, _architecture, bits: written.append(bits))
    shape = known_shape("smollm2-135m")
    told: list[tuple[str, int, int]] = []
    target = measure(shape, [4], FACTS, progress=lambda *step: told.append(step))
    assert told == [("memory", 0, 3), ("8-bit products", 1, 3), ("4-bit products", 2, 3), ("done", 3, 3)]
    assert (target.measured, target.usable_bytes, target.process.value) == (True, 4 << 30, 50e6)
    for bits, took in times.items():
        form = store(shape_of(cut_to_probe(shape, bits), "probe"), recipe_for(bits), "onnx")
        assert decode_seconds(form, target, ONNXRUNTIME, took.held) == pytest.approx(took.decode_s, rel=0.01)
        assert prefill_seconds(form, target, ONNXRUNTIME, PREFILL_TOKENS) == pytest.approx(took.prefill_s, rel=0.01)
        first = first_prompt_seconds(form, target, ONNXRUNTIME, PREFILL_TOKENS)
        assert first == pytest.approx(took.prefill_s + (0.5 if bits == 4 and target.repacking else 0.0), rel=0.01)
        tiled, scored = target.compute[FLOAT_KERNEL].prefill, target.scored_attention
        if bits == 8 or scored is not None:  # on x86 4 bits have a graph of their own for long prompts
            rate = scored.value if bits == 4 and scored is not None else tiled.value
            further = form.shape.attention_macs(PREFILL_TOKENS * PREFILL_FAR_HELD)
            assert further / rate == pytest.approx(took.prefill_far_s - took.prefill_s)
        if bits == 8:  # the probe that attention is solved from
            assert decode_seconds(form, target, ONNXRUNTIME, took.held_far) == pytest.approx(took.decode_far_s, rel=0.01)


def test_weights_that_come_faster_than_numpy_reads_raise_the_bandwidth(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(call: object, *_arguments: object) -> object:
        return (1e9, 60e9) if call is read_rates else timing(0.010, 1.0)

    monkeypatch.setattr(this_machine, "_in_own_process", answer)
    monkeypatch.setattr(this_machine, "write_probe", lambda *_arguments: None)
    target = measure(known_shape("smollm2-135m"), [8], FACTS)
    assert target.bandwidth.value > 10e9
    assert all(compute.decode.value > 0 for compute in target.compute.values())


@pytest.mark.parametrize("bits", [4, 8, 32])
@pytest.mark.parametrize("name", known_names())
def test_probes_are_small_and_as_wide_as_the_model(name: str, bits: int) -> None:
    shape = known_shape(name)
    probe = cut_to_probe(shape, bits)
    form = store(shape_of(probe, "probe"), recipe_for(bits), "onnx")
    assert (probe.hidden_size, probe.intermediate_size, probe.head_dim) == (
        *(shape.hidden_size, shape.intermediate_size, shape.head_dim),
    )
    assert 1 < probe.layers <= shape.layers
    assert form.weight_bytes < 2.1e9


def test_this_machine_for_real() -> None:
    target = measure(SHAPE, [4], FACTS)
    assert {"Q4_0", "Q8_0", "float32"} <= set(target.compute)
    assert 1e8 < target.bandwidth.value < 1e13
    found = plan(PlannedModel(SHAPE), target, bits=[4])
    assert found.outcome == "fits"
    assert found.subject.decode_tokens_per_s is not None
    assert 10 < found.subject.decode_tokens_per_s < 1e6


def test_no_two_tensors_of_a_probe_are_alike(tmp_path: Path) -> None:
    write_probe(tmp_path / "probe", TINY, 8)
    data = (tmp_path / "probe" / "model.onnx.data").read_bytes()
    pages = [data[start : start + 4096] for start in range(0, len(data) - 4096, 4096)]
    assert len(set(pages)) > 0.8 * len(pages)


def test_what_fails_in_the_other_process_arrives(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailedError, match="could not be measured"):
        this_machine._in_own_process(time_probe, tmp_path / "none", 1)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(RuntimeFailedError, match="exit code 3"):
        this_machine._in_own_process(os._exit, 3)
    assert multiprocessing.active_children() == []
