"""Texts of a request as the tagger sees them, and when that is believed above what the rules read.

Rules are right about a sentence of a known form; in another they take too much or too little. What they read is one of the
things that the tagger sees, so it has learned when to follow them (stacking: Wolpert, "Stacked generalization", 1992).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action, Slot
from edge_llm.understand.language import language_of
from edge_llm.understand.tagger import RULED, Tagged, tagger
from edge_llm.understand.text_slots import trimmed

_OWNER: Final = re.compile(r"['’]s$")
_ARTICLE: Final = re.compile(r"^(?:the|an?|my|our|some)\s+(?=\S)", re.IGNORECASE)
Spans = Sequence[tuple[int, int]]
_ROLES: Final = frozenset({"text", "item", "query", "place", "app", "recipient"})
_LIKELY, _SURE, _SURER, _UNLIKELY, _ABSURD, _BROKEN = 0.35, 0.5, 0.8, 0.2, 0.002, 0.05
"""Of a text where rules find none; the same where it may be left out; of one that replaces theirs; of theirs, to be replaced;
of theirs, to be left out; and of theirs where it is no run of the words."""


def tagged_slots(action: Action) -> tuple[str, ...]:
    """The slots of an action that are runs of the person's words."""
    return tuple(slot.name for slot in action.slots if slot.role in _ROLES and slot.name != "number")


def ruled_spans(words: str, ruled: Mapping[str, Sequence[str]]) -> dict[str, Spans]:
    """Where the texts that rules read for each slot stand in the words."""
    spans: dict[str, Spans] = {}
    for slot, texts in ruled.items():
        starts = [(words.find(text), len(text)) for text in texts]
        spans[f"{RULED}{slot}"] = [(start, start + length) for start, length in starts if start >= 0]
    return spans


class Texts:
    """The tagged texts of one request for an action.

    Args:
        known: what code reads in the words, by kind (`Reading.known_spans`).
        ruled: the texts that rules read, by slot.
    """

    def __init__(self, action: Action, words: str, known: Mapping[str, Spans], ruled: Mapping[str, Sequence[str]]) -> None:
        self._words, self._ruled = words, ruled
        self._slots = tagged_slots(action) if action.id in _known_actions() else ()
        self._lattice = None
        if self._slots:
            known = {**known, **ruled_spans(words, ruled)}
            self._lattice = tagger(language_of(words)).lattice(words, action.id, self._slots, known)
        self._found: list[Tagged] = [] if self._lattice is None else self._lattice.best()

    def starts(self, slot: Slot) -> list[int]:
        """Where the likely values of a slot begin."""
        return [one.start for one in self._found if one.slot == slot.name and one.probability >= _LIKELY]

    def believed(self, slot: Slot, said: str | Sequence[str] | None) -> str | list[str] | None:
        """What fills a slot, given what the rules read: one text, or the elements of a list."""
        theirs = [said] if isinstance(said, str) else list(said or ())
        is_list = slot.schema.get("type") == "array"
        found = [one for one in self._found if one.slot == slot.name]
        if not is_list and len(found) > 1:
            found = [max(found, key=lambda one: one.probability)]
        runs = [self._words[one.start : one.end] for one in found]
        texts = [text for run in runs if (text := _bare(slot, run)) is not None]
        likely = min((one.probability for one in found), default=0.0)
        if (
            self._lattice is None
            or slot.name not in self._slots
            or runs == theirs
            or [_OWNER.sub("", run) for run in runs] == theirs
        ):
            chosen = theirs
        elif texts and theirs:
            is_unlikely = any(self._probability(slot, one) < _UNLIKELY for one in theirs)
            is_part = set(texts) < set(theirs)
            chosen = texts if likely >= _SURER and is_unlikely and not is_part else theirs
        elif texts:
            chosen = texts if likely >= (_LIKELY if slot.required else _SURE) else []
        else:
            is_absurd = not slot.required and any(self._probability(slot, one) < _ABSURD for one in theirs)
            chosen = [] if is_absurd else theirs
        return (chosen if is_list else chosen[0]) if chosen else None

    def _probability(self, slot: Slot, text: str) -> float:
        """That a text of the rules is the slot's; 0.05 where it is no run of the words."""
        start = self._words.find(text)
        return _BROKEN if start < 0 or self._lattice is None else self._lattice.probability(slot.name, start, start + len(text))


def _bare(slot: Slot, run: str) -> str | None:
    text = trimmed(run)
    return text if text is None or slot.role not in ("place", "item") else _ARTICLE.sub("", text)


@lru_cache(maxsize=1)
def _known_actions() -> frozenset[str]:
    return frozenset(action.id for action in library())
