"""Runs of words in a request that may be the value of an argument: names, quoted text, ids, dates, formulas, phrases.

Knows no parameter. What surrounds a run is kept with it, for generic.py to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from edge_llm.understand.parameters import stem, words_of

Shape: TypeAlias = Literal["quoted", "name", "phrase", "id", "formula", "date", "number"]

PREPOSITIONS = frozenset(
    [
        "in",
        "at",
        "on",
        "of",
        "for",
        "from",
        "to",
        "with",
        "by",
        "about",
        "between",
        "near",
        "around",
        "against",
        "into",
        "during",
        "under",
        "over",
        "using",
        "via",
        "through",
        "as",
        "like",
        "called",
        "named",
        "titled",
        "within",
        "regarding",
        "versus",
        "vs",
        "until",
        "till",
        "since",
        "before",
        "after",
        "inside",
        "towards",
        "including",
        "featuring",
    ]
)
_BREAKS = PREPOSITIONS | frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "am",
        "do",
        "does",
        "did",
        "can",
        "could",
        "would",
        "should",
        "will",
        "may",
        "might",
        "must",
        "have",
        "has",
        "had",
        "i",
        "i'm",
        "i'd",
        "me",
        "my",
        "we",
        "us",
        "our",
        "you",
        "your",
        "it",
        "its",
        "they",
        "them",
        "their",
        "he",
        "she",
        "his",
        "her",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "and",
        "or",
        "but",
        "if",
        "then",
        "than",
        "what",
        "what's",
        "which",
        "who",
        "who's",
        "whose",
        "whom",
        "when",
        "where",
        "why",
        "how",
        "please",
        "find",
        "get",
        "give",
        "show",
        "tell",
        "calculate",
        "compute",
        "determine",
        "search",
        "look",
        "need",
        "want",
        "help",
        "provide",
        "retrieve",
        "fetch",
        "list",
        "identify",
        "check",
        "create",
        "make",
        "generate",
        "estimate",
        "predict",
        "analyze",
        "convert",
        "solve",
        "evaluate",
        "book",
        "order",
        "play",
        "set",
        "schedule",
        "buy",
        "suggest",
        "recommend",
        "explain",
        "describe",
        "know",
        "let",
        "up",
        "out",
        "some",
        "any",
        "all",
        "also",
        "s",
        "much",
        "many",
        "such",
        "so",
        "not",
        "no",
        "don't",
        "just",
        "only",
        "if",
        "while",
        "assuming",
        "given",
        "considering",
    ]
)
_TOKEN = re.compile(r"[A-Za-zÀ-ɏ0-9_#+&]+(?:[-'’./@][A-Za-zÀ-ɏ0-9_#+]+)*%?|[^\w\s]")
_QUOTED = re.compile(r"(?<!\w)['‘](?P<a>[^'‘’]+(?:['’](?=[a-z]{1,2}\b)[^'‘’]*)*)['’](?!\w)|[\"“](?P<b>[^\"“”]+)[\"”]")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    rf"\b{_MONTH}\.?\s*\d{{1,2}}(?:st|nd|rd|th)?(?:\s*,?\s*\d{{4}})?\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,?"
    rf" \d{{4}})?\b|\b{_MONTH},? \d{{4}}\b"
    r"|\b\d{4}[-/]\d{1,2}[-/]\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b(?:today|tomorrow|yesterday|tonight|(?:next|this"
    r"|last) (?:week|month|year|weekend|monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"(?:[a-z]\([a-z]\)\s*=\s*|\by\s*=\s*)?(?:(?<![\w.])-?\s*)?(?:\d+(?:\.\d+)?\*?)?(?:[xyt]|e\^|sin|cos|tan|log|ln|sqrt"
    r"|exp)(?:\s*\([^)]*\)|[\^]\s*\(?-?\w+\)?|\*\*\s*\d+)?"
    r"(?:\s*[-+*/^]\s*(?:\d+(?:\.\d+)?\s*\*?\s*)?(?:[xyt](?![a-z])|e\^|sin|cos|tan|log|ln|sqrt|exp|\d+(?:\.\d+)?)?"
    r"(?:\s*\([^)]*\)|\^\s*\(?-?\w+\)?|\*\*\s*\d+)?)*(?![A-Za-z])"
)


@dataclass(frozen=True)
class Phrase:
    """Some words at [start, end) of a text."""

    start: int
    end: int
    text: str
    shape: Shape
    lead: str = ""
    """The preposition right before it (articles do not count), or ""."""
    before: tuple[str, ...] = ()
    """Up to four words before it, the nearest first, as stems."""
    after: tuple[str, ...] = ()
    """Up to three words after it, as stems."""
    is_whole: bool = True
    """A whole run, not a part of one."""
    in_quote: bool = False
    """It is a part of a quoted text."""
    comma: Literal["", "first", "last"] = ""
    """Which part of a name with a comma it is ("Tokyo, Japan")."""

    @property
    def stems(self) -> frozenset[str]:
        """Its own words, as stems."""
        return frozenset(stem(word) for word in words_of(self.text))


def find_phrases(text: str) -> list[Phrase]:
    """Every run of words that may be a value, parts of runs too."""
    found: dict[tuple[int, int], Phrase] = {}

    def add(start: int, end: int, shape: Shape, *, is_whole: bool = True) -> None:
        said = re.sub(r"['’]s$", "", text[start:end].strip(" ,.?!;:"))
        start = text.index(said, start) if said else start
        if said and (start, start + len(said)) not in found:
            found[start, start + len(said)] = _phrase(text, start, start + len(said), shape, is_whole=is_whole)

    for match in _QUOTED.finditer(text):
        group = "a" if match["a"] is not None else "b"
        found[match.span(group)] = _phrase(
            text, match.start(group), match.end(group), "quoted", is_whole=True, quote=match.start()
        )
    for match in _DATE.finditer(text):
        add(match.start(), match.end(), "date")
    for match in _FORMULA.finditer(text):
        if re.search(r"[xyt^]", match[0]) and (re.search(r"[\d^*+()]", match[0])) and match[0].strip() not in ("x", "y", "t"):
            add(match.start(), match.end(), "formula")
    for run in _runs(text):
        _add_run(text, run, add)
    quoted = [one for one in found.values() if one.shape == "quoted"]
    marked = [
        replace(one, in_quote=one.shape != "quoted" and any(two.start <= one.start and one.end <= two.end for two in quoted))
        for one in found.values()
    ]
    return sorted(marked, key=lambda one: (one.start, one.end))


def _add_run(text: str, run: Sequence[tuple[int, int]], add: Callable[..., None]) -> None:
    words = [text[start:end] for start, end in run]
    for first in range(len(run)):
        for last in range(first, min(len(run), first + 6)):
            part = words[first : last + 1]
            whole = first == 0 and last == len(run) - 1
            if all(re.fullmatch(r"[-+\d.,%$]+", word) for word in part):
                if len(part) == 1:
                    add(run[first][0], run[last][1], "number", is_whole=whole)
                continue
            is_name = (
                all(word[0].isupper() or word.isdigit() or word in ("of", "the", "and", "de", "&", ",") for word in part)
                and part[0][0].isupper()
            )
            is_id = len(part) == 1 and re.search(r"\d", part[0]) is not None and re.search(r"[A-Za-z]", part[0]) is not None
            if part[0] in (",", "of", "and", "&") or part[-1] in (",", "of", "and", "&", "the"):
                continue
            edge = (first == 0 or _parts(words[first - 1])) and (last == len(run) - 1 or _parts(words[last + 1]))
            add(
                run[first][0],
                run[last][1],
                "id" if is_id else "name" if is_name else "phrase",
                is_whole=whole or (is_name and edge),
            )


def _parts(word: str) -> bool:
    """Whether a word beside a name may part it from another one ("John and Alice", "Boston, MA"); "of" does not."""
    return word in (",", "and", "&") or (word[0].islower() and word not in ("of", "the", "de"))


def _runs(text: str) -> Iterable[list[tuple[int, int]]]:
    """Runs of words between words that say nothing. A comma between names belongs to the run ("Boston, MA"), and so does "of"
    between capitalised words ("Museum of Modern Art")."""
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    run: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(tokens):
        word = text[start:end]
        following = text[slice(*tokens[number + 1])] if number + 1 < len(tokens) else ""
        previous = text[run[-1][0] : run[-1][1]] if run else ""
        joins = (
            previous[:1].isupper()
            and following[:1].isupper()
            and (word == "," or word.lower() in ("of", "and", "the", "&", "de"))
        )
        is_word = re.match(r"[\w#+&]", word) is not None
        breaks = (
            word.lower() in _BREAKS and not (word[0].isupper() and number and following[:1].isupper() and word.lower() == "the")
        ) or not is_word
        if joins and run:
            run.append((start, end))
        elif breaks:
            if run:
                yield run
            run = []
        else:
            run.append((start, end))
    if run:
        yield run


def _phrase(text: str, start: int, end: int, shape: Shape, *, is_whole: bool, quote: int | None = None) -> Phrase:
    head = re.sub(r"(?i)\b(?:the|a|an|my|your|his|her|their|our)\s+$", "", text[: start if quote is None else quote])
    words = words_of(head[-60:])
    lead = words[-1] if words and words[-1] in PREPOSITIONS and re.search(r"\w\s*$", head) else ""
    before = tuple(stem(word) for word in reversed(words[-4:]))
    after = tuple(stem(word) for word in words_of(text[end : end + 40])[:3])
    comma: Literal["", "first", "last"] = ""
    if shape == "name" and "," not in text[start:end]:
        if re.match(r",\s*[A-Z]", text[end:]):
            comma = "first"
        elif re.search(r"[A-Z][\w.]*,\s*$", text[:start]):
            comma = "last"
    return Phrase(start, end, text[start:end], shape, lead, before, after, is_whole, comma=comma)
