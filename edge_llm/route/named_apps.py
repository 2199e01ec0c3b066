"""Actions that ask for an app by its name: "wechat Anna" is WeChat's, "text Anna" is not, however alike the rest sounds.

Such an action has a carrier that only that app answers, a sibling with slots of the same roles, and examples that all say a
word which the sibling's never say. Learned from manifests; knows no app.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_llm.actions.manifest import Action, Language
from edge_llm.memory.analysis import words as terms_of

_NEARLY_ALL: Final = 0.9
"""Share of an action's examples that must say the name. The others say it in another way ("weixin")."""


@dataclass(frozen=True)
class NamedApp:
    """An action that goes by a name."""

    names: frozenset[str]
    """Terms, one of which its requests say."""
    siblings: frozenset[int]
    """Places of the actions that do the same without it."""


def find_named_apps(actions: Sequence[Action], language: Language) -> Mapping[int, NamedApp]:
    """The actions that go by a name, by their places."""
    said = [[frozenset(terms_of(line)) for line in action.examples.get(language, ())] for action in actions]
    found = {}
    for place, action in enumerate(actions):
        if not any(carrier.package for carrier in action.carriers):
            continue
        siblings = [other for other, one in enumerate(actions) if other != place and _does_the_same(one, action)]
        names = _names(action, said[place], [line for other in siblings for line in said[other]])
        if siblings and names:
            found[place] = NamedApp(names, frozenset(siblings))
    return {
        place: NamedApp(app.names, app.siblings - found.keys()) for place, app in found.items() if app.siblings - found.keys()
    }


def without_unnamed(shares: Sequence[float], words: str, apps: Mapping[int, NamedApp]) -> list[float]:
    """The shares of the actions, where one whose name was not said gives its own to its likeliest sibling."""
    told = frozenset(terms_of(words))
    left = list(map(float, shares))
    for place, app in apps.items():
        if app.names.isdisjoint(told):
            heir = max(app.siblings, key=lambda sibling: shares[sibling])
            left[heir] += left[place]
            left[place] = 0.0
    return left


def _does_the_same(one: Action, other: Action) -> bool:
    def shape(action: Action) -> list[tuple[str, bool]]:
        return sorted((slot.role, slot.required) for slot in action.slots if slot.required)

    return one.effect == other.effect and one.trusted == other.trusted and shape(one) == shape(other)


def _names(action: Action, own: Collection[frozenset[str]], others: Collection[frozenset[str]]) -> frozenset[str]:
    """Terms that nearly all of an action's own examples say and none of the others, with what its links call the app."""
    strange = frozenset[str]().union(*others)
    counted = {term: sum(term in line for line in own) for line in own for term in line - strange}
    main = frozenset(term for term, count in counted.items() if count >= _NEARLY_ALL * len(own))
    if not main:
        return frozenset()
    links = " ".join(f"{carrier.target} {carrier.data or ''}" for carrier in action.carriers)
    return main | (frozenset(terms_of(links)) & counted.keys())
