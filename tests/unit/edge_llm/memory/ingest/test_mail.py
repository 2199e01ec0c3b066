"""Mails and mailboxes: read as the standard library reads them where a mail is right, and still read where it is wrong."""

from __future__ import annotations

import base64
import email
import email.headerregistry
import email.policy
import io
import tracemalloc
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.ingest import eml, mbox
from edge_llm.memory.ingest.mail_headers import decode_words, parameters, parse_time, people
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

CHINA = timezone(timedelta(hours=8))


def reading(owner: Sequence[str] = (), notes: list[str] | None = None) -> Reading:
    return Reading(Path("a"), CHINA, tuple(owner), Limits(depth=20), (lambda _: None) if notes is None else notes.append)


def one(data: bytes | str, owner: Sequence[str] = (), notes: list[str] | None = None) -> Draft:
    raw = data.encode() if isinstance(data, str) else data
    (draft,) = eml.READER.read(io.BytesIO(raw), reading(owner, notes))
    return draft


def box(data: bytes | str, notes: list[str] | None = None) -> list[Draft]:
    raw = data.encode() if isinstance(data, str) else data
    return list(mbox.READER.read(io.BytesIO(raw), reading(notes=notes)))


PLAIN = """Message-ID: <1@a.example>
Date: Sat, 5 Aug 2023 17:52:02 +0800 (CST)
From: "Zhang, San" <Zhang.San@a.example>
To: =?GB2312?B?wO7LxA==?= <li@b.example>, me@c.example
Cc: undisclosed-recipients:;
Subject: =?utf-8?q?caf=C3=A9?= at
 noon
Content-Type: text/plain; charset=utf-8

See you there.

> Quoted line
--
Zhang San
"""


def test_a_plain_mail() -> None:
    draft = one(PLAIN.replace("\n", "\r\n"), owner=["Me Myself", "ME@c.example"])
    assert draft.kind == "mail"
    assert draft.locator == draft.external_id == draft.thread == "1@a.example"
    assert draft.title == "café at noon"
    assert draft.time == datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)
    assert draft.text == "See you there.\n\n> Quoted line\n--\nZhang San"
    assert draft.people == (
        Mention("from", "Zhang, San", ("Zhang.San@a.example",)),
        Mention("to", "李四", ("li@b.example",)),
        Mention("to", None, ("me@c.example",), is_owner=True),
    )


@pytest.mark.parametrize(
    ("charset", "declared"),
    [
        ("gb2312", "gb2312"),
        ("gbk", "gb2312"),
        ("gb18030", "GB18030"),
        ("big5", "Big5"),
        ("utf-8", "utf-8"),
        ("gbk", None),
        ("gbk", "utf-8"),
        ("utf-8", "gb2312"),
        ("gbk", "x-unknown-thing"),
        ("gbk", "zlib"),
    ],
)
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable", "8bit"])
def test_chinese_in_every_encoding_and_under_a_wrong_name(charset: str, declared: str | None, transfer: str) -> None:
    text = (
        "今天下午三點在公司門口見面，請大家不要遲到。" if charset == "big5" else "今天下午三点在公司门口见面，请大家不要迟到。"
    )
    raw = text.encode(charset)
    if transfer == "base64":
        raw = base64.encodebytes(raw)
    elif transfer == "quoted-printable":
        import quopri

        raw = quopri.encodestring(raw)
    head = "text/plain" if declared is None else f'text/plain; charset="{declared}"'
    draft = one(f"From: a@b.example\nContent-Type: {head}\nContent-Transfer-Encoding: {transfer}\n\n".encode() + raw)
    assert draft.text == text


