"""One appointment, task or journal entry of a calendar as items: its text, its times, who takes part, when it happens again.

RFC 5545 section 3.6. Knows one component at a time; icalendar.py knows the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo

from edge_llm.memory.ingest.content_lines import ContentLine
from edge_llm.memory.ingest.html import visible_text
from edge_llm.memory.ingest.ical_times import is_date, is_utc, parse_duration, parse_local
from edge_llm.memory.ingest.ical_zones import Zones
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.recurrence import Rule
from edge_llm.memory.items import Draft, Mention, Role

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_MARKUP = re.compile(r"<(?:br|p|b|a|ul|li|div|span|html)\b[^>]*>", re.IGNORECASE)
_CHINESE_DAYS = "一二三四五六日"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LABELS = {"when": "时间", "repeats": "重复", "where": "地点", "with": "参与者", "status": "状态", "link": "链接"}
_STATES = {"CANCELLED": "cancelled", "TENTATIVE": "tentative", "COMPLETED": "completed"}
BEFORE = 500
"""Most occurrences of a series before the file's newest stamp."""
AFTER = 1_000
"""Most occurrences from then on."""
AHEAD = timedelta(days=731)
"""How far after the newest stamp a series without an end is followed."""
_RULES, _DATES = 3, 5_000
"""Most rules of a series, and most dates in one line."""
_PEOPLE = 1_000


@dataclass(frozen=True)
class Moment:
    """A time as a calendar wrote it."""

    local: datetime
    zone: tzinfo
    is_date: bool

    @property
    def aware(self) -> datetime:
        """The instant; for a day its beginning."""
        return self.local.replace(tzinfo=self.zone)


