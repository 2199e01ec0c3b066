"""Routing, with an encoder that knows words and no meaning."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action, Slot, Text
from edge_llm.confidence import ASK_BELOW
from edge_llm.route import Router
from edge_llm.route.encode import SentenceSpace
from edge_llm.route.examples import NONE, examples_for, negative_of, none_library
from edge_llm.score import Score
from runtimes.errors import ConfigError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder


def action(name: str, en: Sequence[str] = (), zh: Sequence[str] = (), negatives: Sequence[str] = (), **more: Any) -> Action:
    text = Text(name, name)
    return Action(
        name,
        text,
        text,
        "local",
        "none",
        examples={"en": tuple(en), "zh": tuple(zh)},
        negatives={"en": tuple(negatives)},
        **more,
    )


LIGHTS = action(
    "lamps.on",
    ["paint the lamps green", "make the lamps glow green", "lamps to green please", "I want green lamps"],
    ["把灯笼变成绿色", "灯笼要绿色的", "让灯笼发绿光"],
    ["are green lamps expensive"],
)
FEED = action(
    "fish.feed",
    ["feed the fish", "give the fish some food", "drop food to my fish", "let the fish have food now"],
    ["喂一下金鱼", "给金鱼喂食", "该喂金鱼了"],
)


@pytest.fixture(scope="module")
def router() -> Router:
    return Router([LIGHTS, FEED], WordEmbedder())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("give food to the fish", "fish.feed"),
        ("green lamps please", "lamps.on"),
        ("给金鱼喂点食", "fish.feed"),
        ("灯笼变绿色", "lamps.on"),
    ],
)
def test_words_find_the_action_whose_examples_they_are_like(router: Router, words: str, wanted: str) -> None:
    routed = router.route(words)
    assert routed.best is not None
    assert routed.best.action.id == wanted


@pytest.mark.parametrize("words", ["who wrote Moby Dick", "are green lamps expensive", "你叫什么名字", "   ", "\ud800", "𓂀𓂀"])
def test_what_asks_for_nothing_is_none(router: Router, words: str) -> None:
    routed = router.route(words)
    assert routed.best is None
    assert routed.none_probability >= 0.5


def test_probabilities_are_of_one_whole_and_in_order(router: Router) -> None:
    routed = router.route("feed the green fish")
    shares = [candidate.probability for candidate in routed.candidates]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) + routed.none_probability == pytest.approx(1, abs=1e-4)
    assert len(router.route("feed the fish", k=1).candidates) == 1


def test_confidence_is_that_of_what_is_proposed(router: Router) -> None:
    sure = router.route("feed the fish")
    assert sure.confidence.basis == "understood"
    assert sure.confidence.value >= ASK_BELOW
    assert router.route("who wrote Moby Dick").confidence.reason == "understood as no request for an action"


@pytest.mark.parametrize("actions", [[], [FEED, FEED]])
def test_a_router_needs_different_actions(actions: list[Action]) -> None:
    with pytest.raises(ConfigError, match="different ids"):
        Router(actions, WordEmbedder())
    with pytest.raises(ConfigError, match="encoder"):
        Router([FEED], ())


def test_examples_in_the_other_language_stand_in() -> None:
    english = action("fish.feed", ["feed the fish", "feed my fish now"])
    found = examples_for([english, LIGHTS], "zh")
    assert {text for text, label in zip(found.texts, found.labels, strict=True) if label == 0} == set(english.examples["en"])


def test_a_template_becomes_sentences_with_values() -> None:
    place = Slot("place", "place", {"type": "string"})
    found = examples_for([action("fly", ["fly me to {place}"], slots=(place,))], "en")
    filled = [text for text, label in zip(found.texts, found.labels, strict=True) if label == 0]
    assert len(filled) == 2
    assert not any("{" in text for text in filled)


def test_negatives_belong_to_their_action_and_yield_to_an_example() -> None:
    other = action("lamps.price", ["are green lamps expensive", "what do lamps cost"])
    assert NONE not in examples_for([LIGHTS], "en").labels[: len(LIGHTS.examples["en"]) + 1]
    alone, both = examples_for([LIGHTS], "en"), examples_for([LIGHTS, other], "en")
    assert alone.labels[alone.texts.index("are green lamps expensive")] == negative_of(0)
    assert both.labels[both.texts.index("are green lamps expensive")] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_library_of_other_requests_asks_for_no_standard_action(language: Any) -> None:
    lines = none_library()[language]
    assert len(lines) >= 300
    examples = {line for one in library() for line in one.examples[language]}
    assert not examples & set(lines)


def test_an_app_may_add_what_the_library_of_other_requests_holds() -> None:
    coin = action("coin.flip", ["flip a coin", "toss a coin for me", "heads or tails", "throw a coin", "coin flip please"])
    routed = Router([coin, FEED], WordEmbedder()).route("please toss a coin")
    assert routed.best is not None
    assert routed.best.action.id == "coin.flip"


class Blind(WordEmbedder):
    """To it every text is nearly the same."""

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Any:
        vectors = np.full((len(texts), self.dimensions), 1, np.float32) + 0.01 * super().embed(texts)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_an_encoder_that_cannot_read_the_language_is_left_out() -> None:
    texts, words = ["feed the fish", "paint the lamps green", "who are you"], "feed my fish"
    alone = SentenceSpace(texts, [WordEmbedder()])
    np.testing.assert_array_equal(SentenceSpace(texts, [WordEmbedder(), Blind("blind")]).compare(words), alone.compare(words))


def test_vectors_of_examples_are_kept_and_a_torn_file_is_made_again(tmp_path: Path) -> None:
    first, second, third, fourth = (WordEmbedder() for _ in range(4))
    expected = Router([LIGHTS], first, cache=tmp_path).route("green lamps")
    assert Router([LIGHTS], second, cache=tmp_path).route("green lamps") == expected
    assert second.texts == 1
    Router([LIGHTS, FEED], third, cache=tmp_path).warm("en")
    assert third.texts == len(FEED.examples["en"])
    files = list(tmp_path.iterdir())
    assert len(files) == 2  # the vectors, and what was learned from them
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    assert Router([LIGHTS], fourth, cache=tmp_path).route("green lamps") == expected


class Listener:
    """A chat model's `score`, which likes the words after one action's examples."""

    def __init__(self, likes: str) -> None:
        self.likes, self.asked = likes, 0

    def score(self, prompt: str, continuations: Sequence[str]) -> tuple[Score, ...]:
        self.asked += 1
        return tuple(Score(text, (1, 2), (-0.5, -0.5) if self.likes in prompt else (-4.0, -4.0)) for text in continuations)


def test_the_model_settles_close_calls_and_no_others() -> None:
    feed_cat = action(
        "cat.feed", ["feed the cat", "give the cat some food", "drop food to my cat", "let the cat have food now"]
    )
    for likes in ("fish", "cat"):
        model: Any = Listener(likes)
        routed = Router([FEED, feed_cat], WordEmbedder(), model=model).route("give food to them now")
        assert routed.candidates[0].action.id == f"{likes}.feed"
        assert model.asked == 2
        before = model.asked
        Router([FEED, LIGHTS], WordEmbedder(), model=model).route("feed the fish")
        assert model.asked == before


def test_threads_learn_once() -> None:
    embedder = WordEmbedder()
    router = Router([LIGHTS, FEED], embedder)
    threads = [threading.Thread(target=router.route, args=("feed the fish",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert embedder.texts == len(examples_for([LIGHTS, FEED], "en").texts) + 4
