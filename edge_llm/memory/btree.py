"""SQLite's trees of pages as rows and children, read without SQLite, so that a damaged page costs only what it held.

Knows the file format (https://sqlite.org/fileformat2.html, sections 1.5, 1.6 and 2.1) and no table of a store. Reads pages that
passed their tag, so a page that breaks the rules is a mistake here or in SQLite: MalformedPageError says so.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from edge_llm.memory.pages import USABLE

Value: TypeAlias = "int | float | str | bytes | None"
Fetch: TypeAlias = "Callable[[int], bytes | None]"
"""A plain page by its number; None when it cannot be read."""

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
_FILE_HEADER = 100
_MAX_CHAIN = 1 << 20
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer, by serial type."""


class MalformedPageError(ValueError):
    """The page is not what the format allows."""


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    rowid: int
    values: tuple[Value, ...]
    """As stored: an INTEGER PRIMARY KEY is None here, its value is the rowid."""


@dataclass(frozen=True)
class Child:
    """A page below another."""

    page: int
    last: int | None
    """The largest rowid under it, in a table; None for the last child and in indexes."""


def kind_of(number: int, page: bytes) -> int:
    """What the page is: one of the four kinds of tree pages, or another byte for what is none."""
    return page[_start(number)]


def rows(number: int, page: bytes, fetch: Fetch) -> Iterator[Row]:
    """The rows of a table's leaf. One that goes on in a page that cannot be read is left out.

    Raises:
        MalformedPageError
    """
    for at in _cells(number, page, 8):
        size, at = _varint(page, at)
        rowid, at = _varint(page, at)
        payload = _payload(page, at, size, _local_size(size, USABLE - 35), fetch)
        if payload is not None:
            yield Row(_signed(rowid, 8), decode(payload))


def children(number: int, page: bytes) -> list[Child]:
    """The pages below an interior page, in order. Raises MalformedPageError."""
    found = []
    for at in _cells(number, page, 12):
        key = _signed(_varint(page, at + 4)[0], 8) if kind_of(number, page) == INTERIOR_TABLE else None
        found.append(Child(_number(page, at), key))
    return [*found, Child(_number(page, _start(number) + 8), None)]


def overflow_heads(number: int, page: bytes) -> list[int]:
    """The first pages of what does not fit into this page. Raises MalformedPageError."""
    kind = kind_of(number, page)
    if kind == INTERIOR_TABLE:
        return []
    heads = []
    for at in _cells(number, page, 12 if kind == INTERIOR_INDEX else 8):
        if kind == INTERIOR_INDEX:
            at += 4
        size, at = _varint(page, at)
        if kind == LEAF_TABLE:
            _, at = _varint(page, at)
        local = _local_size(size, USABLE - 35 if kind == LEAF_TABLE else (USABLE - 12) * 64 // 255 - 23)
        if local < size:
            heads.append(_number(page, at + local))
    return heads


def decode(payload: bytes) -> tuple[Value, ...]:
    """The values of a record. Raises MalformedPageError."""
    header, at = _varint(payload, 0)
    body = header
    values: list[Value] = []
    while at < header:
        serial, at = _varint(payload, at)
        value, body = _value(payload, body, serial)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, at: int, serial: int) -> tuple[Value, int]:
    if serial == 0:
        return None, at
    if serial in (8, 9):
        return serial - 8, at
    size = _INTEGERS.get(serial) or (8 if serial == 7 else (serial - 12) // 2)
    raw = payload[at : at + size]
    if serial in (10, 11) or len(raw) != size:
        raise MalformedPageError("a record that is shorter than it says")
    if serial in _INTEGERS:
        return int.from_bytes(raw, "big", signed=True), at + size
    if serial == 7:
        return float(struct.unpack(">d", raw)[0]), at + size
    return raw if serial % 2 == 0 else raw.decode("utf-8", "replace"), at + size


def _start(number: int) -> int:
    """Where the tree page begins: page 1 holds the file's header first."""
    return _FILE_HEADER if number == 1 else 0


def _cells(number: int, page: bytes, header: int) -> Iterator[int]:
    start = _start(number)
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    if start + header + 2 * count > USABLE:
        raise MalformedPageError(f"page {number} has more cells than fit")
    for place in range(start + header, start + header + 2 * count, 2):
        at = int.from_bytes(page[place : place + 2], "big")
        if at >= USABLE:
            raise MalformedPageError(f"page {number} has a cell outside of it")
        yield at


def _payload(page: bytes, at: int, size: int, local: int, fetch: Fetch) -> bytes | None:
    """All of a cell's content; None when a page of it cannot be read."""
    parts = [page[at : at + local]]
    left = size - local
    following = _number(page, at + local) if left else 0
    for _ in range(_MAX_CHAIN):
        if left <= 0:
            return b"".join(parts)
        more = fetch(following) if following else None
        if more is None:
            return None
        parts.append(more[4 : min(USABLE, 4 + left)])
        left -= USABLE - 4
        following = _number(more, 0)
    raise MalformedPageError("a chain of pages without an end")


def _local_size(size: int, most: int) -> int:
    """How much of a payload is in the cell itself (section 1.6)."""
    if size <= most:
        return size
    least = (USABLE - 12) * 32 // 255 - 23
    wanted = least + (size - least) % (USABLE - 4)
    return wanted if wanted <= most else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(9):
        if at + step >= len(data):
            raise MalformedPageError("a number that does not end")
        byte = data[at + step]
        if step == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + step + 1
    raise MalformedPageError("a number that does not end")


def _signed(value: int, size: int) -> int:
    return value - (1 << 8 * size) if value >= 1 << 8 * size - 1 else value


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
