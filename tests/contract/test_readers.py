"""The duties of a reader, checked on every reader there is (`edge_llm/memory/ingest/reader.py` says them in words)."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_llm.memory.ingest.drafts import DraftFinisher, from_json, to_json
from edge_llm.memory.ingest.formats import HEAD_BYTES, find_reader, reader_version, readers
from edge_llm.memory.ingest.reader import Limits, Reader, Reading
from edge_llm.memory.ingest.worker import Workers
from edge_llm.memory.items import Draft
from runtimes.errors import UnreadableFileError
from tests.contract.reader_samples import SAMPLES
from tests.unit.edge_llm.memory.ingest.mutations import mutate

HEAVY = (
    "dateparser",
    "icalendar",
    "lxml",
    "markdown_it",
    "numpy",
    "phonenumbers",
    "pypdf",
)
MUTANTS = 60
RUBBISH = (
    b"",
    b"\0",
    b"\n",
    b"\xff" * 5000,
    b"PK\x03\x04",
    b"%PDF-",
    b"{",
    b"[" * 5000,
    b"BEGIN:",
    b"From ",
    b"<" * 5000,
    bytes(range(256)) * 20,
)


@pytest.fixture(params=readers(), ids=lambda reader: reader.name)
def reader(request: pytest.FixtureRequest) -> Reader:
    """Each reader there is."""
    found: Reader = request.param
    return found


@pytest.fixture
def sample(reader: Reader) -> tuple[str, bytes]:
    """A file of its format: name and content."""
    assert reader.name in SAMPLES, f"tests/contract/reader_samples.py has no file that {reader.name} reads"
    name, build = SAMPLES[reader.name]
    return name, build()


def read(reader: Reader, data: bytes, name: str) -> list[Draft]:
    """What a reader finds, until it refuses to go on."""
    found: list[Draft] = []
    reading = Reading(Path(name), ZoneInfo("Europe/Berlin"), ("Ines Falk", "+4915112345678"), Limits(expanded_bytes=8 << 20))
    with suppress(UnreadableFileError):
        found.extend(reader.read(io.BytesIO(data), reading))
    return found


def finish(drafts: Sequence[Draft], limits: Limits) -> Iterator[Draft]:
    finisher = DraftFinisher(limits, 0)
    for draft in drafts:
        for finished in finisher.finish(draft):
            yield finished
            assert from_json(json.loads(to_json(finished)), limits) == finished


def assert_can_be_stored(drafts: Sequence[Draft]) -> None:
    """Items have text, a place of their own, and times with a zone."""
    locators = [draft.locator for draft in drafts]
    assert len(set(locators)) == len(locators)
    assert all(draft.text.strip() for draft in drafts)
    assert all(time is None or time.tzinfo is not None for draft in drafts for time in (draft.time, draft.end))


def test_its_name_is_its_modules_and_its_suffixes_are_lower_case(reader: Reader) -> None:
    assert type(reader).__module__ == f"edge_llm.memory.ingest.{reader.name}"
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in reader.suffixes)
    assert reader_version(reader.name) >= 1


def test_its_file_is_found_by_content_or_name(reader: Reader, sample: tuple[str, bytes], tmp_path: Path) -> None:
    name, data = sample
    path = tmp_path / name
    path.write_bytes(data)
    assert find_reader(path) is reader


def test_claiming_never_fails(reader: Reader, tmp_path: Path) -> None:
    for data in (*RUBBISH, *(build() for _, build in SAMPLES.values())):
        for suffix in (".x", *sorted(reader.suffixes)[:2]):
            path = tmp_path / f"file{suffix}"
            path.write_bytes(data)
            assert 0 <= reader.claims(data[:HEAD_BYTES], path) <= 1
            assert 0 <= reader.claims(data[:HEAD_BYTES], tmp_path / f"none{suffix}") <= 1


def test_items_are_whole_have_a_place_of_their_own_and_come_again(reader: Reader, sample: tuple[str, bytes]) -> None:
    name, data = sample
    found = read(reader, data, name)
    assert found
    assert read(reader, data, name) == found
    assert_can_be_stored(found)
    assert [draft.locator for draft in finish(found, Limits())] == [draft.locator for draft in found]


def test_what_is_left_of_a_damaged_file_can_be_stored(reader: Reader, sample: tuple[str, bytes]) -> None:
    name, data = sample
    for cut in range(0, len(data), max(1, len(data) // 24)):
        assert_can_be_stored(list(finish(read(reader, data[:cut], name), Limits())))
    for seed in range(MUTANTS):
        assert_can_be_stored(list(finish(read(reader, mutate(data, seed), name), Limits())))


def test_what_is_read_of_another_format_can_be_stored(reader: Reader, sample: tuple[str, bytes]) -> None:
    for data in (*RUBBISH, *(build() for _, build in SAMPLES.values())):
        assert_can_be_stored(list(finish(read(reader, data, sample[0]), Limits())))


def test_what_was_found_before_the_damage_stands(reader: Reader, sample: tuple[str, bytes]) -> None:
    """Cut in the middle: whatever is found is the beginning of what the whole file holds, but for the last item."""
    name, data = sample
    if data.startswith((b"PK", b"%PDF")):
        pytest.skip("its directory is at its end")
    whole, part = read(reader, data, name), read(reader, data[: len(data) * 2 // 3], name)
    assert [draft.locator for draft in part[:-1]] == [draft.locator for draft in whole[: len(part[:-1])]]


def test_a_reading_left_in_the_middle_leaves_the_file_open(reader: Reader, sample: tuple[str, bytes]) -> None:
    name, data = sample
    file = io.BytesIO(data)
    drafts = reader.read(file, Reading(Path(name), ZoneInfo("UTC")))
    next(iter(drafts))
    del drafts
    gc.collect()
    assert not file.closed


def test_it_works_in_the_process_that_bounds_it(tmp_path: Path) -> None:
    """Every reader with what it loads, under the limits a file is read under."""
    reading = Reading(tmp_path, ZoneInfo("Europe/Berlin"))
    with Workers() as workers:
        for reader in readers():
            name, build = SAMPLES[reader.name]
            path = tmp_path / name
            path.write_bytes(build())
            found = list(workers.read(path, reading))
            assert [draft.locator for draft in found] == [draft.locator for draft in read(reader, build(), name)], reader.name


def test_finding_a_reader_loads_no_parser() -> None:
    code = (
        "from edge_llm.memory.ingest.formats import readers; import sys; readers(); "
        f"print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


@pytest.mark.parametrize("name", ["text", "markdown", "html", "whatsapp", "wechat", "mbox", "vcard"])
def test_memory_does_not_grow_with_the_file(name: str) -> None:
    """Formats that can be repeated byte by byte: twice the file does not take twice the memory."""
    reader = {reader.name: reader for reader in readers()}.get(name)
    if reader is None:
        pytest.skip(f"there is no reader called {name}")
    file_name, build = SAMPLES[name]
    peaks = []
    read(reader, build(), file_name)  # loads what it needs
    for size in (100_000, 200_000):
        data = build() * (size // len(build()))
        tracemalloc.start()
        for _ in reader.read(io.BytesIO(data), Reading(Path(file_name), ZoneInfo("UTC"))):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.6, peaks
