"""The default model answers, on every runtime, through the public names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge_llm
from edge_llm import Chat, Done, Home, Message, Model, TextDelta

RUNTIMES = ("onnx", "llamacpp")
JAPAN = [Message("user", "What is the capital of Japan?")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for the module: the model is converted once."""
    return Home(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", params=RUNTIMES)
def model(request: pytest.FixtureRequest, smol_gguf: Path, home: Home) -> Iterator[Model]:
    with edge_llm.load(smol_gguf, runtime=request.param, threads=1, context_length=1024, home=home) as model:
        assert model.info.runtime == request.param
        yield model


def test_knows_the_capital_of_japan(model: Model) -> None:
    result = model.chat(JAPAN, max_tokens=40)
    assert "Tokyo" in result.text
    assert result.stop_reason == "stop"
    assert "<|im_end|>" not in result.text


def test_a_conversation_goes_on_without_feeding_it_again(model: Model) -> None:
    chat = Chat(model, system="You are a helpful assistant.")
    first = list(chat.send("What is the capital of Japan?", max_tokens=40))[-1]
    second = list(chat.send("And how many people live there?", max_tokens=20))[-1]
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    held = first.result.usage.prompt_tokens + first.result.usage.completion_tokens
    assert second.result.usage.cached_tokens == held


def test_reuse_changes_no_token(model: Model) -> None:
    """The same question from an empty cache, and after another conversation was in it."""
    model.clear_cache()
    once = model.chat(JAPAN, max_tokens=24)
    assert once.usage.cached_tokens == 0
    model.chat([Message("user", "Write a list of ten colours.")], max_tokens=30)
    again = model.chat(JAPAN, max_tokens=24)
    assert again.token_ids == once.token_ids
    assert again.usage.cached_tokens > 0


def test_a_seed_gives_the_same_answer(model: Model) -> None:
    sampling = edge_llm.Sampling(temperature=1.0, top_p=0.9, seed=5)
    question = [Message("user", "Tell me a story about a cat.")]
    answers = []
    for _ in range(2):
        model.clear_cache()
        answers.append(model.chat(question, sampling=sampling, max_tokens=30).token_ids)
    assert answers[0] == answers[1]


def test_cancelling_from_another_thread_keeps_what_was_said(model: Model) -> None:
    cancel = threading.Event()
    chat = Chat(model)
    events = chat.send("Tell me a long story about a cat.", cancel=cancel)
    shown = [next(events) for _ in range(5)]
    threading.Thread(target=cancel.set).start()
    rest = list(events)
    assert isinstance(rest[-1], Done)
    assert rest[-1].result.stop_reason == "cancelled"
    assert rest[-1].result.usage.completion_tokens < 60
    said = "".join(event.text for event in (*shown, *rest) if isinstance(event, TextDelta))
    assert chat.messages[-1] == Message("assistant", said)


def test_a_prompt_longer_than_the_context_names_both_numbers(model: Model) -> None:
    with pytest.raises(edge_llm.EdgeLLMError, match=r"needs \d{4} tokens and the context holds 1024"):
        model.chat([Message("user", "word " * 2000)])
    assert "Tokyo" in model.chat(JAPAN, max_tokens=40).text
