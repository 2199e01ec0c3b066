"""The line syntax that vCard and iCalendar share: unfolded lines of name, parameters and value, inside nested components.

By RFC 6350 and RFC 5545 section 3, and by vCard 2.1 for what its programs still write: quoted-printable with soft line
breaks, base64 in lines of its own, a character set for each property. Knows neither cards nor calendars.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edge_llm.memory.ingest.charsets import codec
from edge_llm.memory.ingest.encoding import SAMPLE_BYTES, decode_stream, detect_encoding, fits
from edge_llm.memory.ingest.reader import Reading

_LINE_BYTES = 1 << 18
"""A longer line keeps its beginning: only pictures have such, and they are not read."""
_CHUNK_BYTES = 1 << 16
_HEAD = re.compile(r"(?:([A-Za-z0-9_-]{1,40})\.)?([A-Za-z0-9_/-]{1,60})\s*((?:;(?:\"[^\"]*\"|[^\":;])*)*):", re.DOTALL)
_PARAMETER = re.compile(r";((?:\"[^\"]*\"|[^\";])*)")
_QUOTED_PRINTABLE = re.compile(rb"[^:]{0,500};(?:ENCODING=)?QUOTED-PRINTABLE", re.IGNORECASE)
_CHARSET = re.compile(rb"[;\s]CHARSET=\"?([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
_ESCAPE = re.compile(r"\\([\\;,:nN\"])")
_CARET = re.compile(r"\^([n^'])")


@dataclass(frozen=True)
class ContentLine:
    """One property."""

    name: str
    """In capitals."""
    parameters: dict[str, tuple[str, ...]]
    """By names in capitals. What vCard 2.1 writes without a name ("TEL;CELL:") is among "TYPE"."""
    value: str
    """As written but for quoted-printable: escapes are still in it, since ; and , mean something in some properties."""
    group: str = ""
    """What Apple writes before the name to join properties ("item1")."""

    def parameter(self, name: str) -> str:
        """The first value of a parameter; "" without one."""
        return next(iter(self.parameters.get(name, ())), "")

    @property
    def text(self) -> str:
        """The value as plain text."""
        return unescape(self.value).strip()

    @property
    def fields(self) -> list[str]:
        """The parts between semicolons as plain text."""
        return [unescape(part).strip() for part in re.split(r"(?<!\\);", self.value)]


def unescape(value: str) -> str:
    """A value without its backslashes."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def content_lines(file: BinaryIO, reading: Reading, skipped: frozenset[str]) -> Iterator[ContentLine]:
    """The properties of a file, unfolded and decoded; what is no property is left out.

    Args:
        skipped: names of properties that are left out before they are decoded (pictures).
    """
    # some programs fold in the middle of a character
    encoding = _encoding(re.sub(rb"\r?\n[ \t]", b"", file.read(SAMPLE_BYTES)))
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        reading.note(f"read as {encoding}")
    file.seek(0)
    pieces: Iterator[bytes] = iter(lambda: file.read(_CHUNK_BYTES), b"")
    if encoding.startswith(("utf-16", "utf-32")):
        pieces, encoding = (piece.encode("utf-8", "replace") for piece in decode_stream(file, encoding)), "utf-8"
    for line in _unfolded(_lines(pieces)):
        name = re.split(rb"[:;]", line[:120], maxsplit=1)[0].rpartition(b".")[2].strip().upper()
        if name.decode("ascii", "replace") not in skipped:
            parsed = parse_line(line, encoding)
            if parsed is not None:
                yield parsed


def parse_line(line: bytes, encoding: str) -> ContentLine | None:
    """One unfolded line; None when it is no property.

    Args:
        encoding: of a line that does not name its own.
    """
    own = _CHARSET.search(line.partition(b":")[0])
    declared = codec(own[1].decode("ascii")) if own is not None else None
    quoted = _QUOTED_PRINTABLE.match(line) is not None
    if quoted:
        head, colon, encoded = line.partition(b":")
        line = head + colon + quopri.decodestring(encoded)
    candidates = (declared or encoding, encoding, "utf-8", "gb18030")
    is_plain = line.isascii() and declared is None
    text = line.decode("ascii" if is_plain else next((one for one in candidates if fits(line, one)), encoding), "replace")
    found = _HEAD.match(text)
    if found is None:
        return None
    group, name, parameters = found.groups()
    value = text[found.end() :].replace("\r\n", "\n") if quoted else text[found.end() :]
    return ContentLine(name.upper(), _parameters(parameters), value, (group or "").lower())


def _parameters(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for parameter in _PARAMETER.findall(text):
        name, equals, value = parameter.partition("=")
        key = name.strip().upper() if equals else "TYPE"
        values = re.findall(r"\"[^\"]*\"|[^,\"]+", value if equals else name)
        plain = [
            _CARET.sub(lambda match: {"n": "\n"}.get(match[1], match[1].replace("'", '"')), one.strip(' "')) for one in values
        ]
        if key == "TYPE":
            plain = [one for listed in plain for one in listed.split(",")]  # TYPE="cell,work"
        found[key] = (*found.get(key, ()), *(one for one in plain if one))
    return found


def _encoding(sample: bytes) -> str:
    """UTF-8 unless the bytes are not; names are too few words to tell Chinese by its commonest characters."""
    declared = _CHARSET.search(sample)
    encoding = detect_encoding(sample, codec(declared[1].decode("ascii")) if declared is not None else None)
    if encoding == "cp1252" and fits(sample, "gb18030"):
        runs = [len(run) for run in _HIGH_BYTES.findall(sample)]
        # a Chinese character is two high bytes; an accented Latin letter mostly stands alone
        if runs and sum(length % 2 for length in runs[:-1]) * 10 <= len(runs):
            return "gb18030"
    return encoding


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Lines without their ends, each cut at the limit."""
    rest, overlong, first = b"", False, True
    for piece in pieces:
        data = rest + (piece.removeprefix(b"\xef\xbb\xbf") if first else piece)
        if b"\n" not in data and b"\r" in data[:-1]:
            data = data.replace(b"\r", b"\n")  # as the first Macintosh ended its lines
        first = False
        *lines, rest = data.split(b"\n")
        for line in lines:
            if not overlong:
                yield line.removesuffix(b"\r")[:_LINE_BYTES]
            overlong = False
        if len(rest) > _LINE_BYTES:
            if not overlong:
                yield rest[:_LINE_BYTES]
            rest, overlong = b"", True
    if rest and not overlong:
        yield rest.removesuffix(b"\r")


def _unfolded(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Whole properties: lines that begin with a blank belong to the one before, as does what follows a soft line break."""
    parts: list[bytes] = []
    size, soft, keeps_blank = 0, False, False
    for line in lines:
        if parts and soft:
            parts[-1] = parts[-1].rstrip(b" \t")[:-1]
            parts.append(line)
        elif parts and line[:1] in (b" ", b"\t"):
            parts.append(line if keeps_blank else line[1:])
        else:
            if parts:
                yield b"".join(parts)
            parts, size = [line], 0
            if line.upper().startswith(b"VERSION:"):
                keeps_blank = line[8:].strip() == b"2.1"
        size += len(line)
        if size > _LINE_BYTES:
            parts = [b"".join(parts)[:_LINE_BYTES]]
            soft = False
            continue
        soft = line.rstrip(b" \t").endswith(b"=") and _QUOTED_PRINTABLE.match(parts[0]) is not None
    if parts:
        yield b"".join(parts)
