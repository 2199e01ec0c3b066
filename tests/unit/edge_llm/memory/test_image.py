"""The file and its log read without SQLite, and a log cut or changed at any byte: what was committed and is whole counts."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.memory.image import FRAME_HEADER, WAL_HEADER, Image, wal_frames
from edge_llm.memory.pages import PAGE, USABLE
from edge_llm.memory.store import Store
from edge_llm.memory.verify import verify
from tests.unit.edge_llm.memory.store_samples import KEY, messages, open_store, plain_pages

ROUNDS = 6


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as a power cut leaves it: all of ROUNDS sources are in the log, none is in the file."""
    folder = tmp_path_factory.mktemp("crashed")
    with open_store(folder / "live") as store:
        with store.maintaining() as connection:
            connection.pragma("wal_autocheckpoint", 0)
        for number in range(ROUNDS):
            store.put(f"source {number}", "text", messages(20, number))
        for name in ("memory", "memory-wal"):
            shutil.copy(folder / "live" / name, folder / name)
    return folder


def copied(crashed: Path, target: Path) -> Path:
    target.mkdir(exist_ok=True)
    for name in ("memory", "memory-wal"):
        shutil.copy(crashed / name, target / name)
    return target


def whole_sources(folder: Path) -> list[int]:
    """How many items each source has; everything else is checked."""
    with Store.open(folder / "memory", KEY) as store:
        found = verify(store)
        assert found.ok, found
        counts = [source.items for source in store.sources()]
        assert len(store.items(store.select())) == sum(counts)
    return counts


def test_pages_in_the_log_are_read_as_sqlite_reads_them(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for number in range(3):
            store.put(f"source {number}", "text", messages(20, number))
        theirs = plain_pages(store)
        with Image(store.path, store.cipher) as image:
            assert image.count * PAGE == len(theirs)
            ours = [image.page(number) for number in range(1, image.count + 1)]
        assert all(page is not None and theirs[at * PAGE :].startswith(page[:USABLE]) for at, page in enumerate(ours))


def test_frames_of_an_earlier_use_of_the_log_are_told_apart(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(200))
        with store.maintaining() as connection:
            connection.execute("PRAGMA wal_checkpoint(RESTART)")
        store.put("b", "text", messages(1))
        frames = list(wal_frames(store.path))
        assert {frame.current for frame in frames} == {True, False}
        with Image(store.path, store.cipher) as image:
            assert image.count * PAGE == len(plain_pages(store))


def test_a_store_without_a_log(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    assert list(wal_frames(tmp_path / "memory")) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_log_that_was_cut_gives_the_transactions_before(crashed: Path, tmp_path: Path, share: float) -> None:
    folder = copied(crashed, tmp_path / "cut")
    log = folder / "memory-wal"
    size = int(log.stat().st_size * share)
    log.write_bytes(log.read_bytes()[:size])
    counts = whole_sources(folder)
    assert set(counts[:-1]) <= {20}
    assert counts == [20] * len(counts) or counts[-1] == 0
    if share == 1:
        assert len(counts) == ROUNDS


@pytest.mark.parametrize("seed", range(12))
def test_a_log_whose_tail_is_garbage_gives_the_transactions_before(crashed: Path, tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    folder = copied(crashed, tmp_path / "garbage")
    log = folder / "memory-wal"
    raw = bytearray(log.read_bytes())
    start = chosen.randrange(WAL_HEADER, len(raw))
    if seed % 2:
        raw[start] ^= 1 << chosen.randrange(8)
    else:
        raw[start:] = chosen.randbytes(len(raw) - start)
    log.write_bytes(raw)
    counts = whole_sources(folder)
    intact = (start - WAL_HEADER) // (FRAME_HEADER + PAGE)
    assert set(counts[:-1]) <= {20}
    assert len(counts) <= ROUNDS
    assert counts or intact < 60


def test_a_page_that_was_torn_while_the_log_was_merged_is_taken_from_the_log(crashed: Path, tmp_path: Path) -> None:
    folder = copied(crashed, tmp_path / "torn")
    raw = bytearray((folder / "memory").read_bytes())
    for page in (0, 3, 7):
        raw[page * PAGE + 2048 : (page + 1) * PAGE] = bytes(2048)
    logged = {frame.page for frame in wal_frames(folder / "memory")}
    assert {1, 4, 8} <= logged
    (folder / "memory").write_bytes(raw)
    assert whole_sources(folder) == [20] * ROUNDS
