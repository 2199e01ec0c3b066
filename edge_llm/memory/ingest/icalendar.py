"""Calendars (iCalendar): one item for each appointment, and for each time at which a repeated one happens.

RFC 5545, with what Google, Apple and Outlook write. The file is read twice: first for its zones, its newest stamp and the
occurrences that have been changed, which may stand anywhere in it; then for its items, one component at a time.

A series without an end is followed for two years from the file's last change, at most 500 occurrences back and 1,000 ahead;
so one file always gives the same items, and a newer export more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.content_lines import ContentLine, content_lines
from edge_llm.memory.ingest.ical_events import Component
from edge_llm.memory.ingest.ical_times import is_utc, parse_local
from edge_llm.memory.ingest.ical_zones import Zones
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

VERSION = 1
_PICTURES = frozenset({"ATTACH", "X-ALT-DESC", "IMAGE", "X-APPLE-STRUCTURED-LOCATION"})
_KINDS = ("VEVENT", "VTODO", "VJOURNAL")
_LINES = 5_000
"""Most properties of one component."""
_CHANGED = 100_000
"""Most changed occurrences of one file."""
_SECONDS = 20.0
"""Most processor time for following series, in all: an honest calendar takes a hundredth of it."""
_STAMPS = frozenset({"DTSTAMP", "LAST-MODIFIED", "CREATED"})
_EARLIEST, _LATEST = datetime(1970, 1, 1), datetime(2100, 1, 1)
_CALENDAR, _UNFINISHED = "VCALENDAR", "UNFINISHED"


@dataclass
class _Index:
    """What is known of the whole file before its items are made."""

    zones: Zones
    newest: datetime
    """Around when series are followed."""
    changed: dict[str, set[datetime]] = field(default_factory=dict)
    """For each series the occurrences (UTC) that have components of their own."""


@dataclass(frozen=True)
class IcalendarReader:
    """Calendars."""

    name: str = "icalendar"
    suffixes: frozenset[str] = frozenset({".ics", ".ical", ".icalendar"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a file that begins as a calendar, 0.5 by name."""
        begin = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").upper()
        if begin.startswith(b"BEGIN:VCALENDAR"):
            return 1.0
        return 0.5 if path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the items of one component after the other."""
        index = _index(file, reading)
        file.seek(0)
        owner, numbering, spent, unfollowed = Owner(reading.owner), Numbering(), 0.0, 0
        for kind, lines in _components(content_lines(file, reading, _PICTURES)):
            if kind == _UNFINISHED:
                raise UnreadableFileError("it is cut short: its last entry has no end")
            if kind not in _KINDS:
                continue
            component = Component(kind, lines, index.zones)
            if not component.repeats:
                yield component.draft(numbering.unique(component.name), owner)
            elif spent < _SECONDS:
                begun = time.process_time()
                occurrences = component.occurrences(index.newest, index.changed.get(component.uid, set()))
                spent += time.process_time() - begun
                for at in occurrences:
                    yield component.draft(numbering.unique(f"{component.name} {at:%Y%m%dT%H%M%S}"), owner, at)
            else:
                unfollowed += 1
                yield component.draft(numbering.unique(component.name), owner)
        if index.zones.unknown:
            named = ", ".join(sorted(index.zones.unknown)[:5])
            reading.note(f"nobody knows the time zones {named}: taken as {reading.timezone}")
        if unfollowed:
            reading.note(f"{unfollowed:,} series take too long to follow: only their first time is kept")


def _index(file: BinaryIO, reading: Reading) -> _Index:
    zones = Zones(reading.timezone)
    stamps: list[datetime] = []
    changed: list[list[ContentLine]] = []
    components = 0
    quiet = replace(reading, note=lambda _: None)
    for kind, lines in _components(content_lines(file, quiet, _PICTURES)):
        components += 1
        if kind == "VTIMEZONE":
            zones.define(lines)
        elif kind == _CALENDAR:
            zones.default = zones.find(lines[0].text)
        elif kind in _KINDS:
            times = [parse_local(line.value) for line in lines if line.name in _STAMPS and is_utc(line.value)]
            stamps.append(max((at for at in times if at is not None and at < _LATEST), default=_EARLIEST))
            stamps = [max(stamps)]
            marks = [line for line in lines if line.name in ("UID", "RECURRENCE-ID")]
            if len(marks) > 1 and len(changed) < _CHANGED:
                changed.append(marks)
    if not components:
        raise UnreadableFileError("there is no calendar in it")
    index = _Index(zones, _newest(file, stamps))
    for marks in changed:
        component = Component("VEVENT", marks, zones)
        if component.recurrence_id is not None:
            index.changed.setdefault(component.uid, set()).add(component.recurrence_id.aware.astimezone(timezone.utc))
    return index


def _newest(file: BinaryIO, stamps: list[datetime]) -> datetime:
    """When the file was last changed; by its stamps where there is no file."""
    try:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, timezone.utc)
    except (OSError, OverflowError, ValueError):
        return max(stamps, default=_EARLIEST).replace(tzinfo=timezone.utc)


def _components(lines: Iterator[ContentLine]) -> Iterator[tuple[str, list[ContentLine]]]:
    """(kind, properties) of each component directly in a calendar; _CALENDAR with the calendar's own time zone; _UNFINISHED
    where the file ends too early.

    What stands in parts of a component (alarms) is left out, but for zones, whose parts are their rules.
    """
    stack: list[str] = []
    gathered: list[ContentLine] = []
    is_open = False
    for line in lines:
        kind = line.value.strip().upper()
        if line.name in ("BEGIN", "END") and kind == _CALENDAR:
            stack, is_open = [], line.name == "BEGIN"
        elif line.name == "BEGIN":
            gathered = gathered if stack else []
            stack.append(kind)
        elif line.name == "END" and stack:
            stack.pop()
            if not stack:
                yield kind, gathered
        elif not stack and line.name in ("X-WR-TIMEZONE", "TIMEZONE-ID"):
            yield _CALENDAR, [line]
        if stack and (len(stack) == 1 or stack[0] == "VTIMEZONE") and len(gathered) < _LINES:
            gathered.append(line)
    if stack or is_open:
        yield _UNFINISHED, []


READER = IcalendarReader()
