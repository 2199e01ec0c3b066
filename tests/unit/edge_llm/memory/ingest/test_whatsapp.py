"""WhatsApp exports in the forms that phones of many locales write, and days that only the whole file can tell."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.whatsapp import READER
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError
from tests import personal_data

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAME = "WhatsApp Chat with Ann.txt"


def read(text: str | bytes, owner: Sequence[str] = (), name: str = NAME, notes: list[str] | None = None) -> list[Draft]:
    raw = text.encode() if isinstance(text, str) else text
    note = (lambda _: None) if notes is None else notes.append
    return list(READER.read(io.BytesIO(raw), Reading(Path(name), SHANGHAI, tuple(owner), note=note)))


@pytest.mark.parametrize(
    ("form", "month_first"),
    [
        ("05/08/2023, 17:52 - Ann: {}", False),
        ("8/25/23, 5:52 PM - Ann: {}", True),
        ("8/25/23, 5:52\u202fPM - Ann: {}", True),
        ("[25.08.23, 17:52:02] Ann: {}", False),
        ("[25.08.23, 5:52:02\u202fPM] Ann: {}", False),
        ("\u200e[25/08/2023, 5:52:02 p.m.] Ann: {}", False),
        ("[2023/8/25 下午5:52:02] Ann: {}", False),
        ("[2023/8/25 17:52:02] Ann: {}", False),
        ("2023/8/25 下午5:52 - Ann: {}", False),
        ("2023年8月25日 17:52 - Ann: {}", False),
        ("2023年8月25日下午5:52 - Ann: {}", False),
        ("25.08.23, 17:52 - Ann: {}", False),
        ("25/8/23 17:52 - Ann: {}", False),
        ("25/8/23, 5:52 p. m. - Ann: {}", False),
        ("25/8/23, 5:52 p.\u00a0m. - Ann: {}", False),
        ("25-08-2023 17:52 - Ann: {}", False),
        ("2023-08-25 17:52 - Ann: {}", False),
        ("25.8.2023 klo 17.52 - Ann: {}", False),
        ("25.08.2023 17.52 - Ann: {}", False),
        ("25.08.23 г., 17:52 ч. - Ann: {}", False),
        ("2023. 8. 25. 오후 5:52 - Ann: {}", False),
        ("2023/08/25 17:52 - Ann: {}", False),
        ("[2023/08/25 午後5:52:02] Ann: {}", False),
        ("٢٥/٨/٢٠٢٣، ٥:٥٢ م - Ann: {}", False),
        ("\ufeff25/08/2023, 17:52 – Ann: {}", False),
    ],
)
def test_every_locales_form(form: str, month_first: bool) -> None:
    text = form.format("see you: later")
    (draft,) = read(text + "\nat the \u200estation\n")
    assert draft.text == "see you: later\nat the station"
    assert draft.kind == "message"
    assert draft.thread == "Ann"
    assert draft.people[0] == Mention("from", "Ann")
    assert draft.time is not None
    assert (draft.time.month, draft.time.hour, draft.time.minute, draft.time.tzinfo) == (8, 17, 52, SHANGHAI)
    assert READER.claims(text.encode(), Path("a.txt")) == 0.9


@pytest.mark.parametrize(
    ("hours", "hour"),
    [
        ("上午12:05", 0),
        ("凌晨1:05", 1),
        ("中午12:05", 12),
        ("中午1:05", 13),
        ("下午12:05", 12),
        ("晚上11:05", 23),
        ("下午17:05", 17),
    ],
)
def test_chinese_times_of_day(hours: str, hour: int) -> None:
    (draft,) = read(f"2023/8/5 {hours} - Ann: hi")
    assert draft.time == datetime(2023, 8, 5, hour, 5, tzinfo=SHANGHAI)


def days(lines: Sequence[str], form: str = "{}, 17:52 - Ann: hi") -> list[tuple[int, int, int]]:
    drafts = read("\n".join(form.format(line) for line in lines))
    return [(draft.time.year, draft.time.month, draft.time.day) for draft in drafts if draft.time is not None]


def test_the_order_of_day_and_month() -> None:
    assert days(["03/04/23", "13/04/23"])[0] == (2023, 4, 3)
    assert days(["03/04/23", "03/14/23"])[0] == (2023, 3, 4)
    # neither is above 12: day first goes on in time, month first would go back
    assert days(["05/08/23", "06/08/23", "01/09/23"]) == [(2023, 8, 5), (2023, 8, 6), (2023, 9, 1)]
    assert days(["08/05/23", "08/06/23", "09/01/23"]) == [(2023, 8, 5), (2023, 8, 6), (2023, 9, 1)]
    assert days(["22/12/30", "23/01/02"]) == [(2022, 12, 30), (2023, 1, 2)]
    # nothing decides but the form
    assert days(["03/04/23"]) == [(2023, 4, 3)]
    assert days(["03/04/23"], "{}, 5:52 PM - Ann: hi") == [(2023, 3, 4)]
    assert days(["03.04.23"], "[{}, 5:52:02 PM] Ann: hi") == [(2023, 4, 3)]


def test_no_message_is_later_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("03/04/23, 17:52 - Ann: hi")
    written = datetime(2023, 3, 10, tzinfo=timezone.utc).timestamp()
    os.utime(path, (written, written))
    with path.open("rb") as file:
        (draft,) = READER.read(file, Reading(path, SHANGHAI))
    assert draft.time is not None
    assert (draft.time.month, draft.time.day) == (3, 4)


def test_who_writes_to_whom() -> None:
    chat = "05/08/2023, 17:52 - Ann: hi\n05/08/2023, 17:53 - Robin: hello\n05/08/2023, 17:54 - Ann: bye"
    hi, hello, _ = read(chat)
    assert hi.people == (Mention("from", "Ann"), Mention("to", is_owner=True))
    assert hello.people == (Mention("from", "Robin", is_owner=True), Mention("to", "Ann"))
    group = chat + "\n05/08/2023, 17:54 - ~\u202fBo Li: x\n05/08/2023, 17:55 - \u202a+86\u00a0130\u00a00000\u00a00001\u202c: y"
    drafts = read(group, owner=["Robin"], name="WhatsApp Chat - Family.txt")
    assert [draft.people for draft in drafts] == [
        (Mention("from", "Ann"),),
        (Mention("from", "Robin", is_owner=True),),
        (Mention("from", "Ann"),),
        (Mention("from", "Bo Li"),),
        (Mention("from", None, ("+86 130 0000 0001",)),),
    ]
    assert {draft.thread for draft in drafts} == {"Family"}


@pytest.mark.parametrize(
    ("name", "thread"),
    [
        ("WhatsApp Chat with Ann.txt", "Ann"),
        ("WhatsApp Chat - Ann Lee.zip", "Ann Lee"),
        ("WhatsApp-Chat mit Ann.txt", "Ann"),
        ("Chat de WhatsApp con Ann.txt", "Ann"),
        ("Conversa do WhatsApp com Ann.txt", "Ann"),
        ("Discussion WhatsApp avec Ann.txt", "Ann"),
        ("与张三的 WhatsApp 聊天.txt", "张三"),
        ("WhatsApp Chat - Ann/_chat.txt", "Ann"),
        ("Family trip.txt", "Family trip"),
    ],
)
def test_what_the_chat_is_called(name: str, thread: str) -> None:
    assert read("05/08/2023, 17:52 - Ann: hi", name=name)[0].thread == thread


def test_media_edits_and_what_the_app_says() -> None:
    notes: list[str] = []
    drafts = read(
        "[05.08.23, 17:52:00] Family: \u200eMessages and calls are end-to-end encrypted.\n"
        "\u200e[05.08.23, 17:52:01] Ann: \u200eimage omitted\n"
        "\u200e[05.08.23, 17:52:02] Ann: \u200eBild weggelassen\n"
        "\u200e[05.08.23, 17:52:03] Ann: \u200e<attached: 00000042-PHOTO-2023-08-05.jpg>\n"
        "[05.08.23, 17:52:04] Ann: You omitted the salt\n"
        "[05.08.23, 17:52:05] Ann: fixed \u200e<This message was edited>\n"
        "[05.08.23, 17:52:06] Ann: <Medien ausgeschlossen>\n"
        "[05.08.23, 17:52:07] Ann: <已忽略媒体文件>\n"
        "[05.08.23, 17:52:08] Ann: IMG-20230805-WA0001.jpg (file attached)\nthe cake\n"
        "[05.08.23, 17:52:09] Ann: \n"
        '[05.08.23, 17:52:10] Ann changed the subject to "Trip: day 2"\n',
        notes=notes,
    )
    assert [draft.text for draft in drafts] == [
        "Messages and calls are end-to-end encrypted.",
        "[00000042-PHOTO-2023-08-05.jpg]",
        "You omitted the salt",
        "fixed",
        "[IMG-20230805-WA0001.jpg]\nthe cake",
        'Ann changed the subject to "Trip: day 2"',
    ]
    assert drafts[-1].people == ()
    assert notes == ["5 messages are pictures and other media that the export left out"]


def test_a_zip_file(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Ann.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("00000001-PHOTO.jpg", b"x")
        archive.writestr("_chat.txt", "\ufeff[05.08.23, 17:52:02] Ann: hi\r\n[05.08.23, 17:52:03] Ann: 你好\r\n")
    assert READER.claims(path.read_bytes()[:4096], path) == 1
    with path.open("rb") as file:
        drafts = list(READER.read(file, Reading(path, SHANGHAI)))
    assert [draft.text for draft in drafts] == ["hi", "你好"]
    assert {draft.thread for draft in drafts} == {"Ann"}
    other = tmp_path / "b.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "x")
    assert READER.claims(other.read_bytes()[:4096], other) == 0
    with other.open("rb") as file, pytest.raises(UnreadableFileError, match="no chat"):
        list(READER.read(file, Reading(other, SHANGHAI)))
    with pytest.raises(UnreadableFileError):
        read(path.read_bytes()[:-30], name=path.name)


def test_locators_differ_and_stay() -> None:
    chat = "05/08/2023, 17:52 - Ann: ok\n" * 3
    locators = [draft.locator for draft in read(chat)]
    assert len(set(locators)) == 3
    assert [draft.locator for draft in read(chat + "05/08/2023, 17:53 - Ann: more")][:3] == locators


def test_a_generated_conversation_comes_back() -> None:
    person = personal_data.personas(1)[0]
    lines = list(personal_data.messages(300, people=[person]))
    drafts = read(personal_data.whatsapp_export(lines), name=f"WhatsApp Chat with {person.name}.txt")
    assert [draft.text for draft in drafts] == [line.text for line in lines]
    assert [draft.time for draft in drafts] == [line.time for line in lines]
    assert [draft.people[0].is_owner for draft in drafts] == [line.sender is None for line in lines]


@pytest.mark.parametrize("text", ["", "hello", "[05.08.23] Ann: hi", "2023-08-05 17:52:02 INFO: started"])
def test_what_is_no_chat_is_refused(text: str) -> None:
    assert READER.claims(text.encode(), Path("a.txt")) == 0
    with pytest.raises(UnreadableFileError):
        read(text)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60), st.booleans())
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int, zipped: bool) -> None:
    data = b"[05.08.23, 17:52:02] Ann: hi\nthere\n2023/8/5 \xe4\xb8\x8b\xe5\x8d\x885:52 - Bo: x\n"
    if zipped:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("_chat.txt", data)
        data = buffer.getvalue()
    place %= len(data)
    try:
        read(data[:place] + noise + data[place + cut :])
    except UnreadableFileError:
        return
