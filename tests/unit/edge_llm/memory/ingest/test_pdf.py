"""PDF files: what Chrome prints, what forms hold, and what is built to loop, to swell or to hide."""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_llm.memory.ingest.pdf import READER, rejoin
from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.worker import Workers
from runtimes.errors import UnreadableFileError
from tests.unit.edge_llm.memory.ingest.documents import pdf, pdf_of
from tests.unit.edge_llm.memory.ingest.reading import read, texts

PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def with_content(content: bytes, filters: str = "", root: str = "", more: tuple[str, ...] = ()) -> bytes:
    """One page with the given content stream, and further objects from number 6 on."""
    stream = f"<< /Length {len(content)} {filters} >>\nstream\n".encode() + content + b"\nendstream"
    pages = "<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
    return pdf_of([f"<< /Type /Catalog /Pages 2 0 R {root} >>", pages, PAGE, stream, FONT, *more])


def test_pages_have_places_and_the_document_its_title_and_date() -> None:
    found = read(READER, pdf([["Hello from page one."], [], ["第二页的内容", "and English"]], title="Über Tee 茶"))
    assert [(draft.locator, draft.text) for draft in found] == [
        ("page 1", "Hello from page one."),
        ("page 3", "第二页的内容\nand English"),
    ]
    assert {draft.title for draft in found} == {"Über Tee 茶"}
    assert {draft.time for draft in found} == {datetime(2024, 3, 5, 9, 30, tzinfo=timezone(timedelta(hours=1)))}


@pytest.mark.parametrize(
    ("lines", "paragraphs"),
    [
        (["a long line that goes on to", "the next line and ends.", "Another begins here and is", "long too."],
         ["a long line that goes on to the next line and ends. Another begins here and is long too."]),
        (["a long line that goes on to", "the end.", "Another begins here and is", "long too."],
         ["a long line that goes on to the end.", "Another begins here and is long too."]),
        (["words are broken by a hy-", "phen but not the well-", "Known one"],
         ["words are broken by a hyphen but not the well- Known one"]),
        (["我们明天下午三点在公司的会", "议室开会，请大家准时参加。"],
         ["我们明天下午三点在公司的会议室开会，请大家准时参加。"]),
        (["Things to bring along today:", "• tent", "• stove"], ["Things to bring along today:\n• tent\n• stove"]),
        (["Name Sum", "Train 120", "", "Total 120"], ["Name Sum Train 120", "Total 120"]),
        ([""], []),
    ],
)  # fmt: skip
def test_lines_that_the_page_broke_are_joined(lines: list[str], paragraphs: list[str]) -> None:
    assert list(rejoin("\n".join(lines))) == paragraphs


def test_what_was_typed_into_a_form_is_read() -> None:
    field = "<< /FT /Tx /T (Name) /V (Ines Falk) /Type /Annot /Subtype /Widget /Rect [0 0 9 9] >>"
    data = with_content(b"BT /F1 12 Tf 50 700 Td (Application) Tj ET", root="/AcroForm << /Fields [6 0 R] >>", more=(field,))
    assert [(draft.locator, draft.text) for draft in read(READER, data)] == [
        ("page 1", "Application"),
        ("form", "Name: Ines Falk"),
    ]


