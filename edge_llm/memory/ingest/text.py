"""Plain text: paragraphs gathered into passages. Knows no markup; what a file of code or of log lines means stays unknown.

The position of an item is the line its passage begins on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.encoding import SAMPLE_BYTES, decode_stream, detect_encoding, is_binary
from edge_llm.memory.ingest.passages import PassageBuilder
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft

VERSION = 1
_LINE_CHARS = 100_000
"""A longer line is cut, so that a file without newlines is read in pieces."""


def read_lines(file: BinaryIO, reading: Reading) -> Iterator[str]:
    """The lines of a text file in whatever encoding, without their ends; tells the reading which encoding was assumed.

    A line of more than 100,000 characters comes in pieces.
    """
    sample = file.read(SAMPLE_BYTES)
    encoding = detect_encoding(sample)
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        reading.note(f"read as {encoding}")
    file.seek(0)
    return split_lines(decode_stream(file, encoding))


def split_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines from pieces of text that end anywhere; \\r\\n, \\r and \\n end a line."""
    rest = ""
    for piece in pieces:
        text = rest + piece
        held = "\r" if text.endswith("\r") else ""  # its \n may come with the next piece
        *lines, rest = text.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        yield from lines
        while len(rest) > _LINE_CHARS:
            yield rest[:_LINE_CHARS]
            rest = rest[_LINE_CHARS:]
        rest += held
    if rest:
        yield rest.removesuffix("\r")


@dataclass(frozen=True)
class TextReader:
    """Plain text in any encoding, and every text file no other reader claims."""

    name: str = "text"
    suffixes: frozenset[str] = frozenset({".txt", ".text", ".log", ".rst", ".org", ".adoc"})

    def claims(self, head: bytes, path: Path) -> float:
        """0.5 by name and 0.1 for any other text; 0 for what is no text."""
        if is_binary(head):
            return 0.0
        return 0.5 if path.suffix.lower() in self.suffixes else 0.1

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield passages of whole paragraphs."""
        builder = PassageBuilder("note")
        paragraph: list[str] = []
        begun = size = 0
        for number, line in enumerate(read_lines(file, reading), start=1):
            if not paragraph:
                begun = number
            if line.strip():
                paragraph.append(line)
                size += len(line)
            if paragraph and (not line.strip() or size > _LINE_CHARS):
                yield from builder.add("\n".join(paragraph), f"line {begun}")
                paragraph, size = [], 0
        if paragraph:
            yield from builder.add("\n".join(paragraph), f"line {begun}")
        yield from builder.flush()


READER = TextReader()
