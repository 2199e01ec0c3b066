"""Memory's own form, JSON and CSV, and saved conversations: what is right stands, what is wrong is told with its row."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest import records, transcript
from edge_llm.memory.ingest.json_stream import json_values
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.written_time import TimeReader
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError
from tests import personal_data

SHANGHAI = ZoneInfo("Asia/Shanghai")
FULL = {
    "id": "m1",
    "text": "See you at 6",
    "time": "2023-08-05T17:52:02+08:00",
    "end": 1691232722,
    "thread": "ann",
    "title": "Plans",
    "kind": "message",
    "people": [
        {"role": "from", "name": "Ann", "handles": ["+1 415 555 0101"]},
        {"role": "to", "owner": True},
        "Bo",
        {"role": "about", "name": "+86 130 0000 0001"},
    ],
    "source": "ignored",
}


def read(data: str | bytes, notes: list[str] | None = None, owner: Sequence[str] = ()) -> list[Draft]:
    raw = data.encode() if isinstance(data, str) else data
    note = (lambda _: None) if notes is None else notes.append
    return list(records.READER.read(io.BytesIO(raw), Reading(Path("a"), SHANGHAI, tuple(owner), note=note)))


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([FULL]),
        json.dumps(FULL),
        json.dumps(FULL) + "\n",
        json.dumps([FULL], indent=2),
        json.dumps(FULL, indent=2),
        "\ufeff  " + json.dumps([FULL], ensure_ascii=False),
        json.dumps([FULL]).encode("utf-16"),
    ],
)
def test_a_record(data: str | bytes) -> None:
    (draft,) = read(data)
    assert draft == Draft(
        text="See you at 6",
        kind="message",
        locator="m1",
        external_id="m1",
        title="Plans",
        time=datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc),
        end=datetime(2023, 8, 5, 10, 52, 2, tzinfo=timezone.utc),
        people=(
            Mention("from", "Ann", ("+1 415 555 0101",)),
            Mention("to", is_owner=True),
            Mention("from", "Bo"),
            Mention("about", None, ("+86 130 0000 0001",)),
        ),
        thread="ann",
    )


def test_the_least_that_is_needed() -> None:
    drafts = read('{"text": "a"}\n{"text": "b", "id": 7, "people": "Ann; 张三", "kind": null}\n', owner=["张三"])
    assert [draft.locator for draft in drafts] == ["row 1", "7"]
    assert [draft.external_id for draft in drafts] == [None, "7"]
    assert drafts[1].people == (Mention("from", "Ann"), Mention("from", "张三", is_owner=True))
    assert {draft.kind for draft in drafts} == {"note"}


def test_csv_in_the_forms_of_spreadsheets() -> None:
    text = (
        'id,Text,time,people\n1,"你好, Ann\n第二行",2023-08-05 17:52,Ann; Bo\n2,,,\n'
        '3,hi,,"[{""role"": ""to"", ""name"": ""Bo""}]"\n'
    )
    for data in (
        text.encode(),
        text.encode("utf-8-sig"),
        text.replace("你好", "今天下午我们在公司开会，请大家都来").encode("gb18030"),
        text.replace("\n", "\r\n").encode(),
        text.replace(",", ";").replace("; Bo", "").replace('[{""role"": ""to""; ', '[{""role"": ""to"", ').encode(),
        text.encode("utf-16"),
    ):
        notes: list[str] = []
        first, last = read(data, notes)
        assert first.external_id == "1"
        assert first.text.endswith("第二行")
        assert first.time == datetime(2023, 8, 5, 17, 52, tzinfo=SHANGHAI)
        assert last.people == (Mention("to", "Bo"),)
        assert notes[-1] == "1 of its rows: no text, left out (row 2)"


def test_what_is_wrong_is_told_and_the_rest_stands() -> None:
    lines = [
        '{"text": "a", "id": "x"}',
        "[1]",
        "{broken",
        '{"text": "b", "id": "x", "time": "no time at all", "kind": "thing"}',
        '{"text": " "}',
        '"text"',
        '{"text": ' + "[" * 100 + "1" + "]" * 100 + "}",
        '{"text": "c"}',
    ]
    notes: list[str] = []
    drafts = read("\n".join(lines), notes)
    assert [(draft.text, draft.external_id) for draft in drafts] == [("a", "x"), ("b", "x"), ("c", None)]
    assert len({draft.locator for draft in drafts}) == 3
    assert notes == [
        "4 of its rows: no JSON object, left out (row 2, 3, 6, 7)",
        "1 of its rows: an id that came before (row 4)",
        "1 of its rows: a time that cannot be read (row 4)",
        "1 of its rows: a kind that is none of note, document, message, mail, contact, event, chat (row 4)",
        "1 of its rows: no text, left out (row 5)",
    ]


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ("a,b\n1,2\n", "no column called text"),
        ('[{"text": "a"}', "cut short"),
        ('[{"text": "a"},', "cut short"),
        ('[{"text": "a"} {"text": "b"}]', "no comma"),
        ('[{"text": "a"}] x', "after the end"),
        ('[{"text": "a"}, {"text": "b', "cut short within value 2"),
        ('{"text": "a"}\n{"text": "b', "cut short within value 2"),
        ('[{"text": "a"}, {text}]', "value 2 is no JSON"),
        ('[{"text": "a"}, ' + "[" * 100_000, "deeper"),
        ('[{"text": "a"}, {"a": ' * 3000, "deeper"),
    ],
)
def test_damage_is_named_and_what_came_before_stands(data: str, fact: str) -> None:
    found: list[str] = []
    with pytest.raises(UnreadableFileError, match=fact):
        found.extend(draft.text for draft in records.READER.read(io.BytesIO(data.encode()), Reading(Path("a"), SHANGHAI)))
    reader = records.READER.read(io.BytesIO(data.encode()), Reading(Path("a"), SHANGHAI))
    if '"a"}' in data:
        assert next(reader).text == "a"


def test_a_value_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.memory.ingest.json_stream._VALUE_CHARS", 1000)
    for data in ('[{"text": "' + "x" * 200_000 + '"}]', '{"text": "a"}\n{"text": "' + "x" * 200_000 + '"}'):
        with pytest.raises(UnreadableFileError, match="longer than"):
            read(data)
    monkeypatch.setattr("edge_llm.memory.ingest.csv_rows._LINE_CHARS", 1000)
    with pytest.raises(UnreadableFileError, match="longer than"):
        read("text\n" + "x" * 200_000)


def test_claims() -> None:
    claims = records.READER.claims
    assert claims(b'[\n {"text": "a"}]', Path("a.json")) == 0.9
    assert claims(b'{"id": 1, "text": "a"}', Path("export")) == 0.9
    assert claims(b'{"name": 1}', Path("package.json")) == 0.5
    assert claims(b"id;text\n1;a\n", Path("a.csv")) == 0.9
    assert claims(b"date,amount\n1,2\n", Path("a.csv")) == 0
    assert claims(b"text is here, too\n", Path("a.txt")) == 0
    assert claims(b"\x89PNG", Path("a.json")) == 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2023-08-05T17:52:02Z", datetime(2023, 8, 5, 17, 52, 2, tzinfo=timezone.utc)),
        ("2023-08-05", datetime(2023, 8, 5, 12, tzinfo=SHANGHAI)),
        ("2023/8/5 17:52", datetime(2023, 8, 5, 17, 52, tzinfo=SHANGHAI)),
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=SHANGHAI)),
        ("8 May 2023", datetime(2023, 5, 8, 12, tzinfo=SHANGHAI)),
        ("May 2023", datetime(2023, 5, 1, 12, tzinfo=SHANGHAI)),
        ("2023年5月8日 下午3点半", datetime(2023, 5, 8, 15, 30, tzinfo=SHANGHAI)),
        ("2023年5月8日", datetime(2023, 5, 8, 12, tzinfo=SHANGHAI)),
        (1691229122, datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)),
        ("1691229122000", datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)),
        ("yesterday", datetime(2024, 2, 29, 17, 0, tzinfo=SHANGHAI)),
        ("昨天", datetime(2024, 2, 29, 17, 0, tzinfo=SHANGHAI)),
        ("no time at all", None),
        ("x" * 200, None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ("99999-01-01", None),
    ],
)
def test_times(written: object, expected: datetime | None) -> None:
    assert TimeReader(SHANGHAI, datetime(2024, 3, 1, 9, tzinfo=timezone.utc)).read(written) == expected


def test_yesterday_is_counted_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "time": "yesterday"}')
    written = datetime(2020, 5, 5, 12, tzinfo=SHANGHAI)
    os.utime(path, (written.timestamp(), written.timestamp()))
    with path.open("rb") as file:
        (draft,) = records.READER.read(file, Reading(path, SHANGHAI))
    assert draft.time == written - timedelta(days=1)


def test_time_spent_on_what_is_no_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.memory.ingest.written_time._SECONDS", -1.0)
    monkeypatch.setattr("dateparser.parse", lambda *_, **__: pytest.fail("it was asked"))
    reader = TimeReader(SHANGHAI, datetime.now(timezone.utc))
    assert reader.read("2023-08-05T17:52:02Z") is not None
    assert reader.read("some words") is None


def test_generated_messages_come_back() -> None:
    lines = list(personal_data.messages(500))
    drafts = read(personal_data.records(lines))
    assert [draft.text for draft in drafts] == [line.text for line in lines]
    assert [draft.time for draft in drafts] == [line.time for line in lines]
    assert [draft.external_id for draft in drafts] == [line.id for line in lines]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=6
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 2]), st.integers(1, 5), st.booleans())
def test_values_are_split_where_they_end(values: list[object], indent: int | None, chunk: int, as_array: bool) -> None:
    text = json.dumps(values, indent=indent) if as_array else "  ".join(json.dumps(value, indent=indent) for value in values)
    if not as_array and (not values or text.startswith("[")):
        return

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size if size is not None and size < 0 else chunk)

    reading = Reading(Path("a"), SHANGHAI, limits=Limits())
    found = [value for _, value in json_values(Dripping(text.encode()), reading)]
    assert found == values


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60), st.sampled_from(["array", "lines", "csv"]))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int, form: str) -> None:
    data = {
        "array": json.dumps([FULL, FULL]).encode(),
        "lines": (json.dumps(FULL) + "\n" + json.dumps(FULL)).encode(),
        "csv": b'id,text,people\n1,"a ""b""","A; B"\n2,c,\n',
    }[form]
    place %= len(data)
    changed = data[:place] + noise + data[place + cut :]
    records.READER.claims(changed, Path("a.csv"))
    try:
        read(changed)
    except UnreadableFileError:
        return


