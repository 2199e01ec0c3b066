"""Fits the weights of edge_llm/understand/tagger.py to the marked requests, and says how well requests by others are tagged.

    python -m tests.bench.fit_tagger {en,zh} [--leave-out AUTHOR ...] [--write]

With --leave-out nothing of these authors is learned from, and theirs is what is measured: the share of requests all of whose
texts are tagged exactly. --write keeps the weights. Seeded; takes a minute or two.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge_llm.understand.by_rules import read_by_rules, texts_of
from edge_llm.understand.contacts import Contact, ContactBook
from edge_llm.understand.context import Context
from edge_llm.understand.language import language_of
from edge_llm.understand.reading import Reading
from edge_llm.understand.tagger import OUTSIDE, Tagger, features_of, tokens_of
from edge_llm.understand.tagging import ruled_spans, tagged_slots
from tests.assistant_dialogues import setting
from tests.marked_requests import ACTIONS, Marked, by_author, from_dialogues, marked_requests, path_of


@dataclass(frozen=True)
class Book:
    """The set's contacts and some more."""

    book: ContactBook
    more: Mapping[str, Contact]

    def find(self, name: str) -> list[Contact]:
        """Who is called so."""
        found = self.more.get(name.casefold())
        return self.book.find(name) if found is None else [found]


IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
FEWEST = 2
"""Times that a feature must be seen."""
MOST_WEIGHTS = 60_000
EPOCHS, TRIMMED_EPOCHS = 8, 3
RATE, DECAY = 0.1, 1e-4
SCALE = 1 / 16


def worn(one: Marked, chance: random.Random) -> Marked:
    """The same as it comes out of speech recognition: without capitals, marks, or both."""
    words = one.words
    if chance.random() < 0.5:
        words = words.lower()
    if chance.random() < 0.5:
        words = re.sub(r"[,，。!！?？;；]", " ", words)
    return replace(one, words=words)


@cache
def seen_in(one: Marked) -> dict[str, list[tuple[int, int]]]:
    """What code reads in a request. Contacts are the set's own and two in three of those who are marked."""
    action, (now, region, book) = ACTIONS[one.action], setting()
    chance = random.Random(one.words)
    roles = {slot.name: slot.role for slot in action.slots}
    names = [one.words[start:end] for slot, start, end in one.spans if roles[slot] == "recipient" and chance.random() < 2 / 3]
    known = [Contact(name, (f"+8613900{number:06}",)) for number, name in enumerate(names)]
    people = Book(book, {name.casefold(): contact for name, contact in zip(names, known, strict=True)})
    reading = Reading(action, one.words, Context(now, language_of(one.words), people, region))
    return {**reading.known_spans, **ruled_spans(one.words, texts_of(read_by_rules(reading)))}


def labels_of() -> list[str]:
    """OUTSIDE, and two for each slot that is tagged."""
    slots = sorted({slot for action in ACTIONS.values() for slot in tagged_slots(action)})
    return [OUTSIDE, *(f"{mark}-{slot}" for slot in slots for mark in "BI")]


@dataclass(frozen=True)
class Encoded:
    """A request as numbers: for each token its features, its label among the action's own, and which those are."""

    features: list[IntArray]
    target: IntArray
    labels: IntArray


def encode(one: Marked, labels: Sequence[str], places: Mapping[str, int]) -> Encoded:
    """Number a request. Features that have no place are left out."""
    own = [OUTSIDE, *(f"{mark}-{slot}" for slot in tagged_slots(ACTIONS[one.action]) for mark in "BI")]
    tokens = tokens_of(one.words)
    target = np.zeros(len(tokens), np.int64)
    for slot, start, end in one.spans:
        inside = [place for place, token in enumerate(tokens) if start <= token.start < end]
        for place in inside if f"B-{slot}" in own else ():
            target[place] = own.index(f"{'B' if place == inside[0] else 'I'}-{slot}")
    rows = features_of(tokens, seen_in(one), one.action)
    numbered = [np.array([places[f] for f in row if f in places], np.int64) for row in rows]
    return Encoded(numbered, target, np.array([labels.index(label) for label in own]))


def fit(requests: Sequence[Marked]) -> tuple[list[str], dict[str, dict[int, float]], FloatArray]:
    """Learn from requests: labels, weights by feature, and moves, all in steps of SCALE."""
    chance = random.Random(0)
    everything = [*requests, *(worn(one, chance) for one in requests)]
    labels = labels_of()
    counted = Counter(
        feature
        for one in everything
        for row in features_of(tokens_of(one.words), seen_in(one), one.action)
        for feature in set(row)
    )
    features = [feature for feature, count in counted.items() if count >= 2 * FEWEST]
    places = {feature: place for place, feature in enumerate(features)}
    data = [encode(one, labels, places) for one in everything]
    field = Field(len(features), labels)
    field.train(data, EPOCHS, chance)
    field.trim()
    field.train(data, TRIMMED_EPOCHS, chance)
    whole = np.round(field.weights / SCALE)
    table = {
        feature: {int(label): float(whole[place, label]) * SCALE for label in np.flatnonzero(whole[place])}
        for feature, place in places.items()
        if whole[place].any()
    }
    return labels, table, np.round(field.moves / SCALE) * SCALE


