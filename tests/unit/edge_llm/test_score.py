"""Likelihood of given texts: the numbers of a plain loop, for less work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm import Message
from edge_llm.context import CHUNK, Context
from edge_llm.score import Score, score
from runtimes.errors import ContextOverflowError, PromptError
from runtimes.fake import FakeSession

if TYPE_CHECKING:
    import numpy.typing as npt

    from runtimes.contract import Logits
    from tests.unit.edge_llm.conftest import ModelMaker

WIDTH = 12
PROMPT = [1, 2, 3, 4]
many = settings(max_examples=150, deadline=None, derandomize=True)
texts = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), max_size=6)


class Counting(FakeSession):
    """Remembers the sizes of its feeds."""

    def __init__(self, context_length: int = 256) -> None:
        super().__init__(WIDTH, context_length, seed=5)
        self.fed: list[int] = []

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self.fed.append(ids.size)
        return super()._append(ids, rows)


def plain(prompt: list[int], tokens: list[int]) -> list[float]:
    """One token at a time."""
    session = FakeSession(WIDTH, 4096, seed=5)
    logprobs, ids = [], prompt
    for token in tokens:
        row = session.feed(ids)[0].astype(np.float64)
        logprobs.append(float(row[token] - np.log(np.exp(row).sum())))
        ids = [token]
    return logprobs


@many
@given(continuations=texts)
def test_the_numbers_are_those_of_a_plain_loop(continuations: list[list[int]]) -> None:
    session = Counting()
    for mine, tokens in zip(score(Context(session), PROMPT, continuations), continuations, strict=True):
        assert mine == pytest.approx(plain(PROMPT, tokens), abs=1e-5)


@many
@given(continuations=texts.filter(bool))
def test_what_they_share_is_fed_once(continuations: list[list[int]]) -> None:
    session = Counting()
    score(Context(session), PROMPT, continuations)
    needed = {tuple(tokens[:end]) for tokens in continuations for end in range(1, len(tokens))}
    # each feed but the first begins again at the last token that was kept
    assert sum(session.fed) <= len(PROMPT) + len(needed) + len(session.fed) - 1
    assert len(session.fed) <= 1 + len({tuple(tokens) for tokens in continuations})


def test_single_tokens_cost_one_feed() -> None:
    session = Counting()
    scores = score(Context(session), PROMPT, [[token] for token in range(WIDTH)])
    assert session.fed == [len(PROMPT)]
    assert np.exp(np.concatenate(scores)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("length", [63, 64, 65, 66, 200])
def test_long_ones_in_pieces(length: int) -> None:
    tokens = [int(number) for number in np.random.default_rng(1).integers(0, WIDTH, length)]
    session = Counting(1024)
    prompt = PROMPT * CHUNK
    long, longer, cut = score(Context(session), prompt, [tokens, [*tokens, 3, 1], tokens[:-1]])
    assert longer == pytest.approx(plain(prompt, [*tokens, 3, 1]), abs=1e-5)
    assert (long, cut) == (longer[:length], longer[: length - 1])
    assert max(session.fed) <= 2 * CHUNK


def test_a_run_goes_on_after_it(make_model: ModelMaker) -> None:
    model = make_model(seed=4)
    before = model.generate("abc", max_tokens=5)
    events = model.stream("abc", max_tokens=5)
    next(events)
    model.score("abc", ["ab", "abz", "z"])
    *_, last = events
    assert last.result.text == before.text


def test_a_conversation_is_scored_as_its_template_writes_it(make_model: ModelMaker) -> None:
    model = make_model(["yes"])
    yes, no = model.score([Message("user", "Is it?")], ["yes", "no"])
    assert (yes.continuation, yes.tokens) == ("yes", tuple(model.tokenizer.encode("yes")))
    assert yes.logprob_total == pytest.approx(0, abs=1e-3)
    assert no.logprob_mean == pytest.approx(no.logprob_total / 2)
    assert no.logprob_total < -20
    assert model.score("x", []) == ()
    same = model.score("x", ["b", "a", "b"])
    assert [its.continuation for its in same] == ["b", "a", "b"]
    assert same[0] == same[2]


def test_what_cannot_be_scored(make_model: ModelMaker) -> None:
    model = make_model(seed=4, context_length=16)
    for prompt, texts in (("", ["a"]), ("a", ["b", ""])):
        with pytest.raises(PromptError, match="empty"):
            model.score(prompt, texts)
    with pytest.raises(ContextOverflowError) as caught:
        model.score("x" * 10, ["a", "b" * 8])
    assert caught.value.needed == 17  # the last token need not be fed
    assert model.score("x" * 10, ["b" * 7])[0].tokens == tuple(model.tokenizer.encode("b" * 7))


def test_totals_and_means() -> None:
    its = Score("ab", (1, 2), (-1.0, -3.0))
    assert (its.logprob_total, its.logprob_mean) == (-4.0, -2.0)
