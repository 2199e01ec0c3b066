"""Bundles: written whole or not at all, and believed only as far as their hashes go."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes.bundle import MANIFEST_NAME, FileEntry, Manifest, hash_file, read_bundle, write_bundle
from runtimes.errors import BundleError, EdgeLLMError, SourceError, StorageError
from tests.tiny import CHATML
from tests.unit.quantize.tiny_checkpoints import VOCABULARY, write_gguf

ROOT = Path(__file__).parents[3]
SHA256_OF_WEIGHTS = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"  # printf weights | sha256sum
MANIFEST = Manifest(
    name="tiny",
    format="fake",
    family="llama",
    model="model.bin",
    context_length=64,
    vocabulary_size=100,
    tokenizer="vocabulary/tokenizer.json",
    chat_template="chat_template.jinja",
    bos_token_id=1,
    stop_token_ids=(2, 3),
    recipe={"name": "int8", "bits": {"head": "Q8_0"}},
    quality={"kld_mean": 0.01},
    source={"sha256": "ab"},
    licence="Apache-2.0",
)
FILES = {"model.bin": b"weights", "vocabulary/tokenizer.json": b"{}", "chat_template.jinja": "é {{ x }}".encode()}


def write(path: Path, *, manifest: Manifest = MANIFEST, force: bool = False, model: bytes = b"weights") -> Path:
    with write_bundle(path, replace_existing=force) as writer:
        for name, content in {**FILES, "model.bin": model}.items():
            (writer.directory / name).parent.mkdir(exist_ok=True)
            (writer.directory / name).write_bytes(content)
        writer.finish(manifest)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny")


def read_manifest(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
    return data


def edit(path: Path, **changes: Any) -> None:
    (path / MANIFEST_NAME).write_text(json.dumps(read_manifest(path) | changes), encoding="utf-8")


def list_file(path: Path, name: str) -> None:
    """Have the manifest list `name` with the size and hash of the model file."""
    edit(path, files={**read_manifest(path)["files"], name: {"sha256": SHA256_OF_WEIGHTS, "size": 7}})


def leftovers(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.name.startswith("."))


def test_what_is_written_is_read(path: Path) -> None:
    bundle = read_bundle(path)
    assert replace(bundle.manifest, files={}) == MANIFEST
    assert set(bundle.manifest.files) == set(FILES)
    assert bundle.manifest.files["model.bin"] == FileEntry(SHA256_OF_WEIGHTS, 7)
    assert bundle.model_path.read_bytes() == b"weights"
    assert bundle.tokenizer_path == path / "vocabulary/tokenizer.json"
    assert bundle.read_chat_template() == "é {{ x }}"
    assert leftovers(path.parent) == []


def test_what_is_optional_may_be_absent(tmp_path: Path) -> None:
    bare = Manifest("tiny", "fake", "llama", "model.bin", context_length=1, vocabulary_size=1)
    bundle = read_bundle(write(tmp_path / "tiny", manifest=bare))
    assert (bundle.tokenizer_path, bundle.read_chat_template()) == (None, None)
    assert bundle.manifest.stop_token_ids == ()


def test_others_may_read_what_they_may_read_beside_it(path: Path) -> None:
    plain = path.parent / "plain"
    plain.mkdir()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("name", list(FILES))
def test_one_changed_byte_is_found(path: Path, name: str) -> None:
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    read_bundle(path, verify=False)
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        read_bundle(path)


def test_sizes_are_checked_even_without_hashes(path: Path) -> None:
    (path / "model.bin").write_bytes(b"weights and more")
    with pytest.raises(BundleError, match="16 bytes and its manifest says 7"):
        read_bundle(path, verify=False)


def test_a_missing_file_is_named(path: Path) -> None:
    (path / "model.bin").unlink()
    with pytest.raises(BundleError, match=r"model\.bin is missing"):
        read_bundle(path)


ESCAPES = ["../secret.bin", "/etc/hostname", "a/../../secret.bin", "..", "C:\\secret.bin", "c:secret.bin", "a\0b", "\ud800"]


@pytest.mark.parametrize("name", ESCAPES, ids=ascii)
def test_a_path_out_of_the_folder_is_refused(path: Path, name: str) -> None:
    (path.parent / "secret.bin").write_bytes(b"weights")
    list_file(path, name)
    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(path)


@pytest.mark.parametrize("aim", ["file", "folder", "circle"])
def test_a_link_out_of_the_folder_is_refused(path: Path, aim: str) -> None:
    outside = path.parent / "outside"
    outside.mkdir()
    (outside / "model.bin").write_bytes(b"weights")
    link = path / "link"
    link.symlink_to({"file": outside / "model.bin", "folder": outside, "circle": link}[aim])
    list_file(path, "link/model.bin" if aim == "folder" else "link")
    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(path)


def test_a_link_inside_and_a_link_to_the_whole_bundle_are_fine(path: Path) -> None:
    (path / "link").symlink_to("model.bin")
    list_file(path, "link")
    (path.parent / "alias").symlink_to(path)
    assert read_bundle(path.parent / "alias").model_path.read_bytes() == b"weights"


@pytest.mark.parametrize("role", ["model", "tokenizer", "chat_template"])
def test_every_file_with_a_role_must_be_listed(path: Path, role: str) -> None:
    (path / "other").write_bytes(b"weights")
    edit(path, **{role: "other"})
    with pytest.raises(BundleError, match="does not list it"):
        read_bundle(path)


def test_a_newer_schema_says_to_update(path: Path) -> None:
    edit(path, schema_version=2, something_new=True)
    with pytest.raises(BundleError, match="Update edge-llm"):
        read_bundle(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": None},
        {"schema_version": "1"},
        {"schema_version": True},
        {"schema_version": 0},
        {"name": 1},
        {"format": None},
        {"context_length": 0},
        {"context_length": 1.5},
        {"vocabulary_size": "100"},
        {"vocabulary_size": True},
        {"stop_token_ids": ["2"]},
        {"stop_token_ids": 2},
        {"stop_token_ids": [True]},
        {"files": []},
        {"files": {"model.bin": "abc"}},
        {"files": {"model.bin": {"sha256": "ab"}}},
        {"files": {"model.bin": {"sha256": "ab", "size": "x"}}},
        {"files": {"model.bin": {"sha256": "ab", "size": float("inf")}}},
        {"recipe": "int8"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_malformed_manifest_is_named(path: Path, changes: dict[str, Any]) -> None:
    edit(path, **changes)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_bundle(path)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b" " * ((16 << 20) + 1)], ids=len)
def test_a_manifest_that_is_no_json_object_is_named(path: Path, text: bytes) -> None:
    (path / MANIFEST_NAME).write_bytes(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_bundle(path)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2000), byte=st.integers(0, 255))
def test_any_changed_byte_of_the_manifest_is_read_or_refused(path: Path, place: int, byte: int) -> None:
    text = bytearray((path / MANIFEST_NAME).read_bytes())
    original = bytes(text)
    text[place % len(text)] = byte
    (path / MANIFEST_NAME).write_bytes(text)
    with suppress(BundleError):
        read_bundle(path)
    (path / MANIFEST_NAME).write_bytes(original)


@pytest.mark.parametrize("kind", ["nothing", "a file", "an empty folder"])
def test_what_is_no_bundle_is_named(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "thing"
    if kind == "a file":
        place.write_text("x")
    elif kind == "an empty folder":
        place.mkdir()
    with pytest.raises(BundleError, match="thing"):
        read_bundle(place)


def test_a_template_that_is_no_text_is_named(path: Path) -> None:
    (path / "chat_template.jinja").write_bytes(b"ab\xff")
    entry = {"sha256": hash_file(path / "chat_template.jinja"), "size": 3}
    edit(path, files=read_manifest(path)["files"] | {"chat_template.jinja": entry})
    with pytest.raises(BundleError, match=r"chat_template\.jinja is not UTF-8 text \(byte 2\)"):
        read_bundle(path).read_chat_template()


def test_a_bare_gguf_is_a_bundle(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf")
    bundle = read_bundle(file)
    manifest = bundle.manifest
    assert (bundle.directory, bundle.model_path, bundle.tokenizer_path) == (tmp_path, file, file)
    assert (manifest.format, manifest.family, manifest.vocabulary_size) == ("gguf", "llama", VOCABULARY)
    assert (manifest.context_length, manifest.bos_token_id, manifest.stop_token_ids) == (128, 257, (258, 256))
    assert bundle.read_chat_template() == CHATML


def test_a_damaged_gguf_is_refused(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(SourceError, match=r"tiny\.gguf"):
        read_bundle(file)


def test_an_existing_directory_is_not_replaced_unasked(path: Path) -> None:
    with pytest.raises(BundleError, match="--force"):
        write(path, model=b"other")
    assert (path / "model.bin").read_bytes() == b"weights"
    write(path, model=b"other", force=True)
    assert read_bundle(path).model_path.read_bytes() == b"other"
    assert leftovers(path.parent) == []


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    read_bundle(write(tmp_path / "tiny"))


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_is_no_bundle_is_never_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "precious"
    if kind == "directory":
        place.mkdir()
        (place / "thesis.txt").write_text("x")
    else:
        place.write_text("x")
    with pytest.raises(BundleError, match="not a bundle"):
        write(place, force=True)
    assert place.exists()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("reason", [RuntimeError("no"), KeyboardInterrupt(), BundleError("no")], ids=repr)
def test_an_interrupted_write_leaves_nothing(path: Path, reason: BaseException) -> None:
    def write_half() -> None:
        with write_bundle(path, replace_existing=True) as writer:
            (writer.directory / "model.bin").write_bytes(b"half")
            raise reason

    with pytest.raises(type(reason)):
        write_half()
    assert read_bundle(path).model_path.read_bytes() == b"weights"
    assert leftovers(path.parent) == []


def test_a_bundle_without_manifest_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="without a manifest"), write_bundle(tmp_path / "tiny"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write(tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_puts_the_old_bundle_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.replace

    def refuse_staging(source: Path, target: Path) -> None:
        if str(source).endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse_staging)
    with pytest.raises(StorageError):
        write(path, model=b"other", force=True)
    assert read_bundle(path).model_path.read_bytes() == b"weights"
    assert leftovers(path.parent) == []


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        write(tmp_path / "file" / "tiny")


def test_a_killed_writer_leaves_the_old_bundle_and_the_next_one_works(path: Path) -> None:
    code = (
        "import os, signal, sys; from runtimes.bundle import write_bundle\n"
        "with write_bundle(sys.argv[1], replace_existing=True) as writer:\n"
        "    (writer.directory / 'model.bin').write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read_bundle(path).model_path.read_bytes() == b"weights"
    write(path, model=b"other", force=True)
    assert read_bundle(path).model_path.read_bytes() == b"other"


def test_every_refusal_is_an_input_error_for_the_command_line() -> None:
    assert issubclass(BundleError, EdgeLLMError)
    assert BundleError.exit_code == 2
