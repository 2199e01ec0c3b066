"""Bounded reading of GGUF's primitive values: numbers, strings and arrays, little endian.

Knows how values lie in the file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Knows no key
and no model. No count in the file is trusted: each is checked against the bytes that are left before
anything is allocated for it.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BufferedIOBase
from pathlib import Path
from typing import TypeAlias, overload

from runtimes.errors import SourceError

HEADER_LIMIT = 256 << 20
"""Bytes. The largest real headers (a quarter of a million tokens with merges) stay under 20 MiB."""

AGAIN = "Download or convert the file again."

_FIRST_READ = 1 << 20
_STRING, _ARRAY, _BOOL = 8, 9, 7
_LENGTH = struct.Struct("<Q")
_LENGTH_SIZE = 8
# GGUF value type -> struct and array code of the scalar types; 7 is a bool in one byte, 8 a string, 9 an array.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}


class StringArray(Sequence[str]):
    """A GGUF array of strings, decoded when first looked at: most readers of a header never need its 50,000 tokens.

    Raises SourceError on first access when an item is not UTF-8.
    """

    def __init__(self, data: bytes, ends: array[int], where: str) -> None:
        """`data` holds the items as in the file, each after its eight length bytes; `ends` where each one ends."""
        self._data = data
        self._ends = ends
        self._where = where

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self.items[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """All items."""
        data, start, found = self._data, 0, []
        try:
            for end in self._ends:
                found.append(data[start + _LENGTH_SIZE : end].decode())
                start = end
        except UnicodeDecodeError as error:
            raise SourceError(f"{self._where}: item {len(found)} is not UTF-8 text. {AGAIN}") from error
        return tuple(found)


Scalar: TypeAlias = bool | int | float | str
Value: TypeAlias = Scalar | StringArray | Sequence[int] | Sequence[float]
"""A metadata value. Arrays of numbers are read-only memoryviews; arrays of bools hold 0 and 1."""


class Cursor:
    """Reads forward through the first `size` bytes of a stream, never past them and never past HEADER_LIMIT."""

    def __init__(self, stream: BufferedIOBase, size: int, path: Path) -> None:
        self._stream = stream
        self._size = size
        self._limit = min(size, HEADER_LIMIT)
        self._data = b""
        self.path = path
        self.position = 0

    def fail(self, fact: str) -> SourceError:
        """An error that names the file; raise it."""
        return SourceError(f"{self.path}: {fact} {AGAIN}")

    @property
    def left(self) -> int:
        """Bytes of the file not read yet."""
        return self._size - self.position

    def number(self, kind: str, what: str) -> int:
        """One integer with this struct code."""
        size = struct.calcsize(f"<{kind}")
        self._need(size, what)
        (value,) = struct.unpack_from(f"<{kind}", self._data, self.position)
        self.position += size
        return int(value)

    def numbers(self, kind: str, count: int, what: str) -> tuple[int, ...]:
        """A few integers with one struct code."""
        form = f"<{count}{kind}"
        size = struct.calcsize(form)
        self._need(size, what)
        values = struct.unpack_from(form, self._data, self.position)
        self.position += size
        return values

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        self._need(size, what)
        self.position += size
        return self._data[self.position - size : self.position]

    def string(self, what: str) -> str:
        """One length-prefixed UTF-8 string."""
        length = self.number("Q", f"the length of {what}")
        raw = self.take(length, what)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} is not UTF-8 text.") from error

    def value(self, key: str) -> Value:
        """One typed metadata value."""
        kind = self.number("I", f"the type of {key!r}")
        if kind == _ARRAY:
            return self._array(key)
        if kind == _STRING:
            return self.string(f"the value of {key!r}")
        code = _SCALARS.get(kind)
        if code is None:
            raise self.fail(f"{key!r} has the value type {kind}, which GGUF does not define.")
        what = f"the value of {key!r}"
        if code in "fd":
            form = f"<{code}"
            self._need(struct.calcsize(form), what)
            (value,) = struct.unpack_from(form, self._data, self.position)
            self.position += struct.calcsize(form)
            return float(value)
        number = self.number(code, what)
        return self._flag(number, what) if kind == _BOOL else number

    def _flag(self, number: int, what: str) -> bool:
        if number not in (0, 1):
            raise self.fail(f"{what} is {number}, not a bool.")
        return number == 1

    def _array(self, key: str) -> Value:
        kind = self.number("I", f"the element type of {key!r}")
        count = self.number("Q", f"the length of {key!r}")
        if kind == _ARRAY:
            raise self.fail(f"{key!r} is an array of arrays, which no model uses.")
        if kind == _STRING:
            return self._strings(key, count)
        code = _SCALARS.get(kind)
        if code is None:
            raise self.fail(f"{key!r} is an array of type {kind}, which GGUF does not define.")
        size = count * struct.calcsize(f"<{code}")
        self._need(size, f"the {count} items of {key!r}")
        items = array(code, self._data[self.position : self.position + size])
        self.position += size
        if sys.byteorder == "big":
            items.byteswap()
        if kind == _BOOL and any(item > 1 for item in items):
            raise self.fail(f"{key!r} is an array of bools with an item that is neither 0 nor 1.")
        return memoryview(items).toreadonly()

    def _strings(self, key: str, count: int) -> StringArray:
        what = f"the {count} strings of {key!r}"
        if count * _LENGTH_SIZE > self.left:
            raise self._short(count * _LENGTH_SIZE, what)
        start = position = self.position
        data, unpack = self._data, _LENGTH.unpack_from
        ends = array("q")
        append = ends.append
        known = len(data) - _LENGTH_SIZE
        for _ in range(count):
            if position > known:
                self.position = position
                self._need(_LENGTH_SIZE, what)
                data, known = self._data, len(self._data) - _LENGTH_SIZE
            length = unpack(data, position)[0]
            if length > self._limit:
                raise self._short(length, what)
            position += _LENGTH_SIZE + length
            append(position - start)
        self.position = start
        self._need(position - start, what)
        self.position = position
        return StringArray(self._data[start:position], ends, f"{self.path}: {key!r}")

    def _need(self, size: int, what: str) -> None:
        """Make sure that `size` more bytes are in memory."""
        end = self.position + size
        if end <= len(self._data):
            return
        if end > self._limit:
            raise self._short(size, what)
        wanted = min(self._limit, max(end, 2 * len(self._data), _FIRST_READ))
        self._data += self._stream.read(wanted - len(self._data))
        if end > len(self._data):
            raise self._short(size, what)

    def _short(self, size: int, what: str) -> SourceError:
        if self._limit < self._size:
            return self.fail(f"its header claims more than {HEADER_LIMIT >> 20} MiB ({what}), which no model needs.")
        left = max(0, self._size - self.position)
        return self.fail(f"{what} would need {size} bytes and {left} are left: the file is cut short or its counts are wrong.")
