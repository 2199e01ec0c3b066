"""Contacts as each program writes them: versions 2.1 to 4.0, Apple, Google, Android, Outlook, Chinese phones."""

from __future__ import annotations

import io
import quopri
from collections.abc import Sequence
from datetime import timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.vcard import READER
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError


def read(data: str | bytes, owner: Sequence[str] = (), notes: list[str] | None = None) -> list[Draft]:
    raw = data.encode() if isinstance(data, str) else data
    note = (lambda _: None) if notes is None else notes.append
    return list(READER.read(io.BytesIO(raw), Reading(Path("a.vcf"), timezone.utc, tuple(owner), note=note)))


APPLE = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.0//EN
N:Example;Ann;Q.;Dr.;
FN:Dr. Ann Q. Example
NICKNAME:Annie
ORG:Example Works;Research
TITLE:Chief\\, Tests
item1.TEL;type=pref:+1 (415) 555-0101
item1.X-ABLabel:_$!<Mobile>!$_
TEL;type=CELL;type=VOICE:(415) 555-0102
TEL;type=WORK;type=FAX:(415) 555-0103
item2.EMAIL;type=INTERNET:ann@example.com
item2.X-ABLabel:Chess club
item3.ADR;type=HOME:;;1 Main St;Springfield;CA;90000;USA
BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-03
NOTE:Likes chess\\nand tea\\; never coffee
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD
 /2wBDAAQDAwQDAwQEAwQFBAQFBgoHBgYGBg0JCgg
item4.IMPP;X-SERVICE-TYPE=Telegram;type=pref:x-apple:ann_example
item5.X-ABDATE;type=pref:2015-06-01
item5.X-ABLabel:_$!<Anniversary>!$_
UID:6A1B-uid
REV:2023-08-05T17:52:02Z
END:VCARD
"""


def test_an_apple_card() -> None:
    (draft,) = read(APPLE.replace("\n", "\r\n"))
    assert draft.kind == "contact"
    assert draft.title == "Dr. Ann Q. Example"
    assert draft.external_id == draft.locator == "6A1B-uid"
    assert draft.text.split("\n") == [
        "Dr. Ann Q. Example",
        "Nickname: Annie",
        "Organisation: Example Works, Research",
        "Title: Chief, Tests",
        "Phone (mobile): +1 (415) 555-0101",
        "Mobile: (415) 555-0102",
        "Fax (work): (415) 555-0103",
        "Mail (chess club): ann@example.com",
        "Address (home): 1 Main St, Springfield, CA, 90000, USA",
        "Birthday: 05-03 (3 May)",
        "Note: Likes chess",
        "and tea; never coffee",
        "Message (telegram): ann_example",
        "Date (anniversary): 2015-06-01 (1 June 2015)",
    ]
    handles = ("+1 (415) 555-0101", "(415) 555-0102", "ann@example.com", "telegram:ann_example")
    assert draft.people == (Mention("about", "Dr. Ann Q. Example", handles), Mention("about", "Annie", handles))


def quoted(text: str, charset: str, width: int = 30) -> str:
    """Quoted-printable with soft breaks at any byte, as Android and Nokia write it."""
    encoded = "".join(f"={byte:02X}" for byte in text.encode(charset))
    return "=\r\n".join(encoded[at : at + width] for at in range(0, len(encoded), width))


@pytest.mark.parametrize("charset", ["UTF-8", "GBK", "GB2312", "Big5", "SHIFT_JIS"])
def test_version_2_1_with_soft_line_breaks(charset: str) -> None:
    family, given_name, street = ("山田", "花子", "東京") if charset in ("Big5", "SHIFT_JIS") else ("张", "三", "朝阳区建国路")
    card = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\n"
        f"N;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:{quoted(family, charset, 9)};{quoted(given_name, charset, 6)};;;\r\n"
        "TEL;CELL;PREF:13800138000\r\nTEL;HOME;VOICE:010-65551234\r\nEMAIL;INTERNET:zs@example.com\r\n"
        f"ADR;HOME;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:;;{quoted(street, charset)};;;;\r\n"
        f"NOTE;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:{quoted(street * 9, charset)}=0D=0A{quoted(street, charset)}\r\n"
        "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD\r\n /2wBDAAQDAwQD\r\n\r\n"
        "END:VCARD\r\n"
    )
    (draft,) = read(card)
    assert draft.title == family + given_name
    assert "Mobile 手机: 13800138000" in draft.text
    assert f"Address 地址 (home): {street}".replace("home", "住宅") in draft.text
    assert f"Note 备注: {street * 9}\n{street}" in draft.text
    assert draft.people == (Mention("about", family + given_name, ("13800138000", "010-65551234", "zs@example.com")),)


def test_soft_breaks_that_standard_encoders_make() -> None:
    value = quopri.encodestring(
        "Zoë Ünlü, a rather long name for a line = that must be broken more than once".encode()
    ).decode()
    (draft,) = read(f"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{value}\nTEL:10086\nEND:VCARD\n")
    assert draft.title == "Zoë Ünlü, a rather long name for a line = that must be broken more than once"


@pytest.mark.parametrize(
    "encode",
    [
        lambda card: card.encode("gbk"),
        lambda card: card.replace("FN:", "FN;CHARSET=GB2312:").encode("gbk"),
        lambda card: card.encode("utf-16"),
        lambda card: b"\xef\xbb\xbf" + card.encode(),
        lambda card: card.replace("\n", "\r").encode(),
        lambda card: card.encode("gb18030"),
    ],
)
def test_encodings_and_line_ends(encode: object) -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:欧阳娜娜\nTEL;TYPE=CELL:+86 138 0013 8000\nEND:VCARD\n"
    (draft,) = read(encode(card))  # type: ignore[operator]
    assert draft.people == (Mention("about", "欧阳娜娜", ("+86 138 0013 8000",)),)


def test_accented_latin_is_not_taken_for_chinese() -> None:
    (draft,) = read("BEGIN:VCARD\nVERSION:3.0\nFN:José Müller\nTEL:123456\nEND:VCARD\n".encode("cp1252"))
    assert draft.title == "José Müller"


def test_a_character_folded_in_its_middle_is_whole() -> None:
    number = 'TEL;VALUE=uri;TYPE="cell,work":tel:+86-138-0013-8000'
    raw = f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:张三丰\r\n{number}\r\nEND:VCARD\r\n".encode()
    at = raw.index("三".encode()) + 1
    (draft,) = read(raw[:at] + b"\r\n " + raw[at:])
    assert draft.title == "张三丰"
    assert draft.people[0].handles == ("+86-138-0013-8000",)
    assert "Mobile 手机 (工作): +86-138-0013-8000" in draft.text


def test_a_version_4_card_and_a_group() -> None:
    person, group = read(
        """BEGIN:VCARD
