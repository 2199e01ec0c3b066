"""Which sentence of an answer leans on which passage that the model was shown: by the words they share, in code.

A small model's own footnotes cannot be trusted, so none are asked for. Overlap shows where a claim may come from; it does
not prove that the passage says so. Knows no model and no store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_llm.memory.packing import Passage

LEAST_SHARE = 0.4
"""Share of a claim's words that a passage must hold for the claim to lean on it."""
_NEAR_BEST = 0.8
_WEAK = frozenset(
    (
        *("a", "about", "an", "and", "are", "as", "at", "be", "by", "can", "do", "doe", "for", "from", "has", "have", "he"),
        *("her", "his", "i", "in", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "she", "so", "that"),
        *("the", "their", "them", "they", "this", "to", "was", "we", "were", "what", "when", "where", "which", "who"),
        *("will", "with", "would", "yes", "you", "your"),
    )
)
"""English words that any passage holds, as the index writes them."""
_NEW_WORD = 2.0
"""Weight of a word that the question did not bring: echoing the question is no evidence."""

# A sentence ends at a line's end, after 。！？ at once, and after . ! ? where a space or the end follows, unless a single
# letter (an initial) or a number with more digits to come stands before the point.
_SENTENCE = re.compile(r"\S(?:(?![。！？]|[.!?…]+[\"'”’)\]]*(?:\s|$)|\n).)*(?:[。！？]+|[.!?…]+[\"'”’)\]]*)?")


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer."""

    start: int
    end: int
    """Characters [start, end) of the answer."""
    items: tuple[int, ...]
    """Ids of the items it leans on, the closest first; empty when none of them says these words."""
    share: float
    """Share of its words that the closest item holds, 0 to 1."""


def find_claims(answer: str, passages: Sequence[Passage], question: str) -> tuple[Claim, ...]:
    """The sentences of an answer, each with the items it leans on."""
    asked = _terms(question)
    held = [(passage.item.id, _terms(_all_text(passage))) for passage in passages]
    return tuple(_claim(answer, start, end, held, asked) for start, end in _sentences(answer))


def _claim(answer: str, start: int, end: int, held: Sequence[tuple[int, set[str]]], asked: set[str]) -> Claim:
    weights = {term: 1.0 if term in asked else _NEW_WORD for term in _terms(answer[start:end])}
    total = sum(weights.values())
    new = {term for term in weights if term not in asked}
    shares = []
    for item, terms in held:
        shared = weights.keys() & terms
        share = sum(weights[term] for term in shared) / total if total else 0.0
        if share >= LEAST_SHARE and (not new or new & shared):
            shares.append((share, item))
    shares.sort(key=lambda found: -found[0])
    best = shares[0][0] if shares else 0.0
    return Claim(start, end, tuple(item for share, item in shares if share >= best * _NEAR_BEST), best)


def _terms(text: str) -> set[str]:
    from edge_llm.memory.analysis import index_terms

    return set(index_terms(text).split()) - _WEAK


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for found in _SENTENCE.finditer(text):
        if any(character.isalnum() for character in found.group()):
            yield found.start(), found.start() + len(found.group().rstrip())


def _all_text(passage: Passage) -> str:
    """What the model could read about the item: also who and when, which an answer often is made of."""
    item = passage.item
    names = " ".join(part.person.name for part in item.people)
    when = "" if item.time is None else f"{item.time.astimezone():%A %d %B %Y %Y-%m-%d %H:%M}"
    return f"{item.title or ''} {names} {when} {passage.text}"
