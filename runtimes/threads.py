"""How many worker threads a runtime starts when nobody says: the cores this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores(quota: Path = _QUOTA) -> int:
    """Cores this process may use, at least 1: its CPU affinity, and a container's CPU quota where there is one.

    More threads than that is worse than fewer: both backends wait for each other's threads by spinning, and a spinning
    thread that holds no core stalls every matrix product (measured: llama.cpp's decode fell from 67 to 1 tok/s).

    Args:
        quota: the cgroup v2 file "quota period", both in microseconds, or "max period"
            (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores  # not in a container, or not under cgroup v2
    if not allowed.isdigit() or not period.isdigit() or int(period) == 0:
        return cores
    return max(1, min(cores, round(int(allowed) / int(period))))
