"""XML as a stream of events, for documents from strangers: no document type, so no entities; bounded depth; no tree.

expat is used as it is in the standard library. Libraries that build trees (python-docx, openpyxl, python-pptx) hold a
document ten times over in memory and leave these bounds to libxml2's defaults. Knows no document format: names come
without their namespaces, because each format has two sets of them (ECMA-376 transitional and strict) for the same things.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol
from xml.parsers import expat

from runtimes.errors import UnreadableFileError

_CHUNK_BYTES = 1 << 16


class Event(NamedTuple):
    """A start tag, an end tag, or text."""

    kind: str
    """ "start", "end" or "text"."""
    value: str
    """The element's name without its namespace, or the text."""
    attributes: Mapping[str, str] = {}
    """By their names without namespaces; those that refer to other parts keep the customary "r:"."""


class Stream(Protocol):
    """Where XML comes from."""

    name: str

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def xml_events(stream: Stream, depth: int) -> Iterator[Event]:
    """Yield the events of one XML document.

    Raises:
        UnreadableFileError: it is not well-formed, nested deeper than `depth`, or declares a document type.
    """
    collector = _Collector(stream.name, depth)
    while True:
        chunk = stream.read(_CHUNK_BYTES)
        collector.feed(chunk)
        yield from collector.take()
        if not chunk:
            return


class _Collector:
    def __init__(self, name: str, depth: int) -> None:
        self._name, self._left = name, depth
        self._events: list[Event] = []
        parser = expat.ParserCreate(namespace_separator="\n")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.Parse(chunk, not chunk)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise UnreadableFileError(f"its part {self._name:.200} is damaged: {error}") from error

    def take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._left -= 1
        if self._left < 0:
            raise UnreadableFileError(f"its part {self._name:.200} is nested too deeply")
        plain = {_plain(key): value for key, value in attributes.items()} if attributes else {}
        self._events.append(Event("start", _local(name), plain))

    def _end(self, name: str) -> None:
        self._left += 1
        self._events.append(Event("end", _local(name)))

    def _text(self, text: str) -> None:
        self._events.append(Event("text", text))

    def _refuse_doctype(self, *_: object) -> None:
        raise UnreadableFileError(f"its part {self._name:.200} declares a document type, as no office program does")


@functools.lru_cache(maxsize=4096)
def _local(name: str) -> str:
    return name.rpartition("\n")[2]


@functools.lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    namespace, _, local = name.rpartition("\n")
    return f"r:{local}" if namespace.endswith("/relationships") else local
