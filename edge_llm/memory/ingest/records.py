"""Records: memory's own documented form for what no other reader knows. JSON (an array, or JSON Lines) or CSV.

    {"id": "m1", "text": "See you at 6", "time": "2023-08-05T17:52:02+08:00", "thread": "ann", "title": "...",
     "kind": "message",
     "people": [{"role": "from", "name": "Ann", "handles": ["+1 415 555 0101"]}, {"role": "to", "owner": true}]}

Only `text` is needed. `id` comes back as the hit's external id. `time` and `end` are ISO 8601, seconds since 1970, or what
people write in English or Chinese, counted from the file's last change ("yesterday"). `people` is a name, a list of names or
of objects as above, or in CSV names with ";" between them; a name without a role is "from". `kind` is one of items.KINDS,
"note" by default. Other fields are left out. A row without text is left out and reported; the others stand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from edge_llm.memory.handles import looks_like_handle
from edge_llm.memory.ingest.csv_rows import csv_columns, csv_rows
from edge_llm.memory.ingest.json_stream import json_values
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.written_time import TimeReader
from edge_llm.memory.items import KINDS, ROLES, Draft, Kind, Mention, Role
from runtimes.errors import UnreadableFileError

VERSION = 1
_JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
_CSV_SUFFIXES = frozenset({".csv", ".tsv"})
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf|\s)*\[?\s*\{")
_TEXT_KEY = re.compile(rb'"text"\s*:\s*"')
_PEOPLE = 1_000
_NAMED = 10
"""How many rows a report names."""


@dataclass(frozen=True)
class RecordsReader:
    """JSON and CSV in memory's own form."""

    name: str = "records"
    suffixes: frozenset[str] = _JSON_SUFFIXES | _CSV_SUFFIXES

    def claims(self, head: bytes, path: Path) -> float:
        """0.9 for objects or rows with a `text`, 0.5 for JSON by name; 0 for CSV without that column, which is plain text."""
        suffix, plain = path.suffix.lower(), head.replace(b"\0", b"")
        if _JSON_START.match(plain) is not None:
            return 0.9 if _TEXT_KEY.search(plain) is not None else 0.5 * (suffix in _JSON_SUFFIXES)
        return 0.9 * (suffix in _CSV_SUFFIXES and "text" in csv_columns(head))

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield one item a record."""
        head = file.read(4096)
        file.seek(0)
        is_json = _JSON_START.match(head.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")) is not None
        rows: Iterator[tuple[int, Any]] = json_values(file, reading) if is_json else csv_rows(file, reading)
        if not is_json and "text" not in csv_columns(head):
            raise UnreadableFileError("it is no JSON, and its first line has no column called text")
        records = _Records(reading, _changed(file))
        for number, row in rows:
            draft = records.draft(number, row)
            if draft is not None:
                yield draft
        records.report(reading)


class _Records:
    """Makes items of the rows of one file, and keeps count of what was wrong with them."""

    def __init__(self, reading: Reading, base: datetime) -> None:
        self._owner = Owner(reading.owner)
        self._numbering = Numbering()
        self._times = TimeReader(reading.timezone, base)
        self._ids: set[int] = set()
        self._wrong: dict[str, list[int]] = {}
        self._count: dict[str, int] = {}

    def draft(self, number: int, row: object) -> Draft | None:
        """The item of a row; None when it has no text, which is counted."""
        if not isinstance(row, Mapping):
            self._note(number, "no JSON object, left out")
            return None
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            self._note(number, "no text, left out")
            return None
        identifier = _line(row.get("id"))
        if identifier and hash(identifier) in self._ids:
            self._note(number, "an id that came before")
        self._ids.add(hash(identifier))
        written = row.get("time")
        time = self._times.read(written)
        if written not in (None, "") and time is None:
            self._note(number, "a time that cannot be read")
        kind = row.get("kind") or "note"
        if kind not in KINDS:
            self._note(number, f"a kind that is none of {', '.join(KINDS)}")
        return Draft(
            text=text,
            kind=_kind(kind),
            locator=self._numbering.unique(identifier or f"row {number}"),
            external_id=identifier or None,
            title=_line(row.get("title")) or None,
            time=time,
            end=self._times.read(row.get("end")),
            people=tuple(self._people(row.get("people"))),
            thread=_line(row.get("thread")) or None,
        )

    def report(self, reading: Reading) -> None:
        """Tell what was wrong."""
        for fault, numbers in self._wrong.items():
            count = self._count[fault]
            named = ", ".join(map(str, numbers)) + (", ..." if count > len(numbers) else "")
            reading.note(f"{count:,} of its rows: {fault} (row {named})")

    def _people(self, value: object) -> Iterator[Mention]:
        listed = _listed(value) if isinstance(value, str) else value
        for one in (listed if isinstance(listed, list) else [listed])[:_PEOPLE]:
            mention = self._person(one)
            if mention is not None:
                yield mention

    def _person(self, value: object) -> Mention | None:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, Mapping):
            return None
        name, given = _line(value.get("name")), value.get("handles") or []
        handles = [line for one in (given if isinstance(given, list) else [given])[:_PEOPLE] if (line := _line(one))]
        if name and looks_like_handle(name):
            name, handles = "", [*handles, name]
        mine = value.get("owner") is True or value.get("is_owner") is True or self._owner.is_meant(name, handles)
        return Mention(_role(value.get("role")), name or None, tuple(handles), mine) if name or handles or mine else None

    def _note(self, number: int, fault: str) -> None:
        self._count[fault] = self._count.get(fault, 0) + 1
        numbers = self._wrong.setdefault(fault, [])
        if len(numbers) < _NAMED:
            numbers.append(number)


def _listed(text: str) -> object:
    """People in one column: JSON, or names with ";" between them."""
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text.split(";")
    return text.split(";")


def _line(value: object) -> str:
    """A value that is one line of text; numbers are written out."""
    if isinstance(value, str):
        return " ".join(value.split())
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _kind(value: object) -> Kind:
    return next((kind for kind in KINDS if kind == value), "note")


def _role(value: object) -> Role:
    return next((role for role in ROLES if role == value), "from")


def _changed(file: BinaryIO) -> datetime:
    """When the file was last changed; now where there is no file."""
    try:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, timezone.utc)
    except (OSError, OverflowError, ValueError):
        return datetime.now(timezone.utc)


READER = RecordsReader()
