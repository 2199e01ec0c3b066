"""A question in a conversation: what memory has for it, what the model is asked, and what its answer leans on.

Knows searches, token budgets and wording. Runs no model and keeps no conversation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_llm.memory.citing import Claim, find_claims
from edge_llm.memory.packing import Passage, TokenCount, pack
from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from edge_llm.memory.items import Hit
    from edge_llm.memory.memory import Memory

NOT_IN_DATA = "Not in your data."
_NOT_IN_DATA_ZH = "你的数据里没有。"
_LEAST_HELD, _LEAST_WORDS = 4.9, 3.3
"""Of the parts of a hit's score that words, meaning and neighbours make; where nothing has a vector, without meaning."""
_LEAST_MEANING = 3.25
"""Of the part that meaning makes: five deviations above the usual, which words of another language reach too."""
_LOOKED_AT = 3
_LEAST_OF_BEST = 0.5
"""Hits that score less than this share of the first one would only distract a small model."""
_MOST_OWN_TURNS = 64
"""How many of a conversation's own turns may be among the best hits before they crowd others out."""


@dataclass(frozen=True)
class Recall:
    """How a conversation uses memory. Raises ConfigError for a count below 1."""

    items: int = 8
    """Most hits that a question is answered from; their neighbours come on top."""
    tokens: int = 1024
    """Most tokens of the prompt that they may take."""
    beyond_data: bool = False
    """Where memory has nothing, let the model answer from what it knows, after saying so. By default the answer then is
    only that it is not in the data: a small model asked about a person's life makes something up."""

    def __post_init__(self) -> None:
        for name, value in (("items", self.items), ("tokens", self.tokens)):
            if value < 1:
                raise ConfigError(f"Recall.{name} is {value}; it must be at least 1.")


@dataclass(frozen=True)
class Recalled:
    """What an answer was made from."""

    passages: tuple[Passage, ...]
    """The items the model was shown, as it was shown them."""
    claims: tuple[Claim, ...] = ()
    """The answer's sentences, each with the items it leans on."""

    @property
    def found(self) -> bool:
        """Whether memory had anything; if not, the answer says that it is not in the data."""
        return bool(self.passages)

    @property
    def shown(self) -> frozenset[int]:
        """Ids of the items the model was shown."""
        return frozenset(passage.item.id for passage in self.passages)

    @property
    def cited(self) -> tuple[int, ...]:
        """Ids of the items that the answer leans on, in the order of its sentences."""
        return tuple(dict.fromkeys(item for claim in self.claims for item in claim.items))


def recall(
    memory: Memory,
    question: str,
    *,
    previous: str | None,
    count: TokenCount,
    budget: int,
    options: Recall,
    apart_from: Collection[int] = (),
) -> tuple[Passage, ...]:
    """The passages to answer a question from; none when memory has nothing about it.

    Args:
        previous: the question before this one. A follow-up that says little by itself ("and when?") is looked for with it.
        count: tokens of a text, by the answering model's tokenizer.
        budget: most tokens that may be used, where less than `options.tokens`.
        apart_from: items not to show: the conversation's own turns, which the model sees anyway.
    """
    wanted = options.items + min(len(apart_from), _MOST_OWN_TURNS)

    def find(text: str) -> list[Hit]:
        return relevant([hit for hit in memory.search(text, wanted) if hit.item.id not in apart_from])

    hits = find(question)
    if not hits and previous and _says_little(question):
        hits = find(f"{previous}\n{question}")
    return pack(hits[: options.items], count=count, budget=min(budget, options.tokens))


def relevant(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that a question can be answered from, best first; none when even the first ones are only the nearest there is.

    A search always finds something. What separates an answer from the nearest neighbour was measured
    (tests/bench/bench_memory_answerable.py): how much of the question's words and meaning the item and its neighbours hold.
    """
    least = _LEAST_HELD if any("meaning" in hit.parts for hit in hits) else _LEAST_WORDS
    if not any(_held(hit) >= least or hit.parts.get("meaning", 0.0) >= _LEAST_MEANING for hit in hits[:_LOOKED_AT]):
        return []
    return [hit for hit in hits if hit.score >= hits[0].score * _LEAST_OF_BEST]


def _held(hit: Hit) -> float:
    return sum(hit.parts.get(part, 0.0) for part in ("words", "meaning", "neighbours", "whole"))


def _says_little(question: str) -> bool:
    from edge_llm.memory.query import parse

    return len([group for group in parse(question).groups if not group.is_weak and not group.is_part]) <= 1


def conclude(passages: tuple[Passage, ...], question: str, answer: str) -> Recalled:
    """What an answer was made from, once it is there."""
    return Recalled(passages, find_claims(answer, passages, question) if passages else ())


def not_in_data(question: str) -> str:
    """The answer where memory has nothing, in the question's language: Chinese, or else English."""
    chinese = any("\u4e00" <= character <= "\u9fff" for character in question)
    return _NOT_IN_DATA_ZH if chinese else NOT_IN_DATA
