"""A query typed in pinyin: "yisheng", "yi sheng" or its initials "ys" for 医生.

Nothing is stored for it. Which characters sound so is asked of the index's own vocabulary when such a query comes, so it costs
no space, what is forgotten is gone from here too, and only words that somebody wrote are looked for. Knows syllables and the
vocabulary of table `terms`; knows no item and no score.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from edge_llm.memory.analysis import fold, is_simplified
from edge_llm.memory.query import PART_WEIGHT, WHOLE_RUN, Group, Query

if TYPE_CHECKING:
    import apsw

Sounds: TypeAlias = "tuple[str, ...]"
"""Syllables in a row, or the initials of some."""

_SYLLABLES = re.compile("(?:(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?[aeiouv]{1,3}(?:ng|n|r)?'?)+")
_INITIALS = re.compile("[bpmfdtnlgkhjqxrzcsyw]{2,4}")
"""Two to four of what a syllable begins with. Without vowels, which would make initials of most short English words."""
_ANY_FINAL = "-"
"""Stands after an initial for whatever the syllable goes on with."""
_FIRST, _AFTER_LAST = "\u4e00", "\ua000"
_LONGEST = 24
_LONGEST_SYLLABLE = 6
_MOST_READINGS = 8
"""Ways to part letters into syllables that are followed up: "fangan" is "fang an" and "fan gan"."""
_MOST_SPELLINGS = 200
"""Words of one sound that are looked for, those in most items first."""
_MANY = 500
"""From so many characters on, which only initials have, reading all words is quicker than asking for those of each."""
_VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.spelled USING fts5vocab(main, terms, row)"
_BEGINNING = "SELECT term, doc FROM temp.spelled WHERE term >= ? AND term < ?"


class _Word(NamedTuple):
    """A word that was spelled."""

    text: str
    """As typed."""
    readings: Sequence[Sounds]
    """The ways it can be read, those of the fewest syllables first."""
    as_typed: tuple[tuple[str, ...], ...] = ()
    """The terms of its letters, which may be a word too."""


def is_spelled(query: Query) -> bool:
    """Whether all that was typed in Latin letters looks like pinyin. Judges by the shape of the letters alone."""
    latin = _latin(query)
    typed = list(latin.values())
    like_syllables = all(len(letters) <= _LONGEST and _SYLLABLES.fullmatch(letters) for letters in typed)
    return not all(group.is_weak for group in latin) and (like_syllables or _are_initials(typed))


def by_sound(connection: apsw.Connection, query: Query) -> Query:
    """The query with what is spelled in it standing for the words of the index that sound so; as it was where none does."""
    latin = _latin(query)
    connection.execute(_VOCABULARY)
    try:
        if connection.execute(_BEGINNING, (_FIRST, _AFTER_LAST)).fetchone() is None:
            return query
        found = [group for word in _words(query, latin) for group in _groups(connection, word)]
    finally:
        connection.execute("DROP TABLE temp.spelled")
    if not found:
        return query
    others = [group for group in query.groups if group not in latin]
    return replace(query, groups=(*others, *found), asks=query.asks or any(group.is_guess for group in found))


def _latin(query: Query) -> dict[Group, str]:
    """The words that were typed in Latin letters, and their letters without tones."""
    typed = {group: fold(group.text) for group in query.groups if group not in query.required}
    return {group: letters for group, letters in typed.items() if letters.isascii() and not letters.isdigit()}


def _are_initials(typed: Sequence[str]) -> bool:
    return len(typed) == 1 and _INITIALS.fullmatch(typed[0]) is not None


def _words(query: Query, latin: Mapping[Group, str]) -> list[_Word]:
    """What was spelled. Single syllables in a row are one word; one that stands alone says too little, unless it can be two
    ("xian"). Nothing where one of the words is no pinyin."""
    if _are_initials(list(latin.values())):
        return [
            _Word(group.text, [tuple(f"{letter}{_ANY_FINAL}" for letter in typed)], group.alternatives)
            for group, typed in latin.items()
        ]
    words: list[_Word] = []
    single: list[_Word] = []
    for group in query.groups:
        readings = _readings(latin[group]) if group in latin else []
        if group in latin and not readings:
            return []
        word = _Word(group.text, readings, group.alternatives)
        if readings and len(readings[0]) == 1:
            single.append(word)
            continue
        words += [*_joined(single), *([word] if readings else [])]
        single = []
    return [*words, *_joined(single)]


def _joined(single: Sequence[_Word]) -> list[_Word]:
    if len(single) < 2:
        return [word for word in single if len(word.readings) > 1]
    return [_Word(" ".join(word.text for word in single), [tuple(word.readings[0][0] for word in single)])]


@cache
def _readings(letters: str) -> list[Sounds]:
    """The ways to part letters into syllables, those with the fewest first; an apostrophe parts them too."""
    known = _characters()
    ways: list[Sounds] = [()]
    for part in letters.split("'"):
        ends: list[list[Sounds]] = [ways, *([] for _ in part)]
        for end in range(1, len(part) + 1):
            for start in range(max(0, end - _LONGEST_SYLLABLE), end):
                if part[start:end] in known:
                    ends[end] += [(*before, part[start:end]) for before in ends[start]]
            ends[end] = sorted(ends[end], key=len)[:_MOST_READINGS]
        ways = ends[-1]
    return ways


def _groups(connection: apsw.Connection, word: _Word) -> Iterator[Group]:
    """The groups of one word: as for Chinese characters, a short one whole and, of its first reading, every pair of a longer
    one. What most items have that sounds so counts a little more: homophones are many, and most are rare."""
    pairs = {pair: _pairs(connection, *pair) for way in word.readings for pair in pairwise(way)}
    spelled: dict[tuple[str, ...], int] = {}
    for way in word.readings:
        if 2 <= len(way) <= WHOLE_RUN:
            spelled |= _chained([pairs[pair] for pair in pairwise(way)])
    if spelled:
        first, *others = _most_frequent(spelled)
        yield Group(word.text, (*word.as_typed, first, *others))
        if others:
            yield Group(first[0] + "".join(pair[1] for pair in first[1:]), (first,), weight=PART_WEIGHT, is_part=True)
    shortest = word.readings[0]
    is_word = len(shortest) <= WHOLE_RUN
    for pair in pairwise(shortest) if len(shortest) > 2 and _ANY_FINAL not in shortest[0] else ():
        if pairs[pair]:
            alternatives = _most_frequent({(term,): count for term, count in pairs[pair].items()})
            weight = PART_WEIGHT if is_word else 1.0
            yield Group("".join(pair), alternatives, weight=weight, is_guess=not is_word, is_part=is_word)


def _pairs(connection: apsw.Connection, first: str, second: str) -> dict[str, int]:
    """The pairs of characters in the index that sound so, and how many items have each."""
    begins, ends = _characters()[first], _characters()[second]
    one_by_one = ((begin, chr(ord(begin) + 1)) for begin in sorted(begins))
    return {
        term: count
        for stretch in (one_by_one if len(begins) < _MANY else [(_FIRST, _AFTER_LAST)])
        for term, count in connection.execute(_BEGINNING, stretch)
        if len(term) == 2 and term[0] in begins and term[1] in ends
    }


def _chained(pairs: Sequence[dict[str, int]]) -> dict[tuple[str, ...], int]:
    """Pairs that overlap, as phrases; each is in no more items than the rarest of its pairs."""
    chains: dict[tuple[str, ...], int] = {(pair,): count for pair, count in pairs[0].items()}
    for following in pairs[1:]:
        after: dict[str, list[str]] = {}
        for pair in following:
            after.setdefault(pair[0], []).append(pair)
        chains = {
            (*chain, pair): min(count, following[pair])
            for chain, count in chains.items()
            for pair in after.get(chain[-1][1], ())
        }
    return chains


def _most_frequent(words: dict[tuple[str, ...], int]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(words, key=lambda word: (-words[word], word))[:_MOST_SPELLINGS])


@cache
def _characters() -> dict[str, frozenset[str]]:
    """Syllables, with v or u for ü, and initials to the simplified characters that sound so."""
    from pypinyin.pinyin_dict import pinyin_dict

    plain: dict[str, tuple[str, ...]] = {}
    found: dict[str, set[str]] = {}
    for code, readings in pinyin_dict.items():
        character = chr(code)
        if not _FIRST <= character < _AFTER_LAST or not is_simplified(character):
            continue
        for reading in readings.split(","):
            for syllable in plain.get(reading) or plain.setdefault(reading, tuple(_spellings(reading))):
                found.setdefault(syllable, set()).add(character)
    return {syllable: frozenset(characters) for syllable, characters in found.items()}


def _spellings(reading: str) -> Iterable[str]:
    """What is typed for a reading: "lǚ" is "lv" or "lu", or its initial."""
    decomposed = unicodedata.normalize("NFD", reading)
    bare = "".join(char for char in decomposed if char == "\u0308" or not unicodedata.combining(char)).replace("u\u0308", "v")
    return {bare, bare.replace("v", "u"), bare[0] + _ANY_FINAL} if re.search("[aeiouv]", bare) else ()
