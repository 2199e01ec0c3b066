"""`edge-llm plan`: whether a model fits a device and how fast it runs there, before anything is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_llm.cli.options import AsJson, HomeFolder
from edge_llm.cli.output import in_bytes, say, say_json, say_table
from runtimes.errors import ConfigError, UnknownModelError

if TYPE_CHECKING:
    from quantize.model_shape import ModelShape
    from quantize.plan import Option, Plan
    from quantize.planned_model import PlannedModel
    from quantize.targets import Target

_THIS = "this"
_GIGABYTE = 10**9


def plan(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A config.json, a folder that holds one, a .gguf file, a bundle, a model that was pulled; or by name alone: "
            "llama-3.2-1b, qwen3-4b, ..., or a number of parameters such as 10b.",
        ),
    ],
    target: Annotated[
        str,
        typer.Option("--target", metavar="NAME", help="The device: snapdragon-8-gen3, apple-m3, or this, which is measured."),
    ] = _THIS,
    context: Annotated[
        int | None,
        typer.Option("--context", metavar="N", min=1, help="Tokens to hold. Default: 4096, or the model's limit."),
    ] = None,
    bits: Annotated[
        list[int] | None,
        typer.Option("--bits", metavar="B", help="Consider this recipe only: 4, 8 or 32; several to compare. Default: all."),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option("--memory", metavar="GB", help="Memory of the device, where it is not the profile's."),
    ] = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a model fits a device, how fast it will run there, and what would fit.

    From the model's description alone: no weight is read and no connection is opened. For each form the model can have:
    the size of the file, the memory with its cache, tokens per second over a prompt of 512 and an answer of 128, and the
    longest context. The device's figures are published ones, each with its source in --json; those of this machine are
    measured meanwhile, in seconds.

    Examples:
        edge-llm plan 10b --target snapdragon-8-gen3
        edge-llm plan llama-3.2-3b --target snapdragon-8-gen3 --memory 16 --context 8192
        edge-llm plan ./Qwen3-0.6B/config.json --target apple-m3 --bits 4 --bits 8 --json
        edge-llm plan smollm2-135m-instruct
    """
    from quantize.plan import plan as make_plan
    from quantize.recipe import RECIPES

    planned = _find(model, home)
    wanted = bits or list(RECIPES)
    profile = _profile(target, memory, planned.shape, wanted)
    found = make_plan(planned, profile, context=context, bits=wanted)
    if as_json:
        say_json(_document(found))
    else:
        _print(found)


def _find(model: str, home: Path | None) -> PlannedModel:
    """What describes the model, on this machine: a path, what was pulled under this name, or a well-known name."""
    from edge_llm.catalog import CATALOG, HUB_PREFIX, find_installed
    from edge_llm.home import Home, expand
    from quantize.planned_model import read_planned_model

    path = expand(Path(model))
    if path.exists():
        return read_planned_model(path)
    if (installed := find_installed(model, Home(home))) is not None:
        return read_planned_model(installed.path)
    if model.startswith(HUB_PREFIX):
        raise ConfigError(
            f"{model} was not pulled, and plan opens no connection. Pull it, or download its config.json and give that."
        )
    try:
        return read_planned_model(model)
    except UnknownModelError as error:
        from difflib import get_close_matches

        raise UnknownModelError(model, [*error.nearest, *get_close_matches(model.lower(), CATALOG, n=1)]) from error


def _profile(name: str, memory: float | None, shape: ModelShape, bits: Sequence[int]) -> Target:
    """The device's figures; this machine's are measured here."""
    from quantize.targets import find_target

    found = _measure(shape, bits) if name == _THIS else find_target(name)
    return found if memory is None else found.with_memory(memory * _GIGABYTE)


def _measure(shape: ModelShape, bits: Sequence[int]) -> Target:
    from edge_llm.cli.machine import inspect_machine
    from edge_llm.cli.progress import ProgressDisplay
    from quantize.this_machine import MachineFacts, measure

    machine = inspect_machine()
    facts = MachineFacts(
        processor=machine.processor,
        threads=machine.usable_cores,
        memory_bytes=machine.memory_bytes,
        usable_bytes=machine.free_memory_bytes,
        instruction_sets=machine.instruction_sets,
    )
    with ProgressDisplay() as progress:
        return measure(
            shape,
            bits,
            facts,
            progress=lambda what, done, total: progress.show("Measuring this machine", done, total, amount=what),
        )


def _document(plan: Plan) -> dict[str, Any]:
    model, target, best = plan.model, plan.target, plan.recommended
    return {
        "model": {
            "name": model.name,
            "parameters": model.parameters,
            "context_length": model.context_length,
            "family": model.family,
            "note": model.note,
        },
        "target": {
            "name": target.name,
            "title": target.title,
            "usable_bytes": target.usable_bytes,
            "measured": target.measured,
            "cores": target.cores,
            "instruction_sets": list(target.instruction_sets),
            "figures": _figures(target),
            "limits": [asdict(limit) for limit in target.limits],
            "notes": list(target.notes),
        },
        "context": plan.context,
        "outcome": plan.outcome,
        "verdict": plan.verdict,
        "recommended": best and {"recipe": best.recipe, "format": best.container, "context": plan.recommended_context},
        "options": [_option(option) for option in plan.options],
        "largest_models": [
            {"recipe": recipe, "format": container, "parameters": count}
            for (recipe, container), count in plan.largest_models.items()
        ],
    }


def _figures(target: Target) -> dict[str, Any]:
    named = {
        "memory_bytes": target.memory,
        "usable_share": target.usable_share,
        "bandwidth_bytes_per_s": target.bandwidth,
        "peak_bandwidth_bytes_per_s": target.peak_bandwidth,
        "process_bytes": target.process,
        "repacking_bytes_per_s": target.repacking,
        "scored_attention_macs_per_s": target.scored_attention,
    }
    for kind, compute in target.compute.items():
        named[f"{kind}_decode_macs_per_s"] = compute.decode
        named[f"{kind}_prefill_macs_per_s"] = compute.prefill
    return {name: asdict(figure) for name, figure in named.items() if figure is not None}


def _option(option: Option) -> dict[str, Any]:
    return {
        "recipe": option.recipe,
        "format": option.container,
        "exists": option.exists,
        "file_bytes": option.file_bytes,
        "memory": {**asdict(option.memory), "total_bytes": option.memory.total_bytes},
        "fits": option.fits,
        "largest_context": option.largest_context,
        "prefill_tokens_per_s": option.prefill_tokens_per_s,
        "decode_tokens_per_s": option.decode_tokens_per_s,
        "decode_tokens_per_s_when_full": option.decode_tokens_per_s_when_full,
        "requires": dict(option.requires),
    }


def _print(plan: Plan) -> None:
    from rich.table import Table

    from quantize.plan_words import form_name

    say(plan.verdict)
    say()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("form")
    for title in ("file", f"memory at {plan.context}", "prefill tok/s", "decode tok/s", "when full", "longest context"):
        table.add_column(title, justify="right", no_wrap=True)
    for option in plan.options:
        table.add_row(
            f"{form_name(option)}{' *' if option is plan.recommended else ''}",
            in_bytes(option.file_bytes),
            in_bytes(option.memory.total_bytes),
            _rate(option.prefill_tokens_per_s, 0),
            _rate(option.decode_tokens_per_s, 1),
            _rate(option.decode_tokens_per_s_when_full, 1),
            str(option.largest_context) if option.largest_context else "does not fit",
        )
    say_table(table)
    if plan.recommended is not None:
        say("* recommended")
    for note in plan.target.notes:
        say(note)


def _rate(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
