"""`edge-llm export` on the default model: what a phone opens, or the numbers that say why not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from android_bridge.exporter import verify_export
from edge_llm.cli.main import execute
from edge_llm.phone import export_for_phone, phone_actions
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import hash_file
from tests.unit.edge_llm.actions.test_manifest import SMS


def test_a_model_is_exported_with_its_actions(smol_gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    actions = tmp_path / "actions.json"
    actions.write_text(json.dumps({"actions": [SMS]}), encoding="utf-8")
    out = tmp_path / "phone"
    assert execute(["quantize", str(smol_gguf), "--bits", "4", "-o", str(tmp_path / "onnx"), "--json"]) == 0
    capsys.readouterr()
    command = ["export", str(tmp_path / "onnx"), "-o", str(out), "--actions", str(actions), "--packs", str(tmp_path / "packs")]
    assert execute([*command, "--download", "https://example.org/m", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    manifest = verify_export(out)
    assert said["actions"] == ["sms.send"] == [action["id"] for action in manifest.actions]
    assert said["memory_bytes"] == manifest.memory.total_bytes < said["usable_bytes"]
    assert manifest.turns is not None
    assert "SmolLM" in manifest.turns.opening
    assert said["download"] == {"path": str(out / "download.json"), "sha256": hash_file(out / "download.json")}
    assert [pack["name"] for pack in said["packs"]] == ["edgellm_model_1"]


def test_the_standard_actions_that_android_carries_out_are_the_default(smol_gguf: Path, tmp_path: Path) -> None:
    manifest, _ = export_for_phone(smol_gguf, tmp_path / "phone")
    assert [action["id"] for action in manifest.actions] == [action.id for action in phone_actions()]
    assert {"sms.send", "alarm.set", "calendar.add"} <= {action["id"] for action in manifest.actions}
    assert all(any(carrier["kind"] == "intent" for carrier in action["carriers"]) for action in manifest.actions)
    manifest, _ = export_for_phone(smol_gguf, tmp_path / "phone", actions=())
    assert manifest.actions == ()


def test_what_does_not_fit_is_refused_with_the_numbers_and_what_would(
    smol_gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantize(smol_gguf, tmp_path / "onnx", recipe=recipe_for(8), formats=("onnx",))
    command = ["export", str(tmp_path / "onnx"), "-o", str(tmp_path / "phone"), "--context", "2048", "--json"]
    assert execute([*command, "--memory", "1"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "ConfigError"
    said = re.fullmatch(
        r".* takes (\S+) GB at a context of 2048 tokens; .* gives one app (\S+) GB\. "
        r"Quantize it with --bits 4, which takes (\S+) GB at that context\. "
        r"Or export it as it is with --context (\d+), which fits\.",
        error["message"],
    )
    assert said, error["message"]
    taken, given, smaller, context = map(float, said.groups())
    assert smaller <= given < taken
    assert not (tmp_path / "phone").exists()
    assert execute([*command, "--memory", "1", "--context", str(int(context))]) == 0  # what it says would fit does
    capsys.readouterr()
    assert execute([*command, "--memory", "0.1"]) == 2
    assert "not between 1 and 1024 GB" in capsys.readouterr().out


def test_a_wrong_action_file_and_an_unknown_device_are_named(
    smol_gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actions = tmp_path / "actions.json"
    actions.write_text('{"id": "Bad Id"}', encoding="utf-8")
    out = ["-o", str(tmp_path / "phone")]
    assert execute(["export", str(smol_gguf), *out, "--actions", str(actions)]) == 2
    assert "lower-case words" in capsys.readouterr().err
    assert execute(["export", str(smol_gguf), *out, "--device", "nokia"]) == 2
    assert "nokia" in capsys.readouterr().err
    assert not (tmp_path / "phone").exists()
