"""Word, Excel and PowerPoint files: what they show, and what they are made of when somebody means harm."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_llm.memory.ingest import docx, pptx, xlsx
from edge_llm.memory.ingest.archive import MEMBERS, member_names
from edge_llm.memory.ingest.cells import shown_as
from edge_llm.memory.ingest.reader import Limits, Reader
from edge_llm.memory.items import Mention
from runtimes.errors import UnreadableFileError
from tests.unit.edge_llm.memory.ingest import documents
from tests.unit.edge_llm.memory.ingest.documents import archive, word_parts
from tests.unit.edge_llm.memory.ingest.reading import read, texts

CREATED = datetime(2024, 3, 5, 9, 30, tzinfo=timezone.utc)
READERS: dict[Reader, bytes] = {docx.READER: documents.docx(), xlsx.READER: documents.xlsx(), pptx.READER: documents.pptx()}


def test_word_under_headings_with_tables_and_margins() -> None:
    found = read(docx.READER, documents.docx())
    assert [(draft.title, draft.locator, draft.text) for draft in found] == [
        ("Annual report > Travel", "Travel", "We went to Lisbon in May."),
        ("Annual report > Travel > Japan", "Travel > Japan", "京都的秋天很美。\n\nFirst stop: Kyoto"),
        ("Annual report > Costs", "Costs", "Item | Euro\nTrain | 120"),
        ("Annual report", "header 1", "Confidential"),
        ("Annual report", "footer 1", "Page footer"),
    ]
    assert {draft.time for draft in found} == {CREATED}


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def para(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(text)}</w:p>"


def table(*cells: str) -> str:
    return f"<w:tbl><w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr></w:tbl>"


def box(content: str) -> str:
    """A text box as Word writes it: once for itself and once for programs that do not know text boxes."""
    inner = f"<w:txbxContent>{content}</w:txbxContent>"
    return (
        f"<mc:AlternateContent><mc:Choice><wps:txbx>{inner}</wps:txbx></mc:Choice>"
        f"<mc:Fallback>{inner}</mc:Fallback></mc:AlternateContent>"
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f"<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>{para('d')}", "a\tb\nc\n\nd"),
        (f"<w:p><w:pPr><w:tabs><w:tab w:val='left' w:pos='9'/></w:tabs></w:pPr>{run('a')}</w:p>", "a"),
        (f"<w:p><w:ins>{run('new')}</w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>", "new"),
        (f"<w:p>{run('hidden', '<w:vanish/>')}{run('seen')}</w:p>", "seen"),
        ("<w:p>" + run("seen", '<w:vanish w:val="0"/>') + "</w:p>", "seen"),
        (f"<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>{run('seen')}</w:p>", "seen"),
        (f"<w:p><w:r><w:instrText>PAGE</w:instrText></w:r>{run('7')}</w:p>", "7"),
        (f"<w:p><w:hyperlink>{run('link')}</w:hyperlink>{run(' text')}</w:p>", "link text"),
        (f"<w:p><w:r><w:ruby><w:rt>{run('かんじ')}</w:rt><w:rubyBase>{run('漢字')}</w:rubyBase></w:ruby></w:r></w:p>", "漢字"),
        (f"<w:p>{run('out')}<w:r>{box(para('box'))}</w:r></w:p>", "box\n\nout"),
        (table(para("a") + table(para("b"), para("c")) + "<w:p/>", para("d")), "a b | c | d"),
        (table("<w:p/>", "<w:p/>") + para("after"), "after"),
    ],
)  # fmt: skip
def test_word_shows_what_the_page_shows(body: str, shown: str) -> None:
    assert texts(docx.READER, word_parts(body)) == shown


def test_word_headings_by_style_name_ancestor_and_outline() -> None:
    styles = (
        '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Eigene"><w:name w:val="Meine"/><w:basedOn w:val="berschrift1"/></w:style>'
        '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>'
        '<w:style w:styleId="Kreis"><w:basedOn w:val="Kreis"/></w:style>'
    )
    body = "".join(
        para(text, mark)
        for mark, text in (
            ('<w:pStyle w:val="Titel"/>', "Buch"), ('<w:pStyle w:val="Eigene"/>', "Eins"), ("", "x"),
            ('<w:outlineLvl w:val="1"/>', "Zwei"), ('<w:pStyle w:val="Kreis"/>', "y"),
        )
    )  # fmt: skip
    found = read(docx.READER, word_parts(body, {"styles": styles}))
    assert [(draft.title, draft.text) for draft in found] == [("Buch > Eins", "x"), ("Buch > Eins > Zwei", "y")]


def test_word_notes_and_comments_have_authors_and_numbers() -> None:
    dated = 'w:id="0" w:author="Ines Falk" w:date="2024-03-05T09:30:00Z"'
    parts = {
        "footnotes": f'<w:footnote w:type="separator" w:id="-1">{para("---")}</w:footnote>'
        f'<w:footnote w:id="1">{para("See page 5")}</w:footnote>',
        "comments": f"<w:comment {dated}>{para('Really?')}</w:comment>",
    }
    _, note, comment = read(docx.READER, word_parts(para("Text"), parts))
    assert (note.locator, note.title, note.text) == ("footnote 1", "Footnotes", "See page 5")
    assert (comment.locator, comment.text, comment.time) == ("comment 0", "Really?", CREATED)
    assert comment.people == (Mention("from", "Ines Falk"),)


def test_excel_rows_carry_their_headings() -> None:
    found = read(xlsx.READER, documents.xlsx())
    first, note, comment = found[0], found[-2], found[-1]
    assert first.text.splitlines()[0] == "Who | What | Due | Share | Euro"
    assert first.text.splitlines()[2] == "Who: Vendor 1, What: 水费, Due: 2024-01-02, Share: 25%, Euro: 13.5"
    assert (first.locator, first.title, first.thread) == ("Bills!A1:E6", "Household > Bills", "Bills")
    assert sum(len(draft.text.splitlines()) for draft in found if draft.thread == "Bills") == 41
    assert (note.locator, note.text) == ("Notes & more!B2", "Ask Tomas Reyes about the deposit")
    assert (comment.locator, comment.text) == ("Notes & more!B2 comment", "He is back on Monday")


def test_excel_shows_stored_results_times_and_truth() -> None:
    (row,) = read(xlsx.READER, documents.excel_by_xlsxwriter())
    assert (
        row.text
        == "Name | Begins | Seen | Sum | Here\nName: 王小明, Begins: 12:00, Seen: 2024-03-05 09:30, Sum: 42, Here: TRUE"
    )


def sheet(rows: str, shared: str = "", workbook: str = "") -> bytes:
    space, office = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"', documents.OFFICE

    def related(*targets: tuple[str, str, str]) -> str:
        listed = "".join(f'<Relationship Id="{key}" Type="{office}/{kind}" Target="{part}"/>' for key, kind, part in targets)
        return f"<Relationships>{listed}</Relationships>"

    return archive(
        {
            "_rels/.rels": related(("r", "officeDocument", "/xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook {space} xmlns:r="{office}">{workbook}'
            '<sheets><sheet name="S" sheetId="1" r:id="rId9"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": related(
                ("rId9", "worksheet", "worksheets/one.xml"), ("rId8", "sharedStrings", "sharedStrings.xml")
            ),
            "xl/sharedStrings.xml": f"<sst {space}>{shared}</sst>",
            "xl/worksheets/one.xml": f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>",
        }
    )


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ('<row r="3"><c r="B3"><v>0.1</v></c><c r="AA3"><v>1E3</v></c></row>', "0.1 | 1000"),
        ("<row><c><v>1</v></c><c><v>2</v></c></row>", "1 | 2"),
        ('<row><c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>', "ab"),
        ('<row><c t="s"><v>0</v></c><c t="s"><v>99</v></c><c t="s"><v>x</v></c></row>', "東京"),
        ('<row><c t="e"><v>#N/A</v></c><c t="b"><v>0</v></c><c t="d"><v>2024-03-05</v></c></row>', "#N/A | FALSE | 2024-03-05"),
        ('<row><c><f>SUM(A1:A2)</f><v>3</v></c></row>', "3"),
        ('<row><c r="ZZZ1"><v>1</v></c><c r="A1"><v>12345678901234567890</v></c></row>', "12345678901234567890"),
        ('<row><c><v>NaN</v></c><c><v>1e999</v></c><c s="99"><v>5</v></c></row>', "nan | inf | 5"),
        ('<row r="99999999999"><c r="A1"><v> </v></c></row><row><c><v>7</v></c></row>', "7"),
    ],
)  # fmt: skip
def test_excel_cells(rows: str, shown: str) -> None:
    shared = "<si><t>東京</t><rPh><t>トウキョウ</t></rPh></si>"
    assert texts(xlsx.READER, sheet(rows, shared)) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", "number"), ("0.00", "number"), ("0%", "percent"), ("yyyy-mm-dd", "date"), ("mmm-yy", "date"),
        ("h:mm AM/PM", "time"), ("[h]:mm", "number"), ("d.m.yy h:mm", "datetime"), ('0 "days"', "number"), ("[Red]0", "number"),
        ("[$-409]d/m/yy;@", "date"), ("#,##0\\ \\d", "number"), ('yyyy"年"m"月"d"日"', "date"), ("@", "number"),
        ("mm:ss", "time"), ("", "number"),
    ],
)  # fmt: skip
def test_excel_formats(code: str, shown: str) -> None:
    assert shown_as(code) == shown


def test_excel_headings_are_several_short_texts_and_never_lost() -> None:
    text = '<c t="str"><v>{}</v></c>'.format
    alone = f"<row>{text('Name')}{text('City')}</row>"
    assert texts(xlsx.READER, sheet(alone)) == "Name | City"
    title_first = f"<row>{text('List of people')}</row>{alone}<row>{text('Ines')}<c/>{text('extra')}</row>"
    assert texts(xlsx.READER, sheet(title_first)) == "List of people\nName | City\nName: Ines, extra"


def test_names_of_parts_in_any_case_and_with_any_slash() -> None:
    with zipfile.ZipFile(io.BytesIO(sheet('<row><c t="str"><v>found</v></c></row>'))) as whole:
        parts = {name.upper().replace("/", "\\"): whole.read(name) for name in whole.namelist()}
    assert texts(xlsx.READER, archive(parts)) == "found"


def test_powerpoint_one_item_a_slide_in_the_order_shown() -> None:
    goals, plan = read(pptx.READER, documents.pptx())
    assert (goals.locator, goals.title) == ("slide 1", "Kick-off > Goals")
    assert goals.text == "Goals\nShip in June\n学习中文\nNotes: Mention the budget"
    assert plan.text == "Plan\nWeek | Task\n23 | Draft"
    assert {draft.thread for draft in (goals, plan)} == {"document"}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
class TestHostilePackages:
    """The same for all three."""

    def rebuilt(self, reader: Reader, change: dict[str, bytes]) -> bytes:
        with zipfile.ZipFile(io.BytesIO(READERS[reader])) as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        return archive({**parts, **change})

    def main(self, reader: Reader) -> str:
        return {"docx": "word/document.xml", "xlsx": "xl/worksheets/sheet1.xml", "pptx": "ppt/slides/slide1.xml"}[reader.name]

    def refuses(self, reader: Reader, data: bytes, reason: str, limits: Limits | None = None) -> None:
        with pytest.raises(UnreadableFileError, match=reason):
            read(reader, data, limits=limits)

    def test_a_billion_laughs(self, reader: Reader) -> None:
        entities = "".join(f"<!ENTITY l{n} '" + f"&l{n - 1};" * 10 + "'>" for n in range(1, 10))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l9;</x>'.encode()
        self.refuses(reader, self.rebuilt(reader, {self.main(reader): bomb}), "document type")

    def test_a_file_from_outside(self, reader: Reader) -> None:
        thief = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>'
        self.refuses(reader, self.rebuilt(reader, {self.main(reader): thief}), "document type")

    def test_a_zip_bomb(self, reader: Reader) -> None:
        bomb = b"<x>" + b" " * (20 << 20) + b"</x>"
        self.refuses(reader, self.rebuilt(reader, {self.main(reader): bomb}), "400 times its size")
        self.refuses(
            reader, self.rebuilt(reader, {self.main(reader): bomb}), "unpacks to more than", Limits(expanded_bytes=1 << 20)
        )

    def test_too_many_members(self, reader: Reader) -> None:
        self.refuses(reader, archive({f"m{number}": b"" for number in range(MEMBERS + 1)}, zipfile.ZIP_STORED), "members")

    def test_nesting(self, reader: Reader) -> None:
        self.refuses(reader, self.rebuilt(reader, {self.main(reader): b"<a>" * 100 + b"</a>" * 100}), "nested too deeply")

    def test_paths_that_lead_out_lead_nowhere(self, reader: Reader, tmp_path: Path) -> None:
        data = self.rebuilt(reader, {"../../../evil.xml": b"<x/>", "/etc/evil": b"x"})
        assert read(reader, data) == read(reader, READERS[reader])

    def test_a_password_is_named(self, reader: Reader) -> None:
        self.refuses(reader, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, "encrypted")
        data = bytearray(READERS[reader])
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = -1
            while (place := data.find(signature, place + 1)) >= 0:
                data[place + flags] |= 1
        self.refuses(reader, bytes(data), "encrypted")

    def test_cut_short(self, reader: Reader) -> None:
        self.refuses(reader, READERS[reader][: len(READERS[reader]) // 2], "cut short")

    def test_a_main_part_that_is_missing(self, reader: Reader) -> None:
        self.refuses(reader, archive({"word/x": "", "xl/x": "", "ppt/x": ""}), "missing")

    def test_packed_by_another_method(self, reader: Reader) -> None:
        with zipfile.ZipFile(io.BytesIO(READERS[reader])) as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        self.refuses(reader, archive(parts, zipfile.ZIP_LZMA), "method")


def test_names_of_an_archive_are_read_at_a_fixed_cost(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archive({f"{number:0200d}": b"" for number in range(8_000)}, zipfile.ZIP_STORED))
    assert 1_000 < len(member_names(path)) < 8_000
    path.write_bytes(b"MZ self-extracting" + documents.docx())
    assert "word/document.xml" in member_names(path)
    path.write_bytes(b"PK\x05\x06" + b"\xff" * 18)
    assert member_names(path) == ()