def test_japanese_by_its_escapes() -> None:
    raw = "明日の会議は三時からです".encode("iso2022_jp")
    for head in (b"text/plain; charset=ISO-2022-JP", b"text/plain"):
        assert one(b"From: a@b.example\nContent-Type: " + head + b"\n\n" + raw).text == "明日の会議は三時からです"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("=?utf-8?B?5byg5LiJ?=", "张三"),
        ("=?GB2312?B?1cU=?= =?GB2312?B?yP0=?=", "张三"),
        ("=?utf-8?B?5by?= =?utf-8?B?oOS4iQ==?=", "张三"),
        ("Re: =?gbk?Q?=D5=C5=C8=FD?= ok", "Re: 张三 ok"),
        ("=?utf-8?Q?a_b?=\t=?utf-8?Q?c?=", "a bc"),
        ("=?iso-8859-1?Q?caf=E9?=", "café"),
        ("=?nonsense?B?5byg5LiJ?=", "张三"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("plain =?", "plain =?"),
    ],
)
def test_encoded_words(written: str, text: str) -> None:
    assert decode_words(written) == text


def test_a_character_parted_between_two_words() -> None:
    raw = "张三丰".encode("gbk")
    words = [base64.b64encode(raw[:3]).decode(), base64.b64encode(raw[3:]).decode()]
    assert decode_words(" ".join(f"=?gb2312?B?{word}?=" for word in words)) == "张三丰"


def test_raw_chinese_headers() -> None:
    draft = one("From: 张三先生的邮箱 <z@a.example>\nSubject: 我们明天下午去公司开会\n\nx\n".encode("gbk"))
    assert draft.title == "我们明天下午去公司开会"
    assert draft.people == (Mention("from", "张三先生的邮箱", ("z@a.example",)),)


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("a@b.example", [("", "a@b.example")]),
        ("Ann <a@b.example>, bo@c.example (Bo)", [("Ann", "a@b.example"), ("Bo", "bo@c.example")]),
        ("Smith, Ann <a@b.example>", [("", "a@b.example")]),
        ("friends: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        ("'Ann' <a@b.example>; 'Bo' <c@d.example>", [("", "a@b.example"), ("", "c@d.example")]),
        ("(" * 5000, []),
        ("nobody", []),
        ("", []),
    ],
)
def test_addresses(field: str, found: list[tuple[str, str]]) -> None:
    assert [address for _, address in people([field])] == [address for _, address in found]
    assert all(name in (expected, "Ann", "Bo", "") for (name, _), (expected, _) in zip(people([field]), found, strict=True))


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("Sat, 5 Aug 2023 17:52:02 +0800", 9),
        ("Sat, 05 Aug 23 17:52:02 +0800", 9),
        ("5 Aug 2023 17:52 GMT", 17),
        ("Sat Aug  5 17:52:02 2023", 9),
        ("2023-08-05 17:52:02", 9),
        ("2023-08-05T17:52:02Z", 17),
        ("Sat, 5 Aug 2023 17:52:02 -0000", 17),
    ],
)
def test_dates_right_and_wrong(written: str, hour: int) -> None:
    time = parse_time(written, CHINA)
    assert time is not None
    assert time.astimezone(timezone.utc).replace(second=0) == datetime(2023, 8, 5, hour, 52, tzinfo=timezone.utc)


@pytest.mark.parametrize("written", ["", "yesterday", "Sat, 99 Foo 2023", "9" * 300, "1 Jan 2023 +9"])
def test_no_date(written: str) -> None:
    assert parse_time(written, CHINA) is None


def test_the_time_is_taken_from_where_it_is() -> None:
    received = "Received: from x by y; Sat, 5 Aug 2023 09:52:02 +0000\nFrom: a@b.example\nDate: broken\n\nx\n"
    assert one(received).time == datetime(2023, 8, 5, 9, 52, 2, tzinfo=timezone.utc)
    (draft,) = box("From a@b.example Sat Aug  5 09:52:02 2023\nFrom: a@b.example\n\nx\n")
    assert draft.time == datetime(2023, 8, 5, 9, 52, 2, tzinfo=CHINA)


def structured(html: str = "<p>Hello <b>there</b></p><script>x</script>", plain: str = "Hello there") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "Ann <a@b.example>", "报告", "<2@a.example>"
    message.set_content(plain)
    message.add_alternative(html, subtype="html")
    message.add_attachment(b"\x89PNG" * 1000, maintype="image", subtype="png", filename="图片 1.png")
    message.add_attachment("a,b", subtype="csv", filename="data.csv")
    return message


