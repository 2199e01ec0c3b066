"""What was typed, as things to look for: the person's own words, each with the index terms that stand for it.

Knows the analysis, function words of English and Chinese, and quotes. Knows no database, no people and no time. There is no
query language: whatever characters are typed, they are words or they are nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edge_llm.memory.analysis import fold, is_unspaced, number_term, tokens, words
from edge_llm.memory.word_lists import ASKING, FUNCTION_CHARS, FUNCTION_WORDS, other_forms

LONGEST = 2_000
"""Characters of a query that are looked at. What is pasted beyond them adds nothing that the first ones did not say."""
MOST_GROUPS = 48
"""Words of a query that are looked for."""
WHOLE_RUN = 4
"""A run of Chinese up to so many characters is one word; a longer one is a sentence."""
_FEW = 3
"""Up to so many words are looked up; more are a sentence."""
PART_WEIGHT = 0.3
"""What part of a word counts where the whole counts 1."""
_FUNCTION_PAIR_WEIGHT = 0.35

_QUOTES = re.compile('"([^"]+)"|“([^”]+)”|「([^」]+)」|『([^』]+)』|«([^»]+)»')
# One word as typed: no blanks and none of the signs that part words; dots, hyphens and @ hold an address together.
_CHUNK = re.compile(r"[^\s,;:!?/|()\[\]{}<>=*^~`\"“”「」『』«»，、。；：！？（）【】《》…—]+")
_NUMBER = re.compile(r"\+?\(?\d[\d .\-()/]{5,}\d")
_LETTERS_DIGITS = re.compile(r"([a-z]+)(\d+)|(\d+)([a-z]+)")
_ASKS_WHEN = re.compile(
    r"\b(?:when|how long|(?:what|which) (?:time|date|day|week|month|year)|how many (?:days|weeks|months|years))\b"
    "|什么时候|什么时间|啥时候|何时|几点|几号|几月|哪天|哪年|哪个月|哪一天|哪一年|多久"
)
_ASKS = re.compile(r"[?？]\s*$|[吗呢么]\s*$")


@dataclass(frozen=True)
class Group:
    """One word of a query and what stands for it in the index; found where any of the alternatives is."""

    text: str
    """As typed."""
    alternatives: tuple[tuple[str, ...], ...]
    """Each one or several terms in a row."""
    prefix: bool = False
    """The last term of each alternative is the beginning of one: a single Chinese character."""
    weight: float = 1.0
    is_weak: bool = False
    """A function word: looked for only when there is nothing else."""
    is_guess: bool = False
    """Two characters of a sentence, which may belong to two words: not missed where they are not found."""
    is_part: bool = False
    """Part of another group, which lends some credit where the whole is not found."""


@dataclass(frozen=True)
class Query:
    """A query, understood as far as words go."""

    text: str
    """What was typed, cut to LONGEST, without quotes and NUL."""
    groups: tuple[Group, ...]
    required: tuple[Group, ...]
    """What stood in quotes: every hit has it, in this order. Also among the groups."""
    asks: bool
    """A question or a sentence; else a few words to look up."""
    asks_when: bool
    """It wants to know when something was or will be."""

    @property
    def strong(self) -> tuple[Group, ...]:
        """What the query is about; its function words where it has no others."""
        return tuple(group for group in self.groups if not group.is_weak) or self.groups


def parse(text: str) -> Query:
    """Read a query. Never fails, whatever the text."""
    text = text[:LONGEST].encode("utf-8", "replace").decode().replace("\0", " ")
    required: list[Group] = []

    def take(match: re.Match[str]) -> str:
        inner = next(part for part in match.groups() if part is not None)
        phrase = _phrase(inner)
        if phrase is not None:
            required.append(phrase)
        return f" {inner} " if phrase is None else " "

    rest = _QUOTES.sub(take, text)
    groups = [*required, *_distinct(_loose(rest))]
    folded = fold(text)
    plain = _QUOTES.sub(lambda match: next(part for part in match.groups() if part is not None), text).strip()
    strong = sum(not group.is_weak and not group.is_part and not group.is_guess for group in groups)
    asks = (
        strong > _FEW
        or any(group.is_guess for group in groups)
        or any(word in ASKING for word in words(folded))
        or _ASKS.search(folded) is not None
    )
    return Query(plain, tuple(groups[:MOST_GROUPS]), tuple(required), asks, _ASKS_WHEN.search(folded) is not None)


def _phrase(text: str) -> Group | None:
    """Words that were quoted: all of them, in a row."""
    terms, prefix = _terms(text)
    return Group(text.strip(), (terms,), prefix) if terms else None


def _terms(text: str) -> tuple[tuple[str, ...], bool]:
    """The terms of a text as a phrase to look for, and whether the last is only a beginning.

    In the index each run of unspaced characters ends in its last character alone. A run that ends the phrase may go on in the
    text, so that character is left out; a run of only one is the beginning of whatever pair it begins.
    """
    found = words(text)
    if found and len(found[-1]) == 1 and is_unspaced(found[-1]):
        if (
            len(found) > 1
            and len(found[-2]) == 2
            and is_unspaced(found[-2])
            and found[-2][1] == found[-1]
            and not _parted(text)
        ):
            return tuple(found[:-1]), False
        return tuple(found), True
    return tuple(found), False


def _parted(text: str) -> bool:
    """Whether the last character of a text stands alone ("手机 机"), rather than ending a run."""
    folded = fold(text).rstrip()
    return len(folded) < 2 or not is_unspaced(folded[-2:])


def _distinct(groups: Iterator[Group]) -> list[Group]:
    seen: dict[tuple[tuple[str, ...], ...], Group] = {}
    for group in groups:
        seen.setdefault(group.alternatives, group)
    return list(seen.values())


def _loose(text: str) -> Iterator[Group]:
    """The groups of what stood outside of quotes."""
    for match in _NUMBER.finditer(text):
        digits = "".join(filter(str.isdigit, match[0]))
        if 7 <= len(digits) <= 15:
            yield Group(match[0].strip(), ((number_term(digits),), tuple(words(match[0]))))
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    for match in _CHUNK.finditer(text):
        yield from _chunk(match[0])


def _chunk(typed: str) -> Iterator[Group]:
    """The groups of one word as typed, which may mix scripts: "iPhone手机"."""
    latin: list[str] = []
    for run in _runs(typed):
        if is_unspaced(fold(run)):
            yield from _unspaced(run)
        else:
            latin.append(run)
    for run in latin:
        terms = tuple(words(run))
        if not terms:
            continue
        if len(terms) == 1:
            yield _word(run, terms[0])
        else:
            joined = words(fold(run).replace("-", "")) if "-" in run else []
            yield Group(run, (terms, *((tuple(joined),) if len(joined) == 1 else ())))


def _runs(typed: str) -> Iterator[str]:
    """A chunk cut where it changes between unspaced scripts and others."""
    start = 0
    for at in range(1, len(typed) + 1):
        if at == len(typed) or is_unspaced(fold(typed[at])) != is_unspaced(fold(typed[start])):
            yield typed[start:at]
            start = at


def _word(typed: str, term: str) -> Group:
    alternatives: list[tuple[str, ...]] = [(term,), *((form,) for form in other_forms(term))]
    parts = _LETTERS_DIGITS.fullmatch(term)
    if parts is not None:
        alternatives.append(tuple(words(" ".join(part for part in parts.groups() if part))))
    return Group(typed, tuple(alternatives), is_weak=term in FUNCTION_WORDS)


def _unspaced(typed: str) -> Iterator[Group]:
    """The groups of a run of Chinese: a short one is a word, a longer one is every pair of characters in it."""
    folded = fold(typed)
    is_word = len(folded) <= WHOLE_RUN
    if is_word:
        terms, prefix = _terms(typed)
        yield Group(typed, (terms,), prefix, is_weak=folded in FUNCTION_WORDS)
    if len(folded) < 3:
        return
    for token in tokens(typed):
        if len(token.term) == 2:
            functions = sum(character in FUNCTION_CHARS for character in token.term)
            weight = _FUNCTION_PAIR_WEIGHT if functions == 1 else 1.0
            pair = Group(typed[token.start : token.end], ((token.term,),), is_weak=functions == 2)
            yield replace(pair, weight=weight * (PART_WEIGHT if is_word else 1), is_part=is_word, is_guess=not is_word)
