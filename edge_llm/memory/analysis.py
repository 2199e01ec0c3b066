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
from functools import cache, lru_cache
from typing import Any, NamedTuple

TOKENIZER = "ascii tokenchars '+#'"
"""The FTS5 `tokenize=` value: splits at blanks and leaves every term as it is."""

ASKS = "#q"
"""The term that marks a text whose last sentence is a question."""
DATED = "#t"
"""The term that marks a text that says when something was or will be."""
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
_TERM = (
    rf"(?P<run>[{_UNSPACED}]+)"
    r"|(?P<thousands>(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,]))"
    r"|(?P<language>\b[a-z](?:\+\+|\#)(?!\w))"
    rf"|(?P<word>{_LETTERS}(?:'{_LETTERS})*)"
    rf"|(?P<flag>[\U0001f1e6-\U0001f1ff]{{2}})|(?P<picture>[{_PICTURES}])"
)
"""Compiled when a text with other than ASCII characters comes: that takes 10 ms."""
# The same of an ASCII text, which it scans three times as fast.
_ASCII_TERM = re.compile(
    r"(?P<thousands>(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,]))|(?P<language>\b[a-z](?:\+\+|\#)(?!\w))"
    r"|(?P<word>[a-z0-9]+(?:'[a-z0-9]+)*)",
    re.ASCII,
)
_PHONE = re.compile(r"(?<![\w+])\+?\(?\d(?:[ .\-()/\u2010-\u2015]{0,2}\d){6,}(?!\w)")
_HYPHENATED = re.compile(r"(?<![\w-])[a-z]{1,12}-[a-z]{2,12}(?:-[a-z]{2,12})?(?![\w-])")
_CLITIC = re.compile(r"(?<=[a-z])'(?:s|ll|ve|re|d|m)$")
_ELISION = re.compile(r"^(?:[ldjcmnst]|qu)'(?=[a-z]{2})")
_ASKS = re.compile(r"[?\u037e\u061f][^\w?]*$")
_DATED = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|next|this) (?:week|weekend|month|year|night|summer|winter|spring|fall)"
    r"|days?|weeks?|weekends?|months?|years?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|morning|recently|since|soon|birthday"
    r"|january|february|april|june|july|august|september|october|november|december|summer|winter|[12]\d{3}|\d{1,2}:\d{2})\b"
    r"|[昨今明前后][天晚年]|[上下这本]个?(?:周|星期|礼拜|月)|周[一二三四五六日末]|星期[一二三四五六日天]|礼拜[一二三四五六日天]|\d[年月号日点]|[天周月年]前|去年|刚才|最近"
)
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


class Token(NamedTuple):
    """A term, and the characters [start, end) of the text it stands for."""

    term: str
    start: int
    end: int


def index_terms(text: str) -> str:
    """What the full text index stores of `text`: its terms in order, then what only helps finding and ranking it.

    Neighbouring terms are neighbours in the text, so phrases can be asked for. What follows them parts no phrase: telephone
    numbers and hyphenated words as one term, and the marks ASKS and DATED.
    """
    folded = fold(text)
    terms = [term for term, _, _ in _scan(folded)]
    terms.extend(term for term, _, _ in _scan_joined(folded))
    if _ASKS.search(folded):
        terms.append(ASKS)
    if _DATED.search(folded):
        terms.append(DATED)
    return " ".join(terms)


def words(text: str) -> list[str]:
    """The terms of `text` in order, and nothing else."""
    return [term for term, _, _ in _scan(fold(text))]


def tokens(text: str) -> list[Token]:
    """The terms of `text` with the places in `text` itself that they came from; joined numbers and words are last."""
    if text.isascii():
        folded = text.lower()
        return [Token._make(found) for found in (*_scan(folded), *_scan_joined(folded))]
    folded, starts, ends = _fold_with_places(text)
    found = [*_scan(folded), *_scan_joined(folded)]
    return [Token(term, starts[start], ends[end - 1]) for term, start, end in found]


def fold(text: str) -> str:
    """`text` with everything made equal that a search should not tell apart: width, case, accents, invisible characters,
    traditional and simplified characters."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", text).translate(_BARE).translate(_simplified())


def _scan(folded: str) -> Iterator[tuple[str, int, int]]:
    """(term, start, end) for each term of a folded text, in order; places are those of the folded text."""
    for match in (_ASCII_TERM if folded.isascii() else _term()).finditer(folded):
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


@cache
def _term() -> re.Pattern[str]:
    return re.compile(_TERM)


def _scan_joined(folded: str) -> Iterator[tuple[str, int, int]]:
    """The telephone numbers of a folded text (see `number_term`) and its hyphenated words, each as one term."""
    for match in _PHONE.finditer(folded):
        digits = "".join(filter(str.isdigit, match[0]))
        if len(digits) in _PHONE_DIGITS:
            yield number_term(digits), match.start(), match.end()
    for match in _HYPHENATED.finditer(folded) if "-" in folded else ():
        yield _stem(match[0].replace("-", "")), match.start(), match.end()


def number_term(digits: str) -> str:
    """The term of a telephone number: its last ten digits, so that it is found with and without the country's code."""
    return "#" + digits[-_PHONE_TAIL:]


def is_unspaced(text: str) -> bool:
    """Whether folded `text` consists of characters that are written without blanks between words."""
    return not text.isascii() and _unspaced().fullmatch(text) is not None


def is_simplified(character: str) -> bool:
    """Whether a character is its own simplified one, as the index has it."""
    return ord(character) not in _simplified()


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"[{_UNSPACED}]+")


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
    is_sign = unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff" or character in "\uff9e\uff9f"
    return is_sign or _INVISIBLE.match(character) is not None


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
