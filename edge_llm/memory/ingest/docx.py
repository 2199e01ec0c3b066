"""Word documents (DOCX, ECMA-376 part 1, 17): paragraphs under their heading styles, tables, notes, comments, headers.

What a reader of the printed page sees is taken: inserted text and not deleted text, a drawing's text once and not its
fallback too, no hidden text and no field codes. Numbers of automatic lists are not in the file and not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.iso_time import parse_iso
from edge_llm.memory.ingest.package import Package, claim_package
from edge_llm.memory.ingest.passages import OutlinePassages, PassageBuilder
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.xml_events import Event
from edge_llm.memory.items import Draft, Mention

VERSION = 1
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_SKIPPED = frozenset({"Fallback", "delText", "instrText", "del", "moveFrom", "rt"})
"""Elements whose text is not on the page, or is there a second time."""
_PROPERTIES = frozenset({"pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr"})
_BASED_ON = 16
"""Longest chain of styles."""
_PARAGRAPH_CHARS = 200_000
_TITLE_LEVEL = 0


@dataclass(frozen=True)
class DocxReader:
    """Word documents."""

    name: str = "docx"
    suffixes: frozenset[str] = frozenset({".docx", ".docm", ".dotx", ".dotm"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for an archive with Word's parts, 0.5 for a damaged or encrypted one by its name."""
        return claim_package(head, path, "word", self.suffixes)

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield passages under their headings, then notes, comments, headers and footers."""
        package = Package(file, reading, "word/document.xml")
        levels = _heading_levels(package)
        passages = OutlinePassages("document")
        passages.builder.title, passages.builder.time = package.title, package.created
        for line in _lines(package.events(package.main), levels):
            if line.level is None:
                yield from passages.paragraph(line.text, "\n" if line.is_row else "\n\n")
            else:
                yield from passages.heading(line.level, line.text)
        yield from passages.flush()
        for kind, element in (("footnotes", "footnote"), ("endnotes", "endnote")):
            for part in package.related_by_type(package.main, kind):
                yield from _notes(package, part, element)
        for part in package.related_by_type(package.main, "comments"):
            yield from _comments(package, part, reading)
        yield from _margins(package)


def _notes(package: Package, part: str, element: str) -> Iterator[Draft]:
    builder = PassageBuilder("document", package.title, package.created, (f"{element}s".capitalize(),))
    for entry in _entries(package.events(part), element):
        if entry.text and entry.attributes.get("type", "normal") == "normal":
            yield from builder.add(entry.text, f"{element} {entry.attributes.get('id', '')}")
    yield from builder.flush()


def _comments(package: Package, part: str, reading: Reading) -> Iterator[Draft]:
    for entry in _entries(package.events(part), "comment"):
        author = entry.attributes.get("author")
        if entry.text:
            yield Draft(
                text=entry.text,
                kind="document",
                locator=f"comment {entry.attributes.get('id', '')}",
                title=package.title,
                time=parse_iso(entry.attributes.get("date", ""), reading.timezone),
                people=(Mention("from", author),) if author else (),
            )


def _margins(package: Package) -> Iterator[Draft]:
    """Headers and footers, each text once: sections repeat them."""
    seen = set()
    for kind in ("header", "footer"):
        for number, part in enumerate(package.related_by_type(package.main, kind), start=1):
            text = "\n".join(line.text for line in _lines(package.events(part), {}))
            if text and text not in seen:
                seen.add(text)
                yield Draft(text=text, kind="document", locator=f"{kind} {number}", title=package.title, time=package.created)


def _heading_levels(package: Package) -> Mapping[str, int]:
    """Style id -> level, from the names that Word gives its built-in styles in every language, or the outline level."""
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for part in package.related_by_type(package.main, "styles"):
        style = ""
        for event in package.events(part):
            value = event.attributes.get("val", "")
            if event.value == "style" and event.kind == "start":
                style = event.attributes.get("styleId", "")
            elif event.value == "basedOn":
                parents.setdefault(style, value)
            elif event.value == "name" and value.lower() == "title":
                levels[style] = _TITLE_LEVEL
            elif event.value == "name" and value.lower().startswith("heading ") and value[8:] in set("123456789"):
                levels[style] = int(value[8:])
            elif event.value == "outlineLvl" and value in set("012345678"):
                levels.setdefault(style, int(value) + 1)
    for style in list(parents):
        ancestor = style
        for _ in range(_BASED_ON):
            if ancestor in levels:
                levels.setdefault(style, levels[ancestor])
            ancestor = parents.get(ancestor, "")
    return levels


@dataclass(frozen=True)
class _Line:
    """A paragraph, a heading or a row of a table."""

    text: str
    level: int | None = None
    is_row: bool = False


@dataclass
class _Paragraph:
    pieces: list[str] = field(default_factory=list)
    level: int | None = None
    size: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()


class _Body:
    """Turns events into lines. Paragraphs nest (a text box stands in one), and so do tables."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self._levels = levels
        self._open: list[_Paragraph] = []
        self._rows: list[list[list[str]]] = []
        """The open rows from the outermost in, each a list of cells, each a list of paragraphs."""
        self._skipped = 0
        self._in_text = self._hidden = False
        self._properties: list[str] = []
        self._lines: list[_Line] = []

    def take(self, event: Event) -> list[_Line]:
        """The lines that an event completes."""
        if self._skipped or (event.kind == "start" and event.value in _SKIPPED):
            self._skipped += {"start": 1, "end": -1, "text": 0}[event.kind]
        elif event.kind == "text":
            if self._in_text and self._open and not self._hidden:
                self._write(event.value)
        elif event.kind == "start":
            self._start(event.value, event.attributes)
        else:
            self._end(event.value)
        lines, self._lines = self._lines, []
        return lines

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "p":
            self._open.append(_Paragraph())
        elif name == "t":
            self._in_text = True
        elif name == "r":
            self._hidden = False
        elif name in _PROPERTIES:
            self._properties.append(name)
        elif name == "vanish":
            # a paragraph mark has a run's properties too, and they hide the mark alone
            self._hidden = self._properties == ["rPr"] and attributes.get("val", "1") not in ("0", "false", "off")
        elif name == "pStyle" and self._open:
            self._open[-1].level = self._levels.get(attributes.get("val", ""))
        elif name == "outlineLvl" and self._open and attributes.get("val") in set("012345678"):
            self._open[-1].level = int(attributes["val"]) + 1
        elif name in _SIGNS and self._open and not self._properties and not self._hidden:
            self._write(_SIGNS[name])
        elif name == "tr":
            self._rows.append([])
        elif name == "tc" and self._rows:
            self._rows[-1].append([])

    def _end(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name in _PROPERTIES and self._properties:
            self._properties.pop()
        elif name == "r":
            self._hidden = False
        elif name == "p" and self._open:
            self._end_paragraph(self._open.pop())
        elif name == "tr" and self._rows:
            cells = [" ".join(paragraphs) for paragraphs in self._rows.pop()]
            self._emit(_Line(" | ".join(cells), is_row=True) if any(cells) else _Line(""))

    def _write(self, text: str) -> None:
        paragraph = self._open[-1]
        paragraph.pieces.append(text)
        paragraph.size += len(text)
        if paragraph.size > _PARAGRAPH_CHARS:
            self._end_paragraph(paragraph)
            self._open[-1] = _Paragraph()

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        self._emit(_Line(paragraph.text, paragraph.level))

    def _emit(self, line: _Line) -> None:
        if not line.text:
            return
        if self._rows and self._rows[-1]:
            self._rows[-1][-1].append(" ".join(line.text.split()))
        else:
            self._lines.append(line)


def _lines(events: Iterator[Event], levels: Mapping[str, int]) -> Iterator[_Line]:
    body = _Body(levels)
    for event in events:
        yield from body.take(event)


@dataclass(frozen=True)
class _Entry:
    """A note or a comment."""

    attributes: Mapping[str, str]
    text: str


def _entries(events: Iterator[Event], element: str) -> Iterator[_Entry]:
    body = _Body({})
    lines: list[str] = []
    attributes: Mapping[str, str] = {}
    for event in events:
        if event.kind == "start" and event.value == element:
            attributes, lines = event.attributes, []
        lines += [line.text for line in body.take(event)]
        if event.kind == "end" and event.value == element:
            yield _Entry(attributes, "\n".join(lines))


READER = DocxReader()
