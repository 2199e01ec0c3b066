"""A model above the runtimes: what it accepts, what it answers, and that it can always be used again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edge_llm
from edge_llm import Done, Message, Sampling, TextDelta
from runtimes.errors import (
    ConfigError,
    ContextOverflowError,
    PromptError,
    RuntimeUnavailableError,
    SessionClosedError,
    TemplateError,
    UnknownModelError,
)
from tests.tiny import write_fake_bundle

if TYPE_CHECKING:
    from tests.unit.edge_llm.conftest import ModelMaker

QUESTION = [Message("user", "What is the capital of Japan?")]


def test_load_opens_a_bundle(tmp_path: Path) -> None:
    path = write_fake_bundle(tmp_path / "bundle", answers=["Tokyo."])
    with edge_llm.load(path, context_length=128) as model:
        info = model.info
        assert (info.name, info.runtime, info.format, info.path) == ("fake", "fake", "fake", path)
        assert (info.context_length, info.vocabulary_size, info.chat) == (128, 259, True)
        assert info.load_s > 0
        assert model.chat(QUESTION).text == "Tokyo."
    with pytest.raises(SessionClosedError):
        model.chat(QUESTION)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"runtime": "onnx"}, RuntimeUnavailableError),
        ({"runtime": "nothing"}, RuntimeUnavailableError),
        ({"threads": 0}, ConfigError),
        ({"context_length": 100_000}, ConfigError),
    ],
)
def test_load_names_what_does_not_fit(tmp_path: Path, options: dict[str, object], error: type[Exception]) -> None:
    path = write_fake_bundle(tmp_path / "bundle", answers=["a"])
    with pytest.raises(error):
        edge_llm.load(path, **options)  # type: ignore[arg-type]


def test_load_names_the_nearest_model() -> None:
    with pytest.raises(UnknownModelError, match="smollm2-135m-instruct"):
        edge_llm.load("smollm2-135m")


def test_chat_writes_the_conversation_by_the_models_template(make_model: ModelMaker) -> None:
    model = make_model(["Tokyo."])
    result = model.chat(QUESTION)
    written = f"<|im_start|>user\n{QUESTION[0].content}<|im_end|>\n<|im_start|>assistant\n"
    assert (result.text, result.stop_reason) == ("Tokyo.", "stop")
    assert result.usage.prompt_tokens == len(model.tokenizer.encode(written)) == model.count_tokens(QUESTION)
    assert result.timings.load_s == 1.5
    assert model.generate(written).token_ids == result.token_ids


def test_stream_and_generate_agree(make_model: ModelMaker) -> None:
    model = make_model(seed=4)
    sampling = Sampling(temperature=1.0, seed=9)
    *deltas, done = model.stream("Once", sampling=sampling, max_tokens=50)
    assert isinstance(done, Done)
    assert "".join(event.text for event in deltas if isinstance(event, TextDelta)) == done.result.text
    assert model.generate("Once", sampling=sampling, max_tokens=50).token_ids == done.result.token_ids
    assert model.count_tokens("Once") == done.result.usage.prompt_tokens == 4


def test_errors_come_at_the_call_and_leave_the_model_usable(make_model: ModelMaker) -> None:
    model = make_model(["fine"], context_length=64)
    with pytest.raises(PromptError, match="empty"):
        model.stream("")
    with pytest.raises(PromptError, match="empty"):
        model.chat_stream([Message("user", "  ")])
    with pytest.raises(PromptError):
        model.chat_stream([])
    with pytest.raises(ContextOverflowError, match=r"65 tokens.* 64"):
        model.stream("x" * 65)
    assert model.generate("hi").text == "fine"


def test_an_abandoned_answer_does_not_block_the_next(make_model: ModelMaker) -> None:
    model = make_model(["first", "first"])
    abandoned = model.stream("hi")
    assert next(abandoned) == TextDelta("f")
    assert model.generate("hi").text == "first"
    assert "".join(event.text for event in abandoned if isinstance(event, TextDelta)) == "irst"


def test_threads_share_a_model(make_model: ModelMaker) -> None:
    model = make_model(seed=8)
    sampling = Sampling(temperature=1.0, seed=1)
    expected = {prompt: model.generate(prompt, sampling=sampling, max_tokens=20).token_ids for prompt in "abcd"}
    found: dict[str, tuple[int, ...]] = {}

    def ask(prompt: str) -> None:
        found[prompt] = model.generate(prompt, sampling=sampling, max_tokens=20).token_ids

    threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == expected


def test_a_model_without_a_template_completes_text_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_fake_bundle(tmp_path / "bundle", answers=["more"])
    monkeypatch.setattr("runtimes.bundle.Bundle.read_chat_template", lambda _bundle: None)
    with edge_llm.load(path) as model:
        assert not model.info.chat
        with pytest.raises(TemplateError, match="no chat template"):
            model.chat(QUESTION)
        assert model.generate("hi").text == "more"


def test_a_session_is_closed_when_the_rest_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr("runtimes.fake.FakeSession._release", lambda _session: closed.append(True))
    monkeypatch.setattr("edge_llm.model.Context", lambda _session, chunk: chunk // 0)
    with pytest.raises(ZeroDivisionError):
        edge_llm.load(write_fake_bundle(tmp_path / "bundle", answers=["a"]))
    assert closed == [True]


def test_the_public_names_are_these() -> None:
    assert edge_llm.__all__ == sorted(edge_llm.__all__)
    for name in edge_llm.__all__:
        assert getattr(edge_llm, name) is not None
    assert dir(edge_llm) == edge_llm.__all__
    with pytest.raises(AttributeError):
        _ = edge_llm.nothing
