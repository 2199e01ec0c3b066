"""Opens the model a person named, and says what takes long meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.cli.progress import ProgressDisplay

if TYPE_CHECKING:
    from edge_llm import Model


def open_model(
    model: str,
    *,
    runtime: str | None,
    threads: int | None,
    context_length: int | None,
    exact: bool = False,
    home: Path | None,
) -> Model:
    """`edge_llm.load` with its progress on stderr. The caller closes the model.

    Raises:
        EdgeLLMError: whatever `edge_llm.load` raises.
    """
    from edge_llm import Home, load

    with ProgressDisplay() as progress:
        return load(
            model,
            runtime=runtime,
            threads=threads,
            context_length=context_length,
            exact=exact,
            home=Home(home),
            progress=progress.on_model_step,
        )
