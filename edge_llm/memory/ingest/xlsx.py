"""Excel workbooks (XLSX, ECMA-376 part 1, 18): rows under their column headings, a few small ones to an item.

Reads what cells show: the results that Excel stored, not formulas. Streams a sheet row by row; the texts that cells share
are held in memory, as the format asks for them by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.cells import CellStyles, shared_strings
from edge_llm.memory.ingest.package import Package, claim_package
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.xml_events import Event
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

VERSION = 1
ENOUGH_CHARS = 300
"""From this length on an item takes no more rows: a row is found best when little else stands beside it."""
_COLUMNS = 16_384
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_HEADING_ROWS = 10
"""A row of headings is looked for among so many first rows."""


@dataclass(frozen=True)
class XlsxReader:
    """Workbooks."""

    name: str = "xlsx"
    suffixes: frozenset[str] = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for an archive with Excel's parts, 0.5 for a damaged or encrypted one by its name."""
        return claim_package(head, path, "xl", self.suffixes)

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the rows of each sheet, in the workbook's order, then each sheet's comments."""
        package = Package(file, reading, "xl/workbook.xml")
        if package.main.endswith(".bin"):
            raise UnreadableFileError("it is a binary workbook. Save it as .xlsx")
        book = _read_workbook(package)
        strings = shared_strings(package, next(iter(package.related_by_type(package.main, "sharedStrings")), None))
        styles = CellStyles(
            package, next(iter(package.related_by_type(package.main, "styles")), None), from_1904=book.from_1904
        )
        for sheet, part in book.sheets:
            rows = _Rows(strings, styles).rows(package.events(part))
            yield from _SheetItems(package, sheet).items(rows)
            for comments in package.related_by_type(part, "comments"):
                yield from _comments(package, sheet, comments)


@dataclass(frozen=True)
class _Workbook:
    sheets: Sequence[tuple[str, str]]
    """Each sheet's name and part."""
    from_1904: bool


def _read_workbook(package: Package) -> _Workbook:
    related, sheets, from_1904 = package.related(package.main), [], False
    for event in package.events(package.main):
        if event.kind != "start":
            continue
        if event.value == "workbookPr":
            from_1904 = event.attributes.get("date1904", "0") in ("1", "true")
        elif event.value == "sheet":
            target = related.get(event.attributes.get("r:id", ""))
            if target is not None and target.type == "worksheet" and target.target in package:
                sheets.append((" ".join(event.attributes.get("name", "").split()) or "sheet", target.target))
    return _Workbook(sheets, from_1904)


@dataclass(frozen=True)
class _Row:
    number: int
    cells: Mapping[int, str]
    """Column (from 1) -> what it shows, blank cells left out."""
    all_text: bool
    """No cell holds a number, a date or a truth value."""


@dataclass
class _Cell:
    column: int
    type: str
    style: str
    pieces: list[str] = field(default_factory=list)


class _Rows:
    """Turns the events of a sheet into rows."""

    def __init__(self, strings: Sequence[str], styles: CellStyles) -> None:
        self._strings, self._styles = strings, styles
        self._cell: _Cell | None = None
        self._cells: dict[int, str] = {}
        self._number = self._column = 0
        self._all_text = True
        self._taking = False

    def rows(self, events: Iterator[Event]) -> Iterator[_Row]:
        """The rows that are not blank."""
        for kind, name, attributes in events:
            if kind == "text":
                if self._taking and self._cell is not None:
                    self._cell.pieces.append(name)
            elif name in ("v", "t"):
                self._taking = kind == "start"
            elif name == "c":
                self._start_cell(attributes) if kind == "start" else self._end_cell()
            elif name == "rPh":
                self._taking = False
            elif name == "row" and kind == "start":
                number = attributes.get("r", "")
                self._number = int(number) if number.isdecimal() and len(number) < 9 else self._number + 1
                self._cells, self._column, self._all_text = {}, 0, True
            elif name == "row" and self._cells:
                yield _Row(self._number, dict(sorted(self._cells.items())), self._all_text)

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        address = _ADDRESS.fullmatch(attributes.get("r", ""))
        self._column = self._column + 1 if address is None else _column_number(address[1])
        self._cell = _Cell(self._column, attributes.get("t", "n"), attributes.get("s", ""))

    def _end_cell(self) -> None:
        cell, self._cell = self._cell, None
        if cell is None or not cell.pieces or not 1 <= cell.column <= _COLUMNS:
            return
        text = "".join(cell.pieces).strip()
        if cell.type == "s":
            text = self._strings[int(text)].strip() if text.isdecimal() and int(text) < len(self._strings) else ""
        elif cell.type == "b":
            text = {"0": "FALSE", "1": "TRUE"}.get(text, text)
        elif cell.type == "n":
            text = self._styles.text(text, cell.style)
        if text:
            self._cells[cell.column] = " ".join(text.split())
            self._all_text = self._all_text and cell.type in ("s", "str", "inlineStr")


class _SheetItems:
    """Gathers rows into items."""

    def __init__(self, package: Package, sheet: str) -> None:
        self._package, self._sheet = package, sheet
        self._headings: Mapping[int, str] | None = None
        self._looked = 0
        self._lines: list[str] = []
        self._gathered: list[_Row] = []

    def items(self, rows: Iterator[_Row]) -> Iterator[Draft]:
        """The sheet's items: the headings as they are, each row under them as "heading: value, ...", others cell by cell."""
        for row in rows:
            self._looked += 1
            begins = self._headings is None and self._looked <= _HEADING_ROWS and _may_be_headings(row)
            if begins:
                yield from self._flush()
            self._gathered.append(row)
            self._lines.append(self._line(row))
            if begins:
                self._headings = row.cells
            if sum(map(len, self._lines)) >= ENOUGH_CHARS:
                yield from self._flush()
        yield from self._flush()

    def _line(self, row: _Row) -> str:
        if self._headings is None:
            return " | ".join(row.cells.values())
        named = ((self._headings.get(column), text) for column, text in row.cells.items())
        return ", ".join(text if heading is None else f"{heading}: {text}" for heading, text in named)

    def _flush(self) -> Iterator[Draft]:
        if not self._gathered:
            return
        first, last = self._gathered[0], self._gathered[-1]
        columns = [column for row in self._gathered for column in (min(row.cells), max(row.cells))]
        begin, end = (f"{_letters(column)}{row.number}" for column, row in ((min(columns), first), (max(columns), last)))
        title = " > ".join(dict.fromkeys(part for part in (self._package.title, self._sheet) if part))
        yield Draft(
            text="\n".join(self._lines),
            kind="document",
            locator=f"{self._sheet}!{begin}" if begin == end else f"{self._sheet}!{begin}:{end}",
            title=title,
            time=self._package.created,
            thread=self._sheet,
        )
        self._gathered, self._lines = [], []


def _may_be_headings(row: _Row) -> bool:
    """Several different texts side by side, none of them long."""
    texts = list(row.cells.values())
    return len(texts) >= 2 and row.all_text and len(set(texts)) == len(texts) and max(map(len, texts)) <= 100


def _comments(package: Package, sheet: str, part: str) -> Iterator[Draft]:
    cell, pieces, in_text = "", list[str](), False
    for kind, name, attributes in package.events(part):
        if kind == "text" and in_text:
            pieces.append(name)
        elif name == "t":
            in_text = kind == "start"
        elif name == "comment" and kind == "start":
            cell, pieces = attributes.get("ref", ""), []
        elif name == "comment" and pieces:
            yield Draft(text="".join(pieces), kind="document", locator=f"{sheet}!{cell} comment", title=sheet, thread=sheet)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


READER = XlsxReader()
