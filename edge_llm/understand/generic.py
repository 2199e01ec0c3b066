"""Arguments for a function of which only a JSON schema is known: those of a server's tools, of an app's own functions.

Candidates are gathered from the words (numbers with what stands beside them, names, quotes, dates, formulas, members of an
enumeration) and given to the arguments they fit. An optional argument is left out unless the words speak of it; a required one
for which nothing fits is missing. Nothing is invented: a value is the person's words, a choice, or the schema's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any

from edge_llm.understand.amounts import find_currencies
from edge_llm.understand.cues import LANGUAGES
from edge_llm.understand.figures import Figure, find_figures, find_lists, fit, number_for, taken_by
from edge_llm.understand.language import has_cjk
from edge_llm.understand.likely import likelihoods, with_state
from edge_llm.understand.mentions import find_members, is_denied, is_mentioned
from edge_llm.understand.parameters import Parameter, parameters_of, stem, words_of
from edge_llm.understand.phrase_fit import features, weighed
from edge_llm.understand.phrases import Phrase, find_phrases
from edge_llm.understand.written import as_written

if TYPE_CHECKING:
    from edge_llm.model import Model

Meanings = Callable[[str, Sequence[str]], Sequence[float]]
"""(an argument's description, texts) -> the cosine of each with it."""
_ENOUGH = 0.6
"""The fit above which a number is an optional argument's."""
_PAIR = re.compile(r"\d+|first|second|start|end|source|destination|target|origin|from|to|departure|arrival|_a$|_b$|_")
_MOST_RUNS, _MOST_KEPT, _NONE = 8, 64, 60.0
_MOST_SCORED, _FAR_AHEAD = 5, 5.0
_MOST_TRIED = 7
"""Arguments for which every order of numbers is tried; the rest are taken as they stand."""


@dataclass(frozen=True)
class Filled:
    """Arguments that were found."""

    arguments: Mapping[str, Any]
    missing: tuple[str, ...]
    """Required ones that the words do not give."""
    found: int
    """How many came from the words, defaults not counted."""
    completed: tuple[str, ...] = ()
    """Arguments that hold more than the words say, by the model's knowledge ("Chicago, IL"): its origin is the model."""


@dataclass(frozen=True)
class Function:
    """A function as tool servers and model vendors describe it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    """JSON Schema of its parameters."""

    @property
    def vocabulary(self) -> frozenset[str]:
        """Stems of the words of its name and description."""
        return frozenset(stem(word) for word in words_of(f"{self.name} {self.description}"))


def fill(function: Function, words: str, *, meanings: Meanings | None = None, model: Model | None = None) -> Filled:
    """Find the arguments of `function` in a request.

    Args:
        meanings: says how near texts are to a description in meaning; None goes by words alone.
        model: scores the runs of words that fit a text best, and completes a city by its state. None leaves that out.

    Raises:
        RuntimeFailedError: while the model runs.
    """
    parameters = parameters_of(function.schema)
    state = _State(function, words, meanings, model)
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        value = _by_itself(parameter, state)
        if value is not None:
            arguments[parameter.name] = value
    _numbers([one for one in parameters if one.type in ("integer", "number") and one.name not in arguments], state, arguments)
    _texts([one for one in parameters if one.type == "string" and one.name not in arguments], state, arguments)
    found = len(arguments)
    for parameter in parameters:
        if parameter.required and parameter.name not in arguments and parameter.default is not None:
            arguments[parameter.name] = parameter.default
    missing = tuple(one.name for one in parameters if one.required and one.name not in arguments)
    ordered = {one.name: arguments[one.name] for one in parameters if one.name in arguments}
    return Filled(ordered, missing, found, tuple(state.completed))


class _State:
    """What is left of the words while arguments are given out."""

    def __init__(self, function: Function, words: str, meanings: Meanings | None, model: Model | None) -> None:
        self.function, self.words, self.meanings, self.model = function, words, meanings, model
        self.completed: list[str] = []
        self.phrases = find_phrases(words)
        self.figures = find_figures(words)
        self.lists = find_lists(words)
        self.taken: list[tuple[int, int]] = []

    def take(self, start: int, end: int) -> None:
        self.taken.append((start, end))

    def is_taken(self, start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in self.taken)


def _by_itself(parameter: Parameter, state: _State) -> Any:
    """The value of an argument that is told by its own kind: a flag, a choice, a row of numbers, a date, an object."""
    if parameter.type == "boolean":
        return _flag(parameter, state)
    if parameter.type == "array":
        return _array(parameter, state)
    if parameter.type == "object":
        return _object(parameter, state)
    if parameter.type == "string" and parameter.kind == "currency":
        return _currency(parameter, state)
    if parameter.type == "string" and parameter.kind == "language":
        return _language(parameter, state)
    if parameter.type == "string" and parameter.choices and parameter.kind != "place":
        members = find_members(state.words, parameter, state.function.vocabulary)
        if members:
            if not members[0].is_loose:
                state.take(members[0].start, members[0].end)
            return members[0].text
        if parameter.is_closed and parameter.required and parameter.default is None:
            return None
    return None


def _flag(parameter: Parameter, state: _State) -> bool | None:
    if is_mentioned(parameter, state.words, state.function.vocabulary):
        return not is_denied(parameter, state.words)
    return None


def _array(parameter: Parameter, state: _State) -> list[Any] | None:
    item = parameter.item
    if item.type in ("integer", "number", "array"):
        rows = [one for one in state.lists if not state.is_taken(one[0], one[1])]
        if not rows:
            return _loose_row(parameter, item, state)
        row = max(rows, key=lambda one: (_said_before(parameter, state.words, one[0]), -one[0]))
        state.take(row[0], row[1])
        return [
            value if isinstance(value, list) else int(value) if item.type == "integer" else float(value) for value in row[2]
        ]
    if item.type != "string":
        return None
    if parameter.choices:
        members = find_members(state.words, parameter, state.function.vocabulary)
        return [member.text for member in members] or None
    return _row_of_texts(parameter, state)


def _loose_row(parameter: Parameter, item: Parameter, state: _State) -> list[Any] | None:
    """Numbers that stand apart ("from x=1 to x=3") where an interval or a pair is required."""
    if not parameter.required:
        return None
    figures = [one for one in state.figures if not taken_by(state.taken, one)]
    if len(figures) < 2:
        return None
    for one in figures:
        state.take(one.start, one.end)
    return [int(one.value) if item.type == "integer" else float(one.value) for one in figures]


def _row_of_texts(parameter: Parameter, state: _State) -> list[str] | None:
    """Quoted texts, or a row of names or words with commas and "and", that fits best."""
    free = [one for one in state.phrases if not state.is_taken(one.start, one.end)]
    whole = [one for one in free if one.shape == "quoted"]
    if len(whole) < 2:
        whole = [one for one in free if one.is_whole and not one.stems <= state.function.vocabulary and one.shape != "number"]
    whole = [one for one in whole if not any(two.start <= one.start and one.end <= two.end and two != one for two in whole)]
    rows: list[list[Phrase]] = []
    for one in whole:
        last = rows[-1][-1] if rows else None
        if last is not None and re.fullmatch(
            r"['\"’”]?,?\s*(?:and|or|&|,|vs\.?|versus)?\s*(?:the\s+|an?\s+)?['\"‘“]?", state.words[last.end : one.start]
        ):
            rows[-1].append(one)
        else:
            rows.append([one])
    scored = [
        (_text_score(row[0], parameter, state) + 1.5 * (len(row) > 1 or re.search(r",|\band\b", row[0].text) is not None), row)
        for row in rows
    ]
    if not scored or (not parameter.required and max(scored, key=lambda one: one[0])[0] < 2.0):
        return None
    _, row = max(scored, key=lambda one: one[0])
    texts: list[str] = []
    for one in row:
        state.take(one.start, one.end)
        parts = re.split(r"\s*(?:,|\band\b)\s*", one.text) if one.shape != "quoted" else [one.text]
        texts += [part for part in parts if part]
    return texts


def _object(parameter: Parameter, state: _State) -> dict[str, Any] | None:
    if not parameter.required or not parameter.schema.get("properties"):
        return None
    inner = Function(state.function.name, state.function.description, parameter.schema)
    filled = fill(inner, state.words, meanings=state.meanings, model=state.model)
    return dict(filled.arguments) if filled.found else None


def _currency(parameter: Parameter, state: _State) -> str | None:
    found = find_currencies(state.words)
    if not found:
        return None
    names = set(parameter.name_words)
    if names & {"to", "target", "destination", "convert"} and len(found) > 1:
        leads = [one for one in found if re.search(r"(?i)\b(?:to|into|in|many|much)\s+(?:the\s+)?$", state.words[: one.start])]
        return (leads or found[-1:])[-1].code
    if names & {"from", "base", "source", "origin"} and len(found) > 1:
        leads = [
            one for one in found if not re.search(r"(?i)\b(?:to|into|in|many|much)\s+(?:the\s+)?$", state.words[: one.start])
        ]
        return (leads or found)[0].code
    return found[0].code if parameter.required or len(found) == 1 else None


def _language(parameter: Parameter, state: _State) -> str | None:
    """The language that is named, else, where one is required, the one that the request is in."""
    named = re.search(rf"\b(?:{LANGUAGES})\b", state.words, re.IGNORECASE)
    if named is not None:
        return named[0]
    return "English" if parameter.required and parameter.default is None and not has_cjk(state.words) else None


def _numbers(parameters: Sequence[Parameter], state: _State, arguments: dict[str, Any]) -> None:
    """Give the numbers out so that together they fit best."""
    inside = [(one.start, one.end) for one in state.phrases if one.shape in ("formula", "date", "quoted", "id")]
    spans = [*state.taken, *((start, end) for start, end, _ in state.lists if not parameters)]
    figures = [one for one in state.figures if not taken_by(spans, one)]
    outside = [one for one in figures if not taken_by(inside, one)]
    required = [one for one in parameters if one.required]
    figures = outside if len(outside) >= len(required) else figures
    if not parameters or not figures:
        return
    scores = {(one.start, parameter.name): fit(one, parameter) for one in figures for parameter in parameters}
    chosen = _assigned(parameters, figures, scores, _order_weight(required, state.words, figures))
    for name, figure in chosen.items():
        parameter = next(one for one in parameters if one.name == name)
        arguments[name] = number_for(figure, parameter)
        state.take(figure.start, figure.end)


def _order_weight(parameters: Sequence[Parameter], words: str, figures: Sequence[Figure]) -> float:
    """How much it counts that numbers come in the order of the arguments: much where the arguments are all named, in their
    order, before the first number ("its base and height as 6 and 10")."""
    first = min(one.start for one in figures)
    said = [stem(word) for word in words_of(words[:first])]
    places = [min((said.index(word) for word in one.name_words if word in said), default=-1) for one in parameters]
    named = len(places) > 1 and all(place >= 0 for place in places) and len(set(places)) == len(places)
    return 2.0 if named and places == sorted(places) else 0.25


def _assigned(
    parameters: Sequence[Parameter], figures: Sequence[Figure], scores: Mapping[tuple[int, str], float], order_weight: float
) -> dict[str, Figure]:
    required = [one for one in parameters if one.required][:_MOST_TRIED]
    chosen: dict[str, Figure] = {}
    if required:
        seats: list[Figure | None] = [*figures[: _MOST_TRIED + 1], *([None] * max(0, len(required) - len(figures)))]
        best_score = float("-inf")
        for order in permutations(seats, len(required)):
            total = 0.0
            places = [one.start for one in order if one is not None]
            total += order_weight * sum(a < b for a, b in pairwise(places))  # said in the order of the schema
            for parameter, seat in zip(required, order, strict=True):
                if seat is None:
                    total += 0.3 if parameter.default is not None else -1.0
                elif parameter.default is not None and scores[seat.start, parameter.name] < 0:
                    total -= 1.0
                else:
                    total += scores[seat.start, parameter.name]
            if total > best_score:
                best_score = total
                chosen = {one.name: seat for one, seat in zip(required, order, strict=True) if seat is not None}
    for parameter in (one for one in parameters if not one.required):
        free = [one for one in figures if one not in chosen.values()]
        top = max(free, key=lambda one: scores[one.start, parameter.name], default=None)
        if top is not None and scores[top.start, parameter.name] >= _ENOUGH:
            chosen[parameter.name] = top
    return chosen


def _texts(parameters: Sequence[Parameter], state: _State, arguments: dict[str, Any]) -> None:
    """Give the runs of words out, to the required arguments first."""
    given: dict[str, Phrase] = {}
    for wanted in ([one for one in parameters if one.required], [one for one in parameters if not one.required]):
        given.update(_placed(wanted, state))
    for parameter in parameters:
        if parameter.name in given:
            arguments[parameter.name] = _completed(as_written(given[parameter.name], parameter), parameter, state)
            state.take(given[parameter.name].start, given[parameter.name].end)
    _ordered(parameters, given, arguments)


def _placed(parameters: Sequence[Parameter], state: _State) -> dict[str, Phrase]:
    """The runs that fit best together, no two of the same words. Each argument's best ones are tried in every combination."""
    kept: list[tuple[dict[str, Phrase], float]] = [({}, 0.0)]
    for parameter in parameters:
        free = [one for one in state.phrases if not state.is_taken(one.start, one.end)]
        fitting = [one for one in free if parameter.required or _is_sure(one, parameter, state)]
        scored = sorted(((_text_score(one, parameter, state), one) for one in fitting), key=lambda one: -one[0])[:_MOST_RUNS]
        scored = _rescored(parameter, scored, state)
        wider = [
            ({**chosen, parameter.name: one}, total + score)
            for chosen, total in kept
            for score, one in scored
            if not any(one.start < other.end and other.start < one.end for other in chosen.values())
        ]
        wider += [(chosen, total - _NONE) for chosen, total in kept]
        kept = sorted(wider, key=lambda one: -one[1])[:_MOST_KEPT]
    return kept[0][0]


def _rescored(parameter: Parameter, scored: list[tuple[float, Phrase]], state: _State) -> list[tuple[float, Phrase]]:
    """The scores with the model's, where there is one and the best run is not far ahead."""
    if state.model is None or len(scored) < 2 or scored[0][0] - scored[1][0] > _FAR_AHEAD:
        return scored
    head = scored[:_MOST_SCORED]
    function = state.function
    added = likelihoods(state.model, state.words, function.name, function.description, parameter, [one.text for _, one in head])
    return sorted(((score + more, one) for (score, one), more in zip(head, added, strict=True)), key=lambda one: -one[0])


def _completed(text: str, parameter: Parameter, state: _State) -> str:
    if state.model is None or parameter.kind != "place":
        return text
    whole = with_state(state.model, text, parameter)
    if whole != text:
        state.completed.append(parameter.name)
    return whole


def _ordered(parameters: Sequence[Parameter], given: Mapping[str, Phrase], arguments: dict[str, Any]) -> None:
    """Arguments that differ only by a number, or in which of two ends they are ("start_city", "end_city"), are said in their
    order, unless "from" or "to" tells."""
    for first, second in pairwise(parameters):
        one, other = given.get(first.name), given.get(second.name)
        if one is None or other is None or one.start < other.start:
            continue
        is_pair = _PAIR.sub("", first.name.lower()) == _PAIR.sub("", second.name.lower())
        if is_pair and "to" not in (one.lead, other.lead) and "from" not in (other.lead,):
            arguments[first.name], arguments[second.name] = as_written(other, first), as_written(one, second)


def _is_sure(phrase: Phrase, parameter: Parameter, state: _State) -> bool:
    """Whether an optional text is spoken of: a date for a date, a place for a place, or its name beside the words."""
    if parameter.is_closed or parameter.kind == "expression":
        return False
    if parameter.kind == "date":
        return phrase.shape == "date"
    if parameter.kind == "place":
        return phrase.shape == "name" and phrase.is_whole and phrase.lead in ("in", "at", "near", "from", "to")
    names = set(parameter.name_words) - {"name", "type"}
    said = bool(names & set(phrase.before[:1])) or bool(names & set(phrase.after[:1]))
    return phrase.is_whole and said and not phrase.stems & state.function.vocabulary


def _text_score(phrase: Phrase, parameter: Parameter, state: _State) -> float:
    meaning = 0.0
    if state.meanings is not None:
        meaning = state.meanings(f"{' '.join(words_of(parameter.name))}: {parameter.first_sentence}", [phrase.text])[0]
    return weighed(features(phrase, parameter, state.function.vocabulary, meaning=meaning))


def _said_before(parameter: Parameter, words: str, start: int) -> int:
    before = [stem(word) for word in words_of(words[max(0, start - 40) : start])][-3:]
    return len({*parameter.name_words} & set(before)) * 2 + len(parameter.description_words & set(before))
