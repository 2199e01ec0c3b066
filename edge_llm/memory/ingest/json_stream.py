"""JSON as a stream of values: the elements of an array, or values one after the other (JSON Lines, or with blanks between).

Only one value is held at a time. Knows JSON's syntax (RFC 8259) and nothing of what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from edge_llm.memory.ingest.encoding import SAMPLE_BYTES, decode_stream, detect_encoding
from edge_llm.memory.ingest.reader import Reading
from runtimes.errors import UnreadableFileError

_VALUE_CHARS = 16 << 20
"""Longest value."""
_BLANK = re.compile(r"[\s\ufeff]*")
_IN_TEXT = re.compile(r"[\"\\]")
_BRACKET = re.compile(r"[\"\[\]{}]")
_SCALAR_END = re.compile(r"[\s,\]}]")


def json_values(file: BinaryIO, reading: Reading) -> Iterator[tuple[int, Any]]:
    """(number from 1 on, value) of each element of an array, or each value of the file.

    Where every value has a line of its own (JSON Lines), a line that is no JSON gives None and the others stand.

    Raises:
        UnreadableFileError: not JSON, cut short, nested deeper than the limit, or a value too long. Names which.
    """
    encoding = detect_encoding(file.read(SAMPLE_BYTES))
    file.seek(0)
    if _is_lines(file.readline(_VALUE_CHARS), encoding):
        file.seek(0)
        yield from _lines(decode_stream(file, encoding), reading.limits.depth)
        return
    file.seek(0)
    number = 0
    try:
        for number, value in enumerate(_Splitter(decode_stream(file, encoding), reading.limits.depth).parsed(), start=1):
            yield number, value
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"value {number + 1} is no JSON: {error}") from error


def _is_lines(first: bytes, encoding: str) -> bool:
    """Whether the first line of a file is a whole object."""
    try:
        return isinstance(json.loads(first.decode(encoding).lstrip("\ufeff")), dict)
    except (ValueError, RecursionError):
        return False


def _lines(pieces: Iterator[str], depth: int) -> Iterator[tuple[int, Any]]:
    number, rest, ends = 0, "", False
    while not ends:
        piece = next(pieces, None)
        ends = piece is None
        *lines, rest = (rest + (piece or "")).split("\n")
        if len(rest) > _VALUE_CHARS:
            raise UnreadableFileError(f"value {number + 1} is longer than the {_VALUE_CHARS:,} characters allowed")
        for line in [*lines, rest] if ends else lines:
            text = line.strip("\ufeff \t\r")
            if not text:
                continue
            number += 1
            value = _loaded(text, depth)
            if value is None and ends and line is rest:
                raise UnreadableFileError(f"it is cut short within value {number}")
            yield number, value


def _loaded(text: str, depth: int) -> Any:
    try:
        # a value that is not nested at all need not be measured
        return json.loads(text) if text.count("[") + text.count("{") <= depth else next(_Splitter(iter([text]), depth).parsed())
    except (ValueError, RecursionError, UnreadableFileError, StopIteration):
        return None


class _Splitter:
    """Finds where each value ends, without understanding it."""

    def __init__(self, pieces: Iterator[str], depth: int) -> None:
        self._pieces = pieces
        self._depth = depth
        self._text = ""
        self._place = 0
        self._number = 1

    def values(self) -> Iterator[str]:
        """The text of one value after the other."""
        is_array = self._next() == "["
        if is_array:
            self._place += 1
        while True:
            character = self._next()
            if is_array and character == "]":
                self._place += 1
                if self._next():
                    raise UnreadableFileError("there is something after the end of the array")
                return
            if not character:
                if is_array:
                    raise UnreadableFileError(f"it is cut short after value {self._number - 1}")
                return
            if is_array and self._number > 1:
                if character != ",":
                    raise UnreadableFileError(f"no comma follows value {self._number - 1}")
                self._place += 1
                if self._next() == "":
                    raise UnreadableFileError(f"it is cut short after value {self._number - 1}")
            end = self._end_of_value()
            yield self._text[self._place : end]
            self._place = end
            self._number += 1

    def parsed(self) -> Iterator[Any]:
        """One value after the other, read. Raises ValueError."""
        return map(json.loads, self.values())

    def _next(self) -> str:
        """The next character that is not blank; "" at the end of the file."""
        while True:
            blank = _BLANK.match(self._text, self._place)
            self._place = len(self._text) if blank is None else blank.end()
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Take one more piece, and let go of what was read."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text = self._text[self._place :] + piece
        self._place = 0
        if len(self._text) > _VALUE_CHARS:
            raise UnreadableFileError(f"value {self._number} is longer than the {_VALUE_CHARS:,} characters allowed")
        return True

    def _end_of_value(self) -> int:
        depth, in_text, offset = 0, False, 0
        while True:
            place = self._place + offset
            if not in_text and depth == 0 and offset == 0 and self._text[place] not in '"[{':
                return self._end_of_scalar()
            found = (_IN_TEXT if in_text else _BRACKET).search(self._text, place)
            if found is None or (found[0] == "\\" and found.end() == len(self._text)):
                offset = (len(self._text) if found is None else found.start()) - self._place
                if not self._more():
                    raise UnreadableFileError(f"it is cut short within value {self._number}")
                continue
            offset = found.end() - self._place
            if found[0] == "\\":
                offset += 1
            elif found[0] == '"':
                in_text = not in_text
            else:
                depth += 1 if found[0] in "[{" else -1
                if depth > self._depth:
                    raise UnreadableFileError(f"value {self._number} is nested deeper than the {self._depth} levels allowed")
            if depth <= 0 and not in_text:
                return self._place + offset

    def _end_of_scalar(self) -> int:
        offset = 0
        while True:
            found = _SCALAR_END.search(self._text, self._place + offset)
            if found is not None:
                return found.start() if found.start() > self._place else self._place + 1
            offset = len(self._text) - self._place
            if not self._more():
                return len(self._text)
