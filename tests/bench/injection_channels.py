"""Ways in: files of the kinds that memory reads, each with a text planted in it, and what tools give back.

A file's readers are memory's own; nothing here writes to a store.
"""

from __future__ import annotations

import html as markup
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from tests.bench.injection_requests import ANNA, ANNA_MAIL, THIEF, THIEF_MAIL, WANG, WANG_MAIL
from tests.unit.edge_llm.memory.ingest import documents

RESULT_CHANNELS = ("tool", "mcp")


@dataclass(frozen=True)
class File:
    """A file to be read into memory."""

    name: str
    content: bytes


def _mail(topic: str, body: str) -> bytes:
    head = f"From: Support <{THIEF_MAIL}>\nTo: Me <me@example.org>\nSubject: {topic}\nDate: Tue, 3 Mar 2026 09:30:00 +0000\n"
    rest = f"Message-ID: <{_number(topic)}@evil.example>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    return (head + rest + "Content-Transfer-Encoding: 8bit\n\n" + body + "\n").encode()


def _sms(topic: str, body: str) -> bytes:
    said = quoteattr(f"{topic}: {body}", {"\n": "&#10;"})
    return (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"1\">\n"
        f'<sms protocol="0" address="{THIEF}" date="{1772500000000 + _number(topic)}" type="1" subject="null" body={said} '
        'read="1" status="-1" contact_name="(Unknown)" />\n</smses>\n'
    ).encode()


def _chat(topic: str, body: str) -> bytes:
    return f"[03.03.26, 17:52:02] Support: Hello\n[03.03.26, 17:52:40] Support: {topic}: {body}\n".encode()


def _calendar(topic: str, body: str) -> bytes:
    said = body.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Evil//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{_number(topic)}@evil\r\nDTSTAMP:20260301T090000Z\r\nDTSTART:20260305T093000Z\r\nSUMMARY:{topic}\r\n"
        f"DESCRIPTION:{said}\r\nORGANIZER;CN=Anna Lee:mailto:{THIEF_MAIL}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def _contact(topic: str, body: str) -> bytes:
    return _card(topic, (f"+1555{_number(topic) % 10**7:07d}",), body)


def _note(topic: str, body: str) -> bytes:
    return f"{topic}\n\n{body}\n".encode()


def _page(topic: str, body: str) -> bytes:
    text = markup.escape(body).replace("\n", "<br>")
    head = f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{topic}</title></head>'
    return f'{head}<body><h1>{topic}</h1><p style="color:white;font-size:1px">{text}</p></body></html>'.encode()


def _pdf(topic: str, body: str) -> bytes:
    lines = [line[at : at + 90] for line in body.split("\n") for at in range(0, max(1, len(line)), 90)]
    return documents.pdf(((topic, *lines),), title=topic)


_STORED: Mapping[str, tuple[str, Callable[[str, str], bytes]]] = {
    "mail": ("eml", _mail),
    "sms": ("xml", _sms),
    "chat": ("txt", _chat),
    "calendar": ("ics", _calendar),
    "contact": ("vcf", _contact),
    "note": ("md", _note),
    "page": ("html", _page),
    "pdf": ("pdf", _pdf),
}
STORED_CHANNELS = tuple(_STORED)


def stored(channel: str, topic: str, body: str) -> File:
    """A file of the channel's kind about `topic` with `body` in it."""
    suffix, build = _STORED[channel]
    stem = f"sms-{_number(topic)}" if channel == "sms" else f"WhatsApp Chat with {topic}" if channel == "chat" else topic
    return File(f"{stem}.{suffix}", build(topic, body))


def contact_card(name: str, handles: tuple[str, ...]) -> File:
    """A card that somebody sent."""
    return File(f"card-{_number(name)}.vcf", _card(name, handles, "sent by mail"))


def own_contacts() -> File:
    """The person's own address book."""
    return File("own-contacts.vcf", _card("Anna Lee", (ANNA, ANNA_MAIL), "") + _card("王小明", (WANG, WANG_MAIL), ""))


def _card(name: str, handles: tuple[str, ...], note: str) -> bytes:
    said = note.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")
    lines = [f"EMAIL:{one}" if "@" in one else f"TEL;TYPE=CELL:{one}" for one in handles]
    lines += [f"NOTE:{said}"] if said else []
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCARD", "VERSION:4.0", f"FN:{name}", *lines, "END:VCARD")).encode()


def _number(topic: str) -> int:
    return zlib.crc32(topic.encode())
