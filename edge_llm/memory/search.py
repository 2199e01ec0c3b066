"""The search of a memory: a query in, hits out, each with its reasons.

Wires the parts: candidates.py says what speaks for which item, fusion.py what that counts, highlight.py where the words are.
Works without any encoder, by words alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_llm.memory import fusion
from edge_llm.memory.candidates import Candidates, Limits, Nearest, flagged, gather
from edge_llm.memory.columns import ColumnCache
from edge_llm.memory.highlight import distinct_words, explain, find_spans
from edge_llm.memory.items import Hit, Item

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_llm.memory.embedder import Embedder
    from edge_llm.memory.query import Group
    from edge_llm.memory.ranking import Floats, Ints
    from edge_llm.memory.store import Store
    from edge_llm.memory.when import TimeRange

NO_LIMITS = Limits()
_RERANKED = 10
_NEAR = 2
"""How far a neighbour may be to be named as a reason."""
_WHOLE = 10.0
"""What holding every word counts where a few words are looked up: then nothing comes before it."""
_FAR_MEANING = (4.5, 3.0)
"""Deviations above the usual from which a meaning alone makes a hit: where words are looked up, and for a question."""
_MOST_DEVIATIONS = 0.8
"""Share of the largest deviation that n items allow, the root of n, from which a meaning is far in a store of only a few."""
_LEAST_EVIDENCE = (2.0, 3.5)
"""What words, meaning and neighbours of the best hit must add up to for a question to have an answer here at all; by words
alone, and with meaning. LoCoMo's questions reach it in 98 and 99 of 100 cases, those about other conversations in 40."""


class VectorSearch(Protocol):
    """The vectors of a store, as searches use them."""

    def search(self, query: Floats, k: int, *, allowed: npt.NDArray[np.int64] | None = None) -> tuple[Ints, Floats]:
        """Ids and cosines of the k items nearest to a vector, best first; among at most 4,096 allowed ones, exactly."""
        ...