class Component:
    """A VEVENT, VTODO or VJOURNAL.

    Args:
        zones: the file's zones; times are told in its default, the person's own.
    """

    def __init__(self, kind: str, lines: Sequence[ContentLine], zones: Zones) -> None:
        self._kind = kind
        self._lines = lines
        self._zones = zones
        self.uid = self._text("UID")
        self._summary = " ".join(self._text("SUMMARY").split())
        self._is_chinese = _CJK.search(self._summary + self._text("DESCRIPTION")) is not None
        due = self._moment("DUE") if kind == "VTODO" else None
        self._start = self._moment("DTSTART") or due
        self._length = self._duration(due)
        self.recurrence_id = self._moment("RECURRENCE-ID")
        """Which occurrence of a series it replaces; None when it replaces none."""
        written = any(line.name in ("RRULE", "RDATE") for line in lines)
        self.repeats = written and self._start is not None and self.recurrence_id is None
        """Whether it is a series."""

    @property
    def name(self) -> str:
        """What the file calls it; of a replaced occurrence with its time."""
        begin = self._start.local if self._start is not None else ""
        name = self.uid or f"{self._summary or self._kind} {begin}".strip()
        return name if self.recurrence_id is None else f"{name} {self.recurrence_id.local:%Y%m%dT%H%M%S}"

    def occurrences(self, newest: datetime, replaced: Set[datetime]) -> list[datetime]:
        """The local times at which a series happens, in order.

        Args:
            newest: around which it is followed.
            replaced: occurrences (UTC) that have components of their own.
        """
        if self._start is None:
            return []
        begin, zone = self._start.local, self._start.zone
        now = newest.astimezone(zone).replace(tzinfo=None)
        found = {begin}
        written = dict.fromkeys(line.value for line in self._lines if line.name == "RRULE")
        for text in list(written)[:_RULES]:
            rule = Rule.parse(text, begin, zone.utcoffset(begin))
            if rule is not None:
                found.update(rule.around(now, before=BEFORE, after=AFTER, until=now + AHEAD))
        found.update(self._dates("RDATE"))
        excluded, days = set(self._dates("EXDATE")), {day.date() for day in self._dates("EXDATE", only_days=True)}
        kept = sorted(at for at in found - excluded if at.date() not in days)
        return [at for at in kept if at.replace(tzinfo=zone).astimezone(timezone.utc) not in replaced]

    def draft(self, locator: str, owner: Owner, at: datetime | None = None) -> Draft:
        """The item, or that of the occurrence that begins `at` (local time)."""
        start = self._start if at is None or self._start is None else replace(self._start, local=at)
        begin = None if start is None else start.aware
        end = None if begin is None or self._length is None else begin + self._length
        title = self._summary or {"VTODO": "Task", "VJOURNAL": "Journal"}.get(self._kind, "Appointment")
        return Draft(
            text="\n".join(self._rows(title, start, end)),
            kind="note" if self._kind == "VJOURNAL" else "event",
            locator=locator,
            external_id=self.uid or None,
            title=f"{title} (cancelled)" if self._state() == "cancelled" else title,
            time=begin,
            end=end,
            people=self._people(owner),
            thread=self.uid or None if at is not None or self.recurrence_id is not None else None,
        )

    def _state(self) -> str | None:
        return _STATES.get(self._text("STATUS").upper())

    def _rule(self) -> Rule | None:
        written = next((line.value for line in self._lines if line.name == "RRULE"), "")
        return None if self._start is None else Rule.parse(written, self._start.local, self._start.aware.utcoffset())

    def _rows(self, title: str, start: Moment | None, end: datetime | None) -> Iterator[str]:
        yield f"To do: {title}" if self._kind == "VTODO" else title
        rule, names = self._rule(), [name or address for _, name, address in self._parties()]
        described = self._text("DESCRIPTION")
        rows = {
            "when": "" if start is None else self._when(start, end),
            "repeats": "" if rule is None else rule.in_words(is_chinese=self._is_chinese),
            "where": self._text("LOCATION").replace("\n", ", "),
            "with": ", ".join(dict.fromkeys(names)),
            "status": self._state() or "",
            "link": self._text("URL") or self._text("X-GOOGLE-CONFERENCE"),
        }
        yield from (self._row(label, text) for label, text in rows.items() if text)
        if _MARKUP.search(described) is not None:
            described = visible_text(described)
        if described and described != title:
            yield described

    def _row(self, label: str, text: str) -> str:
        return f"{label.capitalize()}{f' {_LABELS[label]}' if self._is_chinese else ''}: {text}"

    def _when(self, start: Moment, end: datetime | None) -> str:
        here = self._zones.default
        begin = start.aware.astimezone(here)
        end = None if end is None else end.astimezone(here)
        text = self._day(begin)
        if start.is_date:
            last = None if end is None else end - timedelta(minutes=1)
            if last is not None and last.date() > begin.date():
                text += f" to {self._day(last)}"
            return f"{text}, all day"
        text += f" {begin:%H:%M}"
        if end is not None and end > begin:
            text += f" to {end:%H:%M}" if end.date() == begin.date() else f" to {self._day(end)} {end:%H:%M}"
        if start.aware.utcoffset() != begin.utcoffset() and start.zone is not timezone.utc:
            text += f" ({start.local:%Y-%m-%d %H:%M} {start.zone})"
        return text

    def _day(self, at: datetime) -> str:
        chinese = f" 星期{_CHINESE_DAYS[at.weekday()]}" if self._is_chinese else ""
        return f"{_WEEKDAYS[at.weekday()]}{chinese} {at:%Y-%m-%d}"

    def _people(self, owner: Owner) -> tuple[Mention, ...]:
        parties = self._parties()
        return tuple(owner.mention(role, name, (address,) if address else ()) for role, name, address in parties)

    def _parties(self) -> list[tuple[Role, str, str]]:
        """(role, name, address) of who takes part; who organises it is "from". Rooms are no people."""
        found: list[tuple[Role, str, str]] = []
        for line in self._lines[:_PEOPLE]:
            if line.name not in ("ORGANIZER", "ATTENDEE") or line.parameter("CUTYPE").upper() in ("ROOM", "RESOURCE"):
                continue
            address = re.sub(r"(?i)^(?:mailto|tel):", "", line.parameter("EMAIL") or line.text)
            address = address if re.search(r"@|\d{5}", address) is not None else ""
            name = line.parameter("CN").strip()
            if address or name:
                found.append(("from" if line.name == "ORGANIZER" else "to", "" if name == address else name, address))
        return found

    def _text(self, name: str) -> str:
        return next((line.text for line in self._lines if line.name == name), "")

    def _moment(self, name: str) -> Moment | None:
        line = next((line for line in self._lines if line.name == name), None)
        local = parse_local(line.value) if line is not None else None
        if line is None or local is None or not 1900 <= local.year <= 2200:
            return None
        if is_utc(line.value):
            return Moment(local, timezone.utc, is_date=False)
        is_day = is_date(line.value)
        return Moment(local, self._zones.default if is_day else self._zones.find(line.parameter("TZID")), is_date=is_day)

    def _duration(self, due: Moment | None) -> timedelta | None:
        end = self._moment("DTEND") or due
        if self._start is None:
            return None
        if end is not None:
            same = end.zone is self._start.zone
            length = end.local - self._start.local if same else end.aware - self._start.aware
            return length if length >= timedelta() else None
        written = next((line.value for line in self._lines if line.name == "DURATION"), "")
        return parse_duration(written) or (timedelta(days=1) if self._start.is_date else None)

    def _dates(self, name: str, *, only_days: bool = False) -> list[datetime]:
        """The dates in RDATE or EXDATE as local times of the start's zone; of a series of times those that are times, or
        those that are days."""
        if self._start is None:
            return []
        found: list[datetime] = []
        for line in self._lines:
            for text in line.value.split(",")[:_DATES] if line.name == name else ():
                written = text.partition("/")[0]
                local = parse_local(written)
                if local is None or is_date(written) is not (only_days or self._start.is_date):
                    continue
                if not is_date(written):
                    zone = timezone.utc if is_utc(written) else self._zones.find(line.parameter("TZID"))
                    same = not line.parameter("TZID") and not is_utc(written)
                    local = local if same else local.replace(tzinfo=zone).astimezone(self._start.zone).replace(tzinfo=None)
                found.append(local)
        return found
