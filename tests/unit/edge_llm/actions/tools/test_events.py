"""Calendar and contact files: what other programs read in them is what was asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import vobject
from icalendar import Calendar

from edge_llm.actions.tools.contacts import Contacts, contact_file
from edge_llm.actions.tools.events import Events, write_new
from runtimes.errors import InputError, StorageError


def read(path: str) -> dict[str, object]:
    event = Calendar.from_ical(Path(path).read_bytes()).walk("VEVENT")[0]
    alarms = event.walk("VALARM")
    return {
        "title": str(event["summary"]),
        "start": event["dtstart"].dt,
        "end": event["dtend"].dt,
        "place": str(event.get("location", "")),
        "attendees": event.get("attendee"),
        "rings": [alarm["trigger"].dt for alarm in alarms],
    }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_event(tmp_path: Path) -> None:
    made = Events(tmp_path).event_file("Dentist, Dr. Ng; 牙医\nBEGIN:X", "2026-11-24T15:00:00+08:00", place="12 Main St")
    found = read(made["path"])
    assert found["title"] == "Dentist, Dr. Ng; 牙医\nBEGIN:X"
    assert (found["start"], found["end"]) == (moment("2026-11-24T07:00:00+00:00"), moment("2026-11-24T08:00:00+00:00"))
    assert found["place"] == "12 Main St"
    assert Path(made["path"]).parent == tmp_path


def test_a_meeting_invites_addresses_only(tmp_path: Path) -> None:
    made = Events(tmp_path).meeting_file(["Zhang San", "li@example.org"], "2026-11-24T15:00:00Z", duration="PT30M")
    found = read(made["path"])
    assert (found["title"], str(found["attendees"])) == ("Zhang San, li@example.org", "mailto:li@example.org")
    assert found["end"] == moment("2026-11-24T15:30:00+00:00")


def test_reminders_alarms_and_timers_ring(tmp_path: Path) -> None:
    events = Events(tmp_path)
    for made in (
        events.reminder_file("rent", "2026-11-24T09:00:00Z"),
        events.alarm_file("2026-11-24T07:05:00+08:00"),
        events.timer_file("PT10M", "pasta"),
    ):
        found = read(made["path"])
        assert found["rings"] == [timedelta(0)]
        assert found["start"] == found["end"]
    assert timedelta(minutes=9) < moment(made["time"]) - datetime.now().astimezone() <= timedelta(minutes=10)


@pytest.mark.parametrize(
    ("time", "end", "duration", "fact"),
    [
        ("tomorrow", None, None, "'tomorrow' is no time"),
        ("2026-11-24T09:00:00Z", None, "long", "'long' is no duration"),
        ("2026-11-24T09:00:00Z", "2026-11-24T08:00:00Z", None, "before it begins"),
    ],
)
def test_what_is_no_time_is_said(tmp_path: Path, time: str, end: str | None, duration: str | None, fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        Events(tmp_path).event_file("x", time, end, duration)
    assert not list(tmp_path.iterdir())


def test_a_contact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Contacts(tmp_path).contact_file("Li, Mei\nTEL:1", "+8613800138000")
    card = vobject.readOne(Path(made["path"]).read_text(encoding="utf-8"))
    assert (card.fn.value, [tel.value for tel in card.tel_list]) == ("Li, Mei\nTEL:1", ["+8613800138000"])
    monkeypatch.setenv("EDGE_LLM_HOME", str(tmp_path))
    card = vobject.readOne(Path(contact_file("Mei", "mei@example.org")["path"]).read_text(encoding="utf-8"))
    assert card.email.value == "mei@example.org"


def test_a_name_leads_to_no_other_folder_and_replaces_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    paths = [write_new(folder, "../../a b/..\\c", ".txt", b"1") for _ in range(3)]
    assert len(set(paths)) == 3
    assert all(path.parent == folder and path.read_bytes() == b"1" for path in paths)
    assert write_new(folder, "...", ".txt", b"").name == "file.txt"
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_new(tmp_path / "file", "x", ".txt", b"")
