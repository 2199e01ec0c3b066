"""What this machine has: cores, instruction sets, memory, disk. Reads the operating system, changes nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from runtimes.threads import available_cores

_CGROUP = Path("/sys/fs/cgroup")
_CPUINFO = Path("/proc/cpuinfo")

# The instruction sets that inference kernels choose by, in the spelling of /proc/cpuinfo (x86, then Arm's
# hwcaps in arch/arm64/kernel/cpuinfo.c of Linux), with the name people know.
_FLAGS = {
    "avx": "AVX",
    "avx2": "AVX2",
    "fma": "FMA",
    "f16c": "F16C",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "avx_vnni": "AVX-VNNI",
    "amx_int8": "AMX int8",
    "asimd": "NEON",
    "asimdhp": "NEON fp16",
    "asimddp": "dot product",
    "i8mm": "int8 matrix product",
    "bf16": "BF16",
    "sve": "SVE",
    "sve2": "SVE2",
    "sme": "SME",
}
# macOS: keys of `sysctl hw.optional` (Apple, "Determining instruction set characteristics").
_SYSCTL = {
    "hw.optional.avx2_0": "AVX2",
    "hw.optional.avx512f": "AVX-512",
    "hw.optional.neon": "NEON",
    "hw.optional.arm.FEAT_FP16": "NEON fp16",
    "hw.optional.arm.FEAT_DotProd": "dot product",
    "hw.optional.arm.FEAT_I8MM": "int8 matrix product",
    "hw.optional.arm.FEAT_BF16": "BF16",
    "hw.optional.arm.FEAT_SME": "SME",
}


@dataclass(frozen=True)
class Machine:
    """Facts about the machine, as a process in it meets them. Sizes in bytes."""

    system: str
    """Operating system and architecture."""
    processor: str
    physical_cores: int | None
    """None where the system does not tell."""
    logical_cores: int
    usable_cores: int
    """Cores this process may use: its affinity, and a container's quota."""
    instruction_sets: tuple[str, ...]
    memory_bytes: int
    """Installed, or the container's limit where that is less."""
    free_memory_bytes: int
    """What a new program can take without swapping."""


def inspect_machine() -> Machine:
    """Ask the operating system."""
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    if (limit := _cgroup_number("memory.max")) is not None and limit < total:
        total, free = limit, min(free, max(limit - (_cgroup_number("memory.current") or 0), 0))
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count() or 1,
        usable_cores=available_cores(),
        instruction_sets=_instruction_sets(),
        memory_bytes=total,
        free_memory_bytes=free,
    )


def _cgroup_text(name: str) -> str:
    """A control file of cgroup v2, as a container sees its own; empty where there is none."""
    path = _CGROUP / name
    return path.read_text(encoding="ascii").strip() if path.is_file() and os.access(path, os.R_OK) else ""


def _cgroup_number(name: str) -> int | None:
    text = _cgroup_text(name)
    return int(text) if text.isdigit() else None


def _cpuinfo(*keys: str) -> str:
    """The first value in /proc/cpuinfo under one of `keys`; empty where there is none."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in keys:
                return value.strip()
    return ""


def _processor() -> str:
    if platform.system() == "Darwin":
        return _sysctl().get("machdep.cpu.brand_string", platform.machine())
    return _cpuinfo("model name", "Hardware", "Model") or platform.processor() or platform.machine()


def _instruction_sets() -> tuple[str, ...]:
    if platform.system() == "Darwin":
        answers = _sysctl()
        return tuple(name for key, name in _SYSCTL.items() if answers.get(key) == "1")
    flags = set(_cpuinfo("flags", "Features").split())
    return tuple(name for flag, name in _FLAGS.items() if flag in flags)


def _sysctl() -> dict[str, str]:
    """What macOS says of its processor: key -> value."""
    done = subprocess.run(
        ["/usr/sbin/sysctl", "hw.optional", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
