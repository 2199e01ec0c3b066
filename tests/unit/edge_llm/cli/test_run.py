"""`run`: one answer on stdout, or the JSON that scripts read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.cli.program import Program


def test_stdout_is_the_answer(fake: Path, program: Program) -> None:
    shown = program("run", fake, "What is the capital of Japan?")
    assert (shown.code, shown.out, shown.err) == (0, "Tokyo, of course.\n", "")


def test_json_of_run(fake: Path, program: Program) -> None:
    shown = program("run", fake, "What is the capital of Japan?", "--json")
    assert shown.err == ""
    document = shown.document
    assert list(document) == ["text", "stop_reason", "usage", "timings", "runtime", "model"]
    assert list(document["usage"]) == ["prompt_tokens", "cached_tokens", "completion_tokens", "forced_tokens"]
    assert list(document["timings"]) == ["load_s", "first_token_s", "prefill_tokens_per_s", "decode_tokens_per_s"]
    assert document["text"] == "Tokyo, of course."
    assert document["stop_reason"] == "stop"
    assert document["usage"]["completion_tokens"] == len("Tokyo, of course.")
    assert document["usage"]["cached_tokens"] == 0
    assert (document["runtime"], document["model"]) == ("fake", "fake")


def test_the_template_is_used_unless_raw(fake: Path, program: Program) -> None:
    prompt = "x" * 10
    in_template = program("run", fake, prompt, "--json").document["usage"]["prompt_tokens"]
    raw = program("run", fake, prompt, "--raw", "--json").document["usage"]["prompt_tokens"]
    assert raw == len(prompt)
    assert in_template > raw


def test_the_system_message_is_in_the_prompt(fake: Path, program: Program) -> None:
    without = program("run", fake, "hi", "--json").document["usage"]["prompt_tokens"]
    with_one = program("run", fake, "hi", "--system", "Be brief.", "--json").document["usage"]["prompt_tokens"]
    assert with_one > without + len("Be brief.")


def test_a_model_without_a_template_continues_the_prompt(fake: Path, program: Program) -> None:
    manifest = fake / "manifest.json"
    manifest.write_text(
        json.dumps({**json.loads(manifest.read_text(encoding="utf-8")), "chat_template": None}), encoding="utf-8"
    )
    assert program("run", fake, "hello", "--json").document["usage"]["prompt_tokens"] == len("hello")
    refused = program("chat", fake)
    assert refused.code == 2
    assert "chat template" in refused.err


def test_the_prompt_may_come_from_stdin(fake: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("東京\n".encode())))
    assert program("run", fake, "-", "--raw", "--json").document["usage"]["prompt_tokens"] == len("東京\n".encode())


def test_max_tokens_and_stop(fake: Path, program: Program) -> None:
    short = program("run", fake, "hi", "--max-tokens", "5", "--json").document
    assert (short["text"], short["stop_reason"]) == ("Tokyo", "length")
    assert program("run", fake, "hi", "--stop", "course", "--stop", ",").out == "Tokyo\n"


def test_a_schema_gives_json_and_its_value(tmp_path: Path, program: Program) -> None:
    bundle = write_fake_bundle(tmp_path / "person", answers=['{"name": "Bo", "age": null}'])
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name"]}
    (tmp_path / "person.json").write_text(json.dumps(schema), encoding="utf-8")
    form = ("--schema", tmp_path / "person.json")
    assert program("run", bundle, "Who?", *form).out == '{"name": "Bo", "age": null}\n'
    document = program("run", bundle, "Who?", *form, "--json").document
    assert (document["text"], document["value"]) == ('{"name": "Bo", "age": null}', {"name": "Bo"})
    assert document["usage"]["forced_tokens"] > 10
    cut = program("run", bundle, "Who?", *form, "--max-tokens", "9", "--json")
    assert (cut.code, cut.document["error"]["type"]) == (1, "AnswerError")
    assert program("run", bundle, "Who?", *form, "--stop", "x").code == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [(None, "cannot be read"), ("{", "is not valid JSON"), ("[]", "no JSON object"), ('{"not": {}}', '"not" at $')],
)
def test_a_schema_that_cannot_be_followed(tmp_path: Path, fake: Path, program: Program, written: str | None, said: str) -> None:
    path = tmp_path / "schema.json"
    if written is not None:
        path.write_text(written, encoding="utf-8")
    shown = program("run", fake, "hi", "--schema", path)
    assert shown.code == 2
    assert said in " ".join(shown.err.split())


def test_logprobs_are_in_the_json(fake: Path, program: Program) -> None:
    document = program("run", fake, "hi", "--max-tokens", "5", "--logprobs", "2", "--json").document
    assert [its["text"] for its in document["logprobs"]] == list("Tokyo")
    assert len(document["logprobs"][0]["alternatives"]) == 2
    assert document["logprobs"][0]["alternatives"][0]["logprob"] == document["logprobs"][0]["logprob"] > -0.01
    assert program("run", fake, "hi", "--logprobs", "2").code == 2


def test_the_seed_decides(tmp_path: Path, program: Program) -> None:
    bundle = write_fake_bundle(tmp_path / "random", seed=3)
    sampled = [
        program("run", bundle, "hi", "--temperature", "1", "--seed", seed, "--max-tokens", "12").out for seed in ("1", "1", "2")
    ]
    assert sampled[0] == sampled[1] != sampled[2]


def test_the_context_can_be_made_shorter(fake: Path, program: Program) -> None:
    assert program("run", fake, "x" * 60, "--context", "100").code == 0
    refused = program("run", fake, "x" * 100, "--context", "100")
    assert refused.code == 2
    assert "context holds 100" in refused.err
