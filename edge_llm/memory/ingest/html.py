"""HTML: the text a browser would show, under its headings. Scripts, styles and what is hidden are left out.

Parsed by lxml's HTML parser as it streams (libxml2's tokenizer follows HTML5 and takes time in proportion to the file);
nothing is fetched, and no tree is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.encoding import SAMPLE_BYTES, decode_stream, detect_encoding, is_binary
from edge_llm.memory.ingest.iso_time import parse_iso
from edge_llm.memory.ingest.passages import OutlinePassages
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft

VERSION = 1
_UNSHOWN = frozenset({
    "script", "style", "template", "noscript", "svg", "math", "canvas", "iframe", "object", "embed", "applet", "audio",
    "video", "datalist", "frameset", "noframes", "noembed",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
    "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre", "search",
    "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
})  # fmt: skip
_TIGHT = frozenset({"li", "tr", "dd", "dt", "option"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""")
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "us-ascii": "cp1252", "x-sjis": "shift_jis"}
_TIMES = ("article:published_time", "datepublished", "dcterms.created", "dc.date", "date")
_BLOCK_CHARS = 100_000
"""A longer block is cut, so that a file without markup is read in pieces."""


@dataclass(frozen=True)
class Block:
    """A piece of visible text that stands on lines of its own."""

    text: str
    level: int = 0
    """1 to 6 for a heading."""
    tight: bool = False
    """An entry of a list or a row of a table: no blank line before it."""


class _Page:
    """The parser's target: gathers visible blocks. Its methods' names are lxml's."""

    def __init__(self) -> None:
        self.title: str | None = None
        self.times: dict[str, str] = {}
        self._blocks: list[Block] = []
        self._pieces: list[str] = []
        self._size = 0
        self._hidden = 0
        """Open elements from the outermost hidden one on."""
        self._pre = 0
        self._level = 0
        self._tight = False

    def take(self) -> list[Block]:
        """The blocks finished since the last call."""
        blocks, self._blocks = self._blocks, []
        return blocks

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if self._hidden or tag in _UNSHOWN or "hidden" in attributes or _HIDING.search(attributes.get("style", "")):
            self._hidden += 1
            return
        if tag in _BLOCKS:
            self._end_block()
            self._level, self._tight = _HEADINGS.get(tag, 0), tag in _TIGHT
            self._pre += tag == "pre"
        elif tag == "br":
            self._pieces.append("\n" if self._pre else "\v")
        elif tag in ("td", "th") and any(map(str.strip, self._pieces)):
            self._pieces.append(" | ")
        elif tag == "meta":
            name = (attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or "").lower()
            if name in _TIMES:
                self.times.setdefault(name, attributes.get("content", ""))

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._hidden:
            self._hidden -= 1
        elif tag in _BLOCKS:
            if tag == "title" and self.title is None:
                self.title = " ".join("".join(self._pieces).split())
                self._pieces.clear()
            self._end_block()
            self._tight = False
            self._pre -= tag == "pre"

    def data(self, text: str) -> None:
        """Text between two tags."""
        if not self._hidden:
            self._pieces.append(text)
            self._size += len(text)
            if self._size > _BLOCK_CHARS:
                self._end_block()

    def close(self) -> None:
        """The file ends."""
        self._end_block()

    def _end_block(self) -> None:
        text = "".join(self._pieces)
        if not self._pre:
            text = "\n".join(" ".join(line.split()) for line in text.split("\v"))
        if text.strip():
            self._blocks.append(Block(text.strip("\n"), self._level, self._tight))
        self._pieces.clear()
        self._size = self._level = 0


def visible_text(markup: str) -> str:
    """The text a browser would show of a page or a mail; paragraphs are parted by a blank line."""
    return "".join(("\n" if block.tight else "\n\n") + block.text for block in _blocks(_Page(), [markup])).strip()


def _blocks(page: _Page, pieces: Iterable[str]) -> Iterator[Block]:
    from lxml import etree

    parser = etree.HTMLParser(target=page, encoding="utf-8", no_network=True)
    fed = False
    for piece in pieces:
        if piece:
            parser.feed(piece.replace("\0", "").encode("utf-8", "replace"))
            fed = True
            yield from page.take()
    if fed:
        parser.close()
        yield from page.take()


@dataclass(frozen=True)
class HtmlReader:
    """Web pages saved to disk."""

    name: str = "html"
    suffixes: frozenset[str] = frozenset({".html", ".htm", ".xhtml"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a file that begins as a page, 0.5 by name, 0 for what is no text."""
        if is_binary(head):
            return 0.0
        begin = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
        if begin.startswith((b"<!doctype html", b"<html")) or (begin.startswith((b"<?xml", b"<!--")) and b"<html" in begin):
            return 1.0
        return 0.5 if path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield passages under their headings."""
        sample = file.read(SAMPLE_BYTES)
        encoding = detect_encoding(sample, _declared(sample))
        if encoding != "utf-8":
            reading.note(f"read as {encoding}")
        file.seek(0)
        page, passages = _Page(), OutlinePassages("document")
        for block in _blocks(page, decode_stream(file, encoding)):
            passages.builder.title, passages.builder.time = page.title or None, _written(page.times, reading)
            if block.level:
                yield from passages.heading(block.level, block.text)
            else:
                yield from passages.paragraph(block.text, "\n" if block.tight else "\n\n")
        yield from passages.flush()


def _declared(sample: bytes) -> str | None:
    found = _CHARSET.search(sample[:2048])
    name = found[1].decode("ascii").lower() if found is not None else None
    return None if name is None else _SUPERSETS.get(name, name)


def _written(times: Mapping[str, str], reading: Reading) -> datetime | None:
    written = (parse_iso(times[name], reading.timezone) for name in _TIMES if name in times)
    return next((time for time in written if time is not None), None)


READER = HtmlReader()
