"""One mail, read line by line: its headers, its text, and the names of what is attached. MIME by RFC 2045 and 2046.

Attachments are dropped while they pass, so a mail costs its text and not its size. Knows nothing of mailboxes.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_llm.memory.ingest.charsets import codec, decode_text
from edge_llm.memory.ingest.html import visible_text
from edge_llm.memory.ingest.mail_headers import decode_base64, decode_words, first, parameters, read_headers

_HEADER_BYTES = 1 << 18
_TEXT_BYTES = 4 << 20
"""Most text of one mail, encoded."""
_PARTS = 1_000


@dataclass
class _Part:
    """A part whose text is kept."""

    subtype: str
    charset: str | None
    encoding: str
    alternatives: tuple[int, ...]
    """The multipart/alternative parts that it is in."""
    lines: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class _Multipart:
    boundary: bytes
    number: int
    is_alternative: bool
    is_digest: bool


@dataclass(frozen=True)
class MailMessage:
    """A mail as it was read."""

    headers: Mapping[str, list[str]]
    """By lower-case name, not decoded."""
    text: str
    attachments: tuple[str, ...]
    """File names, or types where there are none."""
    is_cut: bool
    """It has more text, more parts or deeper ones than are read."""


class MailParser:
    """Takes the lines of one mail.

    Args:
        depth: deepest nesting of parts.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._stack: list[_Multipart] = []
        self._block: list[bytes] | None = []
        """The lines of the headers that are being read; None within a body."""
        self._block_bytes = self._text_bytes = self._count = 0
        self._headers: dict[str, list[str]] | None = None
        self._parts: list[_Part] = []
        self._part: _Part | None = None
        self._attachments: list[str] = []
        self._is_cut = False

    def feed(self, line: bytes) -> None:
        """One more line, with its end."""
        if line.startswith(b"--") and self._stack and self._at_boundary(line):
            return
        if self._block is not None:
            if line.strip(b"\r\n"):
                self._block_bytes += len(line)
                if self._block_bytes <= _HEADER_BYTES:
                    self._block.append(line)
            else:
                self._end_headers()
        elif self._part is not None:
            self._text_bytes += len(line)
            if self._text_bytes <= _TEXT_BYTES:
                self._part.lines.append(line)
            else:
                self._is_cut = True

    def finish(self) -> MailMessage:
        """The mail, when there are no more lines."""
        if self._block is not None:
            self._end_headers()
        plain = [(part, _decoded(part)) for part in self._parts]
        spoken = {number for part, text in plain if part.subtype != "html" and text.strip() for number in part.alternatives}
        texts = [text.strip() for part, text in plain if part.subtype != "html" or spoken.isdisjoint(part.alternatives)]
        return MailMessage(
            self._headers or {}, "\n\n".join(filter(None, texts)), tuple(dict.fromkeys(self._attachments)), self._is_cut
        )

    def _at_boundary(self, line: bytes) -> bool:
        """Whether the line ends a part; parts that were left open inside it end with it."""
        mark = line.rstrip()[2:]
        for place in range(len(self._stack) - 1, -1, -1):
            boundary = self._stack[place].boundary
            if mark == boundary:
                del self._stack[place + 1 :]
                self._end_body()
                self._block, self._block_bytes = [], 0
                self._count += 1
                if self._count > _PARTS:
                    self._is_cut, self._block = True, None
                return True
            if mark == boundary + b"--":
                del self._stack[place:]
                self._end_body()
                return True
        return False

    def _end_body(self) -> None:
        if self._block:
            self._end_headers()
        self._part = self._block = None

    def _end_headers(self) -> None:
        fields = read_headers(b"".join(self._block or ()))
        self._block = None
        outer = self._headers is None
        if self._headers is None:
            self._headers = fields
        written = first(fields, "content-type")
        kind = written.partition(";")[0].strip().lower()
        if not kind:
            kind = "message/rfc822" if self._stack and self._stack[-1].is_digest else "text/plain"
        values = parameters(f";{written.partition(';')[2]}")
        if kind.startswith("multipart/") and values.get("boundary"):
            self._open(kind, values["boundary"])
            return
        disposition = first(fields, "content-disposition")
        name = parameters(f";{disposition.partition(';')[2]}").get("filename") or values.get("name", "")
        is_attached = disposition.strip().lower().startswith("attachment") or (bool(name) and not outer)
        if kind.startswith("text/") and not is_attached and kind not in ("text/calendar", "text/vcard", "text/x-vcard"):
            transfer = first(fields, "content-transfer-encoding").strip().lower()
            alternatives = tuple(part.number for part in self._stack if part.is_alternative)
            self._part = _Part(kind[5:], values.get("charset"), transfer, alternatives)
            self._parts.append(self._part)
        elif not kind.startswith(("multipart/", "application/pgp-", "application/pkcs7-signature", "application/x-pkcs7-sig")):
            self._attachments.append(" ".join(decode_words(name).split()) or kind)

    def _open(self, kind: str, boundary: str) -> None:
        if len(self._stack) >= self._depth:
            self._is_cut = True
            return
        mark = boundary.rstrip().encode("utf-8", "replace")
        self._count += 1
        self._stack.append(_Multipart(mark, self._count, kind == "multipart/alternative", kind == "multipart/digest"))


def _decoded(part: _Part) -> str:
    raw = b"".join(part.lines)
    if part.encoding == "base64":
        raw = decode_base64(raw)
    elif part.encoding == "quoted-printable":
        raw = quopri.decodestring(raw)
    charset = part.charset
    if part.subtype == "html" and codec(charset) is None:
        declared = re.search(rb"charset=[\"']?([A-Za-z0-9_-]{2,40})", raw[:2048])
        charset = declared[1].decode("ascii") if declared is not None else None
    text = decode_text(raw, charset).replace("\r\n", "\n")
    return visible_text(text) if part.subtype == "html" else text
