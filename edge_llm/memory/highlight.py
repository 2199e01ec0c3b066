"""Where in a text the words of a query are, and the reason for a hit in a few words. Knows texts and queries; ranks nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edge_llm.memory.analysis import Token, is_unspaced, tokens
from edge_llm.memory.items import Span
from edge_llm.memory.query import Group

LONGEST = 50_000
"""Characters of a text in which spans are looked for."""
_MOST_NAMED = 4
_CLOSE = 0.15
"""Share of a score from which a part is worth a word."""


def find_spans(text: str, groups: Sequence[Group]) -> tuple[Span, ...]:
    """The places in `text`, as it is and not as it was folded, where a group of the query is; joined where they touch."""
    if not groups:
        return ()
    terms = tokens(text[:LONGEST])
    starts: dict[str, list[int]] = {}
    for place, token in enumerate(terms):
        starts.setdefault(token.term, []).append(place)
    found = sorted(span for group in groups for span in _of_group(terms, starts, group))
    merged: list[Span] = []
    for start, end in found:
        if merged and start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Span(start, end))
    return tuple(merged)


def explain(
    own: Sequence[str], near: Sequence[str], parts: Mapping[str, float], *, sender: str | None, time: str | None
) -> str:
    """Why something was found, in a few words.

    Args:
        own: words of the query that it holds, as typed.
        near: words of the query that only its neighbours hold.
        parts: what its score is made of.
        sender: who was named and wrote it.
        time: the words of the query that say its time.
    """
    total = sum(value for value in parts.values() if value > 0)
    reasons = []
    if own:
        reasons.append(f"matches {_listed(own)}")
    if parts.get("meaning", 0.0) > _CLOSE * total:
        reasons.append("similar meaning")
    if near and parts.get("neighbours", 0.0) > _CLOSE * total:
        reasons.append(f"next to {_listed(near)}")
    if sender is not None:
        reasons.append(f"from {sender}")
    if time is not None:
        reasons.append(f"at the time of {time!r}")
    return "; ".join(reasons) or "the conversation around it fits"


def distinct_words(groups: Collection[Group]) -> list[str]:
    """The words of groups as typed, each once; pairs of characters that overlap are one word."""
    words: list[str] = []
    for group in groups:
        if words and is_unspaced(words[-1][-1]) and words[-1][-1] == group.text[:1] and len(group.text) == 2:
            words[-1] += group.text[1:]
        else:
            words.append(group.text)
    return list(dict.fromkeys(words))


def _of_group(terms: Sequence[Token], starts: Mapping[str, Sequence[int]], group: Group) -> list[tuple[int, int]]:
    spans = []
    for phrase in group.alternatives:
        is_beginning = group.prefix and len(phrase) == 1
        for place in range(len(terms)) if is_beginning else starts.get(phrase[0], ()):
            held = terms[place : place + len(phrase)]
            if [token.term for token in held[:-1]] != list(phrase[:-1]) or len(held) < len(phrase):
                continue
            last = held[-1]
            if last.term == phrase[-1]:
                spans.append((held[0].start, last.end))
            elif group.prefix and last.term.startswith(phrase[-1]):  # of two characters, the first
                spans.append((held[0].start, last.start + (last.end - last.start) // len(last.term)))
    return spans


def _listed(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words[:_MOST_NAMED]]
    more = ", …" if len(words) > _MOST_NAMED else ""
    return (" and ".join(quoted) if len(quoted) < 3 else ", ".join(quoted[:-1]) + f" and {quoted[-1]}") + more
