"""Short ways of typing English, spelt out: "dont let me forget tmrw" is read as "don't let me forget tomorrow".

Rules are written for one spelling; what a person dictates stays as they typed it: `Spelt.as_typed` finds a part of the spelt
text in their own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

_SHORT: Final = {
    "tomorrow": "tmrw|tmr|tmw|tomo|tomoz|2moro|2morrow|tomorow|tommorow|tommorrow|tomorro",
    "to": "(?:(?<=me )|(?<=need )|(?<=want )|(?<=have )|(?<=got ))2"
    "(?= (?!min|hour|day|week|more|people|of|or|and|am\\b|pm\\b)[a-z]{3})",
    "tonight": "tonite|2nite|2night|tn",
    "please": "pls|plz|plse|pleas",
    "you": "u|ya",
    "your": "ur",
    "are": "r",
    "them": "em|'em",
    "something": "smth|sth|somthing|summat",
    "somewhere": "smwhere",
    "give me": "gimme",
    "let me": "lemme",
    "want to": "wanna",
    "got to": "gotta",
    "going to": "gonna",
    "never mind": "nvm|nevermind",
    "text": "txt",
    "message": "msg",
    "saying": "sayin|sayn",
    "telling": "tellin",
    "let me know": "lmk",
    "because": "cuz|coz",
    "before": "b4",
    "though": "tho",
    "thanks": "thx|tnx|thnx",
    "don't": "dont",
    "can't": "cant",
    "won't": "wont",
    "didn't": "didnt",
    "doesn't": "doesnt",
    "isn't": "isnt",
    "mustn't": "mustnt",
    "shouldn't": "shouldnt",
    "couldn't": "couldnt",
    "haven't": "havent",
    "I'm": "im",
    "I've": "ive",
    "what's": "whats|wats|wots",
    "where's": "wheres",
    "when's": "whens",
    "who's": "whos",
    "how's": "hows",
    "that's": "thats",
    "there's": "theres",
    "it's": "its(?= (?:called|been|at|on|for|about|my|her|his|the)\\b)",
    "o'clock": "oclock",
    "minutes": "mins|minuts|minuites",
    "reminder": "remindr|remider",
    "remind": "remnd|remid|rmd",
    "calendar": "calender|calandar",
    "wednesday": "weds|wednsday|wensday",
    "restaurant": "restaraunt|restuarant|resturant",
}
"""What is meant, and regular expressions of how it is typed."""
_MEANT = [(meant, re.compile(rf"(?:{typed})", re.IGNORECASE)) for meant, typed in _SHORT.items()]
_WORDS = re.compile(rf"(?<![\w'’@./-])(?:{'|'.join(_SHORT.values())})(?![\w'’@/-]|\.\w)", re.IGNORECASE)
_AND = re.compile(r"(?<=[A-Za-z]{2}\s)(?:n|&|'n')(?=\s[A-Za-z]{2})", re.IGNORECASE)
_FORMULA = re.compile(r"=|\b(?:solve|equation|roots of)\b", re.IGNORECASE)
"""Here a letter stands for a number."""
_DIGIT = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_ONE_DIGIT = rf"(?:(?:double|triple)[\s-]+)?(?:{'|'.join(_DIGIT)}|\d)(?:\s+hundred\b)?"
_SPOKEN_NUMBER = re.compile(rf"(?<![\w-])(?:plus\s+)?(?:{_ONE_DIGIT}[\s,-]+){{5,15}}{_ONE_DIGIT}(?![\w-])", re.IGNORECASE)
"""A number said digit by digit: "oh seven double seven one"."""


@dataclass(frozen=True)
class Spelt:
    """Words spelt out, and where each piece of them was typed."""

    typed: str
    text: str
    _changes: tuple[tuple[int, int, int, int], ...] = ()
    """(start, end) in `text` and (start, end) in `typed` of what is spelt differently, from left to right."""

    def as_typed(self, part: str, start: int = 0) -> str:
        """How a part of `text` was typed; itself where it is no part of it.

        Args:
            start: look for it from here on.
        """
        at = self.text.find(part, start)
        if at < 0 or not part or not self._changes:
            return part
        return self.typed[self._at(at, is_end=False) : self._at(at + len(part), is_end=True)]

    def _at(self, place: int, *, is_end: bool) -> int:
        before = bisect_right([change[0] for change in self._changes], place - is_end) - 1
        if before < 0:
            return place
        _, end, typed_start, typed_end = self._changes[before]
        if place < end or (is_end and place == end):
            return typed_end if is_end else typed_start
        return place - end + typed_end


def spelt(words: str) -> Spelt:
    """The words with short forms spelt out, and with numbers that are said digit by digit in figures."""
    if _FORMULA.search(words):
        return Spelt(words, words)
    found = [(match.start(), match.end(), _number(match[0])) for match in _SPOKEN_NUMBER.finditer(words)]
    found += [(match.start(), match.end(), _meaning(match, words)) for match in _WORDS.finditer(words)]
    found += [(match.start(), match.end(), "and") for match in _AND.finditer(words)]
    pieces: list[str] = []
    changes: list[tuple[int, int, int, int]] = []
    position = length = 0
    for start, end, meant in sorted(found):
        if start < position:
            continue
        pieces += [words[position:start], meant]
        length += start - position
        changes.append((length, length + len(meant), start, end))
        length += len(meant)
        position = end
    return Spelt(words, "".join([*pieces, words[position:]]), tuple(changes))


def _meaning(match: re.Match[str], words: str) -> str:
    """What a short form stands for: the one whose pattern takes it whole."""
    for meant, typed in _MEANT:
        found = typed.match(words, match.start())
        if found is not None and found.end() == match.end():
            return meant
    return match[0]


def _number(said: str) -> str:
    digits = ["+"] if said.lower().startswith("plus") else []
    times = 1
    for word in re.findall(r"[a-z]+|\d", said.lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
        elif word == "hundred":
            digits.append("00")
        elif word != "plus":
            digits.append(times * _DIGIT.get(word, word))
            times = 1
    return "".join(digits)