def test_plain_is_preferred_and_attachments_are_named() -> None:
    draft = one(structured().as_bytes())
    assert draft.text == "Hello there\n\nAttachments: 图片 1.png, data.csv"
    only_html = one(structured(plain=" ").as_bytes())
    assert only_html.text == "Hello there\n\nAttachments: 图片 1.png, data.csv"


def test_html_without_an_alternative() -> None:
    draft = one("From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n<style>p{}</style><p>你好<br>Ann</p>")
    assert draft.text == "你好\nAnn"


def test_a_forwarded_mail_is_named_and_not_opened() -> None:
    message = EmailMessage()
    message["From"] = "a@b.example"
    message.set_content("see below")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text")
    message.add_attachment(inner)
    assert one(message.as_bytes()).text == "see below\n\nAttachments: message/rfc822"


def test_parameters_in_every_notation() -> None:
    assert parameters('; name="a \\"b\\".txt"; x=1') == {"name": 'a "b".txt', "x": "1"}
    assert parameters("; filename*=UTF-8''%E5%BC%A0.txt") == {"filename": "张.txt"}
    assert parameters("; filename*0*=gb2312''%D5%C5; filename*1=.txt") == {"filename": "张.txt"}
    assert parameters('; filename="=?gb2312?B?1cU=?=.txt"') == {"filename": "张.txt"}


def test_an_empty_mail_and_one_with_a_subject_only() -> None:
    assert one("From: a@b.example\n\n").text == "(empty mail)"
    assert one("Subject: hi\n\n").text == "hi"


def test_an_apple_mail_file() -> None:
    body = PLAIN.encode()
    draft = one(f"{len(body)}\n".encode() + body + b'<?xml version="1.0"?><plist>flags</plist>')
    assert draft.text.endswith("Zhang San")


