"""Rows read from pages without SQLite, against what SQLite says is there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.memory import btree
from edge_llm.memory.btree import MalformedPageError
from edge_llm.memory.connecting import Unlocked, connect
from edge_llm.memory.image import Image
from edge_llm.memory.pages import PAGE, USABLE

KEYS = Unlocked.derived(bytes(32), b"salt" * 4)
VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20)
    | st.integers(0, 20_000).map(bytes)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.tuples(VALUES, VALUES, VALUES), max_size=40))
def test_rows_are_what_was_inserted(tmp_path: Path, rows: dict[int, tuple[object, ...]]) -> None:
    path = tmp_path / "made"
    path.unlink(missing_ok=True)
    path.touch()
    connection = connect(path, KEYS, timeout_s=1, wal=False)
    connection.execute("CREATE TABLE made(a, b, c)")
    for rowid, values in rows.items():
        connection.execute("INSERT INTO made(rowid, a, b, c) VALUES(?, ?, ?, ?)", (rowid, *values))
    root = connection.execute("SELECT rootpage FROM sqlite_schema").get
    connection.close()
    with Image(path, KEYS.cipher) as image:
        assert dict(walk(image, root)) == rows


def walk(image: Image, number: int) -> list[tuple[int, tuple[object, ...]]]:
    page = image.page(number)
    assert page is not None
    if btree.kind_of(number, page) == btree.LEAF_TABLE:
        return [(row.rowid, row.values) for row in btree.rows(number, page, image.page)]
    found = []
    last = None
    for child in btree.children(number, page):
        below = walk(image, child.page)
        if child.last is not None:
            assert max(rowid for rowid, _ in below) <= child.last
            assert last is None or min(rowid for rowid, _ in below) > last
            last = child.last
        found += below
    return found


@settings(max_examples=200, deadline=None)
@given(page=st.binary(min_size=200, max_size=200), kind=st.sampled_from([2, 5, 10, 13]))
def test_no_page_makes_it_hang_or_fail_otherwise(page: bytes, kind: int) -> None:
    whole = bytes([kind]) + page + bytes(PAGE - 1 - len(page))
    for read in (lambda: list(btree.rows(2, whole, lambda number: whole)), lambda: btree.overflow_heads(2, whole)):
        with suppress(MalformedPageError):
            read()
    with suppress(MalformedPageError):
        btree.children(2, whole)


def test_a_row_that_goes_on_in_a_page_that_is_gone_is_left_out() -> None:
    payload_size = USABLE
    cell = bytes([0x80 | payload_size >> 7, payload_size & 0x7F, 1])
    page = bytearray(PAGE)
    page[0], page[3:5], page[8:10] = 13, (1).to_bytes(2, "big"), (100).to_bytes(2, "big")
    page[100 : 100 + len(cell)] = cell
    assert list(btree.rows(2, bytes(page), lambda number: None)) == []


@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x03\x0a\x0a", b"\x02\x81", b"\xff" * 9])
def test_records_that_break_the_rules(payload: bytes) -> None:
    with pytest.raises(MalformedPageError):
        btree.decode(payload)
