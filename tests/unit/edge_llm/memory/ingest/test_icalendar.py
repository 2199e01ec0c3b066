"""Calendars: times, zones and series as other programs understand them, and rules that would never end."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from edge_llm.memory.ingest.icalendar import READER
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.recurrence import Rule
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def calendar(*events: str, head: str = "") -> str:
    body = "".join(f"BEGIN:VEVENT\nDTSTAMP:20230801T000000Z\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}{body}END:VCALENDAR\n"


def read(text: str | bytes, owner: Sequence[str] = (), notes: list[str] | None = None) -> list[Draft]:
    raw = text.encode() if isinstance(text, str) else text
    reading = Reading(Path("a.ics"), SHANGHAI, tuple(owner), note=(lambda _: None) if notes is None else notes.append)
    return list(READER.read(io.BytesIO(raw), reading))


def starts(drafts: Sequence[Draft]) -> list[datetime]:
    return [draft.time.astimezone(timezone.utc).replace(tzinfo=None) for draft in drafts if draft.time is not None]


def test_an_appointment() -> None:
    (draft,) = read(
        calendar(
            """UID:1@example.com
DTSTART;TZID=America/New_York:20230805T090000
DTEND;TZID=America/New_York:20230805T103000
SUMMARY:Project review\\, part 2
LOCATION:Room 5\\nMain building
ORGANIZER;CN=Ann Example:mailto:ann@example.com
ATTENDEE;CN="Li, Bo";PARTSTAT=ACCEPTED:mailto:bo@example.org
ATTENDEE;CUTYPE=ROOM;CN=Room 5:mailto:room5@example.com
ATTENDEE:MAILTO:me@example.com
STATUS:TENTATIVE
DESCRIPTION:Bring <b>slides</b><br>and tea
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
END:VALARM"""
        ),
        owner=["me@example.com"],
    )
    assert draft.kind == "event"
    assert draft.locator == draft.external_id == "1@example.com"
    assert draft.title == "Project review, part 2"
    assert draft.time == datetime(2023, 8, 5, 13, 0, tzinfo=timezone.utc)
    assert draft.end == datetime(2023, 8, 5, 14, 30, tzinfo=timezone.utc)
    assert draft.text == (
        "Project review, part 2\n"
        "When: Saturday 2023-08-05 21:00 to 22:30 (2023-08-05 09:00 America/New_York)\n"
        "Where: Room 5, Main building\n"
        "With: Ann Example, Li, Bo, me@example.com\n"
        "Status: tentative\n"
        "Bring slides\nand tea"
    )
    assert draft.people == (
        Mention("from", "Ann Example", ("ann@example.com",)),
        Mention("to", "Li, Bo", ("bo@example.org",)),
        Mention("to", None, ("me@example.com",), is_owner=True),
    )
    assert draft.thread is None


def test_days_are_days_here_and_chinese_is_told_in_chinese() -> None:
    one, many, none = read(
        calendar(
            "UID:1\nDTSTART;VALUE=DATE:20230805\nSUMMARY:妈妈的生日",
            "UID:2\nDTSTART;VALUE=DATE:20230805\nDTEND;VALUE=DATE:20230808\nSUMMARY:Trip",
            "UID:3\nSUMMARY:some day",
        )
    )
    assert one.time == datetime(2023, 8, 5, tzinfo=SHANGHAI)
    assert one.end == datetime(2023, 8, 6, tzinfo=SHANGHAI)
    assert one.text == "妈妈的生日\nWhen 时间: Saturday 星期六 2023-08-05, all day"
    assert many.text == "Trip\nWhen: Saturday 2023-08-05 to Monday 2023-08-07, all day"
    assert none.time is None


def test_a_series_with_exceptions_additions_and_a_changed_time() -> None:
    drafts = read(
        calendar(
            """UID:s
RECURRENCE-ID;TZID=America/New_York:20230314T090000
DTSTART;TZID=America/New_York:20230315T110000
SUMMARY:Moved""",
            """UID:s