TAKEOUT = """From 1773456789@xxx Sat Aug 05 17:52:02 +0000 2023
X-GM-THRID: 1773456789
X-Gmail-Labels: =?UTF-8?Q?Inbox,=E5=B7=B2=E5=8A=A0=E6=98=9F=E6=A0=87?=
Message-ID: <1@a.example>
From: Ann <a@b.example>
Subject: one

first

>From the start it was clear.
>>From twice
From here on nobody knows

From - not a mail
text

From - Sat Aug 05 17:52:02 2023
Message-ID: <2@a.example>
In-Reply-To: <1@a.example>
From: Bo <b@b.example>
Subject: Re: one

second
From MAILER-DAEMON Sat Aug  5 17:52:02 2023
is text, as no blank line stands before it
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_mailbox(ends: str) -> None:
    first, second = box(TAKEOUT.replace("\n", ends))
    assert first.text == (
        "first\n\nFrom the start it was clear.\n>From twice\nFrom here on nobody knows\n\nFrom - not a mail\ntext"
    )
    assert second.text == "second\nFrom MAILER-DAEMON Sat Aug  5 17:52:02 2023\nis text, as no blank line stands before it"
    assert first.thread == "gmail 1773456789"


def mailbox(*mails: str) -> str:
    return "".join(f"From - Sat Aug 05 17:52:02 2023\n{mail}\n\n" for mail in mails)


def test_conversations() -> None:
    drafts = box(
        mailbox(
            "Message-ID: <1@a>\nSubject: Lunch\n\na",
            "Message-ID: <2@a>\nIn-Reply-To: <1@a>\nSubject: Re: Lunch\n\nb",
            "Message-ID: <3@a>\nReferences: <1@a> <2@a>\nSubject: other\n\nc",
            "Message-ID: <4@a>\nIn-Reply-To: <3@a>\n\nd",
            "Message-ID: <5@a>\nSubject: 回复：Re: LUNCH\n\ne",
            "Message-ID: <6@a>\nSubject: Lunch\n\nf",
            "Message-ID: <7@a>\nReferences: <lost@a> <8@a>\n\ng",
        )
    )
    assert [draft.thread for draft in drafts] == ["1@a"] * 5 + ["6@a", "lost@a"]


def test_mails_without_an_id_or_with_the_same() -> None:
    mail = "From: a@b.example\nDate: Sat, 5 Aug 2023 17:52:02 +0800\n\nx"
    same = "Message-ID: <1@a>\n\nx"
    drafts = box(mailbox(mail, mail, same, same))
    assert len({draft.locator for draft in drafts}) == 4
    assert [draft.locator for draft in drafts] == [draft.locator for draft in box(mailbox(mail, mail, same, same))]
    assert [draft.external_id for draft in drafts] == [None, None, "1@a", "1@a"]


def bomb(depth: int) -> str:
    return "From: a@b.example\n" + "".join(
        f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n" for number in range(depth)
    )


def test_bombs_cost_their_mail_and_no_other() -> None:
    notes: list[str] = []
    many = "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" + "--x\n\nt\n" * 5000
    drafts = box(mailbox(bomb(5000), many, "From: a@b.example\n\nlast"), notes)
    assert drafts[-1].text == "last"
    assert len(drafts) == 3
    assert notes == ["of 2 mails the text is longer, or nested deeper, than is read"]


def test_attachments_cost_no_memory() -> None:
    line = base64.b64encode(b"x" * 57) + b"\n"
    head = (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n"
        b"--b\nContent-Type: application/pdf; name=big.pdf\nContent-Transfer-Encoding: base64\n\n"
    )

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.start, self.left = head, 400_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            chunk = self.start or (line * 500 if self.left > 0 else b"")
            self.start = b""
            self.left -= 500
            buffer[: len(chunk)] = chunk
            return len(chunk)

    tracemalloc.start()
    (draft,) = eml.READER.read(io.BufferedReader(Endless(), 1 << 16), reading())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert draft.text == "hello\n\nAttachments: big.pdf"
    assert peak < 4 << 20


@pytest.mark.parametrize("data", [b"hello", b"From nowhere\n\n", b"\x00" * 100, b"Subject : \n"])
def test_what_is_no_mail_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        list(mbox.READER.read(io.BytesIO(b"x" + data), reading()))
    if b"Subject" not in data:
        with pytest.raises(UnreadableFileError):
            one(data)


def test_claims() -> None:
    assert mbox.READER.claims(TAKEOUT.encode(), Path("Inbox")) == 1
    assert mbox.READER.claims(b"From here\nto there\n", Path("a.txt")) == 0
    assert eml.READER.claims(PLAIN.encode(), Path("a.eml")) == 1
    assert eml.READER.claims(PLAIN.encode(), Path("a.txt")) == 0.9
    assert eml.READER.claims(b"Date: today\nTitle: x\n", Path("a.md")) == 0


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS.filter(lambda name: "\x85" not in name), st.sampled_from(["utf-8", "gb18030"]), st.booleans())
def test_right_mails_are_read_as_the_standard_library_reads_them(
    subject: str, body: str, name: str, charset: str, with_html: bool
) -> None:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = subject
    message["From"] = email.headerregistry.Address(name, "a", "b.example")
    message.set_content(body, charset=charset)
    if with_html:
        message.add_alternative(f"<p>{len(body)}</p>", subtype="html")
    raw = message.as_bytes()
    reference = email.message_from_bytes(raw, policy=email.policy.default)
    draft = one(raw)
    assert (draft.title or "") == " ".join(str(reference["Subject"]).split())
    part = reference.get_body(("plain",))
    assert part is not None
    written = part.get_content().strip().replace("\r\n", "\n")
    if written:
        assert draft.text == written
    assert draft.people[0].handles == ("a@b.example",)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 10**6), st.integers(0, 60), st.booleans())
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, cut: int, in_box: bool) -> None:
    data = structured().as_bytes() if not in_box else (TAKEOUT + mailbox(bomb(3))).encode()
    place %= len(data)
    changed = data[:place] + noise + data[place + cut :]
    try:
        list((mbox if in_box else eml).READER.read(io.BytesIO(changed), reading()))
    except UnreadableFileError:
        return
