"""Documents made for tests, by the libraries that write them or byte by byte where a detail of a real program matters.

Each builder returns a file's bytes. Nobody in them is real.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

CREATED = datetime(2024, 3, 5, 9, 30)
LONG = "The kettle on the third floor was replaced on Tuesday after Ines Falk reported that it no longer switches itself off. "


def docx() -> bytes:
    """A report with headings, a table, a list, a header and a footer, as python-docx writes it."""
    import docx as python_docx

    document = python_docx.Document()
    document.core_properties.title = "Annual report"
    document.core_properties.created = CREATED
    document.add_heading("Travel", 1)
    document.add_paragraph("We went to Lisbon in May.")
    document.add_heading("Japan", 2)
    document.add_paragraph("京都的秋天很美。")
    document.add_paragraph("First stop: Kyoto", style="List Bullet")
    document.add_heading("Costs", 1)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ("Item", "Euro", "Train", "120"), strict=True):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.sections[0].footer.paragraphs[0].text = "Page footer"
    return _saved(document.save)


def word_parts(body: str, others: Mapping[str, str] | None = None) -> bytes:
    """A document with the given XML in its body, and other parts by name, related as Word relates them."""
    namespaces = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    )
    parts = {f"word/{name}.xml": f"<w:{name} {namespaces}>{content}</w:{name}>" for name, content in (others or {}).items()}
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{name}" Target="{name}.xml"/>'
        for number, name in enumerate(others or {})
    )
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": _relationships(
                f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
            ),
            "word/document.xml": f"<w:document {namespaces}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": _relationships(related),
            **parts,
        }
    )


def xlsx() -> bytes:
    """Two sheets, as openpyxl writes them: a table with dates and percentages, and one with a comment and a formula."""
    import openpyxl
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    book.properties.title = "Household"
    book.properties.created = CREATED
    sheet = book.active
    sheet.title = "Bills"
    sheet.append(["Who", "What", "Due", "Share", "Euro"])
    for row in range(40):
        sheet.append([f"Vendor {row}", "水费" if row % 2 else "Power", datetime(2024, 1, 1 + row % 28), 0.25, 12.5 + row])
        sheet.cell(row + 2, 3).number_format = "dd/mm/yyyy"
        sheet.cell(row + 2, 4).number_format = "0%"
    other = book.create_sheet("Notes & more")
    other["B2"] = "Ask Tomas Reyes about the deposit"
    other["B2"].comment = Comment("He is back on Monday", "Ines Falk")
    other["C3"] = "=1+1"
    return _saved(book.save)


def excel_by_xlsxwriter() -> bytes:
    """A sheet as XlsxWriter writes it: shared strings, stored results of formulas, times."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Rota")
    clock = book.add_format({"num_format": "hh:mm"})
    stamp = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for column, text in enumerate(("Name", "Begins", "Seen", "Sum", "Here")):
        sheet.write_string(0, column, text)
    sheet.write_string(1, 0, "王小明")
    sheet.write_number(1, 1, 0.5, clock)
    sheet.write_datetime(1, 2, CREATED, stamp)
    sheet.write_formula(1, 3, "=20+22", None, 42)
    sheet.write_boolean(1, 4, boolean=True)
    book.close()
    return buffer.getvalue()


def pptx() -> bytes:
    """Two slides with titles, text, a table and notes, as python-pptx writes them."""
    import pptx as python_pptx
    from pptx.util import Inches

    show = python_pptx.Presentation()
    show.core_properties.title = "Kick-off"
    show.core_properties.created = CREATED
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Goals"
    first.placeholders[1].text = "Ship in June\n学习中文"
    first.notes_slide.notes_text_frame.text = "Mention the budget"
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Plan"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for place, text in {(0, 0): "Week", (0, 1): "Task", (1, 0): "23", (1, 1): "Draft"}.items():
        table.cell(*place).text = text
    return _saved(show.save)


