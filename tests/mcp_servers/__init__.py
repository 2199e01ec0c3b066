"""MCP servers that tests start as child processes: a friendly one, and a hostile one in many ways."""

from __future__ import annotations

import sys
from pathlib import Path

from edge_llm.actions.mcp_config import Launch

_FOLDER = Path(__file__).parent


def friendly() -> Launch:
    """How to start the server that behaves well."""
    return Launch(sys.executable, (str(_FOLDER / "friendly.py"),))


def hostile(mode: str) -> Launch:
    """How to start the one that does not."""
    return Launch(sys.executable, (str(_FOLDER / "hostile.py"), mode))
