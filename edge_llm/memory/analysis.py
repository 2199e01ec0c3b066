"""Text to index terms: what counts as the same word, in any script. One analysis for what is stored, asked and highlighted.

Knows scripts, word forms and Unicode; knows no database, no ranking and no query syntax. Latin words become lower-case
Snowball stems, scripts written without spaces become overlapping pairs of characters, traditional characters become
simplified ones. A term never contains a blank, a quote or any ASCII but [a-z0-9+#].

A run of characters abcd gives the terms ab, bc, cd and a last d: so every character begins a term (one character is
found by prefix) and any substring of two or more is a phrase of pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

TOKENIZER = "ascii tokenchars '+#'"
"""The FTS5 `tokenize=` value: splits at blanks and leaves every term as it is."""

WORD_CHARS = 64
"""Longer words are cut: nobody types them, and base64 would fill the index."""
_PHONE_DIGITS = range(7, 16)
_PHONE_TAIL = 10

# Scripts written without blanks between words: Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer.
_UNSPACED = (
    "\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109d\u1780-\u17d3"
)
# Python's \w has no combining signs; without them the words of India, Tibet and Ethiopia would fall apart.
_SIGNED = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0f40-\u0fbc"
_LETTERS = rf"(?:[^\W_{_UNSPACED}]|[{_SIGNED}])+"
_PICTURES = "\u00a9\u00ae\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
_TERM = re.compile(
    rf"(?P<run>[{_UNSPACED}]+)"
    r"|(?P<thousands>(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,]))"
    r"|(?P<language>\b[a-z](?:\+\+|\#)(?!\w))"
    rf"|(?P<word>{_LETTERS}(?:'{_LETTERS})*)"
    rf"|(?P<flag>[\U0001f1e6-\U0001f1ff]{{2}})|(?P<picture>[{_PICTURES}])"
)
_PHONE = re.compile(r"(?<![\w+])\+?\(?\d(?:[ .\-()/\u2010-\u2015]{0,2}\d){6,}(?!\w)")
_CLITIC = re.compile(r"(?<=[a-z])'(?:s|ll|ve|re|d|m)$")
_ELISION = re.compile(r"^(?:[ldjcmnst]|qu)'(?=[a-z]{2})")
# What is drawn with no width, turns the reading direction, or only chooses a glyph or a skin tone.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
_BARE = {
    ord(letter): plain
    for letter, plain in zip("øđðłħıŧæœþ’‘ʼ＇", ("o", "d", "d", "l", "h", "i", "t", "ae", "oe", "th", *"''''"), strict=True)
}


@dataclass(frozen=True)
class Token:
    """A term, and the characters [start, end) of the text it stands for."""

    term: str
    start: int
    end: int


def index_terms(text: str) -> str:
    """The terms of `text` in order, separated by blanks: what the full text index stores.

    Neighbouring terms are neighbours in the text, so phrases can be asked for. Joined telephone numbers follow at the end,
    where they part no phrase.
    """
    folded = fold(text)
    terms = [term for term, _, _ in scan(folded)]
    terms.extend(term for term, _, _ in scan_numbers(folded))
    return " ".join(terms)


def tokens(text: str) -> list[Token]:
    """The terms of `text` with the places in `text` itself that they came from, telephone numbers last."""
    folded, starts, ends = _fold_with_places(text)
    found = [*scan(folded), *scan_numbers(folded)]
    return [Token(term, starts[start], ends[end - 1]) for term, start, end in found]


def fold(text: str) -> str:
    """`text` with everything made equal that a search should not tell apart: width, case, accents, invisible characters,
    traditional and simplified characters."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", text).translate(_BARE).translate(_simplified())


def scan(folded: str) -> Iterator[tuple[str, int, int]]:
    """(term, start, end) for each term of a folded text, in order; places are those of the folded text."""
    for match in _TERM.finditer(folded):
        kind, start, end = match.lastgroup, match.start(), match.end()
        if kind == "word":
            yield _stem(match[0]), start, end
        elif kind == "run":
            for at in range(start, end - 1):
                yield folded[at : at + 2], at, at + 2
            yield folded[end - 1], end - 1, end
        elif kind == "thousands":
            yield match[0].replace(",", ""), start, end
        else:
            yield match[0], start, end


def scan_numbers(folded: str) -> Iterator[tuple[str, int, int]]:
    """The telephone numbers of a folded text, each written as one term (see `number_term`)."""
    for match in _PHONE.finditer(folded):
        digits = "".join(filter(str.isdigit, match[0]))
        if len(digits) in _PHONE_DIGITS:
            yield number_term(digits), match.start(), match.end()


def number_term(digits: str) -> str:
    """The term of a telephone number: its last ten digits, so that it is found with and without the country's code."""
    return "#" + digits[-_PHONE_TAIL:]


def is_unspaced(text: str) -> bool:
    """Whether folded `text` consists of characters that are written without blanks between words."""
    return bool(text) and re.fullmatch(rf"[{_UNSPACED}]+", text) is not None


@lru_cache(maxsize=1 << 15)
def _stem(word: str) -> str:
    word = word[:WORD_CHARS]
    if "'" in word:
        word = _ELISION.sub("", _CLITIC.sub("", word)).replace("'", "")
    if len(word) > 2 and word.isascii() and word.isalpha():
        stemmed: str = _stemmer().stemWord(word)
        return stemmed
    return word


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _fold_with_places(text: str) -> tuple[str, list[int], list[int]]:
    """`fold(text)`, and for each of its characters where in `text` the character it came from starts and ends."""
    if text.isascii():
        return text.lower(), list(range(len(text))), list(range(1, len(text) + 1))
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and _continues(text[end]):
            continue
        part = _fold_cluster(text[start:end])
        parts.append(part)
        starts.extend([start] * len(part))
        ends.extend([end] * len(part))
        start = end
    return "".join(parts), starts, ends


def _continues(character: str) -> bool:
    """Whether a character is folded together with the one before it: signs, and the later parts of a Korean syllable."""
    if character.isascii():
        return False
    return unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff" or character in "\uff9e\uff9f"


@lru_cache(maxsize=1 << 13)
def _fold_cluster(cluster: str) -> str:
    return fold(cluster)


@cache
def _simplified() -> dict[int, str]:
    """Each traditional character (or variant) to the simplified one, character by character: OpenCC's tables.

    Context plays no part, so that both spellings of a word end up equal without anyone deciding which was meant:
    where one traditional character has two simplified ones, rare spellings join the common one.
    """
    simple = {traditional: options[0] for traditional, options in _table("TSCharacters") if options[0] != traditional}
    simple["著"] = "着"
    for common, variants in _table("STCharacters"):
        for variant in variants:
            if simple.get(variant, variant) == variant != common:
                simple[variant] = common
            elif len(variants) == 1 and simple[variant] != common:
                simple[common] = simple[variant]
    for name in ("TWVariants", "HKVariants"):
        for standard, variants in _table(name):
            for variant in variants:
                if variant == standard:
                    continue
                if standard not in simple and variant in simple.values():
                    simple[standard] = variant
                elif variant not in simple and variant not in simple.values():
                    simple[variant] = standard
    return {ord(character): _settled(simple, character) for character in simple if len(character) == 1}


def _settled(simple: dict[str, str], character: str) -> str:
    seen = {character}
    while (following := simple.get(character, character)) not in seen:
        seen.add(following)
        character = following
    return character


def _table(name: str) -> list[tuple[str, list[str]]]:
    from importlib.resources import files

    text = (files("opencc") / "dictionary" / f"{name}.txt").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return [(key, options.split()) for key, options in rows]
