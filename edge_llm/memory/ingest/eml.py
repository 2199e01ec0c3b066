"""One mail in a file: .eml as mail programs save it, .emlx as Apple Mail keeps it (its length before, properties after)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.mail_items import MailItems
from edge_llm.memory.ingest.mail_message import MailParser
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

VERSION = 1
_LINE_BYTES = 1 << 20
_KNOWN = re.compile(
    rb"^(from|to|date|subject|message-id|received|return-path|delivered-to|mime-version|content-type|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FIRST_LINE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\d{1,12}[ \t]*\r?\n)?[!-9;-~]{1,80}[ \t]{0,4}:")


@dataclass(frozen=True)
class EmlReader:
    """Mails saved one by one."""

    name: str = "eml"
    suffixes: frozenset[str] = frozenset({".eml", ".emlx"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a mail by its headers and name, 0.9 by three of the headers alone, 0.5 by name alone."""
        named = path.suffix.lower() in self.suffixes
        headers = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
        found = {name.lower() for name in _KNOWN.findall(headers)} if _FIRST_LINE.match(head) is not None else set()
        if len(found) >= 3 and found & {b"from", b"received", b"message-id"}:
            return 1.0 if named else 0.9
        return 0.5 if named else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield the mail."""
        parser, items = MailParser(reading.limits.depth), MailItems(reading)
        left = None
        for number, line in enumerate(iter(lambda: file.readline(_LINE_BYTES), b"")):
            if number == 0 and re.fullmatch(rb"\d{1,12}\s*", line) is not None:
                left = int(line)
                continue
            if left is not None:
                line, left = line[:left], left - len(line[:left])
            parser.feed(line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line)
        draft = items.draft(parser.finish())
        if draft is None:
            raise UnreadableFileError("it is no mail: it has none of the headers that a mail has")
        yield draft
        if items.cut:
            reading.note("its text is longer, or nested deeper, than is read")


READER = EmlReader()
