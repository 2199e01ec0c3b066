"""Markdown: passages under their headings, as they are written. Read line by line, so that a file of any size streams.

Knows ATX and setext headings, fenced code (in which "#" begins no heading), after CommonMark 0.31, and front
matter; everything else stays as its author wrote it, which people and models read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.encoding import is_binary
from edge_llm.memory.ingest.iso_time import parse_iso
from edge_llm.memory.ingest.passages import OutlinePassages
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.text import read_lines
from edge_llm.memory.items import Draft

VERSION = 1
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")
_FIELD = re.compile(r"([A-Za-z_]+)\s*:\s*(.*)")
_FRONT_MATTER_LINES = 200
_PARAGRAPH_CHARS = 100_000
_WRITTEN = ("date", "created", "created_at")


@dataclass(frozen=True)
class MarkdownReader:
    """Notes in Markdown."""

    name: str = "markdown"
    suffixes: frozenset[str] = frozenset({".md", ".markdown", ".mdown", ".mkd"})

    def claims(self, head: bytes, path: Path) -> float:
        """0.5 by name: any text is Markdown, so that content cannot tell."""
        return 0.5 if path.suffix.lower() in self.suffixes and not is_binary(head) else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield passages under their headings."""
        passages, scanner = OutlinePassages("note"), _Scanner()
        lines = _without_front_matter(read_lines(file, reading), passages, reading)
        for block in scanner.blocks(lines):
            if block.level:
                yield from passages.heading(block.level, block.text)
            else:
                yield from passages.paragraph(block.text)
        yield from passages.flush()


@dataclass(frozen=True)
class _Block:
    text: str
    level: int = 0


class _Scanner:
    """Lines into headings and paragraphs."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._fence: str | None = None
        """What ends the fenced code that a line is in."""

    def blocks(self, lines: Iterator[str]) -> Iterator[_Block]:
        """The blocks, in order."""
        for line in lines:
            if self._fence is not None:
                self._keep(line)
                if _closes(line, self._fence):
                    self._fence = None
            elif (fence := _FENCE.fullmatch(line)) is not None:
                self._fence = fence[1]
                self._keep(line)
            elif (heading := _ATX.fullmatch(line)) is not None:
                yield from self._end_paragraph()
                yield _Block(heading[2] or "", len(heading[1]))
            elif self._lines and (underline := _SETEXT.fullmatch(line)) is not None and "|" not in self._lines[-1]:
                text = self._lines.pop()
                yield from self._end_paragraph()
                yield _Block(text.strip(), 1 if underline[1][0] == "=" else 2)
            elif line.strip():
                self._keep(line)
            else:
                yield from self._end_paragraph()
            if self._size > _PARAGRAPH_CHARS:
                yield from self._end_paragraph()
        yield from self._end_paragraph()

    def _keep(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _end_paragraph(self) -> Iterator[_Block]:
        if self._lines:
            yield _Block("\n".join(self._lines))
        self._lines, self._size = [], 0


def _closes(line: str, fence: str) -> bool:
    mark = line.strip()
    return len(mark) >= len(fence) and set(mark) == {fence[0]} and len(line) - len(line.lstrip(" ")) <= 3


def _without_front_matter(lines: Iterator[str], passages: OutlinePassages, reading: Reading) -> Iterator[str]:
    """Lines after the front matter, whose title and date go to the passages and whose other lines stay text."""
    first = next(lines, None)
    if first is None:
        return
    if first.rstrip() != "---":
        yield first
        yield from lines
        return
    matter: list[str] = []
    for line in lines:
        if line.rstrip() in ("---", "..."):
            yield from _use_front_matter(matter, passages, reading)
            yield ""
            yield from lines
            return
        matter.append(line)
        if len(matter) > _FRONT_MATTER_LINES:
            break
    yield from (first, *matter)
    yield from lines


def _use_front_matter(matter: list[str], passages: OutlinePassages, reading: Reading) -> Iterator[str]:
    for line in matter:
        found = _FIELD.fullmatch(line.strip())
        key, value = (found[1].lower(), found[2].strip().strip("\"'")) if found is not None else ("", "")
        if key == "title" and value:
            passages.builder.title = value
        elif key in _WRITTEN and (time := parse_iso(value, reading.timezone)) is not None:
            passages.builder.time = time
        else:
            yield line


READER = MarkdownReader()
