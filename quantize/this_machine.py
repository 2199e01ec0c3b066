"""Measures the machine it runs on, in seconds: its bandwidth with numpy, its products with the runtime that will run them.

The products are timed in a probe: a bundle with the model's own widths and random weights, cut to a few layers, opened as
any bundle is. Its times are solved for rates by the same formulas that plans use them in. Each measurement runs in a
process of its own. Nothing is kept: a machine is as fast as it is now. Knows no operating system: who calls says what the
machine has.
"""

from __future__ import annotations

import multiprocessing
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from quantize.engines import ONNXRUNTIME
from quantize.estimates import decode_seconds, prefill_seconds, second_layout_bytes
from quantize.model_shape import ModelShape, shape_of
from quantize.recipe import recipe_for
from quantize.speed_probe import (
    FAR_TOKENS,
    PREFILL_FAR_HELD,
    PREFILL_TOKENS,
    Timing,
    cut_to_probe,
    read_rates,
    time_probe,
    write_probe,
)
from quantize.stored_model import StoredModel, store
from quantize.targets import BLOCK_KERNEL, FLOAT_KERNEL, THIS, Compute, Figure, Target
from runtimes.errors import EdgeLLMError, RuntimeFailedError

ProgressCallback: TypeAlias = Callable[[str, int, int], None]
"""Told what is measured, and how many of how many measurements are done."""

_WIDENING_MACHINES: Final = frozenset({"x86_64", "amd64"})  # as runtimes/ort.py: elsewhere one layout serves for both
_LEAST_SHARE = 0.02
_UNBOUND = 1e15
_NOT_MEASURED: Final = Figure(_UNBOUND, "not measured")


@dataclass(frozen=True)
class MachineFacts:
    """What the operating system says. Sizes in bytes."""

    processor: str
    threads: int
    memory_bytes: int
    usable_bytes: int
    """What a new program can take."""
    instruction_sets: tuple[str, ...]


def measure(
    shape: ModelShape, bits: Sequence[int], machine: MachineFacts, *, progress: ProgressCallback | None = None
) -> Target:
    """The profile of this machine for a model's widths and these recipes.

    Args:
        shape: what is planned for: products are timed at its widths.
        bits: the recipes; that of 8 is measured whatever they are, because every 4-bit model has an 8-bit head.

    Raises:
        ConfigError: no such recipe.
        RuntimeFailedError, RuntimeUnavailableError, StorageError: a probe could not be run.
    """
    recipes = {count: recipe_for(count) for count in (8, *bits)}
    steps = 1 + len(recipes)

    def tell(what: str, done: int) -> None:
        if progress is not None:
            progress(what, done, steps)

    tell("memory", 0)
    bandwidth, float_rate = _in_own_process(read_rates, machine.threads)
    probes = {}
    for done, count in enumerate(recipes, start=1):
        tell(f"{count}-bit products", done)
        probes[count] = _probe(shape, count, machine.threads)
    tell("done", steps)
    return _profile(machine, bandwidth, float_rate, probes)


@dataclass(frozen=True)
class _Probe:
    """A probe and what it took."""

    form: StoredModel
    timing: Timing


def _probe(shape: ModelShape, bits: int, threads: int) -> _Probe:
    architecture = cut_to_probe(shape, bits)
    with tempfile.TemporaryDirectory(prefix="edge-llm-probe-") as folder:
        write_probe(Path(folder) / "probe", architecture, bits)
        timing = _in_own_process(time_probe, Path(folder) / "probe", threads)
    return _Probe(store(shape_of(architecture, "probe"), recipe_for(bits), "onnx"), timing)


def _profile(machine: MachineFacts, bandwidth: float, float_rate: float, probes: Mapping[int, _Probe]) -> Target:
    """Solve for the rates, the 8-bit ones first: the head of every 4-bit model has those."""
    fastest = max(probe.form.read_bytes / probe.timing.decode_s for probe in probes.values())
    by_numpy = "numpy in all threads: a sum over 256 MB"
    product = Figure(float_rate, "numpy: a float32 matrix product")
    target = Target(
        name=THIS,
        title=machine.processor,
        memory=Figure(float(machine.memory_bytes), "the operating system"),
        usable_share=Figure(min(1.0, machine.usable_bytes / machine.memory_bytes), "what is free now"),
        bandwidth=Figure(max(bandwidth, fastest), by_numpy if bandwidth >= fastest else "the fastest probe's weights"),
        peak_bandwidth=None,
        compute={FLOAT_KERNEL: Compute(decode=product, prefill=product)},
        cores=f"{machine.threads} threads",
        instruction_sets=machine.instruction_sets,
        process=Figure(
            float(max(probe.timing.process_bytes for probe in probes.values())), "a probe's process before it loads"
        ),
        measured=True,
        notes=("Measured just now: other programs that run meanwhile slow it down, and all figures with it.",),
    )
    target = _with_attention(target, probes)
    target = replace(target, repacking=_repacking(target, probes))
    for bits, probe in probes.items():
        target = _with_type(target, recipe_for(bits).body, probe)
    return replace(target, compute=MappingProxyType(dict(target.compute)))


