"""Drafts come from the sequence itself, stop where they fail, and never change an answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_llm.context import Context
from edge_llm.events import Done, Result
from edge_llm.generate import generate
from edge_llm.sampling import GREEDY, Sampling
from edge_llm.speculate import LONGEST_DRAFT, MATCHED, PromptLookup
from runtimes.contract import Logits
from runtimes.errors import RuntimeFailedError
from runtimes.fake import FakeSession

ROW_COST = 0.3
END = 256


class ByteTokenizer:
    """A token is a byte; 256 ends the turn."""

    vocabulary_size = 257

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""


class ShortMemory(FakeSession):
    """Its logits hang on the last few tokens only, so that it repeats itself, as small models do. Keeps count of its work."""

    def __init__(
        self, *, remembers: int = 2, seed: int = 0, letters: int = 8, context_length: int = 512, row_cost: float = ROW_COST
    ) -> None:
        super().__init__(257, context_length, seed=seed)
        self._capabilities = replace(self._capabilities, row_cost=row_cost)
        self._remembers = remembers
        self._letters = [*range(97, 97 + letters)]
        self.fed: list[int] = []

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self.fed.append(ids.size)
        return super()._append(ids, rows)

    def _seeded_row(self, history: list[int]) -> npt.NDArray[np.float32]:
        drawn = super()._seeded_row(history[-self._remembers :])
        row = np.full_like(drawn, -np.inf)
        row[self._letters] = drawn[self._letters]
        row[END] = drawn[END] - 2.5
        return row


class Quoting(ShortMemory):
    """Repeats its prompt."""

    def __init__(self, prompt_tokens: int) -> None:
        super().__init__()
        self._prompt_tokens = prompt_tokens

    def _seeded_row(self, history: list[int]) -> npt.NDArray[np.float32]:
        row = np.zeros(257, np.float32)
        row[history[len(history) - self._prompt_tokens]] = 1
        return row


def answer(session: FakeSession | Context, prompt: str = "say it", **options: Any) -> Result:
    context = session if isinstance(session, Context) else Context(session)
    *_, last = generate(
        context,
        ByteTokenizer(),  # type: ignore[arg-type]
        list(prompt.encode()),
        stop_token_ids=[END],
        **options,
    )
    assert isinstance(last, Done)
    return last.result


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0]),
    top_k=st.sampled_from([0, 3]),
    top_p=st.sampled_from([1.0, 0.8]),
    min_p=st.sampled_from([0.0, 0.1]),
    repetition_penalty=st.sampled_from([1.0, 1.3]),
    repetition_window=st.sampled_from([0, 8]),
    seed=st.integers(0, 3),
)


@settings(max_examples=150, deadline=None)
@given(
    remembers=st.integers(1, 4),
    seed=st.integers(0, 50),
    prompt=st.text("abcdefgh", min_size=1, max_size=60),
    sampling=samplings,
    max_tokens=st.none() | st.integers(1, 90),
    stop=st.lists(st.text("abcdefgh", min_size=1, max_size=3), max_size=2),
    context_length=st.integers(60, 140),
)
@example(remembers=1, seed=0, prompt="a", sampling=GREEDY, max_tokens=None, stop=[], context_length=100)
def test_an_answer_is_the_same_as_without(
    remembers: int, seed: int, prompt: str, sampling: Sampling, max_tokens: int | None, stop: list[str], context_length: int
) -> None:
    results = [
        answer(
            ShortMemory(remembers=remembers, seed=seed, context_length=context_length),
            prompt,
            sampling=sampling,
            max_tokens=max_tokens,
            stop=stop,
            speculate=speculate,
        )
        for speculate in (False, True)
    ]
    plain, ahead = (replace(result, timings=results[0].timings) for result in results)
    assert plain == ahead


def test_what_repeats_takes_fewer_feeds() -> None:
    counts = []
    for speculate in (False, True):
        session = ShortMemory(remembers=1, seed=0)
        assert len(answer(session, speculate=speculate, max_tokens=200).token_ids) == 200
        counts.append(len(session.fed))
        assert max(session.fed[1:]) <= 1 + LONGEST_DRAFT
    assert counts[0] == 200
    assert counts[1] < 50


@pytest.mark.parametrize("letters", [4, 8, 26])
def test_what_does_not_repeat_costs_next_to_nothing(letters: int) -> None:
    session = ShortMemory(remembers=400, seed=1, letters=letters)
    ids = [*b"say it"]
    sampling = Sampling(temperature=1.0, seed=1)
    *_, last = generate(Context(session), ByteTokenizer(), ids, sampling=sampling, max_tokens=300)  # type: ignore[arg-type]
    assert isinstance(last, Done)
    assert last.result.usage.completion_tokens == 300
    assert sum(1 + ROW_COST * (fed - 1) for fed in session.fed[1:]) <= 1.02 * 299


def test_the_prompt_is_quoted_in_few_feeds() -> None:
    prompt = "The harbour lay quiet that morning, and the boats were not yet back."
    session = Quoting(len(prompt))
    assert answer(session, prompt, max_tokens=len(prompt)).text == prompt
    assert len(session.fed) < len(prompt) / 2


def test_a_runtime_that_gains_nothing_or_cannot_rewind_is_fed_token_by_token() -> None:
    costly = ShortMemory(remembers=1, row_cost=1.0)
    forgetful = ShortMemory(remembers=1)
    forgetful._capabilities = replace(forgetful._capabilities, rewind=False)
    for session in (costly, forgetful):
        answer(session, max_tokens=60)
        assert set(session.fed[1:]) == {1}


def test_cancelling_ends_the_answer_within_a_token_of_the_draft() -> None:
    cancel, context = threading.Event(), Context(ShortMemory(remembers=1))
    seen = 0
    for event in generate(context, ByteTokenizer(), list(b"say it"), cancel=cancel, max_tokens=300):  # type: ignore[arg-type]
        if isinstance(event, Done):
            assert event.result.stop_reason == "cancelled"
            assert event.result.usage.completion_tokens == seen == 100
        else:
            seen += 1
            if seen == 100:  # deep in a loop, so that rows are waiting
                cancel.set()


def test_two_answers_at_once_and_the_next_ones_are_right() -> None:
    """A displaced answer loses its rows in the cache, not in hand; a draft that failed is gone before the next prompt."""
    context = Context(ShortMemory(remembers=2, seed=3))
    alone = [answer(ShortMemory(remembers=2, seed=3), prompt, max_tokens=80) for prompt in ("a", "bb")]
    streams = [
        generate(context, ByteTokenizer(), list(prompt), stop_token_ids=[END], max_tokens=80)  # type: ignore[arg-type]
        for prompt in (b"a", b"bb")
    ]
    ended: dict[int, Result] = {}
    while len(ended) < 2:
        for number, stream in enumerate(streams):
            event = next(stream, None)
            if isinstance(event, Done):
                ended[number] = event.result
    assert [ended[number].token_ids for number in (0, 1)] == [result.token_ids for result in alone]
    assert answer(context, "a", max_tokens=80).token_ids == alone[0].token_ids


def test_a_damaged_row_fails_only_when_it_is_reached() -> None:
    class Damaged(ShortMemory):
        def _seeded_row(self, history: list[int]) -> npt.NDArray[np.float32]:
            row = super()._seeded_row(history)
            return row if len(history) < 90 else np.full_like(row, np.nan)

    assert len(answer(Damaged(remembers=1), max_tokens=84).token_ids) == 84  # "say it" and 83 more are fed
    with pytest.raises(RuntimeFailedError):
        answer(Damaged(remembers=1), max_tokens=85)


def lookup(text: str, row_cost: float = ROW_COST) -> PromptLookup:
    return PromptLookup([*text.encode()], row_cost)


def grown(text: str, more: str, row_cost: float = ROW_COST) -> PromptLookup:
    made = lookup(text, row_cost)
    for token in more.encode():
        made.append(token)
    return made


@settings(deadline=None)
@given(st.text("ab", max_size=40), st.text("ab", max_size=40), st.integers(0, 9), st.floats(0.01, 1))
def test_a_draft_goes_on_as_the_sequence_did(text: str, more: str, room: int, row_cost: float) -> None:
    ids = [*text.encode()]
    made = PromptLookup(ids, row_cost)
    for token in more.encode():
        made.append(token)
    assert ids == [*(text + more).encode()]
    drafted = made.draft(room)
    assert len(drafted) <= min(room, LONGEST_DRAFT)
    if drafted:
        looped = [[*ids[source:], *drafted][: len(drafted)] for source in places(bytes(ids))]
        assert drafted in looped


def places(ids: bytes) -> list[int]:
    """Where the last tokens occurred before, as the places after them."""
    return [end for end in range(MATCHED, len(ids)) if ids[:end].endswith(ids[-MATCHED:])]


def test_drafts_grow_with_success_and_end_with_failure() -> None:
    text = "one two three four five six seven eight nine ten "
    made = lookup(text)
    assert made.draft(9) == [], "nothing is believed before something was right"
    lengths = []
    for token in text.encode():
        made.append(token)
        lengths.append(len(made.draft(9)))
    assert lengths[2] == 0
    assert lengths[-1] == LONGEST_DRAFT
    assert made.draft(2) == [*b"on"]
    for length in range(20):  # the same beginnings go on in a new way each time
        for token in (*b"one tw", 128 + length):
            made.append(token)
    for token in b"one tw":
        made.append(token)
    assert made.draft(9) == []


def test_a_row_that_costs_as_much_as_a_token_is_never_fed() -> None:
    assert grown("", "abc" * 30).draft(9) == [*b"abcabca"]
    assert grown("", "abc" * 30, row_cost=1.0).draft(9) == []
