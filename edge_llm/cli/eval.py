"""`edge-llm eval`: what shrinking a model cost, in figures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.output import say, say_json
from edge_llm.cli.turns import as_text


def evaluate(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="What to measure: a bundle or a .gguf file.")],
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="SOURCE",
            help="What it was made from: a checkpoint, a catalog name, hf:owner/repo, or a 32-bit bundle.",
        ),
    ],
    text: Annotated[
        Path, typer.Option("--text", metavar="FILE", exists=True, dir_okay=False, help="Text to measure on, UTF-8.")
    ],
    tokens: Annotated[int, typer.Option("--tokens", metavar="N", min=2, help="How much of the text to read.")] = 4096,
    context: Annotated[int, typer.Option("--context", metavar="N", min=2, help="Tokens the models see at once.")] = 512,
    runtime: options.RuntimeName = None,
    threads: options.Threads = None,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a bundle against what it was made from: perplexity, KL divergence, top-1 agreement.

    Both read the same text, and their predictions are compared at every token. The reference runs in 32-bit form, which
    is made once and kept. A KL divergence of 0 and an agreement of 100 % mean no difference at all.

    Examples:
        edge-llm eval out/onnx --reference smollm2-135m-instruct --text book.txt
        edge-llm eval out/gguf --reference ./model.gguf --text book.txt --tokens 8192 --runtime llamacpp --json
    """
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.home import Home
    from edge_llm.resolve import resolve_reference
    from quantize.evaluate import evaluate as measure

    content = as_text(text.read_bytes(), str(text))
    with ProgressDisplay() as progress:
        found = measure(
            bundle,
            resolve_reference(reference, home=Home(home), progress=progress.on_model_step),
            content,
            tokens=tokens,
            context=context,
            runtime=runtime,
            threads=threads,
            progress=progress.on_positions,
        )
    if as_json:
        say_json(asdict(found))
        return
    say(f"perplexity       {found.perplexity:.3f} (reference {found.reference_perplexity:.3f}, x {found.perplexity_ratio:.4f})")
    say(f"KL divergence    {found.kld_mean:.5f} mean, {found.kld_p99:.4f} at the 99th percentile (nats)")
    say(f"top-1 agreement  {found.top1_agreement:.2%}")
    say(f"over             {found.tokens} tokens")