def _with_attention(target: Target, probes: Mapping[int, _Probe]) -> Target:
    """The target with the rates of attention, where what a longer cache costs shows.

    The graphs that a second layout belongs to have a prefill rate of their own; the 8-bit probe runs the other ones.
    """
    stated, probe = target.compute[FLOAT_KERNEL], probes[8]
    reading = _more(probe) * probe.form.shape.kv_reads(1, windowed=False) * ONNXRUNTIME.kv_bytes / target.bandwidth.value
    decode = _attention_rate(
        probe.form.shape.attention_macs(_more(probe)),
        probe.timing.decode_far_s - probe.timing.decode_s - reading,
        stated.decode,
    )
    compute = Compute(decode, _prefill_attention(probe, stated.prefill))
    laid_out_twice = [probe for probe in probes.values() if _second_layout(target, probe)]
    return replace(
        target,
        compute={**target.compute, FLOAT_KERNEL: compute},
        scored_attention=_prefill_attention(laid_out_twice[0], stated.prefill) if laid_out_twice else None,
    )


def _more(probe: _Probe) -> float:
    return probe.timing.held_far - probe.timing.held


def _prefill_attention(probe: _Probe, most: Figure) -> Figure:
    further = probe.form.shape.attention_macs(PREFILL_TOKENS * PREFILL_FAR_HELD)
    return _attention_rate(further, probe.timing.prefill_far_s - probe.timing.prefill_s, most)


def _attention_rate(macs: float, seconds: float, most: Figure) -> Figure:
    """The rate of so much more attention in so much more time, or `most` where that is no slower."""
    if seconds <= 0 or macs / seconds >= most.value:
        return most
    return Figure(macs / seconds, f"a probe with up to {FAR_TOKENS} tokens in the cache beside one with {PREFILL_TOKENS}")


def _second_layout(target: Target, probe: _Probe) -> int:
    if platform.machine().lower() not in _WIDENING_MACHINES:
        return 0
    return second_layout_bytes(probe.form, replace(target, repacking=_NOT_MEASURED), ONNXRUNTIME)


def _repacking(target: Target, probes: Mapping[int, _Probe]) -> Figure | None:
    if platform.machine().lower() not in _WIDENING_MACHINES:
        return None
    for probe in probes.values():
        loaded = _second_layout(target, probe)
        took = probe.timing.first_prefill_s - probe.timing.prefill_s
        if loaded and took > 0:
            return Figure(loaded / took, "a probe's first prompt beside the later ones")
    return _NOT_MEASURED


def _with_type(target: Target, kind: str, probe: _Probe) -> Target:
    """The target with the rates of one type, so that the formulas give the probe's own times."""
    unbound = Compute(Figure(_UNBOUND, ""), Figure(_UNBOUND, ""))
    without = replace(target, compute={**target.compute, kind: unbound})
    form, timing = probe.form, probe.timing
    rest_decode = decode_seconds(form, without, ONNXRUNTIME, timing.held)
    rest_prefill = prefill_seconds(form, without, ONNXRUNTIME, PREFILL_TOKENS)
    ours = [tensor for tensor in form.tensors if tensor.type == kind and form.shape.is_multiplied(tensor.spec)]
    once = sum(tensor.weights for tensor in ours)
    rows = sum(tensor.weights * (1 if form.shape.is_head(tensor.spec) else PREFILL_TOKENS) for tensor in ours)
    source = f"a probe of {form.shape.layers} layers at the model's widths, {timing.rounds} rounds, medians"
    found = Compute(
        decode=Figure(once / max(timing.decode_s - rest_decode, _LEAST_SHARE * timing.decode_s), source),
        prefill=Figure(rows / max(timing.prefill_s - rest_prefill, _LEAST_SHARE * timing.prefill_s), source),
    )
    compute = {**target.compute, kind: found}
    compute.setdefault(BLOCK_KERNEL, found)
    return replace(target, compute=compute)


def _in_own_process(call: Callable[..., Any], *arguments: Any) -> Any:
    """What `call` returns in a new process, which ends with this: no thread pool and no memory of one before.

    Raises:
        EdgeLLMError: as the call raised it there. RuntimeFailedError: that process died.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, call, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeFailedError(
            f"Measuring this machine ended its process (exit code {process.exitcode}). Close other programs and try again."
        ) from None
    finally:
        process.terminate()
        process.join()
        receiver.close()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _send_result(sender: Connection, call: Callable[..., Any], arguments: Sequence[Any]) -> None:
    import signal

    # Ctrl-C reaches every process of the terminal; the one that started this one ends it and tells the person.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send(call(*arguments))
    except EdgeLLMError as error:
        sender.send(RuntimeFailedError(f"This machine could not be measured: {error}"))