def pdf(
    pages: Sequence[Sequence[str]] = (("Hello from page one.",), ("第二页的内容", "and English")), title: str = ""
) -> bytes:
    """Pages of lines in the way Chrome's printing writes them: a composite font whose codes only its ToUnicode map explains,
    compressed streams, text placed line by line."""
    characters = sorted({character for lines in pages for line in lines for character in line})
    codes = {character: code for code, character in enumerate(characters, start=3)}
    mapping = "".join(f"<{code:04X}> <{character.encode('utf-16-be').hex()}>\n" for character, code in codes.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{len(codes)} beginbfchar\n{mapping}endbfchar\nendcmap\nend\nend"
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{7 + 2 * n} 0 R' for n in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /AAAAAA+Body /Encoding /Identity-H /DescendantFonts [4 0 R] "
        "/ToUnicode 5 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /AAAAAA+Body /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        "/Supplement 0 >> /DW 500 >>",
        _stream(cmap.encode()),
        f"<< /Title <FEFF{title.encode('utf-16-be').hex()}> /CreationDate (D:20240305093000+01'00') "
        "/Producer (Skia/PDF m120) >>",
    ]
    for number, lines in enumerate(pages):
        shown = "".join(
            f"1 0 0 -1 56 {60 + 20 * row} Tm <{''.join(f'{codes[character]:04X}' for character in line)}> Tj\n"
            for row, line in enumerate(lines)
        )
        content = f"1 0 0 -1 0 842 cm\nBT\n/F4 12 Tf\n{shown}ET\n"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F4 3 0 R >> >> "
            f"/Contents {8 + 2 * number} 0 R >>"
        )
        objects.append(_stream(content.encode()))
    return pdf_of(objects, trailer="/Root 1 0 R /Info 6 0 R")


def pdf_of(objects: Sequence[str | bytes], trailer: str = "/Root 1 0 R") -> bytes:
    """A PDF file with the given objects, numbered from 1, and a correct cross-reference table."""
    out, offsets = bytearray(b"%PDF-1.4\n%\xd3\xeb\xe9\xe1\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + (content.encode() if isinstance(content, str) else content) + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return (
        bytes(out)
        + (
            f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {len(offsets) + 1} {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n"
        ).encode()
    )


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data)
    return f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"


def html() -> bytes:
    """A saved page with what browsers do not show."""
    return """<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><title>Reise &amp; Ruhe</title>
<meta property="article:published_time" content="2024-03-05T09:30:00+01:00"><style>p{color:red}</style>
<script>var secretScript = "<p>no</p>";</script></head><body><nav>Start</nav>
<h1>Reisen</h1><p>Wir waren in <b>Lissabon</b>.<br>Zweite Zeile</p><div style="display: none">hiddenwords</div>
<h2>Japan</h2><p>京都的<em>秋天</em>很美。</p><ul><li>eins</li><li>zwei</li></ul>
<table><tr><th>Was</th><th>Euro</th></tr><tr><td>Zug</td><td>120</td></tr></table>
<template>templatewords</template><p hidden>attributewords</p></body></html>""".encode()


def markdown() -> bytes:
    """A note with front matter, headings of both kinds and a fence that only looks like one."""
    return """---
title: Diary
date: 2024-03-05
tags: [travel, 旅行]
---
Before any heading.

# Travel

We went to Lisbon.

## Japan ##

京都的秋天很美。

```
# not a heading
```

Setext
------

- a
- b
""".encode()


def text() -> bytes:
    """A note of several paragraphs."""
    return ("Shopping\n\n" + "\n\n".join(f"{number}. {LONG * 3}" for number in range(1, 9)) + "\n").encode()


BUILDERS: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "text": ("note.txt", text),
    "markdown": ("note.md", markdown),
    "html": ("page.html", html),
    "pdf": ("paper.pdf", pdf),
    "docx": ("report.docx", docx),
    "xlsx": ("bills.xlsx", xlsx),
    "pptx": ("slides.pptx", pptx),
}
"""Reader -> a file's name and content."""

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def archive(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


def _relationships(content: str) -> str:
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{content}</Relationships>'


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()
