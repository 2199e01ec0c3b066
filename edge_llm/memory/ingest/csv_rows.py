"""CSV as a stream of rows under the names of its first line (RFC 4180, and what spreadsheets of each locale write).

Knows columns by name and nothing of what they mean.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from edge_llm.memory.ingest.encoding import SAMPLE_BYTES, decode_stream, detect_encoding
from edge_llm.memory.ingest.reader import Reading
from runtimes.errors import UnreadableFileError

_LINE_CHARS = 1 << 21
_COLUMNS = 500
_DELIMITERS = (",", ";", "\t", "|")


def csv_columns(head: bytes) -> tuple[str, ...]:
    """The names in the first line of a file, lower-case; none when it is not CSV."""
    line = head.decode(detect_encoding(head), "replace").lstrip("\ufeff").partition("\n")[0]
    return tuple(name.lower() for name in _names(line, _delimiter(line)))


def csv_rows(file: BinaryIO, reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, values by column name in lower case) of each row; the first row after the names is row 1.

    Raises:
        UnreadableFileError: a row is too long or not CSV. Names the row.
    """
    encoding = detect_encoding(file.read(SAMPLE_BYTES))
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        reading.note(f"read as {encoding}")
    file.seek(0)
    lines = _lines(decode_stream(file, encoding))
    first = next(lines, "").lstrip("\ufeff")
    delimiter = _delimiter(first)
    names = [name.lower() for name in _names(first, delimiter)]
    number = 0
    try:
        for number, values in enumerate(csv.reader(lines, delimiter=delimiter), start=1):
            if any(values):
                yield number, dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise UnreadableFileError(f"row {number + 1} is no CSV: {error}") from error


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])[:_COLUMNS]]
    except csv.Error:
        return []


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines with their ends, as the csv module wants them: an end within quotes belongs to the value."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece.replace("\0", "")).split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(rest) > _LINE_CHARS:
            raise UnreadableFileError(f"a row is longer than the {_LINE_CHARS:,} characters allowed")
    if rest:
        yield rest
