"""Compiling, with a compiler that only takes its time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from library import compiled
from toolchain import Toolchain

COMPILER = """#!/bin/sh
while [ "$1" != -d ]; do shift; done
printf half > "$2"; sleep 0.2; printf ' and half' >> "$2"
"""


def test_two_compile_the_same_at_once(tmp_path: Path) -> None:
    tools = Toolchain(tmp_path)
    tools.kotlinc.parent.mkdir(parents=True)
    tools.kotlinc.write_text(COMPILER, encoding="ascii")
    tools.kotlinc.chmod(0o755)
    source = tmp_path / "A.kt"
    source.touch()
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: compiled(tools, "library", [source], [], []), range(2))
    assert first == second
    assert first.read_text(encoding="ascii") == "half and half"
    assert list(first.parent.iterdir()) == [first]
