"""Text in pieces that a search can find and a person can read: cut at headings, paragraphs, sentences, then words.

A passage is what one question asks for: long enough to be understood alone, short enough that its vector means
something. Knows no file format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edge_llm.memory.items import Draft, Kind

PASSAGE_CHARS = 1_200
"""Longest passage."""
ENOUGH_CHARS = 600
"""From this length on a passage ends with its paragraph."""
HEADING_CHARS = 300
"""Longest heading."""
DOCUMENT_THREAD = "document"
"""The thread of a file that is one text: its passages are each other's neighbours."""
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s|[。！？；…][”’」』）]*(?![”’」』）])")
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_BACK_OFF = 32
"""How far a cut moves back to keep a character together with its marks."""


def split_text(text: str, limit: int) -> list[str]:
    """Cut text into parts of at most `limit` characters, at the best border in the later half of each.

    Nothing is lost but blanks around a cut.
    """
    parts, position = [], 0
    while len(text) - position > limit:
        cut = _best_cut(text, position, limit)
        if part := text[position:cut].strip():
            parts.append(part)
        position = cut
    if rest := text[position:].strip():
        parts.append(rest)
    return parts


def _best_cut(text: str, start: int, limit: int) -> int:
    low, high = start + limit // 2, start + limit
    for border in ("\n\n", "\n"):
        found = text.rfind(border, low, high)
        if found >= 0:
            return found + len(border)
    # one character more is looked at: it may be the quotation mark that closes the sentence
    ends = [found.end() for found in _SENTENCE_END.finditer(text, low, high + 1) if found.end() <= high]
    if ends:
        return ends[-1]
    blank = text.rfind(" ", low, high)
    return blank + 1 if blank >= 0 else _whole_characters(text, low, high)


def _whole_characters(text: str, low: int, cut: int) -> int:
    """A cut not before a combining mark, a joiner or what is joined."""
    for place in range(cut, max(low, cut - _BACK_OFF), -1):
        joined = unicodedata.combining(text[place]) or text[place] in "\u200d\ufe0e\ufe0f" or text[place - 1] == "\u200d"
        if not joined:
            return place
    return cut


def _size(text: str) -> int:
    """Characters, a Chinese, Japanese or Korean one counted twice: it says about as much as two letters or more."""
    return len(text) + len(_WIDE.findall(text))


class Numbering:
    """Gives every locator of a file once: "A", then "A (2)", "A (3)". Keeps 8 bytes of each, not the locators."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def unique(self, locator: str) -> str:
        """The locator, with a number when it was given before."""
        found = locator
        while hash(found) in self._next:
            number = self._next[hash(locator)]
            self._next[hash(locator)] = number + 1
            found = f"{locator} ({number})"
        self._next[hash(found)] = 2
        return found


@dataclass
class PassageBuilder:
    """Gathers paragraphs into drafts of `ENOUGH_CHARS` to `PASSAGE_CHARS` characters under the same heading.

    A paragraph that is longer is cut at its sentences. What follows a heading is a passage of its own, however short.
    """

    kind: Kind
    title: str | None = None
    """The document's own title, before the headings in each passage's title."""
    time: datetime | None = None
    headings: tuple[str, ...] = ()
    _numbering: Numbering = field(default_factory=Numbering)
    _parts: list[str] = field(default_factory=list)
    _gathered: int = 0
    _place: str = ""
    _heading_place: str | None = None
    """Where the present heading is, as long as nothing followed it."""

    def head(self, headings: Sequence[str], place: str) -> Iterator[Draft]:
        """A heading begins (its path from the outermost in): what was gathered before is a passage."""
        carried = tuple(headings[: len(self.headings)]) == self.headings and len(headings) > len(self.headings)
        yield from self.flush(heading_alone=not carried)
        self.headings, self._heading_place = tuple(headings), place

    def add(self, paragraph: str, place: str, *, separator: str = "\n\n") -> Iterator[Draft]:
        """One more paragraph, and where it is. Yields the passages it completes.

        Args:
            separator: what stands between it and the one before, should both be in one passage.
        """
        size = _size(paragraph)
        limit = PASSAGE_CHARS * len(paragraph) // size if size > PASSAGE_CHARS else PASSAGE_CHARS
        for part in split_text(paragraph, limit):
            size = _size(part)
            if self._parts and self._gathered + size > PASSAGE_CHARS:
                yield self._take()
            if self._parts:
                self._parts.append(separator)
            else:
                self._place = place
            self._parts.append(part)
            self._gathered += size
            if self._gathered >= ENOUGH_CHARS:
                yield self._take()

    def flush(self, *, heading_alone: bool = True) -> Iterator[Draft]:
        """What is left. With `heading_alone` a heading that nothing followed is a passage: its words are content."""
        if self._parts:
            yield self._take()
        elif self._heading_place is not None and heading_alone and self.headings:
            self._parts.append(self.headings[-1])
            self._place = self._heading_place
            yield self._take()

    def _take(self) -> Draft:
        path = list(dict.fromkeys(part for part in (self.title, *self.headings) if part))
        draft = Draft(
            text="".join(self._parts),
            kind=self.kind,
            locator=self._numbering.unique(self._place),
            title=" > ".join(path) or None,
            time=self.time,
            thread=DOCUMENT_THREAD,
        )
        self._parts.clear()
        self._gathered, self._heading_place = 0, None
        return draft


class OutlinePassages:
    """Passages of a text whose headings have levels; the place of each is the path of headings above it."""

    def __init__(self, kind: Kind) -> None:
        self.builder = PassageBuilder(kind)
        self._headings: list[tuple[int, str]] = []

    def heading(self, level: int, text: str) -> Iterator[Draft]:
        """A heading begins; it ends those of its level and of deeper ones. One that is too long for one is a paragraph."""
        line = " ".join(text.split())
        if len(line) > HEADING_CHARS:
            yield from self.paragraph(text)
        elif line:
            while self._headings and self._headings[-1][0] >= level:
                self._headings.pop()
            self._headings.append((level, line))
            yield from self.builder.head([text for _, text in self._headings], self._place)

    def paragraph(self, text: str, separator: str = "\n\n") -> Iterator[Draft]:
        """One more paragraph. See `PassageBuilder.add`."""
        yield from self.builder.add(text, self._place, separator=separator)

    def flush(self) -> Iterator[Draft]:
        """What is left."""
        yield from self.builder.flush()

    @property
    def _place(self) -> str:
        return " > ".join(text for _, text in self._headings) or "beginning"
