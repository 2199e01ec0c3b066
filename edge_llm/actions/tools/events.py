"""Calendar entries, reminders, alarms and timers as iCalendar files, which every calendar program opens.

A computer has no clock app that all agree on, so an alarm here is an event that its calendar rings for.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_llm.actions.parts import part
from edge_llm.home import Home
from runtimes.errors import InputError, RuntimeUnavailableError, StorageError

if TYPE_CHECKING:
    from icalendar import Event

_DEFAULT = timedelta(hours=1)
_NOT_IN_NAMES = re.compile(r"[^\w-]+")


class Events:
    """Calendar files in one folder.

    Args:
        folder: made when the first file is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def event_file(
        self, title: str, time: str, end: str | None = None, duration: str | None = None, place: str | None = None
    ) -> dict[str, Any]:
        """See `event_file`."""
        return self._write(title, time, end=end, duration=duration, place=place)

    def meeting_file(
        self, people: Sequence[str], time: str, duration: str | None = None, title: str | None = None, place: str | None = None
    ) -> dict[str, Any]:
        """See `meeting_file`."""
        with_whom = ", ".join(people)
        return self._write(title or with_whom, time, duration=duration, place=place, description=with_whom, people=people)

    def reminder_file(self, text: str, time: str) -> dict[str, Any]:
        """See `reminder_file`."""
        return self._write(text, time, duration="PT0S", rings=True)

    def alarm_file(self, time: str, label: str | None = None) -> dict[str, Any]:
        """See `alarm_file`."""
        return self._write(label or f"⏰ {part(time, 'clock') or time}", time, duration="PT0S", rings=True)

    def timer_file(self, duration: str, label: str | None = None) -> dict[str, Any]:
        """See `timer_file`."""
        ends = datetime.now().astimezone().replace(microsecond=0) + _length(duration)
        return self._write(label or f"⏲ {duration}", ends.isoformat(), duration="PT0S", rings=True)

    def _write(
        self,
        title: str,
        time: str,
        *,
        end: str | None = None,
        duration: str | None = None,
        place: str | None = None,
        description: str | None = None,
        people: Sequence[str] = (),
        rings: bool = False,
    ) -> dict[str, Any]:
        try:
            from icalendar import Alarm, Calendar, Event
        except ImportError as error:
            raise RuntimeUnavailableError(
                'Calendar files need icalendar, which is not installed: pip install "edge-llm[assistant]".'
            ) from error
        starts = _moment(time)
        ends = _moment(end) if end is not None else starts + (_DEFAULT if duration is None else _length(duration))
        if ends < starts:
            raise InputError(f"It would end ({ends.isoformat()}) before it begins ({starts.isoformat()}).")
        event = Event()
        event.add("uid", f"{uuid.uuid4()}@edge-llm")
        event.add("dtstamp", datetime.now(timezone.utc))
        event.add("summary", title)
        # in UTC: a bare offset is no time zone that iCalendar knows
        event.add("dtstart", starts.astimezone(timezone.utc))
        event.add("dtend", ends.astimezone(timezone.utc))
        for name, value in (("location", place), ("description", description)):
            if value:
                event.add(name, value)
        _invite(event, people)
        if rings:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", title)
            alarm.add("trigger", timedelta(0))
            event.add_component(alarm)
        calendar = Calendar()
        calendar.add("prodid", "-//edge-llm//actions//EN")
        calendar.add("version", "2.0")
        calendar.add_component(event)
        path = write_new(self._folder, f"{starts:%Y-%m-%d-%H%M}-{title}", ".ics", calendar.to_ical())
        return {"path": str(path), "title": title, "time": starts.isoformat(), "end": ends.isoformat()}


def made_folder(home: Home) -> Path:
    """Where files that actions make are put."""
    return home.path / "made"


def event_file(
    title: str, time: str, end: str | None = None, duration: str | None = None, place: str | None = None
) -> dict[str, Any]:
    """A calendar file with one event, in the home's folder `made`.

    Args:
        title: what it is called.
        time, end: ISO 8601; without an offset in this machine's time zone.
        duration: ISO 8601, where no end is given; an hour where neither is.
        place: where.

    Returns:
        {"path", "title", "time", "end"}. Opening the file adds the event to the person's calendar.

    Raises:
        InputError: a time or duration that is none, or an end before the beginning.
        RuntimeUnavailableError: icalendar is not installed. StorageError: the disk refuses.
    """
    return Events(made_folder(Home())).event_file(title, time, end, duration, place)


def meeting_file(
    people: Sequence[str], time: str, duration: str | None = None, title: str | None = None, place: str | None = None
) -> dict[str, Any]:
    """As `event_file`, with the people in it: those given as mail addresses are its attendees. Nobody is written to."""
    return Events(made_folder(Home())).meeting_file(people, time, duration, title, place)


def reminder_file(text: str, time: str) -> dict[str, Any]:
    """As `event_file`, for an event without length at which the calendar rings."""
    return Events(made_folder(Home())).reminder_file(text, time)


def alarm_file(time: str, label: str | None = None) -> dict[str, Any]:
    """As `reminder_file`."""
    return Events(made_folder(Home())).alarm_file(time, label)


def timer_file(duration: str, label: str | None = None) -> dict[str, Any]:
    """As `reminder_file`, `duration` (ISO 8601) from now."""
    return Events(made_folder(Home())).timer_file(duration, label)


def write_new(folder: Path, name: str, suffix: str, data: bytes) -> Path:
    """Write a file that was not there. Its name is made of `name`, and a number where that is taken. Raises StorageError."""
    stem = _NOT_IN_NAMES.sub("-", name).strip("-")[:60] or "file"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}"
            try:
                with path.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise StorageError(f"{folder} cannot be written to: {error.strerror}.") from error
    raise StorageError(f"{folder} holds too many files called {stem}. Clear it.")


def _invite(event: Event, people: Sequence[str]) -> None:
    from icalendar import vCalAddress

    for person in people:
        if re.fullmatch(r"[^@\s]+@[^@\s]+", person):
            event.add("attendee", vCalAddress(f"mailto:{person}"))


def _moment(time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{time!r} is no time in ISO 8601.") from error


def _length(duration: str) -> timedelta:
    seconds = part(duration, "seconds")
    if not isinstance(seconds, int):
        raise InputError(f"{duration!r} is no duration in ISO 8601, such as PT10M.")
    return timedelta(seconds=seconds)
