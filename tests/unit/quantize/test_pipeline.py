"""Conversions: bundles appear whole or not at all, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.families import find_family
from quantize.pipeline import BundleSummary, Progress, quantize
from quantize.recipe import RECIPES, recipe_for
from quantize.source import open_source
from runtimes.bundle import hash_file, read_bundle
from runtimes.errors import (
    BundleError,
    ConfigError,
    EdgeLLMError,
    RuntimeUnavailableError,
    SourceError,
    StorageError,
    TokenizerError,
)
from tests.tiny import CHATML
from tests.unit.quantize.tiny_checkpoints import CONFIG, random_weights, write_gguf, write_hf

ROOT = Path(__file__).parents[3]
BOTH = ("onnx", "gguf")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf")


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_one_format_is_the_bundle_itself(tmp_path: Path, checkpoint: Path) -> None:
    (summary,) = quantize(checkpoint, tmp_path / "out", recipe=recipe_for(8))
    assert (summary.path, summary.format) == (tmp_path / "out", "onnx")
    assert files_of(tmp_path / "out") == {
        "model.onnx",
        "model.onnx.data",
        "genai_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "report.json",
        "report.md",
        "manifest.json",
    }
    assert summary.bytes == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())


def test_both_formats_are_two_bundles(tmp_path: Path, checkpoint: Path) -> None:
    onnx, gguf = quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=BOTH)
    assert (onnx.path, gguf.path) == (tmp_path / "out" / "onnx", tmp_path / "out" / "gguf")
    assert files_of(gguf.path) == {"model.gguf", "report.json", "report.md", "manifest.json"}
    matrices = sum(value.size for name, value in random_weights().items() if value.ndim == 2 and "embed" not in name)
    assert onnx.types == gguf.types == {"Q4_0": matrices, "Q8_0": 260 * 64, "F32": 5 * 64}
    assert onnx.bits_per_weight > gguf.bits_per_weight > 4.5


@pytest.mark.parametrize("name", BOTH)
def test_manifest_says_what_is_inside(tmp_path: Path, checkpoint: Path, name: Any) -> None:
    quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=(name,))
    bundle = read_bundle(tmp_path / "out")
    manifest = bundle.manifest
    assert (manifest.name, manifest.format, manifest.family, manifest.licence) == ("tiny", name, "llama", "mit")
    assert (manifest.context_length, manifest.vocabulary_size) == (128, 260)
    assert (manifest.bos_token_id, manifest.stop_token_ids) == (257, (258, 256))
    assert manifest.source == {"name": "tiny", "format": "gguf", "sha256": hash_file(checkpoint)}
    assert (manifest.recipe["name"], manifest.recipe["types"]["ffn"], manifest.recipe["block"]) == ("4", "Q4_0", 32)
    assert bundle.read_chat_template() == CHATML
    assert bundle.tokenizer_path is not None
    assert bundle.tokenizer_path.is_file()


def test_same_input_gives_the_same_bytes(tmp_path: Path, checkpoint: Path) -> None:
    for name in ("one", "two"):
        quantize(checkpoint, tmp_path / name, recipe=recipe_for(4), formats=BOTH)
    for file in ("onnx/model.onnx", "onnx/model.onnx.data", "onnx/tokenizer.json", "gguf/model.gguf"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_gguf_bundle_is_a_source(tmp_path: Path, checkpoint: Path) -> None:
    quantize(checkpoint, tmp_path / "first", recipe=recipe_for(8), formats=("gguf",))
    quantize(tmp_path / "first", tmp_path / "second", recipe=recipe_for(8), formats=("gguf",))
    with open_source(tmp_path / "first") as first, open_source(tmp_path / "second") as second:
        for spec in first.family.tensors(first.architecture):
            np.testing.assert_array_equal(first.tensor(spec), second.tensor(spec))
    assert json.loads((tmp_path / "second" / "report.json").read_text())["source"]["dequantized"] is True


def test_progress_counts_weights_up_to_all_of_them(tmp_path: Path, checkpoint: Path) -> None:
    seen: list[Progress] = []
    quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=BOTH, progress=seen.append)
    done = [item.done for item in seen]
    assert done == sorted(done)
    total = sum(value.size for value in random_weights().values())
    assert {item.total for item in seen} == {total} == {done[-1]}
    assert [item.stage for item in seen][-2:] == ["publishing", "publishing"]


class StopHereError(Exception):
    """Not one of ours."""


@pytest.mark.parametrize("reason", [StopHereError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("formats", [("onnx",), BOTH])
def test_whatever_ends_it_leaves_nothing(tmp_path: Path, checkpoint: Path, reason: type[BaseException], formats: Any) -> None:
    def stop(item: Progress) -> None:
        if item.done > item.total // 2:
            raise reason

    with pytest.raises(reason):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=formats, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


def test_existing_output_is_kept_without_force(tmp_path: Path, checkpoint: Path) -> None:
    quantize(checkpoint, tmp_path / "out", recipe=recipe_for(8))
    before = hash_file(tmp_path / "out" / "manifest.json")
    with pytest.raises(BundleError, match="already exists"):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4))
    assert hash_file(tmp_path / "out" / "manifest.json") == before
    quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), force=True)
    assert read_bundle(tmp_path / "out").manifest.recipe["name"] == "4"


def test_failed_replacement_keeps_the_old_bundle(tmp_path: Path, checkpoint: Path) -> None:
    quantize(checkpoint, tmp_path / "out", recipe=recipe_for(8), formats=BOTH)

    def stop(item: Progress) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=BOTH, force=True, progress=stop)
    for name in BOTH:
        assert read_bundle(tmp_path / "out" / name).manifest.recipe["name"] == "8"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gguf", "onnx"]


def test_force_never_replaces_what_is_not_a_bundle(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="not a bundle"):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), force=True)
    assert files_of(tmp_path / "out") == {"thesis.txt"}


def test_output_equal_to_the_source_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    folder = write_hf(tmp_path / "hf")
    quantize(checkpoint, tmp_path / "made" / "gguf", recipe=recipe_for(8), formats=("gguf",))
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "made" / "gguf")
    cases: list[tuple[Path, Path, Any]] = [
        (checkpoint, checkpoint, ("gguf",)),
        (folder, folder, ("onnx",)),
        (folder, tmp_path / "made" / ".." / "hf", ("onnx",)),
        (folder, folder, BOTH),
        (tmp_path / "made" / "gguf", tmp_path / "made" / "gguf", ("gguf",)),
        (tmp_path / "made" / "gguf", tmp_path / "made", BOTH),
        (linked, tmp_path / "made" / "gguf", ("onnx",)),
    ]
    before = {path: hash_file(path) for path in tmp_path.rglob("*") if path.is_file()}
    for source, out, formats in cases:
        with pytest.raises(ConfigError, match="would overwrite its own source"):
            quantize(source, out, recipe=recipe_for(8), formats=formats, force=True)
    assert {path: hash_file(path) for path in tmp_path.rglob("*") if path.is_file()} == before


def test_impossible_outputs_are_named(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="file is a file"):
        quantize(checkpoint, tmp_path / "file", recipe=recipe_for(8))
    with pytest.raises(StorageError, match=r"Cannot write the bundle .*file/out"):
        quantize(checkpoint, tmp_path / "file" / "out", recipe=recipe_for(8))
    with pytest.raises(StorageError, match=r"Cannot write .*File name too long"):
        quantize(checkpoint, tmp_path / ("long" * 100), recipe=recipe_for(8))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(EdgeLLMError, match="loop"):
        quantize(checkpoint, tmp_path / "loop", recipe=recipe_for(8))
    quantize(checkpoint, tmp_path / "bundle", recipe=recipe_for(8))
    with pytest.raises(BundleError, match="is a bundle itself"):
        quantize(checkpoint, tmp_path / "bundle", recipe=recipe_for(8), formats=BOTH)


@pytest.mark.parametrize("formats", [(), ("onnx", "onnx"), ("tflite",)])
def test_impossible_formats_are_named(tmp_path: Path, checkpoint: Path, formats: Any) -> None:
    with pytest.raises(ConfigError, match="choose one or more of onnx, gguf"):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(8), formats=formats)


def _drop_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _poison(folder: Path) -> None:
    weights = random_weights()
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = np.nan
    write_hf(folder, weights=weights)


def _cut(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 1000)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_drop_tokenizer, TokenizerError, "tokenizer"),
        (_poison, SourceError, "model.layers.1.mlp.up_proj.weight.*NaN or infinite"),
        (_cut, SourceError, "model.safetensors"),
    ],
)
def test_bad_checkpoint_leaves_nothing(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[EdgeLLMError], message: str
) -> None:
    folder = write_hf(tmp_path / "hf")
    spoil(folder)
    with pytest.raises(error, match=message):
        quantize(folder, tmp_path / "out", recipe=recipe_for(4))
    assert [path.name for path in tmp_path.iterdir()] == ["hf"]


def test_too_little_space_is_said_with_numbers_before_anything_is_written(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr("quantize.staging.shutil.disk_usage", lambda place: usage)
    with pytest.raises(StorageError, match=r"needs about \d+ MB and 5 MB are free"):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4))
    assert not (tmp_path / "out").exists()


FULL_DISK = """
import resource, sys
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.errors import StorageError
source, out, formats, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    quantize(source, out, recipe=recipe_for(32), formats=tuple(formats.split(",")))
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("formats", ["onnx", "gguf", "onnx,gguf"])
@pytest.mark.parametrize("limit", [2_000, 50_000])  # in the header or graph, and in the weights
def test_full_disk_is_a_storage_error_and_leaves_nothing(tmp_path: Path, checkpoint: Path, formats: str, limit: int) -> None:
    run = run_python(FULL_DISK, checkpoint, tmp_path / "out", formats, limit)
    said, complaint = run.communicate(timeout=60)
    assert (run.returncode, complaint) == (0, "")
    assert "Cannot write the bundle" in said
    assert "File too large" in said
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


