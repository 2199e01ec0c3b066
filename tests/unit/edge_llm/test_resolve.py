"""From what someone typed to a bundle: paths, names, and conversions that are made once and kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_llm import resolve as resolve_module
from edge_llm.catalog import DEFAULT_MODEL
from edge_llm.home import Home
from edge_llm.installed import Pulled, install
from edge_llm.progress import Progress
from edge_llm.resolve import resolve
from runtimes.bundle import MANIFEST_NAME, read_bundle
from runtimes.errors import (
    BundleError,
    RuntimeUnavailableError,
    SourceError,
    UnknownModelError,
    UnsupportedModelError,
)
from tests.local_server import forbid_sockets
from tests.tiny import byte_tokenizer, write_fake_bundle
from tests.unit.quantize.tiny_checkpoints import CONFIG, random_weights, write_gguf, write_hf


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf")


@pytest.fixture
def no_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_module, "find_spec", lambda name: None)


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_sockets(monkeypatch)


def put(home: Home, name: str, source: Path) -> Path:
    """What a pull of `source` under `name` leaves."""

    def fetch(work: Path, ready: Path) -> Pulled:
        if source.is_dir():
            shutil.copytree(source, ready, dirs_exist_ok=True)
            return Pulled("safetensors", ".", "mit", {})
        shutil.copy(source, ready)
        return Pulled("gguf", source.name, "mit", {})

    return install(name, home=home, progress=None, fetch=fetch).path


def kept(home: Home) -> list[Path]:
    return sorted(path for path in home.bundles.iterdir() if path.is_dir())


def test_a_bundle_is_taken_as_it_is(tmp_path: Path, home: Home) -> None:
    path = write_fake_bundle(tmp_path / "bundle")
    assert resolve(path, home=home).path == path
    assert resolve(str(path), runtime="onnx", home=home).path == path
    assert not home.path.exists()


def test_a_bundle_with_a_changed_byte_is_refused(tmp_path: Path, home: Home) -> None:
    path = write_fake_bundle(tmp_path / "bundle")
    tokenizer = path / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes()[:-1] + b" ")
    with pytest.raises(BundleError, match="damaged"):
        resolve(path, home=home)


def test_a_gguf_file_is_opened_as_it_is_by_what_opens_gguf(gguf: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(gguf, runtime="llamacpp", home=home).path == gguf
    monkeypatch.setattr(resolve_module, "find_spec", lambda name: object())
    assert resolve(gguf, home=home).path == gguf
    assert not home.path.exists()


def test_a_gguf_file_is_converted_once_for_onnx(gguf: Path, home: Home) -> None:
    events: list[Progress] = []
    bundle = resolve(gguf, runtime="onnx", home=home, progress=events.append)
    assert bundle.manifest.format == "onnx"
    assert bundle.path.parent == home.bundles
    assert {event.stage for event in events} == {"convert"}
    assert events[-1].done == events[-1].total > 0
    made = (bundle.path / MANIFEST_NAME).stat().st_mtime_ns
    events.clear()
    again = resolve(gguf, runtime="onnx", home=home, progress=events.append)
    assert (again.path, again.manifest) == (bundle.path, bundle.manifest)
    assert (again.path / MANIFEST_NAME).stat().st_mtime_ns == made
    assert events == []


@pytest.mark.usefixtures("no_llama")
def test_without_llama_cpp_a_gguf_file_is_converted(gguf: Path, home: Home) -> None:
    assert resolve(gguf, home=home).manifest.format == "onnx"


def test_a_hugging_face_directory_is_converted_for_either_runtime(tmp_path: Path, home: Home) -> None:
    source = write_hf(tmp_path / "checkpoint")
    tokenizer = json.loads(byte_tokenizer().to_str())
    tokenizer["pre_tokenizer"]["use_regex"] = True  # the words of GPT-2, which llama.cpp knows
    tokenizer["model"]["vocab"]["ab"] = 259
    tokenizer["model"]["merges"] = [["a", "b"]]
    (source / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert resolve(source, home=home).manifest.format == "onnx"
    assert resolve(source, runtime="llamacpp", home=home).manifest.format == "gguf"
    assert len(kept(home)) == 2
    assert resolve(source, runtime="llamacpp", home=home).manifest.format == "gguf"
    assert len(kept(home)) == 2


def test_the_same_model_elsewhere_is_not_converted_again(gguf: Path, home: Home, tmp_path: Path) -> None:
    first = resolve(gguf, runtime="onnx", home=home)
    moved = tmp_path / "elsewhere" / "another-name.gguf"
    moved.parent.mkdir()
    gguf.rename(moved)
    assert resolve(moved, runtime="onnx", home=home).path == first.path


def test_a_changed_model_is_converted_anew(gguf: Path, home: Home) -> None:
    first = resolve(gguf, runtime="onnx", home=home)
    write_gguf(gguf, weights=random_weights(CONFIG, seed=1))
    second = resolve(gguf, runtime="onnx", home=home)
    assert second.path != first.path
    assert second.manifest.source != first.manifest.source


@pytest.mark.parametrize("damage", ["byte", "manifest"])
def test_what_was_kept_and_damaged_is_made_again(gguf: Path, home: Home, damage: str) -> None:
    bundle = resolve(gguf, runtime="onnx", home=home)
    if damage == "byte":
        body = bytearray(bundle.model_path.read_bytes())
        body[100] ^= 1
        bundle.model_path.write_bytes(body)
    else:
        (bundle.path / MANIFEST_NAME).unlink()
    again = resolve(gguf, runtime="onnx", home=home)
    assert again.manifest.files["model.onnx.data"] == bundle.manifest.files["model.onnx.data"]
    assert read_bundle(again.path) == again
    assert kept(home) == [bundle.path]


def test_a_conversion_that_was_interrupted_is_made_again(gguf: Path, home: Home) -> None:
    def stop(event: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve(gguf, runtime="onnx", home=home, progress=stop)
    assert [path for path in kept(home) if not path.name.startswith(".")] == []
    assert resolve(gguf, runtime="onnx", home=home).manifest.format == "onnx"


def test_a_writer_of_another_version_converts_anew(gguf: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve(gguf, runtime="onnx", home=home)
    monkeypatch.setattr("quantize.recipe.WRITER_VERSION", 999)
    assert resolve(gguf, runtime="onnx", home=home).path != first.path


@pytest.mark.usefixtures("no_socket")
def test_a_name_that_is_here_needs_no_network(gguf: Path, home: Home) -> None:
    path = put(home, DEFAULT_MODEL, gguf)
    assert resolve(DEFAULT_MODEL, home=home).manifest.format == "onnx"
    assert resolve(DEFAULT_MODEL, runtime="onnx", home=home).manifest.format == "onnx"
    assert resolve(DEFAULT_MODEL, runtime="llamacpp", home=home).path == path


@pytest.mark.usefixtures("no_socket")
def test_a_directory_from_the_hub(tmp_path: Path, home: Home) -> None:
    put(home, "hf:owner/repo", write_hf(tmp_path / "checkpoint"))
    bundle = resolve("hf:owner/repo", home=home)
    assert (bundle.manifest.format, bundle.manifest.name) == ("onnx", "hf:owner/repo")


def test_a_pulled_model_that_was_changed_is_not_converted(gguf: Path, home: Home) -> None:
    path = put(home, DEFAULT_MODEL, gguf)
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    with pytest.raises(BundleError, match="not the file that was pulled"):
        resolve(DEFAULT_MODEL, home=home)
    assert kept(home) == []


def test_a_folder_of_the_models_name_does_not_hide_it(
    gguf: Path, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, DEFAULT_MODEL, gguf)
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT_MODEL).mkdir()
    assert resolve(DEFAULT_MODEL, home=home).path.is_relative_to(home.path)
    shutil.rmtree(tmp_path / DEFAULT_MODEL)
    write_fake_bundle(tmp_path / DEFAULT_MODEL)
    assert resolve(DEFAULT_MODEL, home=home).manifest.format == "fake"


def test_a_folder_of_twins_names_them(tmp_path: Path, home: Home) -> None:
    write_fake_bundle(tmp_path / "out" / "onnx")
    with pytest.raises(BundleError, match=r"It holds bundles: give .*onnx"):
        resolve(tmp_path / "out", home=home)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="edge-llm quantize"):
        resolve(tmp_path / "empty", home=home)


@pytest.mark.parametrize("typed", ["./gone", "/gone/model", "gone.gguf", "~/gone-from-here", "~no-such-user", "../gone.gguf"])
def test_a_path_that_is_not_there(home: Home, typed: str) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        resolve(typed, home=home)
    with pytest.raises(SourceError, match="does not exist"):
        resolve(Path("gone"), home=home)


@pytest.mark.parametrize("typed", ["smollm2", "", "a/b", "x" * 4000, "hf:", "a\0b"])
@pytest.mark.usefixtures("no_socket")
def test_a_name_that_is_none(home: Home, typed: str) -> None:
    with pytest.raises(UnknownModelError):
        resolve(typed, home=home)


def test_other_files_and_models_are_refused_by_name(tmp_path: Path, home: Home) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(SourceError, match=r"notes\.txt"):
        resolve(text, home=home)
    strange = write_hf(tmp_path / "strange")
    (strange / "config.json").write_text('{"model_type": "mamba"}')
    with pytest.raises(UnsupportedModelError, match="mamba"):
        resolve(strange, home=home)
    torn = write_gguf(tmp_path / "torn.gguf")
    os.truncate(torn, torn.stat().st_size // 2)
    for runtime in ("onnx", "llamacpp"):
        with pytest.raises(SourceError, match=r"torn\.gguf"):
            resolve(torn, runtime=runtime, home=home)


def test_a_runtime_that_cannot_be_given_it(gguf: Path, home: Home) -> None:
    with pytest.raises(RuntimeUnavailableError, match="fake"):
        resolve(gguf, runtime="fake", home=home)
    with pytest.raises(RuntimeUnavailableError, match="No runtime is called"):
        resolve(gguf, runtime="abacus", home=home)


def test_two_processes_convert_once(gguf: Path, home: Home) -> None:
    code = (
        "import sys\nfrom edge_llm.home import Home\nfrom edge_llm.resolve import resolve\nevents = []\n"
        f"resolve({str(gguf)!r}, runtime='onnx', home=Home({str(home.path)!r}), progress=events.append)\n"
        "print(sum(event.stage == 'convert' for event in events) > 0)"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert said == ["False", "True"]
    assert len(kept(home)) == 1
