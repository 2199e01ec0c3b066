"""WeChat texts: what the app shares itself and what known exporters wrote; and logs that look alike and are none."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.wechat import READER
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2023, 8, 5, 17, 52, 2, tzinfo=SHANGHAI)


def read(text: str | bytes, owner: Sequence[str] = (), name: str = "张三.txt", notes: list[str] | None = None) -> list[Draft]:
    raw = text.encode() if isinstance(text, str) else text
    note = (lambda _: None) if notes is None else notes.append
    return list(READER.read(io.BytesIO(raw), Reading(Path(name), SHANGHAI, tuple(owner), note=note)))


MEMOTRACE = (
    "2023-08-05 17:52:02 张三\n明天见\n记得带伞\n\n2023-08-05 17:52:30 小罗\n好的\n\n2023-08-05 17:53:00 张三\n[图片]\n\n"
)


def test_memotrace_text() -> None:
    notes: list[str] = []
    first, second = read(MEMOTRACE, notes=notes)
    assert first.text == "明天见\n记得带伞"
    assert first.time == AT
    assert first.people == (Mention("from", "张三"), Mention("to", is_owner=True))
    assert second.people == (Mention("from", "小罗", is_owner=True), Mention("to", "张三"))
    assert first.thread == second.thread == "张三"
    assert notes == ["1 messages are pictures and other media without text"]
    assert READER.claims(MEMOTRACE.encode(), Path("张三.txt")) == 0.8


@pytest.mark.parametrize(
    "text",
    [
        "张三 2023-08-05 17:52:02\n明天见",
        "张三 2023/8/5 17:52:02\n明天见",
        "张三  2023年8月5日 17:52:02\n明天见",
        "张三 2023/8/5 下午5:52:02\n明天见",
        "张三(2023-08-05 17:52:02):明天见",
        "张三（2023-08-05 17:52:02）：\n明天见",
        "2023-08-05 17:52:02 张三\r\n明天见\r\n",
        "\ufeff2023-08-05 17:52:02 张三\n明天见",
    ],
)
def test_headers(text: str) -> None:
    (draft,) = read(text)
    assert (draft.text, draft.time, draft.people[0].name) == ("明天见", AT, "张三")
    assert READER.claims(text.encode(), Path("a.txt")) == 0.8


def test_gbk_and_names_of_self() -> None:
    (draft,) = read("2023-08-05 17:52:02 我\n今天下午在公司开会，晚上一起吃饭吧".encode("gbk"))
    assert draft.people == (Mention("from", "我", is_owner=True), Mention("to", "张三"))


SHARED = """小红 和 小明 在微信上的聊天记录如下，请查收。

—————  2023-08-05  —————


小红  17:52

有点事，一会儿回
17:30 再说


小明  18:01

好的

—————  2023-08-06  —————

小红  9:05

早
"""


def test_what_the_app_shares() -> None:
    drafts = read(SHARED, owner=["小明"], name="聊天记录.txt")
    assert [draft.text for draft in drafts] == ["有点事，一会儿回\n17:30 再说", "好的", "早"]
    assert [draft.time for draft in drafts] == [
        datetime(2023, 8, 5, 17, 52, tzinfo=SHANGHAI),
        datetime(2023, 8, 5, 18, 1, tzinfo=SHANGHAI),
        datetime(2023, 8, 6, 9, 5, tzinfo=SHANGHAI),
    ]
    assert drafts[1].people == (Mention("from", "小明", is_owner=True), Mention("to", "小红"))
    assert READER.claims(SHARED.encode(), Path("a.txt")) == 1


def test_both_tables_of_memotrace() -> None:
    legacy = (
        "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n"
        '1,217,1,0,0,1691229122,,"明天见, 好吗",2023-08-05 17:52:02,张三,San.,wxid_x\n'
        "2,217,1,0,1,1691229123,,好的,2023-08-05 17:52:03,张三,San.,wxid_x\n"
        "3,217,3,0,0,1691229124,,<msg><img/></msg>,2023-08-05 17:52:04,张三,San.,wxid_x\n"
        "4,217,10000,0,0,1691229125,,你们已是好友,2023-08-05 17:52:05,张三,San.,wxid_x\n"
    )
    first, second, notice = read("\ufeff" + legacy, name="messages.csv")
    assert (first.text, first.time) == ("明天见, 好吗", AT)
    assert first.people == (Mention("from", "张三"), Mention("to", is_owner=True))
    assert second.people == (Mention("from", None, is_owner=True), Mention("to", "张三"))
    assert notice.people == ()
    later = (
        "消息ID,类型,发送人,时间,内容,备注,昵称,更多信息\n"
        "1,文本,张三,2023-08-05 17:52:02,明天见,,,\n2,图片,张三,2023-08-05 17:52:03,x.jpg,,,\n"
    )
    (draft,) = read(later, name="张三.csv")
    assert (draft.text, draft.time, draft.people[0].name) == ("明天见", AT, "张三")
    for table in (legacy, later):
        assert READER.claims(table.encode(), Path("a.csv")) == 1


def test_locators_differ_and_stay() -> None:
    drafts = read("2023-08-05 17:52:02 张三\n好\n" * 3)
    assert len({draft.locator for draft in drafts}) == 3
    assert [draft.locator for draft in drafts] == [draft.locator for draft in read("2023-08-05 17:52:02 张三\n好\n" * 3)]


@pytest.mark.parametrize(
    "text",
    [
        "2023-08-05 17:52:02 INFO started\n2023-08-05 17:52:03 INFO stopped\n2023-08-05 17:52:04 WARN x\n",
        "hello\n2023-08-05 17:52:02 张三\nhi\n",
        "",
        "# Notes\n\nToday\n",
    ],
)
def test_logs_and_notes_are_not_claimed(text: str) -> None:
    assert READER.claims(text.encode(), Path("a.txt")) == 0


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xfe\x00", b"StrContent,StrTime,IsSender\n"])
def test_what_is_no_chat_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read(data)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60), st.sampled_from([MEMOTRACE, SHARED]))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int, text: str) -> None:
    data = text.encode()
    place %= len(data)
    READER.claims(data[:place] + noise, Path("a.txt"))
    try:
        read(data[:place] + noise + data[place + cut :])
    except UnreadableFileError:
        return
