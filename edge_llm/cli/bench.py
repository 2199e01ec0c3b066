"""`edge-llm bench`: how fast a model runs on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_llm.cli import options
from edge_llm.cli.output import in_bytes, say_json, say_table
from runtimes.errors import ContextOverflowError

if TYPE_CHECKING:
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.cli.speed import Load, Speed
    from edge_llm.home import Home
    from runtimes.bundle import Bundle


def bench(
    model: options.ModelName,
    runtime: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="NAME", help="What runs the model; several to compare. Default: what opens it."),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(
            "--threads", metavar="N", min=1, help="Worker threads; several to compare. Default: the cores this process may use."
        ),
    ] = None,
    prompt_tokens: Annotated[int, typer.Option("--prompt-tokens", metavar="N", min=1, help="Length of the prompt.")] = 512,
    new_tokens: Annotated[int, typer.Option("--new-tokens", metavar="N", min=2, help="Length of the answer.")] = 128,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, help="Measurements of each row; the median is shown.")
    ] = 3,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure prefill, decode, loading and memory. Each measurement runs in a process of its own.

    Close other programs first: both runtimes use every core they are given, and a busy machine halves the figures.

    Examples:
        edge-llm bench smollm2-135m-instruct
        edge-llm bench smollm2-135m-instruct --runtime onnx --runtime llamacpp --threads 1 --threads 2
        edge-llm bench out/onnx --prompt-tokens 256 --new-tokens 64 --repeats 5 --json
    """
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.cli.speed import Load
    from edge_llm.home import Home
    from runtimes.threads import available_cores

    with ProgressDisplay() as progress:
        loads = [
            Load(bundle.path, name, count, prompt_tokens, new_tokens)
            for bundle, name in _resolve(model, runtime or [None], prompt_tokens + new_tokens, Home(home), progress)
            for count in threads or [available_cores()]
        ]
        rows = _measure_all(loads, repeats, progress)
    if as_json:
        say_json(rows)
    else:
        _print_table(rows)


def _resolve(
    model: str, runtimes: Sequence[str | None], tokens: int, home: Home, progress: ProgressDisplay
) -> list[tuple[Bundle, str]]:
    """The bundle that each runtime is to run, with the runtime's name; everything is fetched and converted here.

    Raises:
        ContextOverflowError: the model cannot hold so many tokens.
    """
    from edge_llm.resolve import resolve
    from runtimes.registry import runtime_for

    found = []
    for runtime in runtimes:
        bundle = resolve(model, runtime=runtime, home=home, progress=progress.on_model_step)
        if tokens > bundle.manifest.context_length:
            raise ContextOverflowError(tokens, bundle.manifest.context_length)
        found.append((bundle, runtime_for(bundle, runtime).name))
    return found


def _measure_all(loads: Sequence[Load], repeats: int, progress: ProgressDisplay) -> list[dict[str, Any]]:
    """One row for each load, in their order. Rounds alternate between the loads: a machine that slows down meanwhile
    slows them all."""
    from edge_llm.cli.speed import measure

    measured: list[list[Speed]] = [[] for _ in loads]
    steps = [(place, load) for _ in range(repeats) for place, load in enumerate(loads)]
    for done, (place, load) in enumerate(steps):
        progress.show("Measuring", done, len(steps), amount=f"{load.runtime}, {load.threads} threads")
        measured[place].append(measure(load))
    return [_row(load, speeds) for load, speeds in zip(loads, measured, strict=True)]


def _row(load: Load, speeds: Sequence[Speed]) -> dict[str, Any]:
    return {
        "runtime": load.runtime,
        "prompt_tokens": load.prompt_tokens,
        "new_tokens": load.new_tokens,
        "threads": load.threads,
        "prefill_tokens_per_s": median(speed.prefill_tokens_per_s for speed in speeds),
        "decode_tokens_per_s": median(speed.decode_tokens_per_s for speed in speeds),
        "load_s": median(speed.load_s for speed in speeds),
        "peak_rss_bytes": round(median(speed.peak_rss_bytes for speed in speeds)),
    }


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("runtime")
    for title in ("threads", "prompt + new", "prefill tok/s", "decode tok/s", "load s", "peak memory"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["runtime"],
            str(row["threads"]),
            f"{row['prompt_tokens']} + {row['new_tokens']}",
            f"{row['prefill_tokens_per_s']:.0f}",
            f"{row['decode_tokens_per_s']:.1f}",
            f"{row['load_s']:.2f}",
            in_bytes(row["peak_rss_bytes"]),
        )
    say_table(table)
