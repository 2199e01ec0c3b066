"""Which encoding a text is in, and what is no text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.memory.ingest.encoding import decode_stream, detect_encoding, is_binary

SIMPLIFIED = "明天下午三点我们在公司的会议室开会，请大家准时参加。这个问题很重要。"
TRADITIONAL = "明天下午三點我們在公司的會議室開會，請大家準時參加。這個問題很重要。"
JAPANESE = "明日の午後三時に会議室で打ち合わせがあります。よろしくお願いします。"
GERMAN = "Die Straße ist für größere Fahrzeuge gesperrt, sagte Herr Müller."
FRENCH = "L’été dernier, nous étions à la plage : c’était très agréable."


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("plain ascii", "ascii", "utf-8"),
        (GERMAN, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (GERMAN, "utf-32", "utf-32"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        (GERMAN, "utf-16-be", "utf-16-be"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gb2312", "gb18030"),
        ("今天在家", "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (GERMAN, "cp1252", "cp1252"),
        (FRENCH, "cp1252", "cp1252"),
        ("naïve café", "latin-1", "cp1252"),
    ],
)
def test_the_encoding_is_found_and_reads_the_text(text: str, encoding: str, found: str) -> None:
    data = text.encode(encoding)
    assert detect_encoding(data) == found
    assert "".join(decode_stream(io.BytesIO(data), found)) == text
    assert not is_binary(data)


def test_a_sample_cut_within_a_character_is_no_damage() -> None:
    data = SIMPLIFIED.encode("utf-8")
    assert {detect_encoding(data[:length]) for length in range(3, len(data))} == {"utf-8"}


def test_what_is_declared_counts_when_it_fits() -> None:
    assert detect_encoding("Привет, мир".encode("koi8-r"), "koi8-r") == "koi8-r"
    assert detect_encoding(GERMAN.encode(), "ascii") == "utf-8"
    assert detect_encoding(b"x", "no-such-encoding") == "utf-8"
    assert detect_encoding(b"x", "\x00") == "utf-8"


@given(st.binary(max_size=300))
def test_any_bytes_have_an_encoding_that_decodes_them(data: bytes) -> None:
    assert isinstance("".join(decode_stream(io.BytesIO(data), detect_encoding(data))), str)
    is_binary(data)


@pytest.mark.parametrize(
    "data", [b"\x00" * 100, bytes(range(256)) * 4, b"\x7fELF\x02\x01\x01" + b"\x00" * 90, b"text\x00\x00text" * 4]
)
def test_what_is_no_text(data: bytes) -> None:
    assert is_binary(data)
