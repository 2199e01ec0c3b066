"""The decode loop on the fake runtime: events, stops, limits, cancellation, what is counted."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import Any

import pytest

from edge_llm.context import CHUNK, Context
from edge_llm.events import Done, Event, EventStream, Result, TextDelta
from edge_llm.generate import generate
from edge_llm.sampling import Sampling
from runtimes.contract import Logits
from runtimes.errors import ConfigError, ContextOverflowError, PromptError, RuntimeFailedError
from runtimes.fake import FakeSession

END = 256


class ByteTokenizer:
    """A token is a byte; 256 ends the turn."""

    vocabulary_size = 257

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""


class SlowSession(FakeSession):
    """Takes its time, so that there is something to interrupt; counts its feeds."""

    def __init__(self, *args: Any, step_s: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step_s = step_s
        self.feeds = 0
        self.fail_at: int | None = None

    def _append(self, ids: Any, rows: int) -> Logits:
        self.feeds += 1
        if self.feeds == self.fail_at:
            raise RuntimeFailedError("the backend failed")
        time.sleep(self.step_s)
        return super()._append(ids, rows)


def session_of(*answers: str, context_length: int = 512, step_s: float = 0.0) -> SlowSession:
    script = [[*answer.encode(), END] for answer in answers] or None
    return SlowSession(257, context_length, script=script, seed=1, step_s=step_s)


def run(session: FakeSession | Context, prompt: str | list[int] = "hi", **options: Any) -> EventStream:
    context = session if isinstance(session, Context) else Context(session)
    ids = list(prompt.encode()) if isinstance(prompt, str) else prompt
    return generate(context, ByteTokenizer(), ids, stop_token_ids=[END], **options)  # type: ignore[arg-type]


def result(events: EventStream) -> Result:
    seen: list[Event] = list(events)
    deltas, last = seen[:-1], seen[-1]
    assert isinstance(last, Done)
    assert all(isinstance(event, TextDelta) and event.text for event in deltas)
    assert last.result.text == "".join(event.text for event in deltas if isinstance(event, TextDelta))
    return last.result


def test_the_model_ends_its_answer() -> None:
    answer = result(run(session_of("Tokyo, 東京 🗼.")))
    assert answer.text == "Tokyo, 東京 🗼."
    assert answer.stop_reason == "stop"
    assert bytes(answer.token_ids).decode() == answer.text
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens) == (2, 0)
    assert answer.usage.completion_tokens == len(answer.token_ids) == len(answer.text.encode())


def test_max_tokens_ends_the_answer_between_characters() -> None:
    answer = result(run(session_of("東京"), max_tokens=4))
    assert (answer.text, answer.stop_reason) == ("東", "length")
    assert answer.usage.completion_tokens == 4


@pytest.mark.parametrize("prompt_length", [1, 18, 19, 20])
def test_a_full_context_ends_the_answer(prompt_length: int) -> None:
    answer = result(run(session_of("a" * 99, context_length=20), "x" * prompt_length))
    assert answer.stop_reason == "length"
    assert answer.usage.completion_tokens == 21 - prompt_length  # the last one need not be fed


def test_a_stop_string_ends_the_answer_and_is_not_in_it() -> None:
    answer = result(run(session_of("one\nUser: two"), stop=["\nUser:", "never"]))
    assert (answer.text, answer.stop_reason) == ("one", "stop")
    assert bytes(answer.token_ids) == b"one\nUser:"


def test_an_answer_may_be_empty() -> None:
    session = SlowSession(257, 64, script=[[END]])
    answer = result(run(session))
    assert (answer.text, answer.stop_reason, answer.token_ids) == ("", "stop", ())
    assert answer.timings.first_token_s is not None
    assert answer.timings.decode_tokens_per_s is None


def test_a_longer_prompt_than_the_context_is_refused_before_anything_runs() -> None:
    session = session_of("a", context_length=8)
    with pytest.raises(ContextOverflowError) as caught:
        run(session, "x" * 9)
    assert (caught.value.needed, caught.value.context_length) == (9, 8)
    assert session.position == 0


@pytest.mark.parametrize(
    ("error", "prompt", "options"),
    [
        (PromptError, "", {}),
        (ConfigError, "a", {"max_tokens": 0}),
        (ConfigError, "a", {"stop": [""]}),
    ],
)
def test_what_cannot_be_is_refused_at_the_call(error: type[Exception], prompt: str, options: dict[str, Any]) -> None:
    with pytest.raises(error):
        run(session_of("a"), prompt, **options)


def test_a_seed_gives_the_same_tokens() -> None:
    sampling = Sampling(temperature=1.0, top_p=0.9, seed=11)
    first, again, other = (
        result(run(session_of(), sampling=chosen, max_tokens=40)).token_ids
        for chosen in (sampling, sampling, Sampling(temperature=1.0, top_p=0.9, seed=12))
    )
    assert first == again != other


def test_the_cached_prefix_is_counted_and_changes_nothing() -> None:
    context = Context(session_of("a" * 10))
    first = result(run(context, "x" * 30, max_tokens=10))
    again = result(run(context, "x" * 30 + "a" * 10 + "more", max_tokens=10))
    assert first.usage.cached_tokens == 0
    assert again.usage.cached_tokens == 30 + 9  # the last token of an answer is never fed
    same = result(run(context, "x" * 30, max_tokens=10))
    assert same.usage.cached_tokens == 29  # one is fed again, for its logits
    assert same.token_ids == first.token_ids


def test_the_rates_count_what_was_fed() -> None:
    answer = result(run(session_of("abcdefgh", step_s=0.01), "x" * 300))
    timings = answer.timings
    assert timings.first_token_s is not None
    assert timings.first_token_s >= 0.03  # three chunks
    assert timings.prefill_tokens_per_s is not None
    assert timings.prefill_tokens_per_s <= 300 / 0.03
    assert timings.decode_tokens_per_s is not None
    assert 1 < timings.decode_tokens_per_s <= 100


def test_a_slow_reader_does_not_slow_the_rates() -> None:
    events = run(session_of("abcd"))
    for event in events:
        time.sleep(0.05)
        if isinstance(event, Done):
            assert event.result.timings.decode_tokens_per_s is not None
            assert event.result.timings.decode_tokens_per_s > 2 / 0.05


def test_cancel_before_the_start_feeds_nothing() -> None:
    cancel = threading.Event()
    cancel.set()
    session = session_of("abc")
    answer = result(run(session, cancel=cancel))
    assert (answer.text, answer.stop_reason, session.feeds) == ("", "cancelled", 0)
    assert answer.timings.first_token_s is None
    assert answer.usage.cached_tokens == 0


@pytest.mark.parametrize("after", [1, 5])
def test_cancel_from_another_thread_ends_the_answer_within_a_token(after: int) -> None:
    cancel, reached, go_on = threading.Event(), threading.Event(), threading.Event()
    session = session_of("a" * 400, step_s=0.02)
    seen: list[Event] = []

    def read() -> None:
        for event in run(session, cancel=cancel):
            seen.append(event)
            if len(seen) == after:
                reached.set()
                go_on.wait(10)

    thread = threading.Thread(target=read)
    thread.start()
    reached.wait(10)
    cancel.set()
    go_on.set()
    thread.join(10)
    last = seen[-1]
    assert isinstance(last, Done)
    assert last.result.stop_reason == "cancelled"
    assert last.result.text == "a" * after


def test_cancel_during_a_step_shows_no_further_token() -> None:
    cancel = threading.Event()
    session = session_of("a" * 400, step_s=0.3)
    events = run(session, cancel=cancel)
    threading.Timer(0.1, cancel.set).start()
    answer = result(events)
    assert (answer.text, session.feeds) == ("", 1)


def test_cancel_during_a_long_prompt_waits_for_one_chunk_only() -> None:
    cancel = threading.Event()
    session = session_of("a", step_s=0.1, context_length=CHUNK * 40)
    threading.Timer(0.15, cancel.set).start()
    answer = result(run(session, "x" * CHUNK * 40, cancel=cancel))
    assert answer.stop_reason == "cancelled"
    assert session.feeds <= 4


def test_closing_the_events_ends_the_run_and_leaves_the_context_usable() -> None:
    session = session_of("a" * 100)
    context = Context(session)
    events = run(context)
    assert len(list(islice(events, 3))) == 3
    events.close()
    assert session.feeds == 3
    assert list(events) == []
    assert result(run(context, max_tokens=5)).text == "aaaaa"


@pytest.mark.parametrize("ending", ["stop", "cancel", "close", "failure"])
def test_a_run_that_is_over_keeps_no_other_thread_waiting(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.context.PATIENCE_S", 60.0)
    session, cancel = session_of("abc"), threading.Event()
    context = Context(session)
    events = run(context, cancel=cancel)
    next(events)
    if ending == "close":
        events.close()
    elif ending == "failure":
        session.fail_at = session.feeds + 1
        with pytest.raises(RuntimeFailedError):
            list(events)
    else:
        if ending == "cancel":
            cancel.set()
        list(events)
    other: list[Result] = []
    thread = threading.Thread(target=lambda: other.append(result(run(context, "another"))), daemon=True)
    thread.start()
    thread.join(20)
    assert [answer.text for answer in other] == ["abc"]


def test_an_error_in_the_middle_leaves_the_context_usable() -> None:
    session = session_of("a" * 100)
    context = Context(session)
    session.fail_at = 4
    events = run(context)
    with pytest.raises(RuntimeFailedError):
        list(events)
    assert result(run(context, max_tokens=5)).text == "aaaaa"


def test_two_answers_at_once_in_one_thread_are_both_right() -> None:
    context = Context(SlowSession(257, 512, seed=5))
    sampling = Sampling(temperature=1.0, seed=3)
    alone = [result(run(Context(SlowSession(257, 512, seed=5)), prompt, sampling=sampling, max_tokens=30)) for prompt in "ab"]
    streams = [run(context, prompt, sampling=sampling, max_tokens=30) for prompt in "ab"]
    ended: dict[int, Result] = {}
    while len(ended) < 2:
        for number, stream in enumerate(streams):
            event = next(stream, None)
            if isinstance(event, Done):
                ended[number] = event.result
    assert [ended[0].token_ids, ended[1].token_ids] == [answer.token_ids for answer in alone]
