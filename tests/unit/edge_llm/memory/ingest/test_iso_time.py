"""Times as documents write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from edge_llm.memory.ingest.iso_time import parse_iso

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-03-05T09:30:00Z", datetime(2024, 3, 5, 9, 30, tzinfo=timezone.utc)),
        ("2024-03-05T09:30:00.1234567Z", datetime(2024, 3, 5, 9, 30, 0, 123456, timezone.utc)),
        (" 2024-03-05 09:30+0530 ", datetime(2024, 3, 5, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("2024-03-05T09:30:00-08:00", datetime(2024, 3, 5, 9, 30, tzinfo=timezone(-timedelta(hours=8)))),
        ("2024-07-05T09:30", datetime(2024, 7, 5, 9, 30, tzinfo=BERLIN)),
        ("2024-03-05", datetime(2024, 3, 5, 12, tzinfo=BERLIN)),
        ("2024-03", datetime(2024, 3, 1, 12, tzinfo=BERLIN)),
    ],
)
def test_times(text: str, time: datetime) -> None:
    parsed = parse_iso(text, BERLIN)
    assert parsed == time
    assert parsed is not None
    assert parsed.utcoffset() == time.utcoffset()


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2024-13-05", "2024-02-30T00:00", "0000-01-01", "2024-03-05T25:00", "1" * 500, "2024-03-05T09:30+99:00"],
)
def test_what_is_no_time(text: str) -> None:
    assert parse_iso(text, BERLIN) is None
