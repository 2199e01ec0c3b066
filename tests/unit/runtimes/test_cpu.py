"""What /proc/cpuinfo says of a processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtimes.cpu import multiplies_int8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor : 1\nflags\t\t: fpu avx2 avx512_vnni\n", True),
        ("flags : avx2 avx_vnni", True),
        ("flags : avx2 avx512f avx512_vnni_not", False),
        ("vmx flags : avx_vnni\n", False),
        ("Features : fp asimd asimddp", False),
        ("", False),
    ],
)
def test_only_x86_with_vnni_multiplies_int8(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="ascii")
    assert multiplies_int8(tmp_path / "cpuinfo") is expected


def test_a_system_that_does_not_say_is_taken_to_be_without(tmp_path: Path) -> None:
    assert not multiplies_int8(tmp_path / "none")
