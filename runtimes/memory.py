"""How much memory this process took. Knows the operating systems' ways of telling."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_memory_bytes() -> int:
    """Most resident memory this process has had so far.

    On Linux VmHWM of /proc/self/status rather than getrusage, whose figure starts from the parent's: a small process
    started by a large one would report the large one.
    """
    if sys.platform == "linux":
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
        peak = int(status["VmHWM"].split()[0]) * 1024  # the kernel writes kB and means KiB
    elif sys.platform == "win32":
        import psutil

        peak = int(psutil.Process().memory_info().peak_wset)
    else:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, by its getrusage(2)
    return peak