CONVERSATION = {
    "version": 1,
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi\nthere"},
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": " "},
    ],
}


def turns(document: object) -> list[Draft]:
    raw = document if isinstance(document, bytes) else json.dumps(document, indent=2).encode()
    return list(transcript.READER.read(io.BytesIO(raw), Reading(Path("chat.json"), SHANGHAI)))


def test_a_saved_conversation() -> None:
    question, answer = turns(CONVERSATION)
    assert (question.text, question.kind, question.locator) == ("Hi\nthere", "chat", "turn 1: user")
    assert question.people == (Mention("from", is_owner=True),)
    assert (answer.text, answer.people) == ("Hello", ())
    assert question.thread == answer.thread
    head = json.dumps(CONVERSATION, indent=2).encode()
    assert transcript.READER.claims(head, Path("a.json")) == 1
    assert transcript.READER.claims(b'{"text": "messages"}', Path("a.json")) == 0


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        [],
        {"version": 1},
        {"version": 2, "messages": []},
        {"version": "1", "messages": []},
        {"version": 1, "messages": [5]},
        {"version": 1, "messages": [{"role": "user", "content": 5}]},
    ],
)
def test_what_is_no_conversation_is_refused(document: object) -> None:
    with pytest.raises(UnreadableFileError):
        turns(document)
