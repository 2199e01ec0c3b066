"""Files damaged on purpose: bits, cuts, repeats, words that parsers trip over, and for archives the same inside their members.

Everything follows from a seed.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable

_WORDS = (
    b"\x00", b"\xff\xfe", b"\r", b"\n\n", b"\x1b[2J", b"\xe2\x80\xae", b"\xed\xa0\x80", b"&#0;", b"&#xD800;", b"&#99999999;",
    b"<!DOCTYPE a [", b"<!ENTITY a '&a;&a;'>]>", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<x>" * 50, b"</w:p>",
    b"<w:tbl><w:tr><w:tc>", b"99999999999999999999", b"-1", b"0x", b"1e999", b"NaN", b"4294967295", b"endobj", b"stream\r\n",
    b"1 0 R", b"2 0 R", b"<<", b">>", b"[" * 60, b"{" * 60, b"(" * 60, b"\\", b"\"", b"'", b"%", b"=?utf-8?b?", b"=\r\n",
    b"BEGIN:VCARD\r\n", b"END:VCARD\r\n", b"BEGIN:VEVENT\r\n", b"RRULE:FREQ=SECONDLY\r\n", b"From \r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n", b";ENCODING=QUOTED-PRINTABLE:", b"[05.08.23, 5:52:02\xe2\x80\xafPM] ",
)  # fmt: skip


def mutate(data: bytes, seed: int) -> bytes:
    """The file, damaged in a way that the seed decides."""
    dice = random.Random(seed)
    for _ in range(dice.choice((1, 1, 1, 2, 4, 16))):
        data = dice.choice(_ways(data))(data, dice)
    return data


def _ways(data: bytes) -> tuple[Callable[[bytes, random.Random], bytes], ...]:
    ways = (_flip, _cut, _drop, _repeat, _insert, _overwrite, _move, _number)
    if data.startswith(b"PK\x03\x04"):
        return (*ways, *(_in_member,) * 16)
    if data.startswith(b"%PDF"):
        return (*ways, *(_in_stream,) * 8)
    return ways


def _span(data: bytes, dice: random.Random, longest: int = 4096) -> tuple[int, int]:
    begin = dice.randrange(len(data) + 1)
    return begin, min(len(data), begin + int(2 ** dice.uniform(0, 12)) % longest)


def _flip(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 4, 32))):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _drop(data: bytes, dice: random.Random) -> bytes:
    begin, end = _span(data, dice)
    return data[:begin] + data[end:]


def _repeat(data: bytes, dice: random.Random) -> bytes:
    begin, end = _span(data, dice)
    return data[:end] + data[begin:end] * dice.choice((1, 2, 50)) + data[end:]


def _insert(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data) + 1)
    return data[:place] + dice.choice(_WORDS) * dice.choice((1, 1, 1, 100)) + data[place:]


def _overwrite(data: bytes, dice: random.Random) -> bytes:
    begin, end = _span(data, dice, 64)
    return data[:begin] + dice.randbytes(end - begin) + data[end:]


def _move(data: bytes, dice: random.Random) -> bytes:
    begin, end = _span(data, dice)
    rest = data[:begin] + data[end:]
    place = dice.randrange(len(rest) + 1)
    return rest[:place] + data[begin:end] + rest[place:]


def _number(data: bytes, dice: random.Random) -> bytes:
    """Another number in a number's place: lengths, offsets, counts, dates."""
    numbers = list(re.finditer(rb"\d+", data[:200_000]))
    if not numbers:
        return data
    found = dice.choice(numbers)
    other = dice.choice((b"0", b"1", b"65536", b"2147483648", b"99999999999999999999", str(dice.randrange(100_000)).encode()))
    return data[: found.start()] + other + data[found.end() :]


def _in_member(data: bytes, dice: random.Random) -> bytes:
    """The same within one member of an archive, which is whole again afterwards."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        return _flip(data, dice)
    if not members:
        return data
    name = dice.choice(sorted(members))
    members[name] = dice.choice((_flip, _cut, _drop, _repeat, _insert, _overwrite, _move, _number))(members[name], dice)
    if dice.random() < 0.1:
        members.pop(dice.choice(sorted(members)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for member, content in members.items():
            made.writestr(member, content)
    return buffer.getvalue()


def _in_stream(data: bytes, dice: random.Random) -> bytes:
    """The same within one packed stream of a PDF; its length and what follows are then wrong, as in files that were edited."""
    streams = list(re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL))
    if not streams:
        return data
    found = dice.choice(streams)
    try:
        plain = zlib.decompress(found[1])
    except zlib.error:
        return _flip(data, dice)
    changed = zlib.compress(dice.choice((_flip, _cut, _drop, _repeat, _insert, _overwrite, _move, _number))(plain, dice))
    return data[: found.start(1)] + changed + data[found.end(1) :]
