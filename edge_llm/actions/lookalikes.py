"""What looks like something else: scripts mixed in one word, letters that pass for Latin ones, links that hide their host.

A name or an address made to be misread costs nothing to send and a person's consent to obey, so a preview says what is odd
about a recipient or a link. Follows Unicode's UTS 39 (restriction level "highly restrictive") with what Python's own
character names tell of scripts. Knows text only; what is done about it is policy.py's.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from edge_llm.hidden import show_hidden

Oddity: TypeAlias = Literal["hidden", "mixed", "lookalike", "styled", "digits", "marks", "user", "puny", "host"]
"""Characters nobody sees; scripts mixed in a word; a word of another script whose every letter looks Latin; letters in styled
or wide forms; digits of other scripts; marks piled on a letter; a link with a name before its host; a host in Punycode; a host
that is a bare number."""

_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"'，。；）】》]+", re.IGNORECASE)
_EAST_ASIAN = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "HANGUL"})
"""Scripts that are written together in one word (UTS 39, 5.2)."""
# Letters of Cyrillic, Greek and Armenian that most fonts draw as a Latin one (UTS 39's confusables).
_LATIN_SHAPES = frozenset("аеорсухіјѕһԁԛԝνοραυικωВАЕКМНОРСТУХІЈЅҺΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսհցզ" + "ӏɡԍҽ")
_MARKS = 3
"""More combining marks than this on one letter draw over what is around them."""


def oddities(text: str) -> tuple[Oddity, ...]:
    """What about a recipient, a name or a link is not as it looks, in the order of `Oddity`."""
    found: list[Oddity] = []
    if show_hidden(text) != text:
        found.append("hidden")
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    if any(_mixed(_scripts(word)) for word in words):
        found.append("mixed")
    if any(_passes_for_latin(word) for word in words):
        found.append("lookalike")
    if any(_is_styled(character) for character in text):
        found.append("styled")
    if any(character.isdecimal() and character not in "0123456789" and not _is_styled(character) for character in text):
        found.append("digits")
    if _piled(text):
        found.append("marks")
    return (*found, *link_oddities(text))


def link_oddities(text: str) -> tuple[Oddity, ...]:
    """What is odd about where the links in a text lead."""
    found: dict[Oddity, None] = {}
    for link in links(text):
        place = link if "://" in link else f"//{link}"
        try:
            parts = urlsplit(place)
            host = parts.hostname or ""
        except ValueError:
            found["host"] = None
            continue
        if "@" in parts.netloc:
            found["user"] = None
        if any(label.startswith("xn--") for label in host.split(".")):
            found["puny"] = None
        if host and (re.fullmatch(r"[0-9a-fx.]*[0-9][0-9a-fx.]*", host) is not None or ":" in host) and not host[-1:].isalpha():
            found["host"] = None
    return tuple(found)


def links(text: str) -> tuple[str, ...]:
    """The links in a text, in order: with a scheme and "//", or beginning with www."""
    return tuple(_LINK.findall(text))


def plain_host(link: str) -> str:
    """Where a link leads, as a browser reads it: its host, Punycode undone; empty when it has none."""
    try:
        host = urlsplit(link if "://" in link else f"//{link}").hostname or ""
        return host.encode("ascii").decode("idna") if "xn--" in host else host
    except (UnicodeError, ValueError):
        return ""


def _scripts(word: str) -> set[str]:
    """Scripts of a word's letters, by the first word of each letter's Unicode name."""
    found = set()
    for character in word:
        if character.isalpha():
            name = unicodedata.name(unicodedata.normalize("NFKC", character)[:1], "UNNAMED")
            found.add(name.split()[0])
    return found


def _mixed(scripts: set[str]) -> bool:
    return len(scripts) > 1 and not scripts <= _EAST_ASIAN


def _passes_for_latin(word: str) -> bool:
    letters = [character for character in word if character.isalpha()]
    return len(letters) > 1 and "LATIN" not in _scripts(word) and all(letter in _LATIN_SHAPES for letter in letters)


def _is_styled(character: str) -> bool:
    """A letter or a digit that stands for a plain one: wide, circled, mathematical."""
    if character.isascii() or not (character.isalnum()):
        return False
    plain = unicodedata.normalize("NFKC", character)
    return plain != character and plain.isascii()


def _piled(text: str) -> bool:
    run = 0
    for character in unicodedata.normalize("NFC", text):
        run = run + 1 if unicodedata.combining(character) else 0
        if run >= _MARKS:
            return True
    return False
