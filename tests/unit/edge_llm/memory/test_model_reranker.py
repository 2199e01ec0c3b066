"""The chat model as a judge of hits: the text from which the question is likeliest comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from edge_llm.memory.model_reranker import ModelReranker
from edge_llm.score import Score
from runtimes.errors import ContextOverflowError


class Likelihoods:
    """A model that holds the question the likelier, the more of its words the prompt has."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        self.prompts.append(prompt)
        shared = sum(word in prompt for word in continuations[0].split())
        return [Score(continuations[0], (1, 2), (-5.0 + shared, -5.0 + shared))]


def reranker(weight: float = 1.0) -> tuple[ModelReranker, Likelihoods]:
    model: Any = Likelihoods()
    return ModelReranker(model, weight=weight), model


def test_the_text_that_makes_the_question_likely_scores_highest() -> None:
    judge, _ = reranker()
    scores = judge("dentist on Friday", ["we had lunch", "the dentist called: Friday at ten", "a dentist"])
    assert max(scores) == scores[1]
    assert min(scores) == scores[0]


def test_scores_are_deviations_times_the_weight() -> None:
    full, half = reranker(1.0)[0]("a b", ["a", "b c", "nothing"]), reranker(0.5)[0]("a b", ["a", "b c", "nothing"])
    assert sum(full) == pytest.approx(0)
    assert [value * 0.5 for value in full] == pytest.approx(half)


@pytest.mark.parametrize(("query", "texts"), [("", ["a", "b"]), ("a", ["a"]), ("a", [])])
def test_nothing_to_compare_asks_no_model(query: str, texts: list[str]) -> None:
    judge, model = reranker()
    assert judge(query, texts) == [0.0] * len(texts)
    assert model.prompts == []


def test_texts_that_say_equally_much_stay_as_they_are() -> None:
    assert reranker()[0]("zebra", ["one", "two"]) == [0.0, 0.0]


def test_long_texts_are_read_in_part() -> None:
    judge, model = reranker()
    judge("a", ["x" * 100_000, "y"])
    assert max(map(len, model.prompts)) < 2_000


def test_a_text_longer_than_the_context_is_read_as_far_as_it_goes() -> None:
    judge, model = reranker()
    score = model.score

    def small(prompt: str, continuations: Sequence[str]) -> list[Score]:
        if len(prompt) + len(continuations[0]) > 300:
            raise ContextOverflowError(len(prompt), 300)
        return score(prompt, continuations)

    model.score = small  # type: ignore[method-assign]
    scores = judge("牙医", ["牙医" + "我昨天去了医院" * 300, "没有"])
    assert scores[0] == max(scores)
    with pytest.raises(ContextOverflowError):
        judge("牙医" * 200, ["a", "b"])
