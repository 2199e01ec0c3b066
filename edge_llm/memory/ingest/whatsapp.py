"""WhatsApp's own chat exports: a text file, or a ZIP file with `_chat.txt` in it. One item for each message.

Android writes "05/08/2023, 17:52 - Name: text", iPhones "[05.08.23, 5:52:02 PM] Name: text"; dates, clocks, blanks and the
words for left-out media are those of the phone's locale. The file is read twice: first for the order of day and month and
for who takes part (`chat_stamps.OrderFinder` tells how ties are decided), then for its messages.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from edge_llm.memory.ingest.archive import Archive, member_names
from edge_llm.memory.ingest.chat_stamps import STAMP, OrderFinder, Stamp, local_time
from edge_llm.memory.ingest.conversation import SENDERS, Conversation, Line, without_marks
from edge_llm.memory.ingest.encoding import decode_stream
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.text import read_lines, split_lines
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

VERSION = 1
_IPHONE = re.compile(rf"\[{STAMP}\]\s?(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ANDROID = re.compile(rf"{STAMP}\s[-–]\s(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_SENDER = re.compile(r"(?P<sender>[^\"“”«»「」:]{1,100}(?::[^\s:\"“”]{1,50})?):(?:\s(?P<text>.*))?", re.DOTALL)
_LEFT_OUT = re.compile(r"<[^<>:]{3,60}>|(?:image|video|audio|gif|sticker|document|contact card|media) omitted", re.IGNORECASE)
_LEFT_OUT_MARKED = re.compile(
    r".{0,30}(?:omitted|忽略|省略|weggelassen|ausgeschlossen|omitid|omis\b|omess|utelämn|udeladt|pominięt|weggelaten|пропущен|"
    r"생략|dihilangkan|çıkarıldı|dahil edilmedi|حذف).{0,12}",
    re.IGNORECASE,
)
"""What iPhones write, with a direction mark before it that nobody types."""
_ATTACHED = re.compile(r"<[^<>:]{2,30}[:：]\s?(?P<name>[^<>]{1,200})>|(?P<file>\S{1,200}\.\w{2,5}) \([^()]{3,40}\)")
_EDITED = re.compile("\\s?\u200e?<[^<>:]{5,60}>\\s*\\Z")
_CHAT_NAME = re.compile(
    r"(?:whatsapp[- ]?chat|chat (?:(?:de|do|di) )?whatsapp|conversa do whatsapp|discussion whatsapp)"
    r"\s*(?:with|mit|con|com|avec|met|med|-)?\s+(?P<name>.+)|与?(?P<chinese>.+?)的\s?whatsapp\s?(?:聊天|对话).*",
    re.IGNORECASE,
)
_MESSAGE_CHARS = 1 << 20


@dataclass(frozen=True)
class WhatsappReader:
    """Chat exports of WhatsApp."""

    name: str = "whatsapp"
    suffixes: frozenset[str] = frozenset({".txt", ".zip"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a ZIP file with a chat in it, 0.9 for text whose first line has the form of a message, else 0."""
        if head.startswith(b"PK\x03\x04"):
            return 1.0 if _chat_member(member_names(path)) else 0.0
        for line in head.decode("utf-8", "replace").splitlines()[:3]:
            if line.strip():
                return 0.9 if _parse(without_marks(line)) is not None else 0.0
        return 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the messages; what stands between the senders' names and the next stamp is one message."""
        order = OrderFinder(_written(file))
        senders: dict[str, None] = {}
        count = 0
        for line in _lines(file, reading):
            parsed = _parse(without_marks(line))
            if parsed is not None:
                count += 1
                order.add(parsed[0])
                sender = _SENDER.fullmatch(parsed[1])
                if sender is not None and len(senders) < SENDERS:
                    senders[sender["sender"]] = None
        if not count:
            raise UnreadableFileError("no line in it has the form of a WhatsApp message")
        conversation = Conversation(_chat_name(reading.path), senders, Owner(reading.owner))
        chosen, left_out = order.order(), 0
        for stamp, text in _messages(_lines(file, replace(reading, note=lambda _: None))):
            message = _message(text, local_time(stamp, chosen, reading.timezone))
            left_out += message is None
            if message is not None:
                yield conversation.draft(message)
        if left_out:
            reading.note(f"{left_out:,} messages are pictures and other media that the export left out")


def _lines(file: BinaryIO, reading: Reading) -> Iterable[str]:
    """The lines of the chat, from the beginning."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        file.seek(0)
        return read_lines(file, reading)
    archive = Archive(file, reading.limits)
    name = _chat_member(archive.names)
    if name is None:
        raise UnreadableFileError("there is no chat in the archive")
    return split_lines(decode_stream(cast(BinaryIO, archive.open(name)), "utf-8-sig"))


def _chat_member(names: Iterable[str]) -> str | None:
    """The chat in an archive: `_chat.txt` of iPhones, the only text file that is named so on Android."""
    texts = sorted(name for name in names if name.lower().endswith(".txt"))
    chats = [name for name in texts if name.rpartition("/")[2].lower() == "_chat.txt" or "whatsapp" in name.lower()]
    return chats[0] if chats else None


def _parse(line: str) -> tuple[Stamp, str] | None:
    found = _IPHONE.fullmatch(line) or _ANDROID.fullmatch(line)
    if found is None:
        return None
    stamp = Stamp.of(found)
    return None if stamp is None else (stamp, found["rest"])


def _messages(lines: Iterable[str]) -> Iterator[tuple[Stamp, str]]:
    """Each message with its stamp: lines without one belong to the message before."""
    stamp: Stamp | None = None
    parts: list[str] = []
    size = 0
    for line in lines:
        parsed = _parse(without_marks(line))
        if parsed is not None:
            if stamp is not None:
                yield stamp, "\n".join(parts)
            stamp, first = parsed
            marked = line.find("\u200e", 1) > 0
            parts, size = [f"\u200e{first}" if marked else first], 0
        elif stamp is not None:
            size += len(line)
            if size > _MESSAGE_CHARS:
                yield stamp, "\n".join(parts)
                parts, size = [], len(line)
            parts.append(line)
    if stamp is not None:
        yield stamp, "\n".join(parts)


def _message(written: str, time: datetime | None) -> Line | None:
    """The message; None for media that were left out, and for nothing."""
    marked = written.startswith("\u200e")
    written = without_marks(written)
    found = _SENDER.fullmatch(written)
    sender, text = (found["sender"], found["text"] or "") if found is not None else (None, written)
    text = text.strip()
    attached = _ATTACHED.search(text)
    if attached is not None:
        text = f"{text[: attached.start()]}[{attached['name'] or attached['file']}]{text[attached.end() :]}"
    elif _LEFT_OUT.fullmatch(text) is not None or (marked and _LEFT_OUT_MARKED.fullmatch(text) is not None):
        return None
    elif marked or "edited" in text[-30:]:
        text = _EDITED.sub("", text)
    return Line(sender, text.strip(), time) if text.strip() else None


def _chat_name(path: Path) -> str:
    """The other person's name, or the group's, from the name of the file, or of its folder where it is unpacked."""
    stem = path.parent.name if path.stem == "_chat" else path.stem
    found = _CHAT_NAME.fullmatch(stem.strip())
    return (found["name"] or found["chinese"]).strip() if found is not None else stem.strip()


def _written(file: BinaryIO) -> datetime | None:
    """When the file was last changed, with a day to spare for time zones; None where there is no file."""
    try:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime) + timedelta(days=1)
    except (OSError, OverflowError, ValueError):
        return None


READER = WhatsappReader()