def encrypted(user_password: str) -> bytes:
    import io

    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf([["Secret plans."]])))
    writer.encrypt(user_password, "owner", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_password_is_named_and_a_mere_ban_on_copying_is_none() -> None:
    assert texts(READER, encrypted("")) == "Secret plans."
    with pytest.raises(UnreadableFileError, match="encrypted"):
        read(READER, encrypted("user"))


def test_pictures_of_text_are_said_to_be_that() -> None:
    with pytest.raises(UnreadableFileError, match="1 pages hold no text"):
        read(READER, with_content(b"0 0 m 100 100 l S"))


def test_object_and_cross_reference_streams() -> None:
    """PDF 1.5: everything but the streams is packed into one, and the table of offsets is a stream too."""
    inner = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", PAGE, FONT]
    numbers, offset, pairs = (1, 2, 3, 5), 0, ""
    for number, content in zip(numbers, inner, strict=True):
        pairs += f"{number} {offset} "
        offset += len(content) + 1
    packed = zlib.compress((pairs + " ".join(inner) + " ").encode())
    text = b"BT /F1 12 Tf 50 700 Td [(Pa) 20 (cked) -300 (away)] TJ ET"
    out, offsets = bytearray(b"%PDF-1.5\n"), {}
    described = f"/Type /ObjStm /N 4 /First {len(pairs)} /Filter /FlateDecode"
    for number, entries, body in ((4, "", text), (6, described, packed)):
        offsets[number] = len(out)
        out += f"{number} 0 obj\n<< {entries} /Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream\nendobj\n"
    start = len(out)
    rows = [(0, 0, 65535), (2, 6, 0), (2, 6, 1), (2, 6, 2), (1, offsets[4], 0), (2, 6, 3), (1, offsets[6], 0), (1, start, 0)]
    table = b"".join(bytes([kind]) + place.to_bytes(3, "big") + index.to_bytes(2, "big") for kind, place, index in rows)
    out += f"7 0 obj\n<< /Type /XRef /Size 8 /W [1 3 2] /Root 1 0 R /Length {len(table)} >>\nstream\n".encode()
    out += table + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode()
    assert texts(READER, bytes(out)) == "Packed away"


def test_a_damaged_page_is_noted_and_the_others_are_read() -> None:
    notes: list[str] = []
    whole = pdf([["First page."], ["Second page."], ["Third page."]])
    places = [found.end() for found in re.finditer(rb">>\nstream\n", whole)]  # the map of characters, then the pages
    broken = whole[: places[2]] + b"\xff" * 8 + whole[places[2] + 8 :]
    found = read(READER, broken, notes=notes)
    assert [draft.locator for draft in found] == ["page 1", "page 3"]
    assert len(notes) == 1
    assert notes[0].startswith("page 2 may be incomplete (")


def test_a_broken_table_of_offsets_is_done_without() -> None:
    data = pdf([["Still readable."]])
    assert texts(READER, re.sub(rb"startxref\n\d+", b"startxref\n7", data)) == "Still readable."
    with pytest.raises(UnreadableFileError, match="damaged"):
        read(READER, data[: data.rindex(b"xref\n0")])


@pytest.mark.parametrize(
    "objects",
    [
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 2 /Kids [2 0 R 2 0 R] >>"],
        ["<< /Type /Catalog /Pages 1 0 R >>"],
        ["<< /Type /Catalog /Pages 2 0 R >>", "3 0 R", "2 0 R"],
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 99999999 /Kids [] >>"],
        ["[" * 5000 + "]" * 5000],
        ["<< /A " * 3000 + ">> " * 3000],
    ],
    ids=["pages in pages", "catalog as pages", "references in a circle", "count that lies", "arrays", "dictionaries"],
)
def test_structures_that_loop_are_refused(objects: list[str]) -> None:
    with pytest.raises(UnreadableFileError):
        read(READER, pdf_of(objects))


def test_a_form_that_draws_itself_ends() -> None:
    form = (
        "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >> /Length 5 >>\n"
        "stream\n/X Do\nendstream"
    )
    data = with_content(b"BT /F1 12 Tf (Before) Tj ET /X Do", more=(form,)).replace(
        b"/Font << /F1 5 0 R >>", b"/Font << /F1 5 0 R >> /XObject << /X 6 0 R >>"
    )
    found = read(READER, data.replace(b"xref\n0", b"xrfe\n0"))
    assert [draft.text for draft in found] == ["Before"]


@pytest.mark.parametrize(
    ("content", "filters"),
    [
        (zlib.compress(zlib.compress(b" " * (1 << 28))), "/Filter [/FlateDecode /FlateDecode]"),
        (zlib.compress(b"(" * (100 << 20), 1), "/Filter /FlateDecode"),
        (b"\x81 " * 2_000_000, "/Filter [/RunLengthDecode /RunLengthDecode]"),
    ],
    ids=["packed twice", "brackets", "runs"],
)
def test_streams_that_swell_meet_a_limit(tmp_path: Path, content: bytes, filters: str) -> None:
    limits = Limits(seconds=5, memory_bytes=512 << 20)
    bomb, good = tmp_path / "bomb.pdf", tmp_path / "good.pdf"
    bomb.write_bytes(with_content(content, filters))
    good.write_bytes(pdf())
    reading = Reading(bomb, timezone.utc, limits=limits)
    with Workers(limits) as workers:
        with pytest.raises(UnreadableFileError, match=r"bomb\.pdf"):
            list(workers.read(bomb, reading))
        assert len(list(workers.read(good, reading))) == 2


def test_script_in_a_document_is_not_read() -> None:
    script = "<< /S /JavaScript /JS (app.alert\\('scripted'\\)) >>"
    data = with_content(b"BT /F1 12 Tf (Plain) Tj ET", root="/OpenAction 6 0 R", more=(script,))
    assert texts(READER, data) == "Plain"


def test_a_filter_that_the_parser_no_longer_knows_is_noted() -> None:
    """pypdf raises its DeprecationError, which is none of its other errors, for the short names of filters."""
    notes: list[str] = []
    with pytest.raises(UnreadableFileError, match="hold no text"):
        read(READER, with_content(zlib.compress(b"BT /F1 12 Tf (Plain) Tj ET"), "/Filter /Fl"), notes=notes)
    assert notes
    assert "Deprecation" in notes[0]
