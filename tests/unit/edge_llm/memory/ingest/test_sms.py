"""Backups of SMS Backup & Restore: every variant its versions wrote, and what is wrong with them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.repaired_xml import RepairedXml
from edge_llm.memory.ingest.sms import READER
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

HEAD = """<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<!--File Created By SMS Backup & Restore v10.19.013 on 05/08/2023 17:52:02-->
<?xml-stylesheet type="text/xsl" href="sms.xsl"?>
"""
SMS = (
    '<sms protocol="0" address="{address}" date="{date}" type="{type}" subject="null" body="{body}" toa="null" sc_toa="null"'
    ' service_center="null" read="1" status="-1" locked="0" date_sent="0" readable_date="5 Aug 2023 17:52:02"'
    ' contact_name="{name}" />'
)


def backup(*elements: str) -> bytes:
    return (HEAD + f'<smses count="{len(elements)}">' + "\n".join(elements) + "</smses>").encode()


def sms(body: str = "hi", address: str = "+8613800138000", date: int = 1691229122000, kind: int = 1, name: str = "张三") -> str:
    return SMS.format(body=body, address=address, date=date, type=kind, name=name)


def read(data: bytes, owner: Sequence[str] = (), notes: list[str] | None = None) -> list[Draft]:
    note = (lambda _: None) if notes is None else notes.append
    reading = Reading(Path("sms.xml"), timezone.utc, tuple(owner), note=note)
    return list(READER.read(io.BytesIO(data), reading))


def test_a_received_and_a_sent_message() -> None:
    received, sent = read(backup(sms("你好 &amp; &quot;hi&quot;"), sms("ok", kind=2, date=1691229183000)))
    assert received.text == '你好 & "hi"'
    assert received.kind == "message"
    assert received.time == datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)
    assert received.people == (Mention("from", "张三", ("+8613800138000",)), Mention("to", is_owner=True))
    assert sent.people == (Mention("from", is_owner=True), Mention("to", "张三", ("+8613800138000",)))
    assert received.thread == sent.thread == "+8613800138000"
    assert received.locator != sent.locator


def test_the_same_message_twice_has_two_locators_that_stay() -> None:
    data = backup(sms(), sms(), sms("other"))
    assert [draft.locator for draft in read(data)] == [draft.locator for draft in read(data)]
    assert len({draft.locator for draft in read(data)}) == 3


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&#55357;&#56838;", "😆"),
        ("a&#10;&#55357;&#56838;&#55357;&#56838;b", "a\n😆😆b"),
        ("&#xD83D;&#xde06;", "😆"),
        ("x&#55357;y", "x\ufffdy"),
        ("x&#0;&#8;y", "xy"),
        ("x\x00\x0by", "xy"),
        ("&#128518; 😆", "😆 😆"),
        ("&#99999999;!", "!"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7, 1 << 16])
def test_what_xml_forbids_is_repaired_at_any_chunk_border(
    written: str, text: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_llm.memory.ingest.repaired_xml._CHUNK_BYTES", chunk)
    (draft,) = read(backup(sms(written)))
    assert draft.text == text


def test_unknown_contacts_short_codes_drafts_and_failures() -> None:
    drafts = read(
        backup(
            sms("code 1234", address="95588", name="(Unknown)"),
            sms("later", kind=3),
            sms("lost", kind=5),
            sms("null"),
            sms("", kind=2),
        )
    )
    assert [draft.text for draft in drafts] == ["code 1234", "Draft: later", "Not delivered: lost"]
    assert drafts[0].people[0] == Mention("from", None, ("95588",))


MMS = """<mms date="1691229122000" rr="129" sub="{sub}" ct_t="application/vnd.wap.multipart.related" msg_box="{box}"
 address="{address}" m_type="132" m_id="x" contact_name="{names}" readable_date="x">
