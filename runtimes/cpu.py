"""What the processor can do that a runtime chooses by."""

from __future__ import annotations

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_INT8_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni"})


def multiplies_int8(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether the processor is an x86 with VNNI, as far as the system tells.

    ONNX Runtime's products of unsigned with signed int8 are slow without it, and can overflow: AVX2 adds two products in
    16 bits. Only Linux says what a processor has in a file; elsewhere the answer is no.

    Args:
        cpuinfo: https://docs.kernel.org/filesystems/proc.html; each processor has a line "flags : ..." on x86.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")
    return not _INT8_PRODUCTS.isdisjoint(flags.split())
