"""`quantize` and `eval`: the JSON that scripts read, and the words that people read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtimes.bundle import read_bundle
from tests.unit.edge_llm.cli.program import Program
from tests.unit.quantize import tiny_checkpoints as tiny

TEXT = "the quick brown fox jumps over the lazy dog. " * 8


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny.write_gguf(tmp_path / "tiny.gguf")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_json_of_quantize(source: Path, tmp_path: Path, program: Program) -> None:
    shown = program("quantize", source, "-o", tmp_path / "out", "--bits", "4", "--format", "both", "--json")
    assert shown.code == 0
    assert list(shown.document) == ["bundles"]
    for bundle, form in zip(shown.document["bundles"], ("onnx", "gguf"), strict=True):
        assert list(bundle) == ["path", "format", "bytes", "bits_per_weight", "types"]
        assert (bundle["path"], bundle["format"]) == (str(tmp_path / "out" / form), form)
        assert bundle["bytes"] == sum(file.stat().st_size for file in Path(bundle["path"]).rglob("*") if file.is_file())
        assert 4 < bundle["bits_per_weight"] < 32
        assert {"Q4_0", "Q8_0"} <= set(bundle["types"])
        assert read_bundle(bundle["path"]).manifest.format == form


@pytest.mark.parametrize(("options", "kind"), [([], "Q8_0"), (["--bits", "8"], "Q8_0"), (["--bits", "32"], "F32")])
def test_bits(options: list[str], kind: str, source: Path, tmp_path: Path, program: Program) -> None:
    (bundle,) = program("quantize", source, "-o", tmp_path / "out", *options, "--json").document["bundles"]
    assert max(bundle["types"], key=bundle["types"].get) == kind
    assert bundle["path"] == str(tmp_path / "out")


def test_people_read_what_was_made(source: Path, tmp_path: Path, program: Program) -> None:
    shown = program("quantize", source, "-o", tmp_path / "out")
    assert str(tmp_path / "out") in shown.out
    assert "bits a weight" in shown.out
    assert "Q8_0" in shown.out
    assert shown.err == ""


def test_llama_cpp_chooses_the_types(source: Path, tmp_path: Path, program: Program) -> None:
    (bundle,) = program("quantize", source, "-o", tmp_path / "out", "--llama-type", "Q5_0", "--json").document["bundles"]
    assert bundle["format"] == "gguf"
    assert "Q5_0" in bundle["types"]


def test_json_of_eval(source: Path, text: Path, tmp_path: Path, own_home: Path, program: Program) -> None:
    program("quantize", source, "-o", tmp_path / "out", "--bits", "4", "--format", "both")
    for form in ("onnx", "gguf"):
        shown = program(
            "eval",
            tmp_path / "out" / form,
            "--reference",
            source,
            "--text",
            text,
            "--tokens",
            "64",
            "--context",
            "32",
            "--json",
        )
        assert shown.code == 0, shown.err
        assert list(shown.document) == [
            "perplexity",
            "reference_perplexity",
            "perplexity_ratio",
            "kld_mean",
            "kld_p99",
            "top1_agreement",
            "tokens",
        ]
        assert shown.document["tokens"] == 62
        assert 0 < shown.document["kld_mean"] < shown.document["kld_p99"]
        assert 0 <= shown.document["top1_agreement"] <= 1
    references = [path for path in own_home.glob("bundles/*") if "-32bit-" in path.name]
    assert len(references) == 1, "the reference is made once and kept"


def test_a_model_against_itself(source: Path, text: Path, tmp_path: Path, program: Program) -> None:
    program("quantize", source, "-o", tmp_path / "out", "--bits", "32")
    options = ["--text", text, "--tokens", "64", "--context", "32"]
    same = program("eval", tmp_path / "out", "--reference", tmp_path / "out", *options, "--json").document
    assert same["kld_mean"] == pytest.approx(0, abs=1e-9)
    assert (same["perplexity_ratio"], same["top1_agreement"]) == (1, 1)
    words = program("eval", tmp_path / "out", "--reference", tmp_path / "out", *options).out
    assert "top-1 agreement  100.00%" in words


def test_eval_refuses_another_model(source: Path, text: Path, fake: Path, program: Program) -> None:
    shown = program("eval", fake, "--reference", source, "--text", text, "--tokens", "64", "--context", "32", "--json")
    assert shown.code == 2
    assert json.loads(shown.out)["error"]["type"] == "BundleError"
