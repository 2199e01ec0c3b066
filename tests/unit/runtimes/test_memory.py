"""Peak memory is this process's own."""

from __future__ import annotations

import subprocess
import sys


def test_peak_memory_is_of_this_process() -> None:
    code = "from runtimes.memory import peak_memory_bytes as peak; a = peak(); b = bytearray(80 << 20); print(a, peak() - a)"
    ballast = bytearray(b"x" * (300 << 20))  # a large parent must not show in its child's figure
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    first, grown = map(int, shown.split())
    assert first < len(ballast)
    assert 70 << 20 < grown < 100 << 20
