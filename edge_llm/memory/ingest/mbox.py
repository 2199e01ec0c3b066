"""Mailboxes in one file: mbox as Thunderbird, Apple Mail, mutt and Google Takeout write it. One item for each mail.

RFC 4155, and the variants mboxo and mboxrd, which put ">" before a line that begins with "From ". Read line by line.
"""

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
_DAY = rb"(?:[A-Z][a-z]{2} {1,9}\d|\d{1,2} [A-Z][a-z]{2}|\d{4}-\d\d-\d\d)"
_FROM = re.compile(rb"From (?:\S{0,400} {1,9})?(?:[A-Z][a-z]{2},? {1,9})?" + _DAY + rb".{0,60}|From \S{1,400}\s*")
"""The line before a mail: an address, or "-", and when it came. What people write seldom looks like that."""
_HEADER = re.compile(rb"[!-9;-~]{1,80}[ \t]{0,4}:|>From ")
_ESCAPED = re.compile(rb">+From ")
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf|\s)*From [^\r\n]*\r?\n[!-9;-~]{1,80}[ \t]{0,4}:")


@dataclass(frozen=True)
class MboxReader:
    """Mailboxes."""

    name: str = "mbox"
    suffixes: frozenset[str] = frozenset({".mbox", ".mbx"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a file that begins as a mailbox, 0.5 by name."""
        if _BEGIN.match(head) is not None:
            return 1.0
        return 0.5 if path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield one item a mail."""
        items = MailItems(reading)
        parser: MailParser | None = None
        received, unreadable = "", 0
        for line, begins in _marked(file):
            if begins:
                if parser is not None:
                    draft = items.draft(parser.finish(), received)
                    unreadable += draft is None
                    if draft is not None:
                        yield draft
                parser = MailParser(reading.limits.depth)
                received = line[5:].partition(b" ")[2].decode("ascii", "replace")
            elif parser is not None:
                parser.feed(line[1:] if _ESCAPED.match(line) else line)
            elif line.strip(b"\xef\xbb\xbf \t\r\n"):
                raise UnreadableFileError("it is no mailbox: it does not begin with a line that begins with 'From '")
        if parser is not None:
            draft = items.draft(parser.finish(), received)
            unreadable += draft is None
            if draft is not None:
                yield draft
        if unreadable:
            reading.note(f"{unreadable:,} pieces that are no mails were left out")
        if items.cut:
            reading.note(f"of {items.cut:,} mails the text is longer, or nested deeper, than is read")


def _marked(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The lines of the file, and whether a mail begins with each: after a blank line, and before a header."""
    after_blank, whole = True, True
    held: bytes | None = None
    for line in iter(lambda: file.readline(_LINE_BYTES), b""):
        if held is not None:
            begins = _HEADER.match(line) is not None
            yield held, begins
            after_blank, held = not begins and not held.strip(), None
        bare = line.removeprefix(b"\xef\xbb\xbf") if after_blank else line
        if whole and after_blank and bare.startswith(b"From ") and _FROM.fullmatch(bare.rstrip(b"\r\n")) is not None:
            held = bare
        else:
            yield line, False
            after_blank = whole and not line.strip(b"\r\n")
        whole = line.endswith(b"\n")
    if held is not None:
        yield held, False


READER = MboxReader()
