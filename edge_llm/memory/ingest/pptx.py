"""PowerPoint presentations (PPTX, ECMA-376 part 1, 19): one item a slide, its speaker's notes included.

Knows text, tables, diagrams and notes; pictures and charts have no words here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.package import Package, Relationship, claim_package
from edge_llm.memory.ingest.passages import DOCUMENT_THREAD, HEADING_CHARS
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.xml_events import Event
from edge_llm.memory.items import Draft

VERSION = 1
_TITLES = frozenset({"title", "ctrTitle"})
_UNSAID = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that say the same on every slide."""


@dataclass(frozen=True)
class PptxReader:
    """Presentations."""

    name: str = "pptx"
    suffixes: frozenset[str] = frozenset({".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for an archive with PowerPoint's parts, 0.5 for a damaged or encrypted one by its name."""
        return claim_package(head, path, "ppt", self.suffixes)

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the slides in the order they are shown."""
        package = Package(file, reading, "ppt/presentation.xml")
        related = package.related(package.main)
        for number, part in enumerate(_slides(package, related), start=1):
            slide = _Shapes()
            for event in package.events(part):
                slide.take(event)
            texts = [*slide.texts, *_diagrams(package, part)]
            notes = _notes(package, part)
            if notes:
                texts.append(f"Notes: {notes}")
            title = slide.title[:HEADING_CHARS]
            if slide.title and slide.title not in texts:
                texts.insert(0, slide.title)
            yield Draft(
                text="\n".join(texts),
                kind="document",
                locator=f"slide {number}",
                title=" > ".join(dict.fromkeys(part for part in (package.title, title) if part)) or None,
                time=package.created,
                thread=DOCUMENT_THREAD,
            )


def _slides(package: Package, related: Mapping[str, Relationship]) -> Iterator[str]:
    for event in package.events(package.main):
        if event.kind == "start" and event.value == "sldId":
            # the slide's own number is called id too, in no namespace
            slide = related.get(event.attributes.get("r:id", ""))
            if slide is not None and slide.target in package:
                yield slide.target


def _notes(package: Package, slide: str) -> str:
    found: list[str] = []
    for part in package.related_by_type(slide, "notesSlide"):
        shapes = _Shapes()
        for event in package.events(part):
            shapes.take(event)
        found += shapes.texts
    return "\n".join(found)


def _diagrams(package: Package, slide: str) -> Iterator[str]:
    for part in package.related_by_type(slide, "diagramData"):
        shapes = _Shapes()
        for event in package.events(part):
            shapes.take(event)
        yield from shapes.texts


class _Shapes:
    """Gathers what the shapes of one slide say."""

    def __init__(self) -> None:
        self.title = ""
        self.texts: list[str] = []
        self._placeholder = ""
        self._paragraph: list[str] = []
        self._cells: list[list[str]] | None = None
        """The cells of the open row of a table."""
        self._in_text = False
        self._skipped = 0

    def take(self, event: Event) -> None:
        """One more event of the slide's XML."""
        if self._skipped or (event.kind == "start" and event.value == "Fallback"):
            self._skipped += {"start": 1, "end": -1, "text": 0}[event.kind]
        elif event.kind == "text":
            if self._in_text:
                self._paragraph.append(event.value)
        elif event.kind == "start":
            self._start(event.value, event.attributes)
        else:
            self._end(event.value)

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in ("sp", "graphicFrame"):
            self._placeholder = ""
        elif name == "ph":
            self._placeholder = attributes.get("type", "body")
        elif name == "p":
            self._paragraph = []
        elif name == "t":
            self._in_text = True
        elif name == "br":
            self._paragraph.append("\n")
        elif name == "tr":
            self._cells = []
        elif name == "tc" and self._cells is not None:
            self._cells.append([])

    def _end(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "p":
            self._end_paragraph("".join(self._paragraph).strip())
            self._paragraph = []
        elif name == "tr" and self._cells is not None:
            cells = [" ".join(cell) for cell in self._cells]
            self._cells = None
            if any(cells):
                self.texts.append(" | ".join(cells))

    def _end_paragraph(self, text: str) -> None:
        if not text or self._placeholder in _UNSAID:
            return
        if self._cells:
            self._cells[-1].append(" ".join(text.split()))
        elif self._placeholder in _TITLES:
            self.title = f"{self.title} {' '.join(text.split())}".strip()
        else:
            self.texts.append(text)


READER = PptxReader()
