"""What bad input gets: exit code 2, one message with the fact and the next step, and nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.cli.program import Outcome, Program
from tests.unit.quantize import tiny_checkpoints as tiny


def assert_refused(shown: Outcome, *words: str) -> None:
    """Exit code 2, nothing on stdout, and a message of one line that says these words."""
    assert shown.code == 2, shown.err
    assert shown.out == ""
    assert shown.err.count("Error: ") == 1
    message = shown.err[shown.err.index("Error: ") :]
    assert message.count("\n") == 1
    assert "Traceback" not in message
    for word in words:
        assert word in message


def left_over(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ---- checkpoints


def truncated_gguf(folder: Path) -> Path:
    path = tiny.write_gguf(folder / "model.gguf")
    path.write_bytes(path.read_bytes()[:-1000])
    return path


def gguf_of_absurd_count(folder: Path) -> Path:
    path = tiny.write_gguf(folder / "model.gguf")
    data = path.read_bytes()
    path.write_bytes(data[:8] + struct.pack("<Q", 1 << 62) + data[16:])
    return path


def gguf_of_unknown_architecture(folder: Path) -> Path:
    path = tiny.write_gguf(folder / "model.gguf")
    path.write_bytes(path.read_bytes().replace(b"llama", b"xlama"))
    return path


def gguf_without_vocabulary(folder: Path) -> Path:
    return tiny.write_gguf(folder / "model.gguf", vocabulary=False)


def not_a_gguf(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(b"PK\x03\x04" + bytes(1000))
    return path


def empty_gguf(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(b"")
    return path


def truncated_safetensors(folder: Path) -> Path:
    path = tiny.write_hf(folder / "hf")
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return path


def lying_safetensors(folder: Path) -> Path:
    path = tiny.write_hf(folder / "hf")
    (path / "model.safetensors").write_bytes(
        tiny.with_header({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]}}, bytes(8))
    )
    return path


def safetensors_of_absurd_header(folder: Path) -> Path:
    path = tiny.write_hf(folder / "hf")
    (path / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    return path


def hf_of_unknown_architecture(folder: Path) -> Path:
    path = tiny.write_hf(folder / "hf")
    (path / "config.json").write_text(json.dumps({**tiny.CONFIG, "model_type": "mamba"}), encoding="utf-8")
    return path


def hf_without_tokenizer(folder: Path) -> Path:
    return tiny.write_hf(folder / "hf", tokenizer=False)


CHECKPOINTS: list[tuple[Callable[[Path], Path], tuple[str, ...]]] = [
    (truncated_gguf, ("model.gguf",)),
    (gguf_of_absurd_count, ("model.gguf",)),
    (gguf_of_unknown_architecture, ("model.gguf", "xlama")),
    (gguf_without_vocabulary, ("model.gguf",)),
    (not_a_gguf, ("model.gguf",)),
    (empty_gguf, ("model.gguf",)),
    (truncated_safetensors, ("model.safetensors",)),
    (lying_safetensors, ("model.safetensors",)),
    (safetensors_of_absurd_header, ("model.safetensors",)),
    (hf_of_unknown_architecture, ("mamba", "llama")),
    (hf_without_tokenizer, ("tokenizer",)),
]


@pytest.mark.parametrize(("make", "words"), CHECKPOINTS, ids=[make.__name__ for make, _ in CHECKPOINTS])
@pytest.mark.parametrize("container", ["onnx", "both"])
def test_quantize_refuses(
    make: Callable[[Path], Path], words: tuple[str, ...], container: str, tmp_path: Path, program: Program
) -> None:
    source = make(tmp_path)
    place = tmp_path / "place"
    place.mkdir()
    assert_refused(program("quantize", source, "-o", place / "out", "--format", container), *words)
    assert left_over(place) == []


@pytest.mark.parametrize(("make", "words"), CHECKPOINTS, ids=[make.__name__ for make, _ in CHECKPOINTS])
@pytest.mark.parametrize("runtime", ["onnx", "llamacpp"])
def test_run_refuses(
    make: Callable[[Path], Path], words: tuple[str, ...], runtime: str, tmp_path: Path, own_home: Path, program: Program
) -> None:
    shown = program("run", make(tmp_path), "hello", "--runtime", runtime)
    assert_refused(shown, *words)
    assert [path for path in own_home.glob("bundles/*") if path.is_dir()] == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("container", ["onnx", "both"])
def test_weights_that_are_no_numbers(value: float, container: str, tmp_path: Path, program: Program) -> None:
    weights = tiny.random_weights()
    weights["model.layers.0.mlp.up_proj.weight"][3, 5] = value
    place = tmp_path / "place"
    place.mkdir()
    source = tiny.write_gguf(tmp_path / "model.gguf", weights=weights)
    shown = program("quantize", source, "-o", place / "out", "--format", container)
    assert_refused(shown, "model.gguf", "blk.0.ffn_up.weight", "NaN or infinite")
    assert left_over(place) == []


@pytest.mark.parametrize("make", [truncated_gguf, hf_without_tokenizer])
def test_errors_are_json_where_that_is_wanted(make: Callable[[Path], Path], tmp_path: Path, program: Program) -> None:
    shown = program("quantize", make(tmp_path), "-o", tmp_path / "out", "--json")
    assert shown.code == 2
    assert set(shown.document) == {"error"}
    assert set(shown.document["error"]) == {"type", "message"}
    assert shown.document["error"]["type"] in {"SourceError", "TokenizerError"}


# ---- outputs


def test_output_equal_to_input(tmp_path: Path, program: Program) -> None:
    source = tiny.write_hf(tmp_path / "hf")
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    assert_refused(program("quantize", source, "-o", source, "--force"), "source")
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_output_that_is_there_already(tmp_path: Path, program: Program) -> None:
    source = tiny.write_hf(tmp_path / "hf")
    assert program("quantize", source, "-o", tmp_path / "out").code == 0
    assert_refused(program("quantize", source, "-o", tmp_path / "out"), "already exists", "--force")
    assert program("quantize", source, "-o", tmp_path / "out", "--force").code == 0


def test_no_disk_space(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tiny.write_hf(tmp_path / "hf")
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    place = tmp_path / "place"
    assert_refused(program("quantize", source, "-o", place / "out"), "space")
    assert not place.exists() or left_over(place) == []


def test_a_disk_that_fills_up_meanwhile(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantize.write_onnx import OnnxWriter

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OnnxWriter, "finish", fail)
    source = tiny.write_hf(tmp_path / "hf")
    place = tmp_path / "place"
    assert_refused(program("quantize", source, "-o", place / "out"), "No space left on device")
    assert left_over(place) == []


def test_options_that_contradict_each_other(tmp_path: Path, program: Program) -> None:
    source = tiny.write_hf(tmp_path / "hf")
    assert_refused(program("quantize", source, "-o", tmp_path / "out", "--llama-type", "Q4_K_M", "--bits", "4"), "--llama-type")
    assert_refused(program("quantize", source, "-o", tmp_path / "out", "--llama-type", "Q9_9"), "Q9_9")


# ---- bundles


def edit_manifest(bundle: Path, **changes: object) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize("file", ["fake.json", "tokenizer.json", "chat_template.jinja"])
def test_a_bundle_with_one_byte_changed(file: str, fake: Path, program: Program) -> None:
    data = bytearray((fake / file).read_bytes())
    data[len(data) // 2] ^= 1
    (fake / file).write_bytes(data)
    assert_refused(program("run", fake, "hello"), file, "damaged")


def test_a_manifest_that_points_outside(fake: Path, tmp_path: Path, program: Program) -> None:
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    name = "../secret.json"
    edit_manifest(fake, model=name, files={name: {"sha256": "0" * 64, "size": 2}})
    assert_refused(program("run", fake, "hello"), "manifest.json")


def test_a_newer_schema_version(fake: Path, program: Program) -> None:
    edit_manifest(fake, schema_version=99)
    assert_refused(program("chat", fake), "99", "Update edge-llm")


def test_a_runtime_that_does_not_open_the_bundle(fake: Path, program: Program) -> None:
    assert_refused(program("run", fake, "hello", "--runtime", "onnx"), "fake", "--runtime")
    assert_refused(program("run", fake, "hello", "--runtime", "cuda"), "cuda", "onnx")


# ---- names and networks


def test_an_unknown_name(program: Program) -> None:
    for arguments in (["run", "smollm2-135", "hi"], ["pull", "smollm2-135"], ["quantize", "smollm2-135", "-o", "x"]):
        assert_refused(program(*arguments), "smollm2-135m-instruct")


def test_a_path_that_is_not_there(tmp_path: Path, program: Program) -> None:
    missing = tmp_path / "missing.gguf"
    for arguments in (["run", missing, "hi"], ["quantize", missing, "-o", tmp_path / "x"], ["bench", missing]):
        assert_refused(program(*arguments), "missing.gguf")


def test_no_network(program: Program, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for arguments in (["pull", "smollm2-135m-instruct"], ["run", "smollm2-135m-instruct", "hi"], ["chat"]):
        assert_refused(program(*arguments), "127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert_refused(program("pull", "hf:owner/repo"), "127.0.0.1:9")
    assert not (own_home / "models").exists() or left_over(own_home / "models") == []


# ---- prompts


def test_a_prompt_longer_than_the_context(fake: Path, program: Program) -> None:
    shown = program("run", fake, "x" * 600, "--raw")
    assert_refused(shown, "600", "512")


@pytest.mark.parametrize("prompt", ["", "  \n "])
def test_an_empty_prompt(prompt: str, fake: Path, program: Program) -> None:
    assert_refused(program("run", fake, prompt), "empty")


def test_a_prompt_that_is_not_utf8(fake: Path, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_refused(program("run", fake, b"caf\xe9".decode("utf-8", "surrogateescape")), "UTF-8", "byte 3")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    assert_refused(program("run", fake, "-"), "UTF-8", "byte 3")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n")))
    assert_refused(program("chat", fake), "UTF-8", "byte 3")
    text = tmp_path / "text.txt"
    text.write_bytes(b"caf\xe9")
    assert_refused(program("eval", fake, "--reference", fake, "--text", text), "text.txt", "UTF-8")


def test_a_text_that_is_not_there(fake: Path, tmp_path: Path, program: Program) -> None:
    assert_refused(program("eval", fake, "--reference", fake, "--text", tmp_path / "none.txt"), "none.txt")


def test_a_template_that_loops_forever(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tiny.CHATML", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    assert_refused(program("run", write_fake_bundle(tmp_path / "loop"), "hello"), "template")


@pytest.mark.parametrize(
    "options",
    [["--temperature", "-1"], ["--top-p", "1.5"], ["--repetition-penalty", "0"], ["--seed", "-1"], ["--context", "9999"]],
)
def test_an_option_out_of_range(options: list[str], fake: Path, program: Program) -> None:
    assert_refused(program("run", fake, "hello", *options))
