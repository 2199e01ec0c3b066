"""Time zones as calendars name them: names of the time zone database, of Windows, and rules of a file's own (VTIMEZONE).

RFC 5545 section 3.6.5. Knows zones and nothing of events.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_llm.memory.ingest.content_lines import ContentLine
from edge_llm.memory.ingest.ical_times import parse_local
from edge_llm.memory.ingest.recurrence import Rule

_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_IN_NAME = re.compile(r"(?:UTC|GMT)\s*([+-])(\d{1,2}):?(\d\d)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{1,40}(?:/[A-Za-z][A-Za-z0-9_+-]{1,40}){0,2}")
_ZONES = 500
"""Most zones of one file."""
_FIRST_YEAR, _LAST = 1970, datetime(2070, 1, 1)
"""Between these, rules are followed."""
_ONSETS = 400


class FileZone(tzinfo):
    """A zone that a file defines: which offset begins when, in local time."""

    def __init__(self, name: str, changes: Sequence[tuple[datetime, timedelta]], before: timedelta) -> None:
        self._name = name
        self._onsets = [onset for onset, _ in changes]
        self._offsets = [before, *(offset for _, offset in changes)]

    def utcoffset(self, when: datetime | None) -> timedelta:
        """The offset in force at a local time."""
        return self._offsets[-1] if when is None else self._offsets[bisect_right(self._onsets, when.replace(tzinfo=None))]

    def dst(self, _when: datetime | None) -> timedelta:
        """Not told apart from the offset."""
        return timedelta()

    def tzname(self, _when: datetime | None) -> str:
        """The name in the file."""
        return self._name


class Zones:
    """The zones of one file.

    Args:
        default: for times without one, and for zones nobody knows.
    """

    def __init__(self, default: tzinfo) -> None:
        self.default = default
        self.unknown: set[str] = set()
        """Names that neither the file nor the database explains."""
        self._own: dict[str, tzinfo] = {}
        self._found: dict[str, tzinfo] = {}

    def define(self, lines: Sequence[ContentLine]) -> None:
        """Take in a VTIMEZONE, its lines with those that begin and end its parts."""
        name = next((line.text for line in lines if line.name == "TZID"), "")
        place = next((line.text for line in lines if line.name == "X-LIC-LOCATION"), "")
        if name and len(self._own) < _ZONES:
            zone = _known_zone(place) or _file_zone(name, lines)
            if zone is not None:
                self._own[name] = zone

    def find(self, name: str) -> tzinfo:
        """The zone of a TZID; the default for one that is not known."""
        if name not in self._found and len(self._found) < 4 * _ZONES:
            zone = _known_zone(name) or self._own.get(name) or _zone_in_name(name)
            if zone is None and name:
                self.unknown.add(name)
            self._found[name] = zone or self.default
        return self._found.get(name, self.default)


def _known_zone(name: str) -> tzinfo | None:
    """A zone of the database, also behind a maker's prefix ("/mozilla.org/20050126_1/Europe/Berlin") or by Windows' name."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    parts = name.strip('/" ').split("/")
    for candidate in (WINDOWS_TO_OLSON.get(name, ""), name, "/".join(parts[-2:]), "/".join(parts[-3:])):
        if _NAME.fullmatch(candidate) is not None:
            try:
                return ZoneInfo(candidate)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return None


def _zone_in_name(name: str) -> tzinfo | None:
    found = _IN_NAME.search(name)
    if found is None:
        return timezone.utc if name.upper() in ("UTC", "GMT", "Z") else None
    distance = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(distance if found[1] == "+" else -distance) if distance < timedelta(hours=15) else None


def _file_zone(name: str, lines: Sequence[ContentLine]) -> tzinfo | None:
    changes: list[tuple[datetime, timedelta]] = []
    before: tuple[datetime, timedelta] | None = None
    part: list[ContentLine] = []
    for line in lines:
        if line.name == "BEGIN":
            part = []
        elif line.name == "END":
            values = {one.name: one.value.strip() for one in part}
            begin, offset = parse_local(values.get("DTSTART", "")), _offset(values.get("TZOFFSETTO", ""))
            if begin is not None and offset is not None:
                earlier = _offset(values.get("TZOFFSETFROM", ""))
                if before is None or begin < before[0]:
                    before = (begin, offset if earlier is None else earlier)
                changes += [(onset, offset) for onset in _onsets(begin, part)]
            part = []
        else:
            part.append(line)
    if before is None:
        return None
    return FileZone(name, sorted(changes, key=lambda change: change[0]), before[1])


def _onsets(begin: datetime, part: Sequence[ContentLine]) -> list[datetime]:
    dates = [parse_local(text) for line in part if line.name == "RDATE" for text in line.value.split(",")[:_ONSETS]]
    found = [begin, *(date for date in dates if date is not None)]
    # Outlook's rules begin in 1601
    recent = begin.replace(year=max(begin.year, _FIRST_YEAR), day=min(begin.day, 28))
    for line in part:
        rule = Rule.parse(line.value, recent, None) if line.name == "RRULE" else None
        if rule is not None and rule.frequency == "YEARLY":
            found += rule.around(_LAST, before=_ONSETS, after=0, until=_LAST)
    return sorted(set(found))


def _offset(text: str) -> timedelta | None:
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        return None
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    return (distance if found[1] == "+" else -distance) if distance < timedelta(hours=24) else None
