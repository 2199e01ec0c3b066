"""Fingerprints find what they were made of, wherever it is, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.traces import LONGEST, SHORTEST, Tracer, windows

KEY = bytes(32)
PIECES = st.lists(st.binary(min_size=SHORTEST, max_size=LONGEST), min_size=1, max_size=8, unique=True)


@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, gaps=st.lists(st.binary(max_size=40), min_size=8, max_size=8))
def test_a_scan_finds_each_trace_where_it_is(pieces: list[bytes], gaps: list[bytes]) -> None:
    tracer = Tracer(KEY)
    for piece in pieces:
        tracer.add("term", piece)
    data = b"".join(gap + piece for gap, piece in zip(gaps, pieces, strict=False)) + gaps[-1]
    expected = {(start, piece) for piece in pieces for start in range(len(data)) if data.startswith(piece, start)}
    lengths = {tracer._digest(piece): len(piece) for piece in pieces}
    assert {(trace.start, data[trace.start :][: lengths[trace.digest]]) for trace in tracer.scan(data)} == expected


def test_traces_across_blocks_are_found_once() -> None:
    tracer = Tracer(KEY)
    tracer.add("text", b"sixteen bytes!!!")
    data = bytearray(random.Random(1).randbytes((2 << 20) + 100))
    places = [0, (1 << 20) - 15, (1 << 20) - 16, 1 << 20, (2 << 20) - 1, len(data) - 16]
    for place in (0, (1 << 20) - 8, (2 << 20) - 1, len(data) - 16):
        data[place : place + 16] = b"sixteen bytes!!!"
    found = [trace.start for trace in tracer.scan(bytes(data))]
    assert sorted(found) == [0, (1 << 20) - 8, (2 << 20) - 1, len(data) - 16]
    assert len(places) == 6


def test_nothing_is_found_in_what_holds_nothing() -> None:
    chosen = random.Random(2)
    tracer = Tracer(KEY)
    for _ in range(5000):
        tracer.add("term", chosen.randbytes(chosen.randint(8, LONGEST)))
    assert list(tracer.scan(chosen.randbytes(4 << 20))) == []


def test_an_empty_tracer_and_empty_data() -> None:
    tracer = Tracer(KEY)
    assert list(tracer.scan(b"anything at all")) == []
    tracer.add("key", b"something")
    assert [list(tracer.scan(data)) for data in (b"", b"some", b"something")][:2] == [[], []]
    assert len(list(tracer.scan(b"something"))) == 1


def test_fingerprints_survive_being_written_and_read() -> None:
    tracer, again = Tracer(KEY), Tracer(KEY)
    for kind, piece in (("text", b"a window of text"), ("vector", bytes(range(16))), ("name", b"Quentin")):
        tracer.add(kind, piece)  # type: ignore[arg-type]
    again.load(tracer.to_bytes())
    assert again.to_bytes() == tracer.to_bytes()
    assert {trace.kind for trace in again.scan(b"--Quentin--a window of text")} == {"name", "text"}


def test_another_key_finds_nothing_and_tells_nothing() -> None:
    tracer, other = Tracer(KEY), Tracer(b"x" * 32)
    tracer.add("text", b"a window of text")
    other.load(tracer.to_bytes())
    assert list(other.scan(b"--a window of text--")) == []
    assert b"window" not in tracer.to_bytes()


@pytest.mark.parametrize("data", [b"x", bytes(14), b"\xff" * 14, bytes(13)])
def test_what_is_no_list_of_fingerprints_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="finger"):
        Tracer(KEY).load(data)


@given(data=st.binary(max_size=100))
def test_windows_cover_a_string(data: bytes) -> None:
    found = list(windows(data))
    assert all(SHORTEST <= len(window) <= LONGEST and window in data for window in found)
    if len(data) >= SHORTEST and all(len(set(data[start : start + LONGEST])) > 2 for start in range(0, len(data), LONGEST)):
        assert data.endswith(found[-1]) or len(set(data[-LONGEST:])) <= 2


def test_what_is_everywhere_is_not_looked_for() -> None:
    assert list(windows(bytes(64))) == list(windows(b"-=" * 30)) == list(windows(b"short")) == []
