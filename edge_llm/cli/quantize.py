"""`edge-llm quantize`: a checkpoint -> bundles that run here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edge_llm.cli.options import AsJson, HomeFolder
from edge_llm.cli.output import in_bytes, say, say_json
from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from quantize.pipeline import BundleSummary, Format


_Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="A .gguf file, a Hugging Face directory (safetensors), a catalog name or hf:owner/repo."
    ),
]
_Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="DIR", help="Where the bundle goes; with both formats, DIR/onnx and DIR/gguf."),
]


def quantize(
    source: _Source,
    out: _Out,
    bits: Annotated[
        Literal["4", "8", "32"] | None,
        typer.Option(help="Bits of a weight. 4: small and fast; 8: next to no loss; 32: not quantized. Default: 8."),
    ] = None,
    container: Annotated[
        Literal["onnx", "gguf", "both"] | None,
        typer.Option("--format", help="For ONNX Runtime, for llama.cpp, or twins from one set of codes. Default: onnx."),
    ] = None,
    llama_type: Annotated[
        str | None,
        typer.Option(
            "--llama-type", metavar="TYPE", help="Let llama.cpp's own quantizer make a GGUF of this type, such as Q4_K_M."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that is already there.")] = False,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Shrink a model into a bundle that runs here, with a report of what was done.

    A bundle is a directory: the model, its tokenizer and chat template, a manifest with the hash of each file,
    report.md and report.json. The twins of --format both hold the same numbers to the last bit. DIR appears only when
    everything is written; a conversion that was interrupted starts clean.

    Examples:
        edge-llm quantize smollm2-135m-instruct --bits 4 --format both -o out
        edge-llm quantize ./Qwen3-0.6B -o qwen3-int8
        edge-llm quantize model-f16.gguf --format gguf --llama-type Q4_K_M -o model-q4km
    """
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.home import Home
    from edge_llm.resolve import find_checkpoint
    from quantize.pipeline import quantize as convert
    from quantize.recipe import recipe_for

    recipe = recipe_for(_bits_of(bits, container, llama_type))
    formats = _formats(container or ("onnx" if llama_type is None else "gguf"))
    with ProgressDisplay() as progress:
        found = find_checkpoint(source, home=Home(home), progress=progress.on_model_step)
        bundles = convert(
            found.path,
            out,
            recipe=recipe,
            formats=formats,
            llama_type=llama_type,
            name=found.name,
            force=force,
            progress=progress.on_quantize_step,
        )
    if as_json:
        say_json({"bundles": [_document(bundle) for bundle in bundles]})
    else:
        for bundle in bundles:
            say(_in_words(bundle))


def _bits_of(bits: str | None, container: str | None, llama_type: str | None) -> int:
    """The bits of the recipe. Raises ConfigError when the options contradict each other."""
    if llama_type is None:
        return int(bits or "8")
    if bits not in {None, "32"} or container not in {None, "gguf"}:
        raise ConfigError(
            "--llama-type makes a GGUF from 32-bit weights; leave out --bits and --format, or choose another type."
        )
    return 32


def _formats(container: Literal["onnx", "gguf", "both"]) -> tuple[Format, ...]:
    return ("onnx", "gguf") if container == "both" else (container,)


def _document(bundle: BundleSummary) -> dict[str, Any]:
    return {
        "path": str(bundle.path),
        "format": bundle.format,
        "bytes": bundle.bytes,
        "bits_per_weight": bundle.bits_per_weight,
        "types": dict(bundle.types),
    }


def _in_words(bundle: BundleSummary) -> str:
    weights = sum(bundle.types.values())
    mix = ", ".join(f"{count / weights:.1%} {name}" for name, count in bundle.types.items())
    here = Path.cwd()
    path = bundle.path.relative_to(here) if bundle.path.is_relative_to(here) else bundle.path
    return f"{path}: {bundle.format}, {in_bytes(bundle.bytes)}, {bundle.bits_per_weight:.2f} bits a weight ({mix})"
