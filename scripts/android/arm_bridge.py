"""Android's arm64 onnxruntime, unmodified, made loadable under glibc: builds the libraries it asks for.

The idea is a forwarding library: the AAR's imports are read from its ELF headers, and each is answered, under bionic's symbol
version, by a jump to glibc's function of the same name; where the two differ, arm_bridge/libc.c answers instead.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from toolchain import Toolchain, ToolchainError, run

_SOURCES = Path(__file__).resolve().parent / "arm_bridge"
_COMPILER = "aarch64-linux-gnu-gcc"
_LIBRARIES = ("libonnxruntime.so", "libonnxruntime4j_jni.so")
_NEEDED_WITHOUT_USE = ("libm", "libdl", "libandroid")
STACK_GUARD = "libstackguard.so"
"""To be preloaded into the arm64 program."""


def arm_natives(tools: Toolchain) -> Path:
    """The folder that -Donnxruntime.native.path and LD_LIBRARY_PATH name on emulated arm64; built once per version of it.

    Raises:
        ToolchainError: the AAR asks for a symbol that neither glibc nor the bridge has, or the compiler fails.
    """
    android = tools.aar / "jni" / "arm64-v8a"
    digest = hashlib.sha256(Path(__file__).read_bytes() + str(tools.aar).encode())
    for path in sorted(_SOURCES.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    target = tools.cache / "arm64" / f"natives-{digest.hexdigest()[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        ready = Path(scratch) / "natives"
        ready.mkdir()
        for name in _LIBRARIES:
            shutil.copyfile(android / name, ready / name)
        forwards = Path(scratch) / "forwards.S"
        forwards.write_text(_forwards([android / name for name in _LIBRARIES]), encoding="ascii")
        versions = f"-Wl,--version-script={_SOURCES / 'libc.map'}"
        _link(ready / "libc.so", [_SOURCES / "libc.c", forwards], versions, "-lm")
        for name in _NEEDED_WITHOUT_USE:
            _link(ready / f"{name}.so", [_SOURCES / "empty.c"], versions)
        _link(ready / "liblog.so", [_SOURCES / "log.c"])
        _link(ready / STACK_GUARD, [_SOURCES / "stack_guard.c"])
        os.replace(ready, target)
    return target


def _forwards(libraries: list[Path]) -> str:
    """Assembly: one jump for each of bionic's functions that the libraries import and libc.c does not define."""
    own = set(re.findall(r"^ANDROID\((\w+)\);", (_SOURCES / "libc.c").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [".text"]
    for name in sorted(_imports(libraries) - own):
        lines += [f".globl android_{name}", f".type android_{name}, %function", f"android_{name}: b {name}"]
        lines += [f".symver android_{name}, {name}@LIBC"]
    return "\n".join([*lines, '.section .note.GNU-stack, "", %progbits', ""])


def _imports(libraries: list[Path]) -> set[str]:
    """The functions of bionic's libraries that these ask for; other symbols are each other's, liblog's, or weak."""
    names = set()
    for library in libraries:
        for line in run(["aarch64-linux-gnu-readelf", "--dyn-syms", "--wide", str(library)]).splitlines():
            fields = line.split()
            if len(fields) >= 8 and fields[6] == "UND":
                name, _, version = fields[7].partition("@")
                if version == "LIBC":
                    names.add(name)
                elif version.startswith("LIBC"):
                    raise ToolchainError(f"{library.name} asks for {name} of bionic's {version}; the bridge answers for LIBC.")
    return names


def _link(target: Path, sources: list[Path], *flags: str) -> None:
    command = [_COMPILER, "-O1", "-shared", "-fPIC", "-fno-builtin", "-Wall", "-Werror", "-Wl,-z,defs"]
    run([*command, f"-Wl,-soname,{target.name}", "-o", str(target), *map(str, sources), *flags])
