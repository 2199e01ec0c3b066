"""What stands above a mail: header fields decoded, whatever program wrote them. RFC 5322, 2047, 2231, and common breaches.

Knows one header at a time: no bodies, no mailboxes.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import getaddresses, parsedate_tz

from edge_llm.memory.ingest.charsets import decode_text
from edge_llm.memory.ingest.iso_time import parse_iso

_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(=\?[^?\s]{1,60}\?[BbQq]\?[^?]*\?=)\s+(?==\?[^?\s]{1,60}\?[BbQq]\?)")
_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,190}")
_ID = re.compile(r"<([^<>\s]{1,500})>")
_PARAMETER = re.compile(
    r";\s*([!#$%&'+\-.^_`|~0-9A-Za-z]+)(\*(\d+))?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]*))", re.DOTALL
)
_ZONE = re.compile(r"[+-]\d{4}|\b(?:GMT|UTC?|Z|[ECMP][SD]T)\b")
_HEADER_CHARS = 100_000
_ADDRESSES = 1_000
_YEARS = range(1970, 2101)


def read_headers(block: bytes) -> dict[str, list[str]]:
    """Header fields by their lower-case names, unfolded but not decoded. Lines that are no field are left out."""
    fields: dict[str, list[str]] = {}
    for line in re.sub(rb"\r?\n[ \t]+", b" ", block).splitlines():
        name, colon, value = line.partition(b":")
        if colon and re.fullmatch(rb"[!-9;-~]{1,80}[ \t]*", name):
            text = decode_text(value[:_HEADER_CHARS], None) if not value.isascii() else value[:_HEADER_CHARS].decode("ascii")
            fields.setdefault(name.decode("ascii").strip().lower(), []).append(text.strip())
    return fields


def first(fields: Mapping[str, list[str]], name: str) -> str:
    """The first field of a name; "" without one."""
    return next(iter(fields.get(name, ())), "")


def decode_words(text: str) -> str:
    """A header's text with its encoded words decoded; a character may be parted between two words, as many programs do."""
    if "=?" not in text:
        return text
    joined = _BETWEEN_WORDS.sub(r"\1", text)
    pieces: list[str] = []
    place = 0
    run: list[bytes] = []
    charset = ""
    for word in _ENCODED_WORD.finditer(joined):
        if run and (word.start() > place or word[1].lower() != charset):
            pieces.append(decode_text(b"".join(run), charset))
            run = []
        if word.start() > place:
            pieces.append(joined[place : word.start()])
        charset = word[1].lower()
        run.append(_decode_word(word[2], word[3]))
        place = word.end()
    if run:
        pieces.append(decode_text(b"".join(run), charset))
    return "".join(pieces) + joined[place:]


def _decode_word(kind: str, content: str) -> bytes:
    raw = content.encode("ascii", "ignore")
    if kind in "Qq":
        return quopri.decodestring(raw.replace(b"_", b" "), header=False)
    return decode_base64(raw)


def decode_base64(raw: bytes) -> bytes:
    """Base64 with whatever else stands among it left out; as much as can be decoded."""
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    try:
        return base64.b64decode(clean + b"=" * (-len(clean) % 4))
    except binascii.Error:
        return b""


def people(values: Iterable[str]) -> list[tuple[str, str]]:
    """(name, address) of everyone in address fields, decoded; each address once."""
    found: dict[str, str] = {}
    for value in values:
        try:
            parsed = [pair for pair in getaddresses([value]) if "@" in pair[1]]
        except (RecursionError, ValueError, IndexError):
            parsed = []
        for name, address in parsed or [("", address) for address in _ADDRESS.findall(decode_words(value))]:
            plain = decode_words(address).strip("<>\"' ")
            if len(found) < _ADDRESSES:
                found.setdefault(plain, " ".join(decode_words(name).strip("\"' ").split()))
    return [(name, address) for address, name in found.items()]


def message_ids(text: str) -> list[str]:
    """The message ids in a field, without their brackets; a whole word where a program left the brackets out."""
    return _ID.findall(text) or [word for word in text.split()[:1] if "@" in word]


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """A Date header as mail programs write it, right or wrong; None when it is no time of the years 1970 to 2100.

    Args:
        zone: where it gives none.
    """
    short = text[:200]
    try:
        parsed = parsedate_tz(short)
        time = None
        if parsed is not None:
            offset = timezone(timedelta(seconds=parsed[9] or 0)) if _ZONE.search(short) else zone
            time = datetime(*parsed[:6], tzinfo=offset)
    except (ValueError, TypeError, IndexError, OverflowError):
        time = None
    time = time or parse_iso(short, zone)
    return time if time is not None and time.year in _YEARS else None


def parameters(value: str) -> dict[str, str]:
    """The parameters of Content-Type or Content-Disposition, decoded; continued ones (RFC 2231) are joined."""
    parts: dict[str, list[tuple[int, str, bool]]] = {}
    for name, _, number, star, quoted, token in _PARAMETER.findall(value[:_HEADER_CHARS]):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else token
        parts.setdefault(name.lower(), []).append((int(number[:6] or 0), text, bool(star)))
    return {name: _joined(sorted(values)) for name, values in parts.items()}


def _joined(values: list[tuple[int, str, bool]]) -> str:
    if not any(is_encoded for _, _, is_encoded in values):
        return decode_words("".join(text for _, text, _ in values))
    charset, raw = "", b""
    for place, (_, text, is_encoded) in enumerate(values):
        if place == 0 and is_encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw += urllib.parse.unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace")
    return decode_text(raw, charset)
