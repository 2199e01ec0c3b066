"""Times in queries, English and Chinese: what they mean on a Thursday in May, and what is no time at all."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.when import read_times

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2024, 5, 16, 10, 0, tzinfo=ZONE)


def day(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("query", "rest", "since", "until", "is_filter"),
    [
        ("what did Anna send last Tuesday", "what did Anna send", "2024-05-14", "2024-05-15", True),
        ("photos from yesterday", "photos", "2024-05-15", "2024-05-16", True),
        ("photos of yesterday", "photos", "2024-05-15", "2024-05-16", True),
        ("the day before yesterday", "", "2024-05-14", "2024-05-15", True),
        ("invoices last month", "invoices", "2024-04-01", "2024-05-01", True),
        ("dinner last week", "dinner", "2024-05-06", "2024-05-13", True),
        ("meetings next Friday", "meetings", "2024-05-17", "2024-05-18", True),
        ("plan two weeks ago", "plan", "2024-04-29", "2024-05-06", True),
        ("bills in the last 3 days", "bills", "2024-05-13", "2024-05-17", True),
        ("mail since Monday", "mail", "2024-05-13", None, True),
        ("trip last summer", "trip", "2023-06-01", "2023-09-01", True),
        ("dinner last Christmas", "dinner", "2023-12-24", "2023-12-27", True),
        ("mail since March", "mail", "2024-03-01", None, False),
        ("mail since 2021", "mail", "2021-01-01", None, False),
        ("mail before 2021", "mail", None, "2021-01-01", False),
        ("photos in May 2023", "photos", "2023-05-01", "2023-06-01", False),
        ("what did John do in March?", "what did John do ?", "2024-03-01", "2024-04-01", False),
        ("rent on May 9th", "rent", "2024-05-09", "2024-05-10", False),
        ("rent 2023-05-07", "rent", "2023-05-07", "2023-05-08", False),
        ("rent 14.3.2023", "rent", "2023-03-14", "2023-03-15", False),
        ("rent 3/14/2023", "rent", "2023-03-14", "2023-03-15", False),
        ("notes before 5 May 2023", "notes", None, "2023-05-05", False),
        ("notes after May 5, 2023", "notes", "2023-05-06", None, False),
        ("notes between March 2023 and May 2023", "notes", "2023-03-01", "2023-06-01", False),
        ("budget 2023", "budget 2023", "2023-01-01", "2024-01-01", False),
        ("dentist on Monday", "dentist on Monday", "2024-05-13", "2024-05-14", False),
        ("issue last week, as told on November 6, 2023", "issue last week, as told", "2023-11-06", "2023-11-07", False),
        ("上周三的账单", "账单", "2024-05-08", "2024-05-09", True),
        ("這個禮拜三的帳單", "帳單", "2024-05-15", "2024-05-16", True),
        ("昨天下午的会议", "会议", "2024-05-15", "2024-05-16", True),
        ("去年国庆去了哪里", "去了哪里", "2023-10-01", "2023-10-08", True),
        ("前年春节的照片", "照片", "2022-01-31", "2022-02-08", True),
        ("去年中秋节吃的月饼", "吃的月饼", "2023-09-29", "2023-09-30", True),
        ("两周前的会议", "会议", "2024-04-29", "2024-05-06", True),
        ("三天前说的", "说的", "2024-05-13", "2024-05-14", True),
        ("半年前的合同", "合同", "2023-11-01", "2023-12-02", True),
        ("上个月15号的发票", "发票", "2024-04-15", "2024-04-16", True),
        ("最近三天的邮件", "邮件", "2024-05-13", "2024-05-17", True),
        ("去年三月到五月的账单", "的账单", "2023-03-01", "2023-06-01", True),
        ("2023年5月7日的合同", "合同", "2023-05-07", "2023-05-08", False),
        ("二零二三年五月的合同", "合同", "2023-05-01", "2023-06-01", False),
        ("周三开会", "周三开会", "2024-05-15", "2024-05-16", False),
    ],
)
def test_a_time_is_understood_and_taken_out(
    query: str, rest: str, since: str | None, until: str | None, is_filter: bool
) -> None:
    timed = read_times(query, NOW)
    assert timed.range is not None
    assert (timed.range.since, timed.range.until) == (day(since), day(until))
    assert timed.range.is_filter is is_filter
    assert timed.rest == rest
    assert timed.range.text in query


@pytest.mark.parametrize(
    "query",
    [
        "I may go", "march of the penguins", "a second opinion", "sun screen", "sat nav", "mon cheri", "June said hi",
        "April and May are sisters", "August's phone number", "spring roll recipe", "fall off a bike",
        "Christmas dinner recipe", "iPhone 15", "chapter 12", "room 2099b", "two days before yesterday",
        "2023-02-30", '"last Tuesday" song',
        "now or never",
        "今日头条", "国庆节", "月饼", "上次说的", "三星手机", "一周目", "周杰伦", "年糕", "天天向上", "日本", "十一个人",
    ],
)  # fmt: skip
def test_what_is_no_time_is_left_alone(query: str) -> None:
    timed = read_times(query, NOW)
    assert timed.range is None
    assert timed.rest == query


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["last", "in", "May", "2023", "since", "周", "三", "上", "个月", "前", "1", "99", "年", "Monday", '"', "\0"]
        )
    ),
    st.datetimes(timezones=st.just(timezone.utc)),
)
def test_no_words_and_no_clock_make_it_fail(parts: list[str], now: datetime) -> None:
    for query in (" ".join(parts), "".join(parts)):
        timed = read_times(query, now)
        if timed.range is not None and timed.range.since is not None and timed.range.until is not None:
            assert timed.range.since <= timed.range.until