HALF_WAY = """
import sys, time
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
def wait(item):
    if item.done > item.total // 2:
        print("half", flush=True)
        time.sleep(60)
quantize(sys.argv[1], sys.argv[2], recipe=recipe_for(4), formats=tuple(sys.argv[3].split(",")), progress=wait, force=True)
"""


@pytest.mark.parametrize("formats", ["onnx", "onnx,gguf"])
@pytest.mark.parametrize("replacing", [False, True])
def test_killed_half_way_the_next_run_starts_clean(tmp_path: Path, checkpoint: Path, formats: str, replacing: bool) -> None:
    wanted: Any = tuple(formats.split(","))
    targets = [tmp_path / "out" / name for name in wanted] if len(wanted) > 1 else [tmp_path / "out"]
    if replacing:
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(8), formats=wanted)
    run = run_python(HALF_WAY, checkpoint, tmp_path / "out", formats)
    assert run.stdout is not None
    assert run.stdout.readline() == "half\n"
    with pytest.raises(StorageError, match="Another run is writing"):
        quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=wanted, force=True)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=30)
    assert list(targets[0].parent.glob(".*.partial")), "a killed process cleans nothing up"
    for target in targets:
        assert (target / "manifest.json").exists() == replacing

    made = quantize(checkpoint, tmp_path / "out", recipe=recipe_for(4), formats=wanted, force=replacing)
    assert [summary.path for summary in made] == targets
    for target in targets:
        assert read_bundle(target).manifest.recipe["name"] == "4"
    assert not list(tmp_path.rglob(".*"))


