"""Runtimes are found by entry point, and a bundle goes to one that opens its format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtimes import RuntimeConfig, find_runtime, installed_runtimes, open_session, read_bundle
from runtimes.errors import BundleError, ConfigError, RuntimeUnavailableError
from tests.tiny import write_fake_bundle

ROOT = Path(__file__).parents[3]


def test_three_runtimes_are_registered() -> None:
    assert installed_runtimes() == ["fake", "llamacpp", "onnx"]
    assert {name: find_runtime(name).name for name in installed_runtimes()} == {name: name for name in installed_runtimes()}
    assert {name: set(find_runtime(name).formats) for name in installed_runtimes()} == {
        "fake": {"fake"},
        "llamacpp": {"gguf"},
        "onnx": {"onnx"},
    }


@pytest.mark.parametrize("module", ["fake", "llamacpp", "ort", "registry"])
def test_finding_a_runtime_loads_no_backend(module: str) -> None:
    code = f"import runtimes.{module}, sys; print(*({{'onnxruntime', 'llama_cpp'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(RuntimeUnavailableError, match="fake, llamacpp, onnx"):
        find_runtime("tensorrt")


def test_a_bundle_opens_by_its_format(tmp_path: Path) -> None:
    path = write_fake_bundle(tmp_path / "fake", context_length=32)
    for given in (path, str(path), read_bundle(path)):
        with open_session(given) as session:
            assert session.capabilities.context_length == 32
    with open_session(path, "fake", RuntimeConfig(context_length=8)) as session:
        assert session.capabilities.context_length == 8


def test_a_runtime_that_does_not_open_the_format_is_refused(tmp_path: Path) -> None:
    path = write_fake_bundle(tmp_path / "fake")
    with pytest.raises(RuntimeUnavailableError, match="onnx opens onnx"):
        open_session(path, "onnx")


def test_a_format_nobody_opens_is_refused(tmp_path: Path) -> None:
    path = write_fake_bundle(tmp_path / "fake")
    manifest = path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": "fake"', '"format": "tflite"'))
    with pytest.raises(RuntimeUnavailableError, match="tflite"):
        open_session(path)


def test_a_path_is_verified_first(tmp_path: Path) -> None:
    path = write_fake_bundle(tmp_path / "fake")
    text = bytearray((path / "fake.json").read_bytes())
    text[-2] ^= 1
    (path / "fake.json").write_bytes(text)
    with pytest.raises(BundleError, match="damaged"):
        open_session(path)


@pytest.mark.parametrize("option", ["threads", "context_length"])
@pytest.mark.parametrize("value", [0, -1])
def test_config_is_validated(option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=option):
        RuntimeConfig(**{option: value})