DTSTART;TZID=America/New_York:20230228T090000
DURATION:PT45M
SUMMARY:Chess
RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=5
EXDATE;TZID=America/New_York:20230307T090000
RDATE;TZID=America/New_York:20230303T200000""",
        )
    )
    assert [draft.title for draft in drafts] == ["Moved", *["Chess"] * 4]
    local = [draft.time.astimezone(NEW_YORK).strftime("%m-%d %H:%M") for draft in drafts if draft.time]
    assert local == ["03-15 11:00", "02-28 09:00", "03-03 20:00", "03-21 09:00", "03-28 09:00"]
    assert {draft.thread for draft in drafts} == {"s"}
    assert len({draft.locator for draft in drafts}) == 5
    assert "Repeats: every week on Tuesday, 5 times" in drafts[1].text
    assert all(draft.end - draft.time == timedelta(minutes=45) for draft in drafts[1:] if draft.time and draft.end)


def test_cancelled_occurrences_say_so() -> None:
    drafts = read(
        calendar(
            "UID:s\nDTSTART:20230801T010000Z\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:Run",
            "UID:s\nRECURRENCE-ID:20230802T010000Z\nDTSTART:20230802T010000Z\nSTATUS:CANCELLED\nSUMMARY:Run",
        )
    )
    assert [draft.title for draft in drafts] == ["Run", "Run", "Run (cancelled)"]
    assert "Status: cancelled" in drafts[2].text


def test_exceptions_in_utc_by_day_and_all_of_them() -> None:
    drafts = read(
        calendar(
            "UID:1\nDTSTART;TZID=Asia/Shanghai:20230801T090000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20230802T010000Z\n"
            "EXDATE;VALUE=DATE:20230803\nSUMMARY:a",
            "UID:2\nDTSTART;VALUE=DATE:20230801\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20230801,20230803\nSUMMARY:b",
            "UID:3\nDTSTART:20230801T010000Z\nRRULE:FREQ=DAILY;COUNT=1\nEXDATE:20230801T010000Z\nSUMMARY:c",
        )
    )
    assert [(draft.title, draft.time.astimezone(SHANGHAI).day) for draft in drafts if draft.time] == [
        ("a", 1),
        ("a", 4),
        ("b", 2),
    ]


OUTLOOK = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("Customized Time Zone", 7, 8),
        ("Europe/Berlin", 7, 8),
        ("/mozilla.org/20050126_1/Europe/Berlin", 7, 8),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", 7, 8),
        ("W. Europe Standard Time", 7, 8),
        ("China Standard Time", 1, 1),
        ("(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi", 1, 1),
        ("GMT-0330", 12, 12),
        ("Nowhere/Else", 1, 1),
        ("../../etc/passwd", 1, 1),
    ],
)
def test_zones(zone: str, summer: int, winter: int) -> None:
    notes: list[str] = []
    events = [f'UID:{day}\nDTSTART;TZID="{zone}":2023{day}T090000\nSUMMARY:x' for day in ("0705", "1205")]
    drafts = read(calendar(*events, head=OUTLOOK), notes=notes)
    assert [at.hour for at in starts(drafts)] == [summer, winter]
    assert len(notes) == (zone in ("Nowhere/Else", "../../etc/passwd"))


def test_the_zones_rules_may_come_last_and_floating_times_are_in_the_calendars_zone() -> None:
    event = "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Customized Time Zone:20230705T090000\nEND:VEVENT\n"
    (draft,) = read(f"BEGIN:VCALENDAR\n{event}{OUTLOOK}END:VCALENDAR\n")
    assert starts([draft]) == [datetime(2023, 7, 5, 7)]
    (draft,) = read(calendar("UID:1\nDTSTART:20230705T090000", head="X-WR-TIMEZONE:America/New_York\n"))
    assert draft.time == datetime(2023, 7, 5, 9, tzinfo=NEW_YORK)


def test_a_series_without_an_end_is_followed_from_the_files_age(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    path.write_text(calendar("UID:1\nDTSTART;TZID=Asia/Shanghai:20000104T090000\nRRULE:FREQ=DAILY\nSUMMARY:Tea"))
    written = datetime(2030, 6, 1, tzinfo=timezone.utc)
    os.utime(path, (written.timestamp(), written.timestamp()))
    with path.open("rb") as file:
        drafts = list(READER.read(file, Reading(path, SHANGHAI)))
    assert len(drafts) == 1 + 500 + 731
    assert drafts[0].time == datetime(2000, 1, 4, 9, tzinfo=SHANGHAI)
    assert drafts[-1].time == datetime(2032, 5, 31, 9, tzinfo=SHANGHAI)


def test_tasks_and_journals() -> None:
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nSUMMARY:Pay rent\nDUE:20230805T090000Z\nSTATUS:COMPLETED\nEND:VTODO\n"
        "BEGIN:VJOURNAL\nUID:2\nDTSTART;VALUE=DATE:20230805\nSUMMARY:Day\nDESCRIPTION:Good\nEND:VJOURNAL\n"
        "BEGIN:VFREEBUSY\nUID:3\nEND:VFREEBUSY\nEND:VCALENDAR\n"
    )
    task, entry = read(text)
    assert task.text == "To do: Pay rent\nWhen: Saturday 2023-08-05 17:00\nStatus: completed"
    assert (task.kind, entry.kind) == ("event", "note")
    assert entry.text.endswith("Good")


BOMBS = [
    "FREQ=SECONDLY",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYSETPOS=2",
    "FREQ=MINUTELY;INTERVAL=0",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYSETPOS=2",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=99999999999999999999",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=WEEKLY;COUNT=-1",
    "FREQ=",
    "",
    "FREQ=YEARLY;BYSECOND=" + ",".join(map(str, range(60))) + ";BYMINUTE=" + ",".join(map(str, range(60))),
    "FREQ=DAILY;BYSECOND=" + ",".join(["1"] * 100_000),
]


@pytest.mark.parametrize("rule", BOMBS, ids=lambda rule: rule[:40])
def test_rules_that_never_end_do(rule: str) -> None:
    begun = time.process_time()
    drafts = read(calendar(f"UID:1\nDTSTART:20230101T090000Z\nRRULE:{rule}\nSUMMARY:x"))
    assert 1 <= len(drafts) <= 1501
    assert drafts[0].time == datetime(2023, 1, 1, 9, tzinfo=timezone.utc) or len(drafts) > 1
    assert time.process_time() - begun < 3


def test_a_hundred_rules_cost_no_more_than_three() -> None:
    begun = time.process_time()
    rules = "\n".join(f"RRULE:FREQ=SECONDLY;INTERVAL={number}" for number in range(1, 100))
    assert len(read(calendar(f"UID:1\nDTSTART:20230101T090000Z\n{rules}\nSUMMARY:x"))) <= 3 * 1501
    assert time.process_time() - begun < 5


def test_stamps_beyond_all_calendars_are_not_taken_for_the_files_age() -> None:
    event = "BEGIN:VEVENT\nUID:1\nDTSTAMP:99990101T000000Z\nDTSTART:20230101T090000Z\nSUMMARY:x\nEND:VEVENT\n"
    assert len(read(f"BEGIN:VCALENDAR\n{event}END:VCALENDAR\n")) == 1


def test_when_following_takes_too_long_only_first_times_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.memory.ingest.icalendar._SECONDS", 0.0)
    notes: list[str] = []
    drafts = read(calendar("UID:1\nDTSTART:20230101T090000Z\nRRULE:FREQ=DAILY\nSUMMARY:x"), notes=notes)
    assert len(drafts) == 1
    assert notes == ["1 series take too long to follow: only their first time is kept"]


@pytest.mark.parametrize("data", ["", "hello", "END:VCALENDAR\n", "BEGIN:VCALENDAR\n"])
def test_what_is_no_calendar_is_refused(data: str) -> None:
    with pytest.raises(UnreadableFileError):
        read(data)


def test_what_stands_before_the_cut_is_read() -> None:
    reader = READER.read(
        io.BytesIO(calendar("UID:1\nSUMMARY:a", "UID:2\nSUMMARY:b")[:-40].encode()), Reading(Path("a"), SHANGHAI)
    )
    assert next(reader).title == "a"
    with pytest.raises(UnreadableFileError, match="cut short"):
        list(reader)


RULES = st.builds(
    lambda frequency, interval, count, by: f"FREQ={frequency};INTERVAL={interval};COUNT={count}{by}",
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 3),
    st.integers(1, 12),
    st.sampled_from(["", ";BYDAY=MO,TH", ";BYMONTHDAY=31", ";BYMONTH=2,8", ";BYMONTHDAY=-1", ";BYDAY=SA;BYMONTH=3"]),
)


@settings(max_examples=60, deadline=None)
@given(
    RULES, st.dates(date(2021, 1, 1), date(2023, 12, 31)), st.sampled_from(["Asia/Shanghai", "America/New_York"]), st.booleans()
)
def test_series_are_followed_as_the_reference_follows_them(rule: str, day: date, zone: str, is_day: bool) -> None:
    begin = f"DTSTART;VALUE=DATE:{day:%Y%m%d}" if is_day else f"DTSTART;TZID={zone}:{day:%Y%m%d}T023000"
    text = calendar(f"UID:1\n{begin}\nDURATION:{'P1D' if is_day else 'PT1H'}\nRRULE:{rule}\nSUMMARY:x")
    reference = recurring_ical_events.of(Calendar.from_ical(text)).between(date(2020, 1, 1), date(2100, 1, 1))
    wanted = sorted(event["DTSTART"].dt for event in reference)
    found = [draft.time for draft in read(text) if draft.time is not None]
    until = datetime(2025, 7, 1, tzinfo=timezone.utc)
    if is_day:
        assert [at.date() for at in found if at < until] == [day for day in wanted if day < until.date()]
    else:
        assert [at for at in found if at < until] == [at for at in wanted if at < until]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int) -> None:
    event = "UID:1\nDTSTART;TZID=Customized Time Zone:20230101T090000\nDTEND:20230102T090000Z\nRRULE:FREQ=DAILY;COUNT=9\n"
    data = calendar(event + "EXDATE:20230103T090000Z\nATTENDEE;CN=A:mailto:a@b.example", event, head=OUTLOOK).encode()
    place %= len(data)
    try:
        read(data[:place] + noise + data[place + cut :])
    except UnreadableFileError:
        return


@given(st.text("FREQ=DAILYWKMONHUSBET;0123456789,-", max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_rule_is_followed_or_refused(text: str) -> None:
    rule = Rule.parse(text, datetime(2023, 1, 1), None)
    if rule is not None:
        rule.around(datetime(2024, 1, 1), before=5, after=5, until=datetime(2025, 1, 1))
        rule.in_words(is_chinese=True)
