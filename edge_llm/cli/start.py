"""Where the program `edge-llm` starts: it imports the commands and runs them."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the program. Nothing is garbage while modules are imported, and looking for it takes a tenth of `edge-llm --help`."""
    gc.disable()
    try:
        from edge_llm.cli.main import main as run
    finally:
        gc.enable()
    run()
