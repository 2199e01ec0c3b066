"""Which words of a request fill which slots, by a linear-chain conditional random field over its tokens.

Lafferty, McCallum, Pereira, "Conditional random fields" (ICML 2001), labels B-slot and I-slot for each slot and O for the rest;
only the labels of the action at hand take part. The weights are data (tagger_en.json, tagger_zh.json), made by
`python -m tests.bench.fit_tagger` from the marked requests in tests/assistant_set. Knows the standard actions only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Final

from edge_llm.actions.manifest import Language

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Matrix = NDArray[float64]

OUTSIDE: Final = "O"
RULED: Final = "ruled "
"""Begins the kind of a span that rules read for the slot of that name."""
_TOKEN = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+(?:['’][A-Za-z]+)?|\d+(?:[.,:]\d+)*|[^\s\w]|\w")
_MOST_TOKENS = 160
_IMPOSSIBLE = -1e9


@dataclass(frozen=True)
class Token:
    """A word, a number, a mark, or one Chinese sign."""

    text: str
    start: int
    end: int
    spaced: bool
    """White space stands before it."""


@dataclass(frozen=True)
class Tagged:
    """A run of words that fills a slot."""

    slot: str
    start: int
    end: int
    probability: float
    """That just these words are that slot's: the least of their tokens' and of the borders'."""


def tokens_of(words: str) -> list[Token]:
    """The tokens of a request, from left to right; no more than 160 of them."""
    return [
        Token(match[0], match.start(), match.end(), match.start() > 0 and words[match.start() - 1].isspace())
        for match in islice(_TOKEN.finditer(words), _MOST_TOKENS)
    ]


def features_of(tokens: Sequence[Token], known: Mapping[str, Sequence[tuple[int, int]]], action: str) -> list[list[str]]:
    """What is seen at each token: itself and its neighbours, alone and with the action, its form, its clause, what code knows.

    Args:
        known: spans that code has read, by kind ("time", "duration", "person", RULED + slot).
    """
    folded = [_folded(token) for token in tokens]
    forms = [_form(token.text) for token in tokens]
    kinds = [_kind(token, {kind: spans for kind, spans in known.items() if not kind.startswith(RULED)}) for token in tokens]
    ruled = ["|".join(_kind(token, {kind: known[kind]}) for kind in known if kind.startswith(RULED)) or "-" for token in tokens]
    clauses = _clauses(tokens)
    rows = []
    for place, token in enumerate(tokens):
        around = {offset: _at(folded, place + offset) for offset in range(-3, 4)}
        row = [f"{offset}={word}" for offset, word in around.items()]
        row += [f"{a},{b}={around[a]} {around[b]}" for a, b in ((-2, -1), (-1, 0), (0, 1), (1, 2), (-1, 1))]
        row += [f"-2,-1,0={around[-2]} {around[-1]} {around[0]}", f"0,1,2={around[0]} {around[1]} {around[2]}"]
        row += [f"-3,-2,-1={around[-3]} {around[-2]} {around[-1]}", f"1,2,3={around[1]} {around[2]} {around[3]}"]
        row += [f"{action}|{offset}={around[offset]}" for offset in (-2, -1, 0, 1)]
        row += [f"{action}|{a},{b}={around[a]} {around[b]}" for a, b in ((-2, -1), (0, 1))]
        row += [f"form={forms[place]}", f"form-1={_at(forms, place - 1)}", f"form+1={_at(forms, place + 1)}"]
        row += [f"kind={kinds[place]}", f"kind-1={_at(kinds, place - 1)}", f"kind+1={_at(kinds, place + 1)}"]
        row += [f"kinds={_at(kinds, place - 1)},{kinds[place]},{_at(kinds, place + 1)}", f"{action}|kind={kinds[place]}"]
        row += [f"{one}{offset}" for offset in (-1, 0, 1) for one in _at(ruled, place + offset).split("|")]
        row += [f"end={folded[place][-3:]}", f"spaced={token.spaced}", f"{action}|clause={clauses[place]}", action]
        rows.append(row)
    return rows


def _at(row: Sequence[str], place: int) -> str:
    return row[place] if 0 <= place < len(row) else ("^" if place < 0 else "$")


def _folded(token: Token) -> str:
    if token.text[0].isdigit():
        return re.sub(r"\d", "0", token.text)
    return token.text.casefold().replace("’", "'")


def _form(text: str) -> str:
    if text[0].isdigit():
        return "0"
    if not text[0].isalpha():
        return "mark"
    if "\u3400" <= text[0] <= "\u9fff":
        return "zh"
    return "Aa" if text[0].isupper() else "a"


