"""XML as phone apps write it, made into XML that a parser takes, while it streams by. Knows no vocabulary.

Emoji written as two references to surrogates (`&#55357;&#56838;`) become one character, characters that XML forbids are
left out, and so is the content of attributes that hold megabytes of base64.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_CHUNK_BYTES = 1 << 16
_RUN = re.compile(rb"(?:&#(?:\d{1,8}|[xX][0-9A-Fa-f]{1,8});)+")
_REFERENCE = re.compile(rb"&#(?:(\d+)|[xX]([0-9A-Fa-f]+));")
_HIGH = rb"&#(?:55(?:29[6-9]|[3-9]\d\d)|56(?:[0-2]\d\d|3[01]\d)|[xX][dD][89abAB][0-9A-Fa-f]{2});"
_UNFINISHED = re.compile(rb"(?:" + _HIGH + rb")?(?:&(?:#\w{0,9})?)?\Z")
"""The end of a chunk that means something else together with what follows: at most two references long."""
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\r\n]*")
_LONG_BYTES = 512
"""From this length on an attribute's base64 is left out."""


class RepairedXml:
    """A file of XML to be read through `xml_events`.

    Args:
        dropped: the attribute whose long base64 is left out.
    """

    def __init__(self, file: BinaryIO, name: str, dropped: str) -> None:
        self.name = name
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        self._pieces = _joined(_without_base64(chunks, b" " + dropped.encode("ascii") + b'="'))

    def read(self, _size: int) -> bytes:
        """The next piece; none at the end."""
        return next((piece for piece in self._pieces if piece), b"")


def _without_base64(chunks: Iterable[bytes], opening: bytes) -> Iterator[bytes]:
    held = b""
    dropping = False
    for chunk in chunks:
        data, held = held + chunk, b""
        place = 0
        while place < len(data):
            if dropping:
                place = _end_of_base64(data, place)
                dropping = place == len(data)
                continue
            begin = data.find(opening, place)
            if begin < 0:
                keep = max(place, len(data) - len(opening) + 1)
                yield data[place:keep]
                held = data[keep:]
                break
            content = begin + len(opening)
            end = _end_of_base64(data, content)
            if end == len(data) and end - content < _LONG_BYTES:
                yield data[place:begin]
                held = data[begin:]
                break
            long = end - content >= _LONG_BYTES
            yield data[place : content if long else end]
            place, dropping = end, long and end == len(data)
    yield held


def _end_of_base64(data: bytes, place: int) -> int:
    found = _BASE64.match(data, place)
    return place if found is None else found.end()


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        data = held + _FORBIDDEN.sub(b"", piece)
        unfinished = _UNFINISHED.search(data, max(0, len(data) - 64))
        cut = unfinished.start() if unfinished is not None else len(data)
        held = data[cut:]
        yield _RUN.sub(_rejoin, data[:cut])
    yield _RUN.sub(_rejoin, held)


def _rejoin(run: re.Match[bytes]) -> bytes:
    codes = [int(decimal) if decimal else int(hexadecimal, 16) for decimal, hexadecimal in _REFERENCE.findall(run[0])]
    text = "".join(chr(code) for code in codes if code <= 0x10FFFF)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return b"".join(b"&#%d;" % ord(char) for char in whole if char >= " " or char in "\t\n\r")
