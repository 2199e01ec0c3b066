"""What the Kotlin library does with bad input, asked of Python too: the cases that no other file of tests has.

A changed byte, a missing file, a newer manifest: test_exporter.py and test_bundle.py. Too little memory: test_phone_export.py.
A schema that cannot be kept to: test_constrain.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

import edge_llm
from edge_llm import Chat, Message
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import hash_file
from runtimes.errors import ContextOverflowError, RuntimeFailedError, SessionClosedError
from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.conftest import ModelMaker
from tests.unit.quantize.tiny_checkpoints import write_gguf


def test_a_runtime_too_old_for_a_kernel_names_it(tmp_path: Path) -> None:
    quantize(write_gguf(tmp_path / "tiny.gguf"), tmp_path / "out", recipe=recipe_for(4), formats=("onnx",))
    path = tmp_path / "out" / "model.onnx"
    graph = onnx.load(str(path), load_external_data=False)
    for node in graph.graph.node:
        if node.op_type == "MatMulNBits":
            node.op_type = "MatMulXBits"
    path.write_bytes(graph.SerializeToString())
    manifest = tmp_path / "out" / "manifest.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["files"]["model.onnx"] = {"size": path.stat().st_size, "sha256": hash_file(path)}
    manifest.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RuntimeFailedError, match="MatMulXBits"):
        edge_llm.load(tmp_path / "out", runtime="onnx")


def test_a_load_that_is_cancelled_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr("runtimes.fake.FakeSession._release", lambda _session: closed.append(True))

    def interrupted(_session: object, *, chunk: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_llm.model.Context", interrupted)
    with pytest.raises(KeyboardInterrupt):
        edge_llm.load(write_fake_bundle(tmp_path / "bundle", answers=["a"]))
    assert closed == [True]


def test_closing_ends_the_answer_under_way(make_model: ModelMaker) -> None:
    model = make_model(["A very long story about nothing."])
    events = Chat(model).send("Tell me.")
    next(events)
    model.close()
    model.close()
    with pytest.raises(SessionClosedError):
        list(events)
    with pytest.raises(SessionClosedError):
        model.chat([Message("user", "hi")])


def test_two_chats_on_one_model_do_not_mix(make_model: ModelMaker) -> None:
    model = make_model(seed=3)
    alone = [model.chat([Message("user", words)], max_tokens=12).text for words in ("one", "two")]
    first, second = Chat(model), Chat(model)
    answers = [chat.send(words, max_tokens=12) for chat, words in ((first, "one"), (second, "two"))]
    for events in answers:
        list(events)
    assert [chat.messages[-1].content for chat in (first, second)] == alone
    assert [chat.messages[0].content for chat in (first, second)] == ["one", "two"]


def test_a_prompt_over_the_context_is_refused_with_both_numbers(make_model: ModelMaker) -> None:
    chat = Chat(make_model(["a"], context_length=64))
    with pytest.raises(ContextOverflowError, match=r"\d+.*64"):
        list(chat.send("word " * 50))
    assert chat.messages == ()
