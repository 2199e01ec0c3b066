"""The requests of a sentence, in order, and which actions each may ask for: by its way of asking, else by the router.

Knows no dialogue. What a request says of an action's slots is planning.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge_llm.actions.manifest import Action
from edge_llm.confidence import Confidence, understood
from edge_llm.planning import draft
from edge_llm.route import heads
from edge_llm.understand import clauses_chinese
from edge_llm.understand.asking import plain_words
from edge_llm.understand.contacts import ContactBook, NoContacts
from edge_llm.understand.context import Context
from edge_llm.understand.courtesy import clauses
from edge_llm.understand.language import language_of
from edge_llm.understand.recipients import addressed
from edge_llm.understand.spelling import spelt
from edge_llm.understand.units import conversion_of

if TYPE_CHECKING:
    from edge_llm.conversation import Routes

_CLOSE: Final = 0.5
"""Of the likeliest action's probability: actions that reach this share of it are offered where it is unsure."""
_OFFERED: Final = 3
_LEAST: Final = 0.35
"""Below this an action is not even offered: the words ask for none."""
_BY_HEAD: Final = 0.9
"""The way of asking (route/heads.py) was right in 20 of the 20 requests of the development half of tests/assistant_set where it
names an action; that few show no more than this."""
_CANDIDATES: Final = 64
_MOST_CLAUSES: Final = 3
"""Of a sentence that as a whole asks for nothing that is known, how many are looked at by themselves."""
_REFERS_BACK = re.compile(
    r"^(?:please |then |and |so |just )*(?:put|add|write|stick|throw|note|save|book|set|order|buy|get|pop) (?:it|them"
    r"|those|these|both)\b"
    r"|^(?:请|帮我|就|那就|再)*(?:把(?:它们?|这些|那些|这个)|(?:加|放|写|记|存)(?:到|进|上|入|下来))",
    re.IGNORECASE,
)
"""A request that is about what the one before it named."""
_WISHED = re.compile(r"(?:i|we|i'm|i'd|we're|i've|we've)\b", re.IGNORECASE)


@dataclass(frozen=True)
class RoutedPart:
    """One request of a sentence, and the actions it may ask for; none where it asks for none."""

    words: str
    actions: tuple[Action, ...]
    confidence: Confidence
    settled: bool = False
    """The words only tell something: no part of them is looked at by itself."""
    by_head: bool = False
    """The way of asking names the action."""

    @property
    def sure(self) -> bool:
        """The first action can be gone on with."""
        return self.confidence.sure


def route_all(router: Routes, words: str, context: Context | None = None) -> list[RoutedPart]:
    """The requests of a sentence, in order, each with the actions it may ask for.

    Args:
        context: who is known: "tell Anna" is a message where Anna is somebody's name. None: nobody.
    """
    from edge_llm.route.split import split_requests

    people: ContactBook = NoContacts() if context is None else context.people
    words = plain_words(words, context)
    parts = split_requests(words)
    routed = [_route(router, part, people) for part in parts]
    if len(parts) > 1 and any(not one.actions for one in routed):  # the parts do not stand alone: it was one request
        return [_route(router, words, people)]
    return routed


def joined(routed: list[RoutedPart], words: str, context: Context) -> list[RoutedPart]:
    """The requests of a sentence, where those that only add to one another are one: "we're out of milk, put it on the list", "I
    need somewhere to stay tonight, book a hotel"."""
    ids = {one.actions[0].id for one in routed if one.actions}
    if len(routed) < 2 or len(ids) != 1 or not all(one.actions for one in routed):
        return routed
    asked = [one for one in routed if not _WISHED.match(one.words)]
    if (
        len(asked) == 1
        and routed[-1] is asked[0]
        and draft(asked[0].actions[0], asked[0].words, context, asked[0].confidence).ready
    ):
        return asked  # "I could murder a curry, order me a madras"
    adds = any(_REFERS_BACK.match(one.words) for one in routed[1:]) or not all(
        draft(one.actions[0], one.words, context, one.confidence).slots for one in routed
    )
    surest = max(routed, key=lambda one: one.confidence.value)
    return [replace(surest, words=plain_words(words, context))] if adds else routed


def _route(router: Routes, words: str, people: ContactBook) -> RoutedPart:
    """The actions that a request may ask for: by all its words, else by its one clause that asks for something."""
    said = spelt(words).text if language_of(words) == "en" else words
    routed = _route_words(router, said, people)
    if not routed.by_head and language_of(words) == "en":
        routed = _asked_in(router, said, people) or routed
    if not routed.actions and not routed.settled:
        parts = clauses_chinese.clauses(said) if language_of(said) == "zh" else clauses(said)
        asking = [clause for clause in parts if not heads.is_told(clause)]
        tried = [_route_words(router, clause, people) for clause in asking if clause != said][:_MOST_CLAUSES]
        routed = max((one for one in tried if one.sure and one.actions), key=lambda one: one.confidence.value, default=routed)
    return replace(routed, words=words)


def _asked_in(router: Routes, words: str, people: ContactBook) -> RoutedPart | None:
    """The request of the one clause whose way of asking names an action: "the kids are in the car, take us to the zoo"."""
    asking = [clause for clause in clauses(words) if clause != words and (heads.action_of(clause) or addressed(clause, people))]
    tried = [_route_words(router, clause, people) for clause in asking[:_MOST_CLAUSES]]
    named = {one.actions[0].id: one for one in tried if one.by_head}
    return next(iter(named.values())) if len(named) == 1 else None


def _route_words(router: Routes, words: str, people: ContactBook) -> RoutedPart:
    routed = router.route(words, _CANDIDATES)
    named = heads.action_of(words) or addressed(words, people) or conversion_of(words)
    found = next((one for one in routed.candidates if one.action.id == named), None)
    if found is not None:
        return RoutedPart(
            words, (found.action,), understood(max(found.probability, _BY_HEAD), found.action.name.en), by_head=True
        )
    if named is None and heads.is_told(words):
        return RoutedPart(words, (), understood(_BY_HEAD, "no request"), settled=True)
    first = routed.best
    if first is None or first.probability < _LEAST:
        return RoutedPart(words, (), routed.confidence)
    close = [one.action for one in routed.candidates[:_OFFERED] if one.probability >= _CLOSE * first.probability]
    return RoutedPart(words, tuple(close), routed.confidence)