class Field:
    """Weights that are learned by AdaGrad (Duchi, Hazan, Singer, JMLR 2011), one request after another."""

    def __init__(self, features: int, labels: Sequence[str]) -> None:
        self.weights = np.zeros((features, len(labels)), np.float32)
        self.moves = np.zeros((len(labels), len(labels)))
        self._seen = np.full_like(self.weights, 1e-2)
        self._moved = np.full_like(self.moves, 1e-2)
        self._kept: NDArray[np.bool_] | None = None
        self._legal = np.array([[0.0 if not b.startswith("I-") or a[2:] == b[2:] else -1e9 for b in labels] for a in labels])
        self._start = np.array([-1e9 if label.startswith("I-") else 0.0 for label in labels])

    def train(self, data: Sequence[Encoded], epochs: int, chance: random.Random) -> None:
        """Go over the data so many times, in a new order each."""
        order = list(data)
        for _ in range(epochs):
            chance.shuffle(order)
            for one in order:
                self._step(one)

    def trim(self) -> None:
        """Keep the MOST_WEIGHTS largest weights; the others stay 0."""
        size = np.abs(self.weights)
        least = np.partition(size.ravel(), -MOST_WEIGHTS)[-MOST_WEIGHTS] if size.size > MOST_WEIGHTS else 0.0
        self._kept = size > max(float(least), 2 * SCALE)
        self.weights *= self._kept

    def _step(self, one: Encoded) -> None:
        square = np.ix_(one.labels, one.labels)
        emitted = np.stack([self.weights[np.ix_(row, one.labels)].sum(axis=0) for row in one.features]).astype(float)
        moves = self.moves[square] + self._legal[square]
        forward = [emitted[0] + self._start[one.labels]]
        for row in emitted[1:]:
            forward.append(logsumexp(forward[-1][:, None] + moves) + row)
        backward = [np.zeros(len(one.labels))]
        for row in emitted[:0:-1]:
            backward.append(logsumexp((moves + (row + backward[-1])[None, :]).T))
        backward.reverse()
        total = float(logsumexp(forward[-1][:, None])[0])
        slope = np.exp(np.array(forward) + np.array(backward) - total)
        slope[np.arange(len(slope)), one.target] -= 1.0
        moved = np.zeros_like(moves)
        for place in range(1, len(emitted)):
            both = forward[place - 1][:, None] + moves + (emitted[place] + backward[place])[None, :] - total
            moved += np.exp(both)
            moved[one.target[place - 1], one.target[place]] -= 1.0
        for row, steep in zip(one.features, slope, strict=True):
            if np.abs(steep).max() > 1e-3:
                cells = np.ix_(row, one.labels)
                self._seen[cells] += np.square(steep)[None, :]
                change = RATE * (steep[None, :] / np.sqrt(self._seen[cells]) + DECAY * self.weights[cells])
                self.weights[cells] -= change if self._kept is None else change * self._kept[cells]
        self._moved[square] += np.square(moved)
        self.moves[square] -= RATE * moved / np.sqrt(self._moved[square])


def logsumexp(values: FloatArray) -> FloatArray:
    """Over the first axis."""
    top = values.max(axis=0)
    result: FloatArray = top + np.log(np.exp(values - top).sum(axis=0))
    return result


def measure(tagger: Tagger, requests: Sequence[Marked]) -> dict[str, float]:
    """Shares of requests whose texts are all found, and of texts."""
    whole, texts, found = 0, 0, 0
    for one in requests:
        action = ACTIONS[one.action]
        slots = tagged_slots(action)
        lattice = tagger.lattice(one.words, one.action, slots, seen_in(one))
        tagged = set() if lattice is None else {(found.slot, found.start, found.end) for found in lattice.best()}
        wanted = {span for span in one.spans if span[0] in slots}
        texts += len(wanted)
        found += len(wanted & tagged)
        whole += wanted == tagged
    return {"requests": len(requests), "whole": whole / max(1, len(requests)), "texts": found / max(1, texts)}


def write(language: str, labels: Sequence[str], weights: Mapping[str, Mapping[int, float]], moves: FloatArray) -> None:
    """Keep the weights: a line for each feature, of places of labels and steps of SCALE."""
    steps = {
        feature: [number for label, value in row.items() for number in (label, round(value / SCALE))]
        for feature, row in sorted(weights.items())
    }
    document = {"scale": SCALE, "labels": labels, "moves": np.round(moves / SCALE).astype(int).tolist(), "weights": steps}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"')
    path_of(language).write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Fit, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=("en", "zh"))
    parser.add_argument("--leave-out", nargs="+", default=(), metavar="AUTHOR")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    requests = [one for one in marked_requests(options.language) if one.action != "none"] + from_dialogues(options.language)
    learned = [one for one in requests if one.author not in options.leave_out]
    labels, weights, moves = fit(learned)
    print(f"{len(learned)} requests, {len(weights)} features, {sum(map(len, weights.values()))} weights")
    tagger = Tagger(labels, weights, moves)
    for author, theirs in by_author(requests):
        print(f"{author:16} {'left out' if author in options.leave_out else 'learned':9}", measure(tagger, theirs))
    if options.write:
        write(options.language, labels, weights, moves)
    return 0


if __name__ == "__main__":
    sys.exit(main())
