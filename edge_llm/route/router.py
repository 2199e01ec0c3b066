"""Which of the person's actions their words ask for, or none of them, each with a probability.

Learns from manifests alone, when the first words in a language arrive; a chat model may settle close calls. Only the
person's own words come here: what was read in messages or pages selects no action.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.actions.manifest import Action, Language
from edge_llm.confidence import Confidence, understood
from edge_llm.route.calibrate import Fit, fit
from edge_llm.route.clarify import compare_likelihoods
from edge_llm.route.encode import SentenceSpace
from edge_llm.route.examples import examples_for
from edge_llm.route.kept_fit import kept_fit
from edge_llm.route.named_apps import NamedApp, find_named_apps, without_unnamed
from edge_llm.understand.language import language_of
from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.memory.embedder import Embedder
    from edge_llm.model import Model

_SECOND_ENCODER = "all-minilm-l6-v2"
_CLOSE = 0.25
"""A second candidate with this share of the first one's probability makes a close call."""
_LONGEST = 500
"""Characters of a request that count."""


@dataclass(frozen=True)
class Candidate:
    """An action that may be meant."""

    action: Action
    probability: float


@dataclass(frozen=True)
class Routed:
    """What the words may ask for."""

    candidates: tuple[Candidate, ...]
    """The likeliest first."""
    none_probability: float
    """That they ask for none of the actions: conversation, a question, another app's business."""
    confidence: Confidence

    @property
    def best(self) -> Candidate | None:
        """The likeliest action, or None where none of them is likelier than any."""
        return self.candidates[0] if self.candidates and self.none_probability < 0.5 else None


class Router:
    """Routes words to actions. Any thread may use it.

    Args:
        actions: at least one, their ids all different.
        embedders: sentence encoders; the first must read English and Chinese. The caller closes them.
        model: settles close calls between actions; None leaves them to the probabilities.
        cache: a folder that keeps the vectors of the actions' examples, so that the next start need not make them.

    Raises:
        ConfigError: no action, no embedder, or an id twice.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        embedders: Embedder | Sequence[Embedder],
        *,
        model: Model | None = None,
        cache: Path | None = None,
    ) -> None:
        self._actions = tuple(actions)
        self._embedders = tuple(embedders) if isinstance(embedders, Sequence) else (embedders,)
        if not self._actions or not self._embedders or len({action.id for action in self._actions}) < len(self._actions):
            raise ConfigError("A router needs actions with different ids, and a sentence encoder.")
        self._model = model
        self._cache = cache
        self._lock = threading.Lock()
        self._learned: dict[Language, _Learned] = {}

    def route(self, words: str, k: int = 5) -> Routed:
        """What the words ask for.

        Args:
            k: most candidates.

        Raises:
            What an embedder, or the model, raises when it runs.
        """
        words = words[:_LONGEST].strip()
        if not words:
            return Routed((), 1.0, understood(1.0, "nothing"))
        learned = self._learn(language_of(words))
        fitted, none = learned.fit.probabilities(learned.space.compare(words))
        shares = without_unnamed([float(share) for share in fitted], words, learned.apps)
        order = sorted(range(len(self._actions)), key=lambda number: (-shares[number], number))[:k]
        candidates = [Candidate(self._actions[number], shares[number]) for number in order]
        if self._model is not None and _is_close(candidates, none):
            candidates = self._compare(self._model, words, candidates)
        return Routed(tuple(candidates), none, _confidence(candidates, none))

    def warm(self, language: Language) -> None:
        """Learn now what the first request in `language` would wait for."""
        self._learn(language)

    def _learn(self, language: Language) -> _Learned:
        import numpy as np

        from edge_llm.memory.blas import one_blas_thread

        with self._lock, one_blas_thread():
            if language not in self._learned:
                examples = examples_for(self._actions, language)
                space = SentenceSpace(examples.texts, self._embedders, name=language, cache=self._cache)
                made_from = [*space.encoders, *examples.texts, *map(str, (*examples.labels, len(self._actions)))]
                learned = kept_fit(
                    self._cache,
                    language,
                    made_from,
                    lambda: fit(space.gram(), np.array(examples.labels), len(self._actions)),
                )
                self._learned[language] = _Learned(space, learned, find_named_apps(self._actions, language))
            return self._learned[language]

    def _compare(self, model: Model, words: str, candidates: list[Candidate]) -> list[Candidate]:
        close = [c for c in candidates if c.probability >= _CLOSE * candidates[0].probability]
        total = sum(candidate.probability for candidate in close)
        shares = compare_likelihoods(model, words, [(c.action, c.probability / total) for c in close], language_of(words))
        judged = [Candidate(c.action, total * share) for c, share in zip(close, shares, strict=True)]
        return sorted([*judged, *candidates[len(close) :]], key=lambda candidate: -candidate.probability)


@dataclass(frozen=True)
class _Learned:
    space: SentenceSpace
    fit: Fit
    apps: Mapping[int, NamedApp]


def open_embedders(home: Home | None = None) -> tuple[Embedder, ...]:
    """The default sentence encoder and, where it was pulled, the one that makes English routing better. Loads nothing yet."""
    from edge_llm.catalog import find_installed
    from edge_llm.home import Home
    from edge_llm.memory.embedders import open_embedder

    home = home or Home()
    names = (None, _SECOND_ENCODER) if find_installed(_SECOND_ENCODER, home) else (None,)
    return tuple(open_embedder(name, home=home) for name in names)


def _is_close(candidates: Sequence[Candidate], none: float) -> bool:
    return none < 0.5 and len(candidates) > 1 and candidates[1].probability >= _CLOSE * candidates[0].probability


def _confidence(candidates: Sequence[Candidate], none: float) -> Confidence:
    if none >= 0.5 or not candidates:
        return understood(none, "no request for an action")
    return understood(min(candidates[0].probability, 1.0), candidates[0].action.name.en)