def _kind(token: Token, known: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    for kind, spans in known.items():
        for start, end in spans:
            if start <= token.start < end:
                return f"{kind}{'^' if token.start == start else ''}"
    return "-"


def _clauses(tokens: Sequence[Token]) -> list[str]:
    """The clause of each token, from the front and from the back: "0/2" is the first of three."""
    number, numbers = 0, []
    for place, token in enumerate(tokens):
        begins = place > 0 and (tokens[place - 1].text in ",.!?;:，。！？；：" or (token.spaced and _form(token.text) == "zh"))
        number += begins
        numbers.append(number)
    return [f"{min(one, 2)}/{min(number - one, 2)}" for one in numbers]


class Tagger:
    """The weights of one language.

    Args:
        labels: OUTSIDE, then B- and I- labels.
        weights: of each feature, by the place of a label.
        moves: (labels, labels) weights of one label after another.
    """

    def __init__(self, labels: Sequence[str], weights: Mapping[str, Mapping[int, float]], moves: Matrix) -> None:
        self._places = {label: place for place, label in enumerate(labels)}
        self._weights, self._moves = weights, moves

    def lattice(
        self, words: str, action: str, slots: Iterable[str], known: Mapping[str, Sequence[tuple[int, int]]]
    ) -> Lattice | None:
        """All labellings of a request for `action` by these slots; None where there is nothing to label.

        Args:
            known: as for `features_of`.
        """
        import numpy as np

        labels = [OUTSIDE, *(label for slot in slots for label in (f"B-{slot}", f"I-{slot}") if label in self._places)]
        tokens = tokens_of(words)
        if not tokens or len(labels) == 1:
            return None
        places = [self._places[label] for label in labels]
        emitted = np.zeros((len(tokens), len(labels)))
        for row, seen in zip(emitted, features_of(tokens, known, action), strict=True):
            for feature in seen:
                weights = self._weights.get(feature)
                if weights is not None:
                    row += [weights.get(place, 0.0) for place in places]
        return Lattice(tokens, labels, emitted, self._moves[np.ix_(places, places)])


class Lattice:
    """All labellings of a request, each with its score."""

    def __init__(self, tokens: Sequence[Token], labels: Sequence[str], emitted: Matrix, moves: Matrix) -> None:
        import numpy as np

        self._tokens, self._labels, self._emitted = tokens, labels, emitted
        self._moves = moves.copy()
        inside = {place: label[2:] for place, label in enumerate(labels) if label.startswith("I-")}
        self._begin = np.zeros(len(labels))
        for place, slot in inside.items():
            self._begin[place] = _IMPOSSIBLE
            for before, label in enumerate(labels):
                if label not in (f"B-{slot}", f"I-{slot}"):
                    self._moves[before, place] = _IMPOSSIBLE

    def best(self) -> list[Tagged]:
        """The likeliest slots, from left to right: Viterbi's labelling."""
        import numpy as np

        score, back = self._emitted[0] + self._begin, []
        for row in self._emitted[1:]:
            reached = score[:, None] + self._moves
            back.append(reached.argmax(axis=0))
            score = reached.max(axis=0) + row
        path = [int(score.argmax())]
        for step in reversed(back):
            path.append(int(step[path[-1]]))
        path.reverse()
        found: list[tuple[str, int, int]] = []
        for place, label in enumerate(self._labels[step] for step in path):
            if label.startswith("B-"):
                found.append((label[2:], place, place + 1))
            elif label.startswith("I-"):
                found[-1] = (found[-1][0], found[-1][1], place + 1)
        total = self._total(np.zeros_like(self._emitted))
        tagged = []
        for slot, first, last in found:
            start, end = self._tokens[first].start, self._tokens[last - 1].end
            tagged.append(Tagged(slot, start, end, self._share(slot, first, last, total)))
        return tagged

    def probability(self, slot: str, start: int, end: int) -> float:
        """That the words from `start` to `end` are one value of `slot`: 0 where they are no whole tokens."""
        import numpy as np

        first = next((place for place, token in enumerate(self._tokens) if token.start == start), None)
        last = next((place + 1 for place, token in enumerate(self._tokens) if token.end == end), None)
        if first is None or last is None or f"B-{slot}" not in self._labels:
            return 0.0
        return self._share(slot, first, last, self._total(np.zeros_like(self._emitted)))

    def _share(self, slot: str, first: int, last: int, total: float) -> float:
        """The share of the labellings, by their exponentials, in which these tokens are one value of the slot."""
        import numpy as np

        held = np.zeros_like(self._emitted)
        begin, inside = self._labels.index(f"B-{slot}"), self._labels.index(f"I-{slot}")
        for place in range(first, last):
            held[place] = _IMPOSSIBLE
            held[place, begin if place == first else inside] = 0.0
        if last < len(self._tokens):
            held[last, inside] = _IMPOSSIBLE
        return float(np.exp(self._total(held) - total))

    def _total(self, held: Matrix) -> float:
        """The logarithm of the sum of all labellings' exponentials; `held` is added to what is emitted."""
        import numpy as np

        score = self._emitted[0] + self._begin + held[0]
        for row, more in zip(self._emitted[1:], held[1:], strict=True):
            reached = score[:, None] + self._moves
            top = reached.max(axis=0)
            score = top + np.log(np.exp(reached - top).sum(axis=0)) + row + more
        top = score.max()
        return float(top + np.log(np.exp(score - top).sum()))


@lru_cache(maxsize=2)
def tagger(language: Language) -> Tagger:
    """The tagger of a language."""
    import numpy as np

    document = json.loads((files("edge_llm") / "understand" / f"tagger_{language}.json").read_text(encoding="utf-8"))
    scale, labels = document["scale"], document["labels"]
    weights = {
        feature: {int(place): value * scale for place, value in zip(row[::2], row[1::2], strict=True)}
        for feature, row in document["weights"].items()
    }
    return Tagger(labels, weights, np.array(document["moves"]) * scale)
