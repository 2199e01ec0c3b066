"""The Android module and the sample app: their logic on this machine's JVM, and an APK that is whole, aligned and signed."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from apk import ABIS, MIN_API, MODEL_FOLDER, MODULE, SAMPLE, ApkTools, AppJars, build_apk, compile_app, prepare_apk
from library import Jars, public_api, run, run_on_host
from toolchain import Toolchain

from tests.golden import write

GOLDEN = Path(write.__file__).parent
PAGE = 4096


@pytest.fixture(scope="module")
def apk_tools(tools: Toolchain) -> ApkTools:
    return prepare_apk(tools)


@pytest.fixture(scope="module")
def app(tools: Toolchain, apk_tools: ApkTools, jars: Jars) -> AppJars:
    return compile_app(tools, apk_tools, jars)


@pytest.fixture(scope="module")
def apk(
    tools: Toolchain, apk_tools: ApkTools, jars: Jars, app: AppJars, delivered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("apk") / "chat.apk"
    return build_apk(
        tools, apk_tools, [jars.library, app.module, app.sample], target, model=delivered / "assets" / MODEL_FOLDER
    )


def test_the_modules_logic(tools: Toolchain, jars: Jars, app: AppJars) -> None:
    sources = sorted(path for module in (MODULE, SAMPLE) for path in (module / "test").rglob("*Test.kt"))
    classes = [".".join(path.with_suffix("").relative_to(path.parents[3]).parts) for path in sources]
    under_test = Jars(jars.library, app.tests, (app.sample, app.module))
    output = run_on_host(tools, under_test, "org.junit.runner.JUnitCore", classes, properties={"edgellm.golden": str(GOLDEN)})
    assert "OK (" in output


def test_the_public_api_is_the_reviewed_one(tools: Toolchain, apk_tools: ApkTools, jars: Jars, app: AppJars) -> None:
    """After a change on purpose: python -m tests.android.write_api."""
    written = public_api(tools, app.module, [jars.library, *apk_tools.platform])
    assert written == (MODULE / "api.txt").read_text(encoding="utf-8")


def test_it_is_aligned_and_signed(apk: Path) -> None:
    run(["zipalign", "-c", "-p", "4", str(apk)])
    said = run(["apksigner", "verify", "--verbose", "--min-sdk-version", str(MIN_API), str(apk)])
    assert "(APK Signature Scheme v2): true" in said
    assert "(APK Signature Scheme v3): true" in said


def test_one_changed_byte_breaks_the_signature(apk: Path, tmp_path: Path) -> None:
    data = bytearray(apk.read_bytes())
    with zipfile.ZipFile(apk) as archive:
        place = archive.getinfo(f"assets/{MODEL_FOLDER}/phone.json").header_offset + 200
    data[place] ^= 1
    changed = tmp_path / "changed.apk"
    changed.write_bytes(data)
    verify = ["apksigner", "verify", "--min-sdk-version", str(MIN_API), str(changed)]
    assert subprocess.run(verify, capture_output=True, check=False).returncode != 0


def test_the_native_libraries_and_the_model_are_in_it_unchanged(apk: Path, tools: Toolchain, delivered: Path) -> None:
    with zipfile.ZipFile(apk) as archive:
        names = set(archive.namelist())
        for abi in ABIS:
            for library in (tools.aar / "jni" / abi).glob("*.so"):
                packed = hashlib.sha256(archive.read(f"lib/{abi}/{library.name}")).digest()
                assert packed == hashlib.sha256(library.read_bytes()).digest()
        for file in (delivered / "assets" / MODEL_FOLDER).iterdir():
            entry = archive.getinfo(f"assets/{MODEL_FOLDER}/{file.name}")
            assert entry.compress_type == zipfile.ZIP_STORED
            assert archive.read(entry) == file.read_bytes()
    assert {f"lib/{abi}/{name}" for abi in ABIS for name in ("libonnxruntime.so", "libonnxruntime4j_jni.so")} <= names


@pytest.mark.parametrize(
    "name",
    [
        "dev/edgellm/EdgeLlm",
        "dev/edgellm/storage/ModelStore",
        "dev/edgellm/android/ActionStarter",
        "dev/edgellm/sample/ChatActivity",
        "dev/edgellm/sample/AnswerService",
        "ai/onnxruntime/OrtSession",
        "kotlinx/coroutines/flow/Flow",
        "kotlin/text/Regex",
    ],
)
def test_the_classes_are_in_it(apk: Path, name: str) -> None:
    assert name in _defined_classes(apk)


def test_the_stubs_are_not_in_it(apk: Path) -> None:
    assert not [name for name in _defined_classes(apk) if name.startswith("android/")]


def test_what_the_manifest_names_is_there_and_the_network_is_not_asked_for(apk: Path) -> None:
    manifest = run(["aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", str(apk)])
    named = set(re.findall(r'"(dev\.edgellm\.sample\.\w+)"', manifest))
    assert {name.replace(".", "/") for name in named} <= _defined_classes(apk)
    assert len(named) == 3
    assert "android.permission.INTERNET" not in manifest
    assert "android.permission.FOREGROUND_SERVICE" in manifest


def test_no_call_needs_a_newer_android_than_was_asked_for(jars: Jars, app: AppJars) -> None:
    """Java 9's overrides in java.nio's buffers came with Android 9; a compiler on a desktop binds to them unasked."""
    for jar in (jars.library, app.module, app.sample):
        names = [name for name in run(["jar", "tf", str(jar)]).splitlines() if name.endswith(".class")]
        classes = [name.removesuffix(".class").replace("/", ".") for name in names]
        code = run(["javap", "-c", "-p", "-cp", str(jar), *classes])
        newer = (
            r"java/nio/(?:Byte|Char|Float|Long|Int)Buffer\.(?:position|limit|flip|clear|rewind|mark|reset)"
            r":\([^)]*\)Ljava/nio/\w+Buffer;"
        )
        assert re.findall(newer, code) == []


def _defined_classes(apk: Path) -> set[str]:
    """Names of the classes that an APK's dex files define (https://source.android.com/docs/core/runtime/dex-format)."""
    found = set()
    with zipfile.ZipFile(apk) as archive:
        for name in archive.namelist():
            if name.endswith(".dex"):
                found |= _classes_of(archive.read(name))
    return found


def _classes_of(dex: bytes) -> set[str]:
    def word(offset: int) -> int:
        return int.from_bytes(dex[offset : offset + 4], "little")

    strings, types, count, classes = word(60), word(68), word(96), word(100)
    found = set()
    for index in range(count):
        descriptor = word(types + 4 * word(classes + 32 * index))
        start = word(strings + 4 * descriptor)
        while dex[start] & 0x80:  # its length, LEB128
            start += 1
        found.add(dex[start + 1 : dex.index(0, start + 1)].decode().removeprefix("L").removesuffix(";"))
    return found
