"""SMS Backup & Restore (SyncTech): text messages, picture messages and calls of an Android phone, as XML.

Fields by the app's own description (https://www.synctech.com.au/sms-backup-restore/fields-in-xml-backup-files/), kinds of
addresses by Android's PduHeaders. Pictures are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.repaired_xml import RepairedXml
from edge_llm.memory.ingest.xml_events import xml_events
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

VERSION = 1
_BY_OWNER = {"2": "", "3": "Draft: ", "4": "", "5": "Not delivered: ", "6": ""}
"""What `type` or `msg_box` says of a message that the owner wrote, and what is put before its text."""
_CALLS = {
    "1": "Call from", "2": "Call to", "3": "Missed call from", "4": "Voicemail from", "5": "Rejected call from",
    "6": "Blocked call from", "7": "Call from",
}  # fmt: skip
_ADDRESS_FROM = "137"
_ADDRESS_OF_OWNER = "insert-address-token"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST_MS = 4_102_444_800_000
"""The year 2100: a later stamp is a wrong one."""
_ROOT = re.compile(rb"<(?:smses|calls)[\s>/]")
_UNKNOWN = frozenset({"", "null", "(unknown)", "(未知)", "未知"})
_TEXT_CHARS = 1 << 20


@dataclass(frozen=True)
class SmsReader:
    """Backups of the app "SMS Backup & Restore"."""

    name: str = "sms"
    suffixes: frozenset[str] = frozenset({".xml"})

    def claims(self, head: bytes, path: Path) -> float:  # noqa: ARG002 - the seam has it
        """1 for a file with the app's root element, else 0: other XML is none of its business."""
        return 1.0 if _ROOT.search(head.replace(b"\0", b"")) is not None else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield one item a message or call; messages with the same people are one conversation."""
        backup = _Backup(reading)
        for event in xml_events(RepairedXml(file, "messages", "data"), reading.limits.depth):
            if event.kind == "start":
                draft = backup.start(event.value, event.attributes)
            elif event.kind == "end":
                draft = backup.end(event.value)
            else:
                draft = None
            if draft is not None:
                yield draft
        if not backup.is_one:
            raise UnreadableFileError("it is XML, but no backup of messages or calls")
        if backup.pictures:
            reading.note(f"{backup.pictures:,} attachments are not read")


class _Backup:
    """Where in a backup the parser is, and what it gathered of a picture message."""

    def __init__(self, reading: Reading) -> None:
        self.is_one = False
        self.pictures = 0
        self._owner = Owner(reading.owner)
        self._numbering = Numbering()
        self._mms: Mapping[str, str] | None = None
        self._texts: list[str] = []
        self._names: list[str] = []
        self._addresses: list[tuple[str, str]] = []

    def start(self, tag: str, fields: Mapping[str, str]) -> Draft | None:
        """An element begins; the message when it is whole."""
        if tag in ("smses", "calls"):
            self.is_one = True
        elif tag == "sms" and self.is_one:
            return self._sms(fields)
        elif tag == "call" and self.is_one:
            return self._call(fields)
        elif tag == "mms" and self.is_one:
            self._mms, self._texts, self._names, self._addresses = fields, [], [], []
        elif tag == "part" and self._mms is not None:
            self._part(fields)
        elif tag == "addr" and self._mms is not None and len(self._addresses) < 1000:
            self._addresses.append((fields.get("type", ""), _known(fields.get("address"))))
        return None

    def end(self, tag: str) -> Draft | None:
        """An element ends; the picture message when it is whole."""
        if tag != "mms" or self._mms is None:
            return None
        fields, self._mms = self._mms, None
        return self._whole_mms(fields)

    def _part(self, fields: Mapping[str, str]) -> None:
        kind = fields.get("ct", "").lower()
        if kind.startswith("text/plain"):
            if sum(map(len, self._texts)) < _TEXT_CHARS:
                self._texts.append(_known(fields.get("text")))
        elif kind != "application/smil":
            self.pictures += 1
            name = next((name for key in ("fn", "cl", "name") if (name := _known(fields.get(key)))), kind)
            self._names.append(name)

    def _sms(self, fields: Mapping[str, str]) -> Draft | None:
        address, name = _known(fields.get("address")), _known(fields.get("contact_name"))
        text = "\n".join(filter(None, (_known(fields.get("subject")), _known(fields.get("body")))))
        others = [(name, address)]
        return self._message(fields, fields.get("type", ""), text, others, others[0], address or name)

    def _whole_mms(self, fields: Mapping[str, str]) -> Draft | None:
        attached = f"[{', '.join(self._names)}]" if self._names else ""
        text = "\n".join(filter(None, (_known(fields.get("sub")), *self._texts, attached)))
        addresses = [address for address in _known(fields.get("address")).split("~") if _known(address)]
        names = [name.strip() for name in _known(fields.get("contact_name")).split(",")]
        named = dict(zip(addresses, names, strict=True)) if len(names) == len(addresses) else {}
        sender = next((one for kind, one in self._addresses if kind == _ADDRESS_FROM and one != _ADDRESS_OF_OWNER), "")
        listed = dict.fromkeys([*addresses, *(one for _, one in self._addresses if one and one != _ADDRESS_OF_OWNER)])
        others = [(_known(named.get(address)), address) for address in listed if not self._owner.is_meant(None, [address])]
        first = (_known(named.get(sender)), sender) if sender else (others or [("", "")])[0]
        return self._message(fields, fields.get("msg_box", ""), text, others, first, "~".join(sorted(addresses or listed)))

    def _message(
        self,
        fields: Mapping[str, str],
        box: str,
        text: str,
        others: list[tuple[str, str]],
        sender: tuple[str, str],
        thread: str,
    ) -> Draft | None:
        if not text:
            return None
        owner = Mention("from" if box in _BY_OWNER else "to", is_owner=True)
        if box in _BY_OWNER:
            people = [owner, *(self._mention("to", other) for other in others)]
        else:
            people = [
                self._mention("from", sender),
                owner,
                *(self._mention("to", one) for one in others if one[1] != sender[1]),
            ]
        time = _time(fields.get("date"))
        return Draft(
            text=_BY_OWNER.get(box, "") + text,
            kind="message",
            locator=self._numbering.unique(f"{thread} {fields.get('date', '')} {box}"),
            time=time,
            people=tuple(one for one in people if one.is_owner or one.name or one.handles),
            thread=thread or None,
        )

    def _call(self, fields: Mapping[str, str]) -> Draft | None:
        number, name, kind = _known(fields.get("number")), _known(fields.get("contact_name")), fields.get("type", "")
        time = _time(fields.get("date"))
        seconds = fields.get("duration", "")
        lasted = timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 8 else timedelta()
        who = self._mention("to" if kind == "2" else "from", (name, number))
        owner = Mention("from" if kind == "2" else "to", is_owner=True)
        return Draft(
            text=f"{_CALLS.get(kind, 'Call')} {name or number or 'an unknown number'}" + (f", {lasted}" if lasted else ""),
            kind="message",
            locator=self._numbering.unique(f"call {number} {fields.get('date', '')} {kind}"),
            time=time,
            end=time + lasted if time is not None and lasted else None,
            people=(owner, who) if who.name or who.handles else (owner,),
            thread=number or None,
        )

    def _mention(self, role: str, other: tuple[str, str]) -> Mention:
        name, address = other
        return self._owner.mention("from" if role == "from" else "to", name, (address,) if address else ())


def _known(value: str | None) -> str:
    """A field's text; empty where the app says that there is none."""
    text = (value or "").strip()
    return "" if text.lower() in _UNKNOWN else text


def _time(stamp: str | None) -> datetime | None:
    """Milliseconds since 1970; the app's older versions wrote a picture message's in seconds."""
    if stamp is None or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 14:
        return None
    milliseconds = int(stamp)
    if 0 < milliseconds < 10_000_000_000:
        milliseconds *= 1000
    return _EPOCH + timedelta(milliseconds=milliseconds) if 0 < milliseconds < _LATEST_MS else None


READER = SmsReader()
