"""Times that are to come, in both languages."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.understand.times import find_times, moved, parse_exact, shown_time
from tests.unit.edge_llm.understand.conftest import NOW


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("remind me tomorrow at 3", "2026-11-30T15:00"),
        ("明天下午三点半", "2026-11-30T15:30"),
        ("in 20 minutes", "2026-11-29T10:20"),
        ("in an hour and a half", "2026-11-29T11:30"),
        ("一个半小时以后", "2026-11-29T11:30"),
        ("20分钟后提醒我", "2026-11-29T10:20"),
        ("next Friday evening", "2026-12-04T19:00"),
        ("后天", "2026-12-01T09:00"),
        ("下周三上午", "2026-12-02T10:00"),
        ("call at 8", "2026-11-29T20:00"),
        ("set an alarm for 7", "2026-11-30T07:00"),
        ("half past three tomorrow", "2026-11-30T15:30"),
        ("at quarter to six", "2026-11-29T17:45"),
        ("12月5号晚上8点", "2026-12-05T20:00"),
        ("晚上12点", "2026-11-30T00:00"),
        ("on Monday the 7th", "2026-12-07T09:00"),
        ("1月2日", "2027-01-02T09:00"),
        ("Friday next week", "2026-12-04T09:00"),
        ("圣诞节", "2026-12-25T09:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00"),
        ("a table for 4 at 7pm", "2026-11-29T19:00"),
        ("每天早上七点", "2026-11-30T07:00"),
        ("every Monday at 9am", "2026-11-30T09:00"),
        ("at half seven in the evening", "2026-11-29T19:30"),
        ("wake me at half 8 tomorrow", "2026-11-30T08:30"),
        ("eight thirty tomorrow morning", "2026-11-30T08:30"),
        ("seven fifteen am", "2026-11-30T07:15"),
        ("by 1430 tomorrow", "2026-11-30T14:30"),
        ("at 7ish", "2026-11-29T19:00"),
        ("in like 2 hrs", "2026-11-29T12:00"),
        ("wake me in 20", "2026-11-29T10:20"),
        ("on the twentieth of March at seven in the evening", "2027-03-20T19:00"),
        ("put parents evening in my calendar on friday", "2026-12-04T09:00"),
    ],
)
def test_a_time_is_the_next_such(words: str, at: str) -> None:
    (found,) = find_times(words, NOW)
    assert found.at.isoformat(timespec="minutes")[:16] == at
    assert found.at.tzinfo == NOW.tzinfo


@pytest.mark.parametrize(
    "words",
    [
        "add 3 eggs",
        "I was born on 3 May 1990",
        "三个人",
        "set a timer for 10 minutes",
        "hello",
        "",
        "half a dozen eggs",
        "movie night",
    ],
)
def test_what_is_no_time_to_come_is_none(words: str) -> None:
    assert find_times(words, NOW) == []


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("from 3 to 5pm on Friday", 15, 17),
        ("周五下午三点到五点", 15, 17),
        ("tomorrow 2-4pm", 14, 16),
        ("6 to 7:30 pm on friday", 18, 19),
        ("from 9 to 5 on monday", 9, 17),
    ],
)
def test_a_span_has_its_end(words: str, start: int, end: int) -> None:
    (found,) = find_times(words, NOW)
    assert found.until is not None
    assert (found.at.hour, found.until.hour) == (start, end)


def test_what_comes_again_keeps_its_words() -> None:
    assert find_times("every Monday at 9am", NOW)[0].recurrence == "every Monday"
    assert find_times("每周一三点", NOW)[0].recurrence == "每周一"


def test_a_bare_number_is_an_hour_only_in_a_reply() -> None:
    assert find_times("3", NOW) == []
    assert find_times("3", NOW, is_bare=True)[0].at.hour == 15


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ("Tuesday", "2026-12-01T15:00"),
        ("at 4", "2026-11-30T16:00"),
        ("9 am", "2026-11-30T09:00"),
        ("in 5 minutes", "2026-11-29T10:05"),
    ],
)
def test_a_change_keeps_what_it_does_not_say(change: str, at: str) -> None:
    before = datetime.fromisoformat("2026-11-30T15:00:00+08:00")
    assert moved(before, find_times(change, NOW, is_bare=True)[0]).isoformat(timespec="minutes")[:16] == at


def test_an_unknown_notation_is_read_by_dateparser() -> None:
    read = parse_exact("10 Jan 2027 14:00", NOW)
    assert read is not None
    assert read.isoformat() == "2027-01-10T14:00:00+08:00"


def test_a_time_is_shown_in_the_persons_language() -> None:
    at = datetime.fromisoformat("2026-11-30T15:00:00+08:00")
    assert shown_time(at, NOW, "en") == "tomorrow, Monday 30 November, 15:00"
    assert shown_time(at, NOW, "zh") == "明天 11月30日 星期一 15:00"


@given(st.text(max_size=60))
def test_no_text_raises_and_every_time_lies_ahead_of_its_day(text: str) -> None:
    for found in find_times(text, NOW, is_bare=True):
        assert 0 <= found.start < found.end <= len(text)
        assert found.at.date() >= NOW.date()