VERSION:4.0
KIND:individual
FN;PREF=1:Bo Li
FN:李波
N:Li;Bo;;;
IMPP;PREF=1:xmpp:bo@chat.example
EMAIL;TYPE=work;ALTID=1:bo@example.org
BDAY:--0229
RELATED;TYPE=friend;VALUE=text:Ann
UID:urn:uuid:4fbe8971
END:VCARD
BEGIN:VCARD
VERSION:4.0
KIND:group
FN:Chess club
MEMBER:mailto:bo@example.org
END:VCARD
"""
    )
    assert [mention.name for mention in person.people] == ["Bo Li", "李波"]
    assert person.external_id == "4fbe8971"
    assert "Birthday 生日: 02-29 (2月29日)" in person.text
    assert person.people[0].handles == ("xmpp:bo@chat.example", "bo@example.org")
    assert group.text == "Chess club\nMember: mailto:bo@example.org"
    assert group.people == (Mention("about", "mailto:bo@example.org"),)


def test_android_and_chinese_address() -> None:
    (draft,) = read(
        "BEGIN:VCARD\nVERSION:3.0\nN:王;小明;;;\nFN:王小明\nADR;TYPE=WORK:;;建国路1号;朝阳区;北京市;100000;中国\n"
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;明明;1;;;;;;;;;;;;;\n"
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;1990-05-03;3;;;;;;;;;;;;;\nX-QQ:12345\nEND:VCARD\n"
    )
    assert "Address 地址 (工作): 中国 北京市 朝阳区 建国路1号 100000" in draft.text
    assert "Birthday 生日: 1990-05-03 (1990年5月3日)" in draft.text
    assert [mention.name for mention in draft.people] == ["王小明", "明明"]
    assert draft.people[0].handles == ("qq:12345",)


def test_the_owner_and_cards_without_a_name() -> None:
    cards = read(
        "BEGIN:VCARD\nVERSION:3.0\nN:;;;;\nFN:\nORG:Pizza Place\nTEL:(415) 555-0104\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nEMAIL:me@example.com\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n",
        owner=["me@example.com"],
    )
    assert [card.title for card in cards] == ["Pizza Place", "me@example.com"]
    assert [card.people[0].is_owner for card in cards] == [False, True]


def test_a_telephone_that_several_share_is_nobodys() -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:{}\nTEL;TYPE=WORK:+1 415 555 0110\nTEL;TYPE={}:{}\nEND:VCARD\n"
    ann, bo, mei, same = read(
        card.format("Ann", "CELL", "+1 415 555 0111")
        + card.format("Bo", "HOME", "+1 415 555 0112")
        + card.format("小美", "WORK", "+86 130 0000 0001")
        + card.format("Xiao Mei", "WORK", "+86 130 0000 0001")
    )
    assert ann.people[0].handles == ("+1 415 555 0111",)
    assert bo.people[0].handles == ("+1 415 555 0112",)
    assert mei.people[0].handles == same.people[0].handles == ("+86 130 0000 0001",)
    assert "Phone (work): +1 415 555 0110" in ann.text


def test_equal_cards_have_different_locators_that_stay() -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nTEL:5550101\nEND:VCARD\n"
    locators = [draft.locator for draft in read(card * 2)]
    assert len(set(locators)) == 2
    assert locators == [draft.locator for draft in read(card * 2)]


@pytest.mark.parametrize("data", ["", "hello", "BEGIN:VCARD\nFN:A\n", "END:VCARD\n", "BEGIN:VCARD\n" * 5000])
def test_what_is_no_card_is_refused(data: str) -> None:
    with pytest.raises(UnreadableFileError):
        read(data)


def test_cards_before_the_damage_stand() -> None:
    reader = READER.read(io.BytesIO((APPLE + APPLE[:50]).encode()), Reading(Path("a.vcf"), timezone.utc))
    assert next(reader).title == "Dr. Ann Q. Example"
    with pytest.raises(UnreadableFileError, match="cut short"):
        next(reader)


def test_a_giant_line_costs_no_memory() -> None:
    card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nPHOTO;ENCODING=b:" + b"A" * (8 << 20) + b"\nNOTE:x\nEND:VCARD\n"
    (draft,) = read(card)
    assert draft.text == "Ann\nNote: x"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int) -> None:
    data = (APPLE + "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C5=\n=D1\nEND:VCARD\n").encode()
    place %= len(data)
    try:
        read(data[:place] + noise + data[place + cut :])
    except UnreadableFileError:
        return
