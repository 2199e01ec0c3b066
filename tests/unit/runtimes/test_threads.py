"""Default thread count: affinity, and a container's quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtimes.threads import available_cores

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.parametrize("text", [None, "max 100000", "nonsense", "", "1 2 3", "100000 0", "-5 100000"])
def test_without_a_quota_it_is_the_affinity(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "cpu.max"
    if text is not None:
        file.write_text(text)
    assert available_cores(file) == CORES


@pytest.mark.parametrize(("quota", "expected"), [(100_000, 1), (10_000, 1), (10**12, CORES)])
def test_a_quota_lowers_it_but_never_below_one(tmp_path: Path, quota: int, expected: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(f"{quota} 100000\n")
    assert available_cores(file) == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
def test_affinity_counts(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cores(tmp_path / "none") == 1
    finally:
        os.sched_setaffinity(0, before)
