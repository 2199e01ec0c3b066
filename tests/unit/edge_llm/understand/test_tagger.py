"""The tagger: legal labellings, probabilities that are shares of the sum over all labellings, and what is believed of it."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.understand.context import Context
from edge_llm.understand.extract import extract
from edge_llm.understand.tagger import OUTSIDE, Tagger, features_of, tagger, tokens_of
from edge_llm.understand.tagging import Texts, tagged_slots
from tests.assistant_dialogues import ACTIONS, matches, setting
from tests.marked_requests import from_dialogues, marked_requests, read_line

NOW, REGION, PEOPLE = setting()
LABELS = [OUTSIDE, "B-a", "I-a", "B-b", "I-b"]
WEIGHTS = {"0=x": {1: 1.0, 3: -0.5}, "0=y": {2: 0.7, 4: 0.2}, "-1=x": {0: 0.3, 2: 0.4}, "form=a": {0: 0.1}}
MOVES = np.arange(25, dtype=float).reshape(5, 5) / 20


def is_legal(labels: tuple[str, ...]) -> bool:
    return all(
        not label.startswith("I-") or before[2:] == label[2:] for before, label in zip((OUTSIDE, *labels), labels, strict=False)
    )


def score(words: str, labels: tuple[str, ...]) -> float:
    rows = features_of(tokens_of(words), {}, "do")
    places = [LABELS.index(label) for label in labels]
    emitted = sum(WEIGHTS.get(f, {}).get(place, 0.0) for row, place in zip(rows, places, strict=True) for f in row)
    return emitted + sum(MOVES[first, second] for first, second in pairwise(places))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=4))
def test_the_best_labelling_and_its_share_are_those_of_all_labellings(letters: list[str]) -> None:
    words = " ".join(letters)
    lattice = Tagger(LABELS, WEIGHTS, MOVES).lattice(words, "do", ("a", "b"), {})
    assert lattice is not None
    all_of_them = {one: score(words, one) for one in product(LABELS, repeat=len(letters)) if is_legal(one)}
    total = sum(np.exp(value) for value in all_of_them.values())
    best = max(all_of_them, key=lambda one: all_of_them[one])
    found = lattice.best()
    assert [one.slot for one in found] == [label[2:] for label in best if label.startswith("B-")]
    for one in found:
        first, last = words[: one.start].count(" "), words[: one.end].count(" ")
        wanted = (f"B-{one.slot}", *[f"I-{one.slot}"] * (last - first))
        holding = [
            value
            for labels, value in all_of_them.items()
            if labels[first : last + 1] == wanted and (last + 1 == len(labels) or labels[last + 1] != f"I-{one.slot}")
        ]
        assert one.probability == pytest.approx(sum(np.exp(value) for value in holding) / total)
        assert lattice.probability(one.slot, one.start, one.end) == pytest.approx(one.probability)


@given(st.text(max_size=60))
def test_any_words_are_tagged_within_themselves(words: str) -> None:
    for action in ("sms.send", "shopping.add"):
        texts = Texts(ACTIONS[action], words, {}, {})
        for slot in ACTIONS[action].slots:
            said = texts.believed(slot, None)
            assert said is None or all(one in words for one in ([said] if isinstance(said, str) else said))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_learned_from_is_known(language: str) -> None:
    requests = [one for one in marked_requests(language) if one.action != "none"][::40] + from_dialogues(language)[::20]
    right = 0
    for one in requests:
        slots = tagged_slots(ACTIONS[one.action])
        lattice = tagger(language).lattice(one.words, one.action, slots, {})
        found = [] if lattice is None else [(tag.slot, tag.start, tag.end) for tag in lattice.best()]
        right += found == [span for span in one.spans if span[0] in slots]
    assert right >= 0.7 * len(requests)  # without what rules and clocks read, which it has learned to lean on


@pytest.mark.parametrize(
    ("action", "words", "slot", "wanted"),
    [
        (
            "shopping.add",
            "we're low on crackers and hummus, can you pop those on the list",
            "items",
            ["crackers", "hummus"],
        ),
        ("sms.send", "I'm stuck behind a tractor, could you let Anna know that I'll be late", "message", "I'll be late"),
        (
            "note.add",
            "before it slips my mind, the meter reading was 48213, make a note",
            "text",
            "the meter reading was 48213",
        ),
        ("reminder.add", "我这记性不行了，晚上八点叫我给花浇水", "text", "给花浇水"),
        ("music.play", "写作业有点闷，放点轻快的爵士乐呗", "query", "轻快的爵士乐"),
    ],
)
def test_sentences_of_no_known_form(action: str, words: str, slot: str, wanted: object) -> None:
    language = "en" if words.isascii() else "zh"
    found = extract(ACTIONS[action], words, Context(NOW, language, PEOPLE, REGION))
    assert matches(found.slots[slot].value, wanted), found.slots


def test_an_action_of_an_app_is_left_to_the_rules() -> None:
    from dataclasses import replace

    own = replace(ACTIONS["note.add"], id="myapp.note")
    assert Texts(own, "write this down please", {}, {}).believed(own.slots[0], "this") == "this"


def test_a_line_that_marks_a_slot_the_action_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no slot 'dish'"):
        read_line("alarm.set\twake me at [dish:six]", "a test")
    with pytest.raises(ValueError, match="no action"):
        read_line("wake me at six", "a test")