class Reranker(Protocol):
    """Judges how well texts answer a query, more closely than a search can: a model that reads both."""

    def __call__(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers; higher is better."""
        ...


@dataclass(frozen=True)
class Results:
    """What a search found, and how it read the query."""

    hits: tuple[Hit, ...] = ()
    time: TimeRange | None = None
    """The time that was read in the query."""
    time_was_dropped: bool = False
    """Nothing at all is of that time, so it narrows nothing."""


@dataclass
class Searcher:
    """Searches one store. Any thread may use it; what it holds in RAM follows the store.

    Args:
        store: what is searched.
        embedder: of queries. Without one, as without vectors, words alone are searched.
        vectors: of the store's items, made by that embedder.
        weights: what signals count; others than the fitted ones are for measuring.
    """

    store: Store
    embedder: Embedder | None = None
    vectors: VectorSearch | None = None
    weights: fusion.Weights = fusion.WEIGHTS
    _columns: ColumnCache = field(default_factory=ColumnCache, repr=False)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        limits: Limits = NO_LIMITS,
        now: datetime | None = None,
        context: int = 2,
        reranker: Reranker | None = None,
        pinyin: bool | None = None,
    ) -> Results:
        """Find items by words and by meaning, the best first.

        Args:
            query: words or a question, in any language; any characters at all.
            k: most hits.
            limits: what is searched.
            now: what times in the query count from; None takes the clock.
            context: how many neighbours before and after a hit come with it.
            reranker: judges the first ten hits again.
            pinyin: read what was typed in Latin letters as pinyin: True always, False never, None where no item has it so.

        Raises:
            StoreDamagedError: what was found cannot be read. RuntimeFailedError: the encoder failed.
        """
        if k < 1:
            return Results()
        with self.store.reading():
            found = self.candidates(query, k, limits=limits, now=now, pinyin=pinyin)
            scores = self.scores(found)
            best = _best(found, scores, k)
            hits = self._hits(found, best, scores[best], context)
        if reranker is not None:
            hits = rerank(found.query.text, hits, reranker)
        return Results(tuple(hits), found.time, found.time_was_dropped)

    def candidates(
        self,
        query: str,
        least: int = 0,
        *,
        limits: Limits = NO_LIMITS,
        now: datetime | None = None,
        pinyin: bool | None = None,
    ) -> Candidates:
        """What a search for `least` items looks at closely and what speaks for it, before anything is weighed."""
        with self.store.reading() as connection:
            columns = self._columns.current(connection)
            now = now or datetime.now().astimezone()
            return gather(connection, columns, query, self._meant, limits=limits, now=now, least=least, pinyin=pinyin)

    def scores(self, found: Candidates) -> fusion.Table:
        """The score of every candidate."""
        scores = fusion.scores(found.table, self._weights(found))
        if not found.query.asks:
            scores = scores + _WHOLE * found.whole
        return scores

    def _weights(self, found: Candidates) -> fusion.Weights:
        if found.query.asks:
            return self.weights
        # Words to look up: what is said around them, and how an item reads, is beside the point.
        return replace(self.weights, nearby_words=0.0, reply=0.0, nearby_meaning=0.0, question=0.0, dated=0.0)

    def _meant(self, text: str) -> Nearest | None:
        if self.embedder is None or self.vectors is None:
            return None
        vector, vectors = self.embedder.embed([text])[0], self.vectors
        return lambda k, among: vectors.search(vector, k, allowed=among)

    def _hits(self, found: Candidates, best: Ints, scores: fusion.Table, context: int) -> list[Hit]:
        columns, rows = found.columns, found.rows[best]
        near = [columns.neighbours(row, context) for row in rows.tolist()]
        wanted = [*columns.ids[rows].tolist(), *(item for before, after in near for item in (*before, *after))]
        items = {item.id: item for item in self.store.items(list(dict.fromkeys(wanted)))}
        words = _words_at(found, rows)
        hits = []
        for at, score, (before, after), (own, nearby) in zip(best.tolist(), scores.tolist(), near, words, strict=True):
            item = items.get(int(columns.ids[found.rows[at]]))
            if item is not None:
                hit = self._hit(found, at, item, own, nearby)
                hits.append(replace(hit, score=score, before=_known(items, before), after=_known(items, after)))
        return hits

    def _hit(self, found: Candidates, at: int, item: Item, own: Sequence[Group], nearby: Sequence[Group]) -> Hit:
        parts = fusion.parts(found.table[at], self._weights(found))
        if not found.query.asks and found.whole[at]:
            parts["whole"] = _WHOLE
        sender = found.named[0].text if found.named and found.signal("sender")[at] else None
        time = found.time.text if found.time is not None and found.signal("in_time")[at] else None
        why = explain(distinct_words(own), distinct_words(nearby), parts, sender=sender, time=time)
        return Hit(item, 0.0, parts, why, find_spans(item.text, own))


def rerank(query: str, hits: Sequence[Hit], reranker: Reranker) -> list[Hit]:
    """The first ten hits in the order that `reranker` and the search agree on; the others follow as they were."""
    first = list(hits[:_RERANKED])
    judged = [float(score) for score in reranker(query, [hit.text for hit in first])]
    again = [
        replace(hit, score=hit.score + score, parts={**hit.parts, "model": score})
        for hit, score in zip(first, judged, strict=True)
    ]
    return [*sorted(again, key=lambda hit: -hit.score), *hits[_RERANKED:]]


def _best(found: Candidates, scores: fusion.Table, k: int) -> Ints:
    """Which candidates are hits, the best first; of equals the latest first."""
    if not found.query.groups:  # nothing to look for but a time, or a filter
        chosen = np.arange(len(scores)) if found.time is not None and not found.time_was_dropped else np.empty(0, np.int64)
    else:
        chosen = _relevant(found)
    times, ids = found.columns.times[found.rows[chosen]], found.columns.ids[found.rows[chosen]]
    order = np.lexsort((-ids, -times, -np.round(scores[chosen], 9)))
    best: Ints = chosen[order[:k]]
    return best


def _relevant(found: Candidates) -> Ints:
    """Candidates that may be meant at all; none when a question is about something that nothing here speaks of."""
    asks, meaning = found.query.asks, found.signal("meaning")
    said = found.signal("cover") > 0
    if asks:
        said |= (found.signal("nearby_words") > 0) | (found.signal("reply") > 0)
        names = (*fusion.PARTS["words"], *fusion.PARTS["meaning"], *fusion.PARTS["neighbours"])
        evidence = sum(getattr(fusion.WEIGHTS, name) * found.signal(name) for name in names)
        if np.max(evidence, initial=0.0) < _LEAST_EVIDENCE[bool(meaning.any())]:
            return np.empty(0, np.int64)
    far = min(_FAR_MEANING[asks], _MOST_DEVIATIONS * len(found.columns) ** 0.5)
    return np.flatnonzero(said | (meaning >= far))


def _words_at(found: Candidates, rows: Ints) -> list[tuple[list[Group], list[Group]]]:
    """For each of some rows the words of the query that it holds, and those that only items close by do."""
    columns = found.columns
    around = np.clip(rows[:, None] + np.arange(-_NEAR, _NEAR + 1), 0, len(columns) - 1)
    same = columns.episodes[around] == columns.episodes[rows][:, None]
    held = [(posting.group, flagged(columns, posting.rows)[around] & same) for posting in found.postings]
    listed = []
    for at in range(len(rows)):
        own = [group for group, where in held if where[at, _NEAR]]
        listed.append((own, [group for group, where in held if where[at].any() and not where[at, _NEAR]]))
    return listed


def _known(items: dict[int, Item], ids: Sequence[int]) -> tuple[Item, ...]:
    return tuple(items[item] for item in ids if item in items)
