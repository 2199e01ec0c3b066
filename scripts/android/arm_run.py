"""Runs arm64 programs on emulated CPUs, and counts which of the int8 instructions were reached.

qemu translates a block of code the first time it is about to execute it and can list what it translated: an instruction in
that list was reached, one that is only in the file was not.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from arm_bridge import STACK_GUARD, arm_natives
from arm_toolchain import ArmToolchain, Profile
from library import Jars
from toolchain import ToolchainError

_TRANSLATED = re.compile(rb"^0x[0-9a-f]+:\s+([0-9a-f]{8})\s", re.MULTILINE)
# (mask, value) of the vector, by-element and SVE forms, as the Arm Architecture Reference Manual encodes them.
_DOT = ((0x9FE0FC00, 0x0E809400), (0x9FC0F400, 0x0F80E000), (0xFFE0F800, 0x44800000))
_MIXED_DOT = ((0xBFE0FC00, 0x0E809C00), (0xBFC0F400, 0x0F80F000), (0xBFC0F400, 0x0F00F000), (0xFFE0FC00, 0x44807800))
_MATRIX = ((0xFFE0FC00, 0x4E80A400), (0xFFE0FC00, 0x6E80A400), (0xFFE0FC00, 0x4E80AC00), (0xFF20FC00, 0x45009800))


@dataclass(frozen=True)
class Kernels:
    """Instructions reached, each place in the code counted once."""

    dot: int = 0
    """sdot, udot: four products a lane (FEAT_DotProd)."""
    mixed_dot: int = 0
    """usdot, sudot: the same of one signed and one unsigned operand (FEAT_I8MM)."""
    matrix: int = 0
    """smmla, ummla, usmmla: an 8-deep product of 2x2 tiles (FEAT_I8MM)."""


@dataclass(frozen=True)
class ArmRun:
    """What a program printed, and the kernels it reached where they were counted."""

    output: str
    kernels: Kernels | None


def run_java(
    arm: ArmToolchain,
    profile: Profile,
    jars: Jars,
    main: str,
    arguments: Sequence[str],
    *,
    properties: Mapping[str, str] | None = None,
    count: bool = False,
    timeout_s: float = 900,
) -> ArmRun:
    """A class of the library's tests, on an arm64 JVM with the AAR's own arm64 libraries. Raises ToolchainError."""
    tools = arm.host
    natives = str(arm_natives(tools))
    classpath = [jars.tests, jars.library, tools.onnxruntime_jar, *tools.kotlin_jars, *tools.test_jars]
    settings = {"onnxruntime.native.path": natives, **(properties or {})}
    java = [arm.program("usr/lib/jvm/java-17-openjdk-arm64/bin/java"), "-Xss4m", "-Xmx1g"]
    # the quick compiler only: translating what the other one writes costs more than it saves
    java += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *(f"-D{name}={value}" for name, value in settings.items())]
    environment = {"LD_LIBRARY_PATH": natives, "LD_PRELOAD": str(Path(natives) / STACK_GUARD)}
    command = [*java, "-cp", os.pathsep.join(map(str, classpath)), main, *arguments]
    return run_program(arm, profile, command, environment=environment, count=count, timeout_s=timeout_s)


def run_python(
    arm: ArmToolchain, profile: Profile, script: Path, arguments: Sequence[str], *, count: bool = False, timeout_s: float = 900
) -> ArmRun:
    """A script, on an arm64 Python with the aarch64 wheels of onnxruntime and numpy. Raises ToolchainError."""
    environment = {"PYTHONPATH": str(arm.python_packages), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [arm.program("usr/bin/python3.11"), "-s", str(script), *arguments]
    return run_program(arm, profile, command, environment=environment, count=count, timeout_s=timeout_s)


def run_program(
    arm: ArmToolchain,
    profile: Profile,
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    count: bool = False,
    timeout_s: float = 900,
) -> ArmRun:
    """An arm64 program. Raises ToolchainError with its last words when it fails."""
    settings = [word for name, value in (environment or {}).items() for word in ("-E", f"{name}={value}")]
    settings += ["-E", "ORT_DISABLE_TELEMETRY=1"]
    start = arm.emulate(profile)
    if not count:
        return ArmRun(_run([*start, *settings, *command], timeout_s), None)
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder) / "translated"
        os.mkfifo(pipe)
        counter = _Counter(pipe)
        try:
            output = _run([*start, "-d", "in_asm", "-D", str(pipe), *settings, *command], timeout_s)
        finally:
            kernels = counter.finish()
    return ArmRun(output, kernels)


class _Counter:
    """Reads qemu's list from a pipe: it is tens of megabytes that nobody needs."""

    def __init__(self, pipe: Path) -> None:
        self._pipe = pipe
        self._found: Counter[str] = Counter()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def finish(self) -> Kernels:
        # a program that never started has not opened the pipe: opened and closed here, the reader sees its end
        os.close(os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK))
        self._reader.join(timeout=60)
        return Kernels(**self._found)

    def _read(self) -> None:
        rest = b""
        with self._pipe.open("rb") as stream:
            while block := stream.read1(1 << 20):
                whole, _, rest = (rest + block).rpartition(b"\n")
                for word in _TRANSLATED.findall(whole):
                    if (kind := kind_of(int(word, 16))) is not None:
                        self._found[kind] += 1


@lru_cache(maxsize=1 << 16)
def kind_of(word: int) -> str | None:
    """The field of Kernels that an instruction counts for."""
    for kind, forms in (("dot", _DOT), ("mixed_dot", _MIXED_DOT), ("matrix", _MATRIX)):
        if any(word & mask == value for mask, value in forms):
            return kind
    return None


def _run(command: Sequence[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)  # noqa: S603 - built here
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"{' '.join(command[:3])} ... ran longer than {timeout_s:.0f} s.") from error
    if done.returncode != 0:
        words = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        raise ToolchainError(f"{' '.join(command)} ended with {done.returncode}:\n{words}")
    return done.stdout
