"""llama.cpp for emulated Arm: cross-built once for each CPU profile, from the source of the llama-cpp-python wheel.

What is built is kept in the cache under a key of the version, the flags and the compiler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from arm_toolchain import MAX, PROFILES, Profile
from toolchain import Toolchain, ToolchainError, run

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
"""Of the source distribution on PyPI."""
_DRIVER = Path(__file__).resolve().parent / "arm_llama" / "logits.cpp"
_COMPILER = "aarch64-linux-gnu-g++"
_PARTS_OFF = ("TESTS", "EXAMPLES", "TOOLS", "SERVER", "COMMON", "APP")
_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_SYSTEM_NAME=Linux",
    "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
    "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
    f"-DCMAKE_CXX_COMPILER={_COMPILER}",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_NATIVE=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_CCACHE=OFF",
    *(f"-DLLAMA_BUILD_{part}=OFF" for part in _PARTS_OFF),
)


def llama_program(tools: Toolchain, profile: Profile) -> Path:
    """The program of arm_llama/logits.cpp, built for that profile. Raises ToolchainError when a build fails."""
    libraries = _libraries(tools)
    digest = hashlib.sha256(_DRIVER.read_bytes()).hexdigest()[:12]
    target = libraries / f"logits-{profile.name}-{digest}"
    if not target.is_file():
        partial = target.with_name(f".{target.name}")
        archives = [libraries / "libllama.a", libraries / "libggml.a", libraries / f"libggml-cpu-{profile.name}.a"]
        command = [_COMPILER, "-O2", "-std=c++17", "-static", f"-I{libraries / 'include'}", "-o", str(partial), str(_DRIVER)]
        run([*command, *map(str, archives), str(libraries / "libggml-base.a"), "-lpthread", "-ldl"])
        partial.replace(target)
    return target


def _libraries(tools: Toolchain) -> Path:
    """The static libraries, and the headers under include/. Only the CPU kernels differ between profiles."""
    compiler = run([_COMPILER, "--version"]).splitlines()[0]
    what = "\0".join([VERSION, SHA256, compiler, *_FLAGS, *(profile.march for profile in PROFILES)])
    target = tools.cache / "arm64" / f"llama-{VERSION}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        source = _source(Path(scratch))
        ready = Path(scratch) / "ready"
        (ready / "include").mkdir(parents=True)
        for header in [*(source / "include").glob("*.h"), *(source / "ggml" / "include").glob("*.h")]:
            shutil.copy(header, ready / "include")
        for profile in PROFILES:
            build = Path(scratch) / profile.name
            run(["cmake", "-S", str(source), "-B", str(build), "-G", "Ninja", *_FLAGS, f"-DGGML_CPU_ARM_ARCH={profile.march}"])
            run(["ninja", "-C", str(build), "llama" if profile is MAX else "ggml-cpu"])
            shutil.copy(build / "ggml/src/libggml-cpu.a", ready / f"libggml-cpu-{profile.name}.a")
            if profile is MAX:
                for name in ("src/libllama.a", "ggml/src/libggml.a", "ggml/src/libggml-base.a"):
                    shutil.copy(build / name, ready)
        os.replace(ready, target)
    return target


def _source(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    run([*command, "--no-binary", ":all:", "-d", str(folder), f"llama-cpp-python=={VERSION}"])
    archive = next(folder.glob("*.tar.gz"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        raise ToolchainError(f"{archive.name} has SHA-256 {digest}; {SHA256} was pinned.")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz") / "vendor" / "llama.cpp"
