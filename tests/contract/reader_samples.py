"""A small file of every format memory reads: what the contract suite and the fuzz bench start from.

One more format is one more entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tests.unit.edge_llm.memory.ingest import documents


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def vcard() -> bytes:
    """Two contacts in two versions."""
    return _crlf("""BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=8E=8B;=E5=B0=8F=E6=98=8E;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=8E=8B=E5=B0=8F=
=E6=98=8E
TEL;CELL:+86 138 0013 8000
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Ines Falk
EMAIL;TYPE=work:ines@falk.example
BDAY:19850412
NOTE:Met in Lisbon\\, plays the cello
END:VCARD
""")


def icalendar() -> bytes:
    """A single event and a weekly one in a time zone."""
    return _crlf("""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//Calendar//EN
BEGIN:VEVENT
UID:1@example
DTSTAMP:20240301T090000Z
DTSTART:20240305T093000Z
DTEND:20240305T103000Z
SUMMARY:Dentist
LOCATION:Hauptstr. 1
ATTENDEE;CN=Ines Falk:mailto:ines@falk.example
END:VEVENT
BEGIN:VEVENT
UID:2@example
DTSTAMP:20240301T090000Z
DTSTART;TZID=Europe/Berlin:20240304T180000
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Berlin:20240311T180000
SUMMARY:Choir 合唱团
END:VEVENT
END:VCALENDAR
""")


_MAIL = """From: Ines Falk <ines@falk.example>
To: Tomas Reyes <tomas@reyes.example>
Subject: =?gb2312?B?ufrJzNL40NA=?=
Date: Tue, 5 Mar 2024 09:30:00 +0100
Message-ID: <{id}@falk.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b1"

--b1
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

The deposit is due on Friday. Caf=C3=A9?
--b1
Content-Type: text/html; charset="utf-8"

<p>The deposit is <b>due</b> on Friday.</p>
--b1--
"""


def eml() -> bytes:
    """One mail in two alternatives."""
    return _crlf(_MAIL.format(id=1))


def mbox() -> bytes:
    """Two mails."""
    return "\n".join(
        f"From ines@falk.example Tue Mar  5 09:30:00 2024\n{_MAIL.format(id=number)}" for number in (1, 2)
    ).encode()


def sms() -> bytes:
    """A message and a picture message."""
    return b"""<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<smses count="2" backup_set="x" backup_date="1691229122000">
  <sms protocol="0" address="+4915112345678" date="1691229122000" type="1" subject="null" body="On my way &#55357;&#56838;"
    read="1" status="-1" readable_date="5 Aug 2023" contact_name="Ines Falk" />
  <mms date="1691229183000" msg_box="2" address="+4915112345678" contact_name="Ines Falk" m_type="128" sub="null"><parts>
    <part seq="0" ct="text/plain" name="null" chset="106" text="See you" /></parts>
    <addrs><addr address="+4915112345678" type="151" charset="106" /></addrs></mms>
</smses>
"""


def whatsapp() -> bytes:
    """An iPhone's export of a chat."""
    return (
        "[05.08.23, 17:52:02] Ines Falk: \u200eMessages and calls are end-to-end encrypted.\n"
        "[05.08.23, 17:52:40] Ines Falk: Bist du da?\nZweite Zeile\n"
        "[05.08.23, 17:53:10] Tomas Reyes: Ja, 马上\n"
        "[06.08.23, 08:01:00] Ines Falk: \u200eimage omitted\n"
    ).encode()


def wechat() -> bytes:
    """A text export of a chat."""
    return (
        "2023-08-05 17:52:02 王小明\n你在吗？\n\n2023-08-05 17:53:10 李雷\n在，马上到\n\n2023-08-06 08:01:00 王小明\n[图片]\n"
    ).encode()


def records() -> bytes:
    """The JSON form for everything else."""
    rows = [
        {
            "id": "a1",
            "text": "The deposit is due on Friday",
            "people": ["Ines Falk"],
            "time": "2024-03-05T09:30:00+01:00",
            "thread": "flat",
        },
        {"id": "a2", "text": "押金星期五到期", "title": "Flat"},
    ]
    return json.dumps(rows, ensure_ascii=False).encode()


def transcript() -> bytes:
    """A conversation that this tool saved."""
    turns = [{"role": "user", "content": "What is due on Friday?"}, {"role": "assistant", "content": "The deposit."}]
    return json.dumps({"version": 1, "model": "smollm2-135m-instruct", "messages": turns}).encode()


SAMPLES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    **documents.BUILDERS,
    "vcard": ("contacts.vcf", vcard),
    "icalendar": ("calendar.ics", icalendar),
    "eml": ("mail.eml", eml),
    "mbox": ("archive.mbox", mbox),
    "sms": ("sms-20230805.xml", sms),
    "whatsapp": ("_chat.txt", whatsapp),
    "wechat": ("wechat.txt", wechat),
    "records": ("rows.json", records),
    "transcript": ("monday.json", transcript),
}
"""Reader -> a file's name, and what makes its content."""
