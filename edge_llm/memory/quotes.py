"""Whether a text repeats another one word for word, so that forgetting an item finds who quoted it.

Compares runs of words (of characters in Chinese and Japanese), blind to case, width, punctuation and spaces. Knows no
store and no files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_WORD_WEIGHT, _CHARACTER_WEIGHT = 4, 3
_LONG, _SHORT = 24, 12
"""A quote is six words or eight characters in a row; of an item that is shorter, all of it, but at least half as much.
Less than that is said by chance."""

# Han, kana and hangul are written without spaces, or inflected in the middle: one character is a unit there.
_SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_UNIT = re.compile(f"[{_SINGLE}]|[^\\W_{_SINGLE}]+")


class QuoteFinder(Generic[Key]):
    """Texts that may quote others, and a way to ask which do."""

    def __init__(self, texts: Iterable[tuple[Key, str]]) -> None:
        self._runs: dict[int, set[Key]] = {}
        for key, text in texts:
            units = _units(text)
            weights = _weights(units)
            for start in range(len(units)):
                for end in _ends(weights, start):
                    self._runs.setdefault(hash(tuple(units[start:end])), set()).add(key)

    def quoting(self, text: str) -> frozenset[Key]:
        """Which of the texts repeat a run of this one."""
        units = _units(text)
        weights = _weights(units)
        if weights[-1] < _LONG:
            runs = [(0, len(units))] if weights[-1] >= _SHORT else []
        else:
            runs = [(start, end[-1]) for start in range(len(units)) if (end := _ends(weights, start, least=_LONG))]
        found: set[Key] = set()
        for start, stop in runs:
            found |= self._runs.get(hash(tuple(units[start:stop])), set())
        return frozenset(found)

    def quoting_any(self, texts: Iterable[str]) -> frozenset[Key]:
        """Which of the texts repeat a run of any of these."""
        if not self._runs:
            return frozenset()
        return frozenset(key for text in texts for key in self.quoting(text))


def _ends(weights: Sequence[int], start: int, *, least: int = _SHORT) -> list[int]:
    """Where runs from `start` end that weigh `least` and more, the last of them as soon as it is a long one."""
    ends = []
    for end in range(start + 1, len(weights)):
        weight = weights[end] - weights[start]
        if weight >= least:
            ends.append(end)
        if weight >= _LONG:
            break
    return ends


def _units(text: str) -> list[str]:
    return _UNIT.findall(unicodedata.normalize("NFKC", text).casefold())


def _weights(units: Sequence[str]) -> list[int]:
    """Weight of the units before each place."""
    return list(accumulate((_WORD_WEIGHT if unit < "\u3040" else _CHARACTER_WEIGHT for unit in units), initial=0))
