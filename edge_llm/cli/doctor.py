"""`edge-llm doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

from edge_llm.cli.options import AsJson, HomeFolder
from edge_llm.cli.output import in_bytes, say, say_json


def doctor(home: HomeFolder = None, as_json: AsJson = False) -> None:
    """Show what this machine has: cores, instruction sets, memory, runtimes, and where models are kept.

    The first thing to attach to a bug report. It changes nothing and opens no network connection.

    Examples:
        edge-llm doctor
        edge-llm doctor --json
    """
    facts = _examine(home)
    if as_json:
        say_json(facts)
        return
    machine, folder = facts["machine"], facts["home"]
    rows = [
        ("edge-llm", f"{facts['edge_llm']} on Python {facts['python']}"),
        ("system", machine["system"]),
        ("processor", machine["processor"]),
        ("cores", f"{machine['usable_cores']} usable of {machine['logical_cores']}"),
        ("instruction sets", ", ".join(machine["instruction_sets"]) or "unknown"),
        ("memory", f"{in_bytes(machine['free_memory_bytes'])} free of {in_bytes(machine['memory_bytes'])}"),
        ("models", f"{folder['path']} ({in_bytes(folder['free_bytes'])} free)"),
    ]
    rows += [(f"runtime {runtime['name']}", _in_words(runtime)) for runtime in facts["runtimes"]]
    for name, value in rows:
        say(f"{name:<18} {value}")


def _examine(home: Path | None) -> dict[str, Any]:
    from dataclasses import asdict
    from importlib.metadata import version

    from edge_llm.cli.machine import inspect_machine
    from edge_llm.home import Home
    from runtimes import find_runtime, installed_runtimes

    folder = Home(home).path
    return {
        "edge_llm": version("edge-llm"),
        "python": platform.python_version(),
        "machine": asdict(inspect_machine()),
        "runtimes": [asdict(find_runtime(name).describe()) for name in installed_runtimes()],
        "home": {"path": str(folder), "free_bytes": _free_bytes(folder)},
    }


def _free_bytes(folder: Path) -> int:
    """Free space on the disk that holds `folder`, or would hold it once it is made."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(existing).free


def _in_words(runtime: dict[str, Any]) -> str:
    if not runtime["installed"]:
        return f"not installed. {runtime['hint'] or ''}".strip()
    providers = f" ({', '.join(runtime['providers'])})" if runtime["providers"] else ""
    return f"{runtime['version'] or 'installed'}{providers}"