def test_interrupted_from_the_keyboard_it_leaves_nothing(tmp_path: Path, checkpoint: Path) -> None:
    run = run_python(HALF_WAY, checkpoint, tmp_path / "out", "onnx,gguf")
    assert run.stdout is not None
    assert run.stdout.readline() == "half\n"
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


class TestLlamaType:
    """llama.cpp's own quantizer behind the same door."""

    def test_types_are_those_llama_cpp_chose(self, tmp_path: Path, checkpoint: Path) -> None:
        summary = self.convert(checkpoint, tmp_path / "out")
        assert set(summary.types) >= {"Q5_0", "F32"}
        assert files_of(tmp_path / "out") == {"model.gguf", "report.json", "report.md", "manifest.json"}
        manifest = read_bundle(tmp_path / "out").manifest
        assert (manifest.recipe["name"], manifest.recipe["method"]) == ("Q5_0", "llama.cpp")
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert 0 < report["types"]["Q5_0"]["mean_error"] < 0.01
        with open_source(tmp_path / "out") as result:
            assert result.stored_types == summary.types

    def test_needs_gguf_and_32_bits(self, tmp_path: Path, checkpoint: Path) -> None:
        with pytest.raises(ConfigError, match="writes GGUF only"):
            quantize(checkpoint, tmp_path / "out", recipe=RECIPES[32], formats=BOTH, llama_type="Q4_K_M")
        with pytest.raises(ConfigError, match="starts from 32 bits"):
            quantize(checkpoint, tmp_path / "out", recipe=RECIPES[8], formats=("gguf",), llama_type="Q4_K_M")
        with pytest.raises(ConfigError, match="no type 'Q4_K_XXL'"):
            quantize(checkpoint, tmp_path / "out", recipe=RECIPES[32], formats=("gguf",), llama_type="Q4_K_XXL")

    def test_needs_llama_cpp(self, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("quantize.llama_quantizer.find_spec", lambda name: None)
        with pytest.raises(RuntimeUnavailableError, match=r"pip install \"edge-llm\[llamacpp\]\""):
            self.convert(checkpoint, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    @staticmethod
    def convert(checkpoint: Path, out: Path) -> BundleSummary:
        (summary,) = quantize(checkpoint, out, recipe=RECIPES[32], formats=("gguf",), llama_type="Q5_0")
        return summary


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_every_family_converts(tmp_path: Path, family: str) -> None:
    config = {**CONFIG, "model_type": family, "head_dim": 16}
    folder = write_hf(tmp_path / "hf", config=config)
    (summary,) = quantize(folder, tmp_path / "out", recipe=recipe_for(4))
    tensors = find_family(family).tensors(find_family(family).from_config(config))
    report = json.loads((summary.path / "report.json").read_text())
    assert [item["name"] for item in report["tensors"]] == [spec.name for spec in tensors]
