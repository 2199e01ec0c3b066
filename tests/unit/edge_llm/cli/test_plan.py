"""`plan`: descriptions in, words or JSON out, and one message for what cannot be planned."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from quantize.targets import find_target
from tests.unit.edge_llm.cli.program import Program
from tests.unit.edge_llm.cli.test_bad_input import assert_refused
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_gguf, write_hf

PHONE = ["--target", "snapdragon-8-gen3"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("plan opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)


def test_people_read_a_verdict_and_a_table(program: Program) -> None:
    shown = program("plan", "10b", *PHONE)
    assert shown.code == 0
    assert shown.out.startswith(
        "A dense model of 10 billion parameters (4 bits, GGUF) does not fit on Snapdragon 8 Gen 3 (12 GB)"
    )
    assert "memory at 4096" in shown.out
    assert "32 bits, GGUF" in shown.out
    assert "recommended" not in shown.out
    shown = program("plan", "llama-3.2-1b", *PHONE, "--context", "1000", "--bits", "4")
    assert "4 bits, ONNX *" in shown.out
    assert "memory at 1000" in shown.out
    assert "8 bits" not in shown.out


def test_the_documented_verdict_is_what_is_printed(program: Program) -> None:
    text = (Path(__file__).parents[4] / "docs" / "planning.md").read_text(encoding="utf-8")
    shown = text.split("```")[1].strip()
    command, _, verdict = shown.partition("\n")
    assert program(*command.removeprefix("$ edge-llm ").split()).out.split("\n")[0] == " ".join(verdict.split())


def test_json(program: Program) -> None:
    document = program("plan", "llama-3.2-1b", *PHONE, "--bits", "4", "--bits", "8", "--json").document
    assert list(document) == ["model", "target", "context", "outcome", "verdict", "recommended", "options", "largest_models"]
    assert document["model"]["parameters"] == 1_235_814_400
    assert document["outcome"] == "fits"
    assert document["recommended"] == {"recipe": "8", "format": "onnx", "context": 4096}
    assert [(option["recipe"], option["format"]) for option in document["options"]] == [
        ("4", "onnx"),
        ("4", "gguf"),
        ("8", "onnx"),
        ("8", "gguf"),
    ]
    for option in document["options"]:
        parts = option["memory"]
        assert parts["total_bytes"] == parts["weights_bytes"] + parts["kv_bytes"] + parts["working_bytes"]
    for figure in document["target"]["figures"].values():
        assert figure["value"] > 0
        assert figure["source"]
    assert document["target"]["limits"][0]["version"] == "1.23"
    assert {(largest["recipe"], largest["format"]) for largest in document["largest_models"]} == {
        *(("4", "onnx"), ("4", "gguf"), ("8", "onnx"), ("8", "gguf")),
    }
    assert program("plan", "70b", *PHONE, "--json").document["recommended"] is None


def test_every_description_is_taken(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hf = write_hf(tmp_path / "hf")
    gguf = write_gguf(tmp_path / "model.gguf")
    assert program("quantize", gguf, "-o", tmp_path / "out", "--format", "both").code == 0
    expected = program("plan", hf, *PHONE, "--json").document["model"]["parameters"]
    for description in (hf / "config.json", gguf, tmp_path / "out" / "onnx", tmp_path / "out" / "gguf"):
        assert program("plan", description, *PHONE, "--json").document["model"]["parameters"] == expected

    monkeypatch.setattr("edge_llm.catalog.find_installed", lambda _name, _home: SimpleNamespace(path=gguf))
    assert program("plan", "smollm2-135m-instruct", *PHONE, "--json").document["model"]["parameters"] == expected


def test_a_model_of_the_catalog_that_was_not_pulled(program: Program) -> None:
    assert program("plan", "smollm2-135m-instruct", *PHONE, "--json").document["model"]["parameters"] == 134_515_008


def test_another_amount_of_memory(program: Program) -> None:
    assert program("plan", "10b", *PHONE, "--memory", "24", "--json").document["outcome"] == "fits"


def test_this_machine_is_measured(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    def measure(shape: object, bits: Sequence[int], facts: SimpleNamespace, **_options: object) -> object:
        asked.append(tuple(bits))
        assert facts.usable_bytes <= facts.memory_bytes
        return replace(find_target("apple-m3"), name="this", measured=True)

    monkeypatch.setattr("quantize.this_machine.measure", measure)
    shown = program("plan", "llama-3.2-1b", "--bits", "8")
    assert "fits on this machine" in shown.out
    row = next(line for line in shown.out.splitlines() if line.startswith("8 bits, GGUF"))
    assert row.split()[-4:-1] == ["-", "-", "-"], "llama.cpp is not measured"
    assert program("plan", "llama-3.2-1b", "--target", "this", "--json").document["target"]["measured"]
    assert asked == [(8,), (4, 8, 32)]


def test_what_cannot_be_planned(program: Program, tmp_path: Path) -> None:
    assert_refused(program("plan", "10b", "--target", "snapdragon-8-gen4"), "snapdragon-8-gen4", "snapdragon-8-gen3")
    assert_refused(program("plan", "10b", "--target", "toaster"), "toaster", "apple-m3", "this")
    assert_refused(program("plan", "lama-3.2-1b", *PHONE), "lama-3.2-1b", "llama-3.2-1b")
    assert_refused(program("plan", "smollm2-135m-instruckt", *PHONE), "smollm2-135m-instruct")
    assert_refused(program("plan", "0b", *PHONE), "20 million")
    assert_refused(program("plan", "99999999b", *PHONE), "1,000 billion")
    assert_refused(program("plan", "hf:owner/repo", *PHONE), "hf:owner/repo", "config.json")
    assert_refused(program("plan", tmp_path / "none.gguf", *PHONE), "none.gguf")
    assert_refused(program("plan", tmp_path, *PHONE), str(tmp_path), "config.json")
    assert_refused(program("plan", "10b", *PHONE, "--bits", "5"), "5", "4, 8, 32")
    assert_refused(program("plan", "10b", *PHONE, "--memory", "-3"), "-3")
    assert_refused(program("plan", "10b", *PHONE, "--memory", "nan"), "GB")
    assert_refused(program("plan", "llama-2-7b", *PHONE, "--context", "4097"), "4097", "4096")
    assert program("plan", "10b", *PHONE, "--context", "0").code == 2
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "model_type": "mamba"}), encoding="utf-8")
    shown = program("plan", tmp_path, *PHONE, "--json")
    assert shown.code == 2
    assert shown.document["error"]["type"] == "UnsupportedModelError"
    assert "mamba" in shown.document["error"]["message"]
