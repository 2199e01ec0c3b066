"""A bundle becomes a phone directory, whole or not at all, and says what it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from android_bridge.exporter import ExportOptions, export, verify_export
from android_bridge.manifest import PHONE_MANIFEST_NAME, KvCache, Memory, read_manifest, schema
from android_bridge.phone_model import read_phone_model
from edge_llm.messages import Message
from edge_llm.template import ChatTemplate
from runtimes.bundle import Bundle
from runtimes.errors import BundleError, ConfigError, TokenizerError
from tests.tiny import CHATML

OPTIONS = ExportOptions(context_length=64, memory=Memory(1000, 200, 30), actions=({"id": "call"},))


def render(conversation: Any) -> str:
    return ChatTemplate(CHATML).render([Message(role, content) for role, content in conversation])


@pytest.mark.parametrize("kind", ["onnx", "gguf"])
def test_an_export_is_read_back_and_verified(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    manifest = export(bundles[kind], tmp_path / "phone", render, OPTIONS)
    assert verify_export(tmp_path / "phone") == manifest
    assert manifest.kv == KvCache(layers=2, heads=2, head_dim=16)
    assert manifest.memory.total_bytes == 1230
    assert manifest.tokenizer.special_ids == (256, 257, 258)
    assert manifest.turns is not None
    assert set(manifest.files) == {path.name for path in (tmp_path / "phone").iterdir()} - {PHONE_MANIFEST_NAME}
    assert not {"prefill.onnx", "fill.onnx", "report.json", "chat_template.jinja"} & set(manifest.files)


def test_the_manifest_is_as_its_schema_says(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema())
    export(bundles["onnx"], tmp_path / "phone", render, OPTIONS)
    document = json.loads((tmp_path / "phone" / PHONE_MANIFEST_NAME).read_text(encoding="utf-8"))
    assert not list(validator.iter_errors(document))
    assert list(validator.iter_errors({**document, "surprise": 1}))
    assert list(validator.iter_errors({**document, "context_length": 0}))


def test_an_export_replaces_an_older_one_and_nothing_else(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    target = tmp_path / "phone"
    export(bundles["gguf"], target, None, OPTIONS)
    assert export(bundles["onnx"], target, None, OPTIONS).turns is None
    assert not (target / "model.gguf").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(BundleError, match="is not an export"):
        export(bundles["onnx"], tmp_path / "mine", None, OPTIONS)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "phone"]


def test_what_is_fast_on_arm_is_told(bundles: dict[str, Bundle]) -> None:
    model = read_phone_model(bundles["onnx"])
    assert model.requires == {"onnxruntime": "1.23.0"}
    assert model.slow == ()


def test_a_context_longer_than_the_models_is_refused(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"4096; .* holds 128"):
        export(bundles["onnx"], tmp_path / "phone", None, ExportOptions(4096, Memory(1, 1, 1)))
    assert not (tmp_path / "phone").exists()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"schema_version": 2}, "schema version 2; .* Update"),
        ({"schema_version": "1"}, "no valid schema_version"),
        ({"surprise": 1}, "unknown fields surprise"),
        ({"model": "../model.onnx"}, "not listed"),
        ({"format": "exe"}, "format is 'exe'"),
        ({"context_length": 0}, "context_length is 0"),
        ({"kv": {"layers": 2, "heads": 2, "head_dim": 16, "bytes_per_token": 5}}, "do not add up"),
        ({"turns": {"opening": ""}}, "malformed"),
        ({"files": {"/etc/passwd": {"size": 1, "sha256": "0"}}}, "malformed"),
    ],
)
def test_a_wrong_manifest_is_named(bundles: dict[str, Bundle], tmp_path: Path, change: dict[str, Any], fact: str) -> None:
    target = tmp_path / "phone"
    export(bundles["onnx"], target, render, OPTIONS)
    path = target / PHONE_MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(BundleError, match=fact):
        read_manifest(target)


def test_one_changed_byte_and_a_missing_file_are_named(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    target = tmp_path / "phone"
    export(bundles["onnx"], target, render, OPTIONS)
    data = bytearray((target / "model.onnx.data").read_bytes())
    data[100] ^= 1
    (target / "model.onnx.data").write_bytes(data)
    with pytest.raises(BundleError, match=r"model\.onnx\.data is damaged"):
        verify_export(target)
    (target / "tokenizer.json").unlink()
    (target / "model.onnx.data").unlink()
    with pytest.raises(BundleError, match="is missing"):
        verify_export(target)


@pytest.mark.parametrize("flag", ["single_word", "lstrip", "rstrip"])
def test_an_added_token_that_the_phone_would_read_otherwise_is_refused(
    bundles: dict[str, Bundle], tmp_path: Path, flag: str
) -> None:
    copied = tmp_path / "bundle"
    shutil.copytree(bundles["onnx"].path, copied)
    path = copied / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["added_tokens"][0][flag] = True
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TokenizerError, match=f"with {flag}, which the Kotlin library"):
        export(replace(bundles["onnx"], path=copied), tmp_path / "phone", render, OPTIONS)
    assert not (tmp_path / "phone").exists()
