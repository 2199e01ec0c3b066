"""What two sentences share on the surface: words, pairs of neighbours, and letters in threes (single characters in Chinese).

Knows text only. Each sentence is a unit vector over its features, weighted by how rare they are among the sentences that
were given first; a dot product says how much two have in common.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Matrix: TypeAlias = "npt.NDArray[np.float32]"

_TOKEN = re.compile(r"[^\W\d_㐀-鿿]+|[㐀-鿿]|\d+")
_NUMBER = "#"
"""Stands for any number: which one it is says nothing of what is asked."""
_LETTERS = 0.5
"""Weight of three letters beside a word's 1: they find other forms and misspellings, and are many."""


def plain(text: str) -> str:
    """The text in one spelling: lower case, compatibility forms folded, blanks single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def features(text: str) -> dict[str, float]:
    """The surface features of a sentence and their weights."""
    words = [_NUMBER if word.isdigit() else word for word in _TOKEN.findall(plain(text))]
    found: dict[str, float] = dict.fromkeys(words, 1.0)
    for pair in zip(["^", *words], [*words, "$"], strict=True):
        found[" ".join(pair)] = 1.0
    for word in words:
        bounded = f"<{word}>"
        for start in range(len(bounded) - 2):
            found[f"~{bounded[start : start + 3]}"] = _LETTERS
    return found


class LexicalIndex:
    """Sentences to compare others with."""

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        rows = [features(text) for text in texts]
        counts = Counter(feature for row in rows for feature in row)
        self._rarity = {feature: math.log((len(rows) + 1) / (count + 0.5)) for feature, count in counts.items()}
        self._size = len(rows)
        places: dict[str, tuple[list[int], list[float]]] = {}
        for number, row in enumerate(rows):
            for feature, value in self._weighted(row).items():
                where, values = places.setdefault(feature, ([], []))
                where.append(number)
                values.append(value)
        self._places = {
            feature: (np.array(where, np.int32), np.array(values, np.float32)) for feature, (where, values) in places.items()
        }

    def gram(self) -> Matrix:
        """(n, n): each of the sentences with each."""
        import numpy as np

        result = np.zeros((self._size, self._size), np.float32)
        for where, values in self._places.values():
            result[np.ix_(where, where)] += np.outer(values, values)
        return result

    def compare(self, text: str) -> Matrix:
        """(n,): one other sentence with each."""
        import numpy as np

        result = np.zeros(self._size, np.float32)
        for feature, value in self._weighted(features(text)).items():
            if feature in self._places:
                where, values = self._places[feature]
                result[where] += value * values
        return result

    def _weighted(self, row: dict[str, float]) -> dict[str, float]:
        """A feature that was never seen weighs nothing, in the length too: a name must not make a request look strange."""
        known = {feature: value * self._rarity[feature] for feature, value in row.items() if feature in self._rarity}
        length = math.sqrt(sum(value * value for value in known.values())) or 1.0
        return {feature: value / length for feature, value in known.items()}
