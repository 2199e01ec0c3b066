"""Chat texts that a person already has from WeChat (微信): what the app itself shares, and what known exporters wrote.

* The app's own "多选 > 邮件/更多": days between dashes ("—————  2023-08-05  —————"), then "张三  17:52" and the message below.
* MemoTrace (留痕, WeChatMsg) as text: "2023-08-05 17:52:02 张三", the message below; other tools write the name first, as does
  copying several messages in WeChat for Windows ("张三 2023/8/5 17:52").
* WechatExporter as text: "张三(2023-08-05 17:52:02):", the message behind it or below.
* MemoTrace as CSV: "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender", and
  its later "消息ID,类型,发送人,时间,内容,备注,昵称,更多信息".

Nothing is decrypted and no database of WeChat's is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.chat_stamps import STAMP, Stamp
from edge_llm.memory.ingest.conversation import SENDERS, Conversation, Line, without_marks
from edge_llm.memory.ingest.csv_rows import csv_columns, csv_rows
from edge_llm.memory.ingest.encoding import detect_encoding, is_binary
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.text import read_lines
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

VERSION = 1
_DAY = re.compile(r"\s*[—–\-─]{3,}\s*(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})日?\s*[—–\-─]{3,}\s*")
_UNDER_DAY = re.compile(r"(?P<name>\S.{0,80}?)\s{2,}(?P<hour>\d{1,2}):(?P<minute>\d\d)\s*")
_TIME_FIRST = re.compile(rf"{STAMP}\s+(?P<name>\S.{{0,60}})", re.IGNORECASE)
_NAME_FIRST = re.compile(rf"(?P<name>\S.{{0,60}}?)\s+{STAMP}\s*", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"(?P<name>\S.{{0,60}}?)\s?[(（]{STAMP}[)）]\s?(?:[:：]\s?(?P<text>.*))?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}")
_OPENING = re.compile(r"在微信上的聊天记录|的聊天记录如下|chat history .{0,80}wechat", re.IGNORECASE)
_LEFT_OUT = re.compile(
    r"\[(?:图片|表情|动画表情|视频|语音|照片|photo|image|sticker|video|voice|animated sticker)\]", re.IGNORECASE
)
_LEGACY, _LATER = frozenset({"strcontent", "strtime", "issender"}), frozenset({"发送人", "时间", "内容"})
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MESSAGE_CHARS = 1 << 20
_SELF = frozenset({"我", "me"})


@dataclass(frozen=True)
class WechatReader:
    """Texts and tables of WeChat messages."""

    name: str = "wechat"
    suffixes: frozenset[str] = frozenset({".txt", ".csv"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for the columns and openings that only these have, 0.8 for headers of messages with text below them, else 0."""
        if is_binary(head):
            return 0.0
        columns = frozenset(csv_columns(head))
        if columns >= _LEGACY or columns >= _LATER:
            return 1.0
        lines = [line for line in head.decode(detect_encoding(head), "replace").splitlines()[:200] if line.strip()]
        if any(_OPENING.search(line) for line in lines[:3]) or any(_DAY.fullmatch(line) for line in lines[:5]):
            return 1.0
        parser = _Headers()
        headers = sum(parser.read(line) is not None for line in lines)
        # a log has a time in every line; a chat has a message under each
        starts = bool(lines) and _Headers().read(lines[0]) is not None
        return 0.8 if starts and 0 < headers <= (len(lines) + 1) * 0.6 and path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the messages, all of one conversation."""
        columns = frozenset(csv_columns(file.read(4096)))
        source = _from_table if columns >= _LEGACY or columns >= _LATER else _from_text
        senders: dict[str, None] = {}
        count = 0
        for line in source(file, reading):
            count += 1
            if line.sender and len(senders) < SENDERS:
                senders[line.sender] = None
        if not count:
            raise UnreadableFileError("no line in it has the form of a WeChat message")
        conversation, left_out = Conversation(reading.path.stem.strip(), senders, Owner(reading.owner)), 0
        for line in source(file, replace(reading, note=lambda _: None)):
            if not line.text or _LEFT_OUT.fullmatch(line.text) is not None:
                left_out += 1
            else:
                yield conversation.draft(line)
        if left_out:
            reading.note(f"{left_out:,} messages are pictures and other media without text")


class _Headers:
    """Recognises the lines above messages. What stands in brackets or above a day tells how the rest is read."""

    def __init__(self) -> None:
        self._day: datetime | None = None

    def read(self, line: str) -> tuple[str, datetime | None, str] | None:
        """(name, local time, text behind it), ("", None, "") for a day; None for any other line."""
        line = without_marks(line)
        day = _DAY.fullmatch(line)
        if day is not None:
            self._day = _local(*map(int, day.groups()))
            return "", None, ""
        if self._day is not None:
            under = _UNDER_DAY.fullmatch(line)
            if under is None or int(under["hour"]) > 23 or int(under["minute"]) > 59:
                return None
            return under["name"], self._day + timedelta(hours=int(under["hour"]), minutes=int(under["minute"])), ""
        if _YEAR_FIRST.search(line[:100]) is None:
            return None
        found = _TIME_FIRST.fullmatch(line) or _IN_BRACKETS.fullmatch(line) or _NAME_FIRST.fullmatch(line)
        stamp = Stamp.of(found) if found is not None else None
        local = stamp.read("ymd") if stamp is not None else None
        if found is None or local is None:
            return None
        return found["name"], local, (found.groupdict().get("text") or "")


def _local(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day)
    except ValueError:
        return None


def _from_text(file: BinaryIO, reading: Reading) -> Iterator[Line]:
    file.seek(0)
    headers = _Headers()
    sender, time = "", None
    parts: list[str] = []
    size = 0
    for written in read_lines(file, reading):
        found = headers.read(written)
        if found is None:
            size += len(written)
            if size > _MESSAGE_CHARS and sender:
                yield _line(sender, time, parts, reading.timezone)
                parts, size = [], len(written)
            if sender:
                parts.append(written)
            continue
        if sender:
            yield _line(sender, time, parts, reading.timezone)
        sender, time, text = found
        parts, size = [text] if text else [], len(text)
    if sender:
        yield _line(sender, time, parts, reading.timezone)


def _line(sender: str, time: datetime | None, parts: Iterable[str], zone: tzinfo) -> Line:
    text = without_marks("\n".join(parts)).strip()
    return Line(sender, text, None if time is None else time.replace(tzinfo=zone))


def _from_table(file: BinaryIO, reading: Reading) -> Iterator[Line]:
    file.seek(0)
    for _, row in csv_rows(file, reading):
        yield _later_row(row, reading.timezone) if "内容" in row else _legacy_row(row, reading.timezone)


def _legacy_row(row: Mapping[str, str], zone: tzinfo) -> Line:
    mine = row.get("issender", "").strip() == "1"
    name = row.get("remark") or row.get("nickname") or row.get("sender") or row.get("talkerid") or ""
    text = row.get("strcontent", "").strip()
    is_text = row.get("type", "1").strip() in ("1", "49", "10000", "") and not text.startswith(("<msg", "<?xml"))
    is_notice = row.get("type", "").strip() == "10000"
    stamp = row.get("createtime", "").strip()
    at = (
        _EPOCH + timedelta(seconds=int(stamp)) if stamp.isdecimal() and len(stamp) < 11 else _time(row.get("strtime", ""), zone)
    )
    # the names are those of the other person, in the owner's messages too
    return Line(None if is_notice or mine else name.strip(), text if is_text else "", at, None if is_notice else mine)


def _later_row(row: Mapping[str, str], zone: tzinfo) -> Line:
    sender, text = row.get("发送人", "").strip(), row.get("内容", "").strip()
    is_text = row.get("类型", "").strip() in ("", "文本", "文本消息", "引用消息", "系统消息", "1") and not text.startswith(
        ("<msg", "<?xml")
    )
    known = row.get("备注") or row.get("昵称") or sender
    name = sender if sender.casefold() in _SELF or not known else known.strip()
    return Line(name or None, text if is_text else "", _time(row.get("时间", ""), zone))


def _time(text: str, zone: tzinfo) -> datetime | None:
    match = re.fullmatch(STAMP, text.strip(), re.IGNORECASE)
    stamp = Stamp.of(match) if match is not None else None
    local = stamp.read("ymd") if stamp is not None else None
    return None if local is None else local.replace(tzinfo=zone)


READER = WechatReader()
