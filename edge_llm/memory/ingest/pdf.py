"""PDF: the text of each page, its broken lines joined again, and what was typed into forms.

pypdf parses, in pure Python: what it cannot do is raise in a hundred ways and take long, and the process it runs in
(child.py) bounds both. JavaScript, attachments and pictures are never looked at.
"""

from __future__ import annotations

import logging
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from edge_llm.memory.ingest.passages import PassageBuilder
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError

if TYPE_CHECKING:
    from pypdf import PdfReader as PyPdf

VERSION = 1
_MAGIC_WITHIN = 1024
"""Where readers look for the header (ISO 32000-1, annex H, note 13)."""
_FORGET_EVERY = 32
"""Pages after which pypdf's parsed objects are let go, so that memory does not grow with the file."""
_PARSER_FAILS = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RecursionError,
    TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What pypdf lets through for damaged files beside its own errors."""
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_BULLET = re.compile(r"(?:[•◦▪‣·*–—-]|\(?\w{1,3}[.)])\s")
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？：；][\"'”’)）」』]*$")
_FACT_CHARS = 200
_FULL = 0.7
"""A line of this share of the page's usual length goes on in the next one."""


@dataclass(frozen=True)
class PdfReader:
    """PDF documents."""

    name: str = "pdf"
    suffixes: frozenset[str] = frozenset({".pdf"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a file that begins as one, 0.6 where something stands before its beginning."""
        if head.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith(b"%PDF-"):
            return 1.0
        return 0.6 if b"%PDF-" in head[:_MAGIC_WITHIN] and path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield passages page by page, then the filled-in fields of forms. A page that cannot be read is noted."""
        from pypdf.errors import DependencyError, DeprecationError, PyPdfError

        fails = (PyPdfError, DependencyError, DeprecationError, *_PARSER_FAILS)
        with _complaints() as complaints:
            try:
                document = _open(file)
                count = len(document.pages)
            except fails as error:
                raise UnreadableFileError(f"it is damaged: {_fact(error)}") from error
            complaints.clear()  # about the table of offsets, which was repaired
            builder, found = PassageBuilder("document"), False
            try:
                builder.title, builder.time = _describe(document, reading)
            except fails as error:
                reading.note(f"its title and date are damaged ({_fact(error)})")
            for place, paragraphs in _parts(document, count, fails, complaints, reading):
                for paragraph in paragraphs:
                    found = True
                    yield from builder.add(paragraph, place)
                yield from builder.flush()
        if not found:
            raise UnreadableFileError(
                f"its {count:,} pages hold no text, only pictures of it perhaps. Make it searchable (OCR) and add it again"
            )


def _parts(
    document: PyPdf, count: int, fails: tuple[type[Exception], ...], complaints: list[str], reading: Reading
) -> Iterator[tuple[str, Iterable[str]]]:
    """Each page and the form: its place and its paragraphs."""
    for number in range(1, count + 1):
        try:
            text = document.pages[number - 1].extract_text()
        except fails as error:
            complaints.append(_fact(error))
            text = ""
        if complaints:
            reading.note(f"page {number} may be incomplete ({complaints[0]})")
            complaints.clear()
        yield f"page {number}", rejoin(text)
        if number % _FORGET_EVERY == 0:
            document.resolved_objects.clear()
    try:
        fields = document.get_form_text_fields()
    except fails as error:
        reading.note(f"its form is damaged ({_fact(error)})")
        return
    yield "form", [f"{name}: {value}" for name, value in fields.items() if isinstance(value, str) and value.strip()]


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What pypdf logs meanwhile: where it reads past damage, that is its only sign."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(" ".join(record.getMessage().split())[:_FACT_CHARS])  # type: ignore[method-assign]
    logger = logging.getLogger("pypdf")
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)


def _open(file: BinaryIO) -> PyPdf:
    from pypdf import PasswordType
    from pypdf import PdfReader as PyPdf

    document = PyPdf(file, strict=False)
    # an empty password opens a document that is only protected against printing or copying
    if document.is_encrypted and document.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise UnreadableFileError("it is encrypted. Save a copy without a password and add that")
    return document


def _describe(document: PyPdf, reading: Reading) -> tuple[str | None, datetime | None]:
    metadata = document.metadata
    if metadata is None:
        return None, None
    title = " ".join(str(metadata.title or "").split())
    created = metadata.creation_date
    if created is not None and created.tzinfo is None:
        created = created.replace(tzinfo=reading.timezone)
    return title.removeprefix("Microsoft Word - ") or None, created


def _fact(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_FACT_CHARS]


def rejoin(text: str) -> Iterator[str]:
    """Paragraphs of a page's text, lines that the page's width broke joined again.

    A line goes on in the next one when it is about as long as the page's long lines and ends no list entry before one.
    Words broken by a hyphen are joined; between Chinese or Japanese characters stands no blank.
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lengths = sorted(len(line) for line in lines if line)
    usual = lengths[len(lengths) * 9 // 10] if lengths else 0
    paragraph = ""
    for previous, line in zip(["", *lines], lines, strict=False):
        if not line:
            if paragraph:
                yield paragraph
            paragraph = ""
        elif not paragraph:
            paragraph = line
        elif _BULLET.match(line) or len(previous) < usual * _FULL:
            ends = _ENDS_SENTENCE.search(previous) is not None and not _BULLET.match(line)
            if ends:
                yield paragraph
            paragraph = line if ends else f"{paragraph}\n{line}"
        else:
            paragraph = _joined(paragraph, line)
    if paragraph:
        yield paragraph


def _joined(before: str, after: str) -> str:
    if _WIDE.match(before[-1]) and _WIDE.match(after[0]):
        return before + after
    if before[-1] in "-\u2010\u00ad" and before[-2:-1].isalpha() and after[0].islower():
        return before[:-1] + after
    return f"{before} {after}"


READER = PdfReader()