<parts>
<part seq="-1" ct="application/smil" name="null" cid="&lt;smil&gt;" cl="smil.xml" text='&lt;smil&gt;&lt;/smil&gt;' />
<part seq="0" ct="image/jpeg" name="null" cl="IMG_1.jpg" text="null" data="{data}" />
<part seq="0" ct="text/plain" name="null" chset="106" cl="text_0.txt" text="{text}" /></parts>
<addrs>{addrs}</addrs></mms>"""


def test_a_group_picture_message() -> None:
    addrs = "".join(
        f'<addr address="{address}" type="{kind}" charset="106" />'
        for address, kind in [("+14155550101", 137), ("+14155550100", 151), ("+14155550102", 151)]
    )
    mms = MMS.format(
        sub="null",
        box=1,
        address="+14155550101~+14155550102",
        names="Ann, Bo",
        data="QUJD" * 100_000,
        text="look!",
        addrs=addrs,
    )
    notes: list[str] = []
    (draft,) = read(backup(mms), owner=["+1 415-555-0100"], notes=notes)
    assert draft.text == "look!\n[IMG_1.jpg]"
    assert draft.people == (
        Mention("from", "Ann", ("+14155550101",)),
        Mention("to", is_owner=True),
        Mention("to", "Bo", ("+14155550102",)),
    )
    assert draft.thread == "+14155550101~+14155550102"
    assert notes == ["1 attachments are not read"]


def test_a_picture_message_of_the_owner_and_one_in_seconds() -> None:
    addrs = '<addr address="insert-address-token" type="137" /><addr address="+14155550101" type="151" />'
    mms = MMS.format(sub="Hello", box=2, address="+14155550101", names="(Unknown)", data="QQ==", text="null", addrs=addrs)
    (draft,) = read(backup(mms.replace("1691229122000", "1691229122")))
    assert draft.text == "Hello\n[IMG_1.jpg]"
    assert draft.time == datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)
    assert draft.people == (Mention("from", is_owner=True), Mention("to", None, ("+14155550101",)))


def test_calls() -> None:
    data = (
        HEAD + '<calls count="2"><call number="+8613800138000" duration="125" date="1691229122000" type="2" presentation="1"'
        ' contact_name="张三" /><call number="" duration="0" date="1691229122000" type="3" contact_name="(Unknown)" /></calls>'
    )
    made, missed = read(data.encode())
    assert made.text == "Call to 张三, 0:02:05"
    assert made.end is not None
    assert missed.text == "Missed call from an unknown number"
    assert missed.people == (Mention("to", is_owner=True),)


@pytest.mark.parametrize("stamp", ["", "null", "-5", "99999999999999", "9" * 400, "١٢"])
def test_a_wrong_time_is_none(stamp: str) -> None:
    (draft,) = read(backup(sms().replace("1691229122000", stamp)))
    assert draft.time is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<smses><sms body='a'",
        b"<other/>",
        b"<smses>" + b"<a>" * 10_000,
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><smses><sms body="&b;"/></smses>',
        b"\xff\xfe<\x00s",
    ],
)
def test_what_is_no_backup_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read(data)


def test_what_came_before_the_damage_stands() -> None:
    reader = READER.read(io.BytesIO(backup(sms("first"))[:-8] + b"<sms"), Reading(Path("x.xml"), timezone.utc))
    assert next(reader).text == "first"
    with pytest.raises(UnreadableFileError):
        next(reader)


def test_claims() -> None:
    assert READER.claims(backup(sms())[:4096], Path("sms-20230805.xml")) == 1
    assert READER.claims(b"<html>", Path("a.xml")) == 0


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10**6), st.integers(0, 40))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int) -> None:
    data = backup(sms(), MMS.format(sub="a", box=1, address="1~2", names="A, B", data="QQ==", text="t", addrs=""))
    place %= len(data)
    try:
        read(data[:place] + noise + data[place + cut :])
    except UnreadableFileError:
        return


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b' data="', b"AAAA" * 200, b'"', b"&#55357;", b"&#56838;", b"x", b" "]), max_size=12))
def test_short_attributes_survive_the_repair(parts: list[bytes]) -> None:
    data = b"".join(parts)
    stream = RepairedXml(io.BytesIO(data), "x", "data")
    repaired = b"".join(iter(lambda: stream.read(1), b""))
    if b"AAAA" * 128 not in data and b"&#" not in data:
        assert repaired == data
