"""Compiles the Kotlin library and its tests, and runs classes of theirs on this machine's JVM.

What was compiled is kept in the cache under a hash of its sources, so an unchanged library is not compiled again.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import JAVA_CLASSES, KOTLIN, Toolchain, ToolchainError

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "android_bridge" / "kotlin" / "edgellm"
_COMPILER_MEMORY = "1g"
_STEADY_HEAP = ("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch")
_STEADY_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Without it glibc keeps pieces of what was freed: 140 MB or more after eight loads of 154 MB."""


@dataclass(frozen=True)
class Jars:
    """The compiled library and its compiled tests."""

    library: Path
    tests: Path
    more: tuple[Path, ...] = ()
    """What else the tests run."""


def compile_library(tools: Toolchain) -> Jars:
    """Compile what is not compiled yet. Raises ToolchainError with the compiler's words; a warning is an error."""
    sources = sorted((LIBRARY / "src").rglob("*.kt"))
    library = compiled(tools, "library", sources, [tools.onnxruntime_jar, *tools.kotlin_jars], ["-Werror"])
    tests = sorted((LIBRARY / "test").rglob("*.kt"))
    classpath = [library, tools.onnxruntime_jar, *tools.kotlin_jars, *tools.test_jars]
    return Jars(library, compiled(tools, "tests", tests, classpath, [f"-Xfriend-paths={library}"]))


def java_command(tools: Toolchain, jars: Jars, main: str, arguments: Sequence[str], properties: Mapping[str, str]) -> list[str]:
    """The command line that runs a class of the library's tests."""
    classpath = [jars.tests, *jars.more, jars.library, tools.onnxruntime_jar, *tools.kotlin_jars, *tools.test_jars]
    settings = [f"-D{name}={value}" for name, value in properties.items()]
    return ["java", "-Xss4m", *settings, "-cp", os.pathsep.join(map(str, classpath)), main, *arguments]


def run_on_host(
    tools: Toolchain,
    jars: Jars,
    main: str,
    arguments: Sequence[str] = (),
    *,
    properties: Mapping[str, str],
    steady: bool = False,
    timeout_s: float = 600,
) -> str:
    """What a class prints, run on this machine's JVM with the AAR's JNI library. Raises ToolchainError when it fails.

    Args:
        steady: for a class that tells what is resident besides Java's heap: all of that heap is, from the start, and what
            native code frees is given back.
    """
    natives = str(tools.natives)
    java, *rest = java_command(tools, jars, main, arguments, {"onnxruntime.native.path": natives, **properties})
    command = [java, *(_STEADY_HEAP if steady else ()), *rest]
    environment = os.environ | {"LD_LIBRARY_PATH": natives, "ORT_DISABLE_TELEMETRY": "1"} | (_STEADY_MALLOC if steady else {})
    done = subprocess.run(  # noqa: S603 - the command is this file's own
        command, capture_output=True, text=True, check=False, env=environment, timeout=timeout_s
    )
    if done.returncode != 0:
        raise ToolchainError(f"{main} ended with {done.returncode}:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def public_api(tools: Toolchain, jar: Path, needed: Sequence[Path] = ()) -> str:
    """A jar's public classes and their public members, one a line, as javap tells them.

    Args:
        needed: jars that its signatures name types of, besides Kotlin's and onnxruntime's.
    """
    names = run(["jar", "tf", str(jar)]).splitlines()
    classes = sorted(
        name.removesuffix(".class").replace("/", ".")
        for name in names
        if name.startswith("dev/edgellm/") and name.endswith(".class") and "/internal/" not in name
    )
    classpath = os.pathsep.join(map(str, [jar, *needed, tools.onnxruntime_jar, *tools.kotlin_jars]))
    text = run(["javap", "-public", "-cp", classpath, *classes])
    lines = [line.rstrip() for line in text.splitlines() if not line.startswith("Compiled from")]
    return "\n".join(_without_internals(lines)) + "\n"


def _without_internals(lines: Sequence[str]) -> list[str]:
    """The lines without what is public in bytecode only: synthetic members, and members that name internal types."""
    kept: list[str] = []
    class_hidden = False
    for line in lines:
        if not line.startswith((" ", "}")):
            name = line.partition(" extends ")[0].partition(" implements ")[0].removesuffix(" {")
            class_hidden = name.endswith(("Kt", "$Companion", "$WhenMappings")) or any(
                f"${digit}" in name for digit in "0123456789"
            )
        synthetic = any(mark in line for mark in ("access$", "$main(", "$default(", "DefaultConstructorMarker", ".internal."))
        if not class_hidden and not synthetic:
            kept.append(line)
    return kept


def compiled(tools: Toolchain, what: str, sources: Sequence[Path], classpath: Sequence[Path], flags: Sequence[str]) -> Path:
    """The jar of some Kotlin sources, compiled where it is not in the cache yet. Raises ToolchainError."""
    digest = hashlib.sha256(KOTLIN.version.encode())
    for path in [*sources, *(path for path in classpath if path.is_relative_to(tools.cache / "built"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    target = tools.cache / "built" / f"{what}-{digest.hexdigest()[:16]}.jar"
    if not target.is_file():
        target.parent.mkdir(exist_ok=True)
        command = [str(tools.kotlinc), f"-J-Xmx{_COMPILER_MEMORY}", "-jvm-target", JAVA_CLASSES, "-no-reflect", *flags]
        # a folder of its own: another process may be compiling the same sources
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            partial = Path(scratch) / target.name
            run([*command, "-cp", os.pathsep.join(map(str, classpath)), "-d", str(partial), *map(str, sources)])
            partial.replace(target)
    return target


def run(command: Sequence[str]) -> str:
    """What a command prints. Raises ToolchainError with what it says when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the commands are this file's own
    if done.returncode != 0:
        raise ToolchainError(f"{Path(command[0]).name} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
