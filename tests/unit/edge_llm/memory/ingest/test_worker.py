"""Reading in another process: what a file may cost, what happens when it costs more, and that the next file is read."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from edge_llm.memory.ingest.reader import Limits, Reading
from edge_llm.memory.ingest.worker import Workers
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import CancelledError, ConfigError, RuntimeFailedError, UnreadableFileError

READERS = "tests.unit.edge_llm.memory.ingest.hostile_readers"
LIMITS = Limits(seconds=2.0, memory_bytes=400 << 20, items=5_000)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Workers over the hostile readers; shared, because they must survive all of them."""
    with Workers(LIMITS, package=READERS) as workers:
        yield workers


def reading(path: Path, limits: Limits = LIMITS) -> Reading:
    return Reading(path, ZoneInfo("Europe/Berlin"), limits=limits)


def write(folder: Path, name: str, content: str = "") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def read(workers: Workers, path: Path) -> tuple[list[Draft], str]:
    """What was read, and why no more."""
    found: list[Draft] = []
    try:
        found.extend(workers.read(path, reading(path)))
    except UnreadableFileError as error:
        return found, str(error)
    return found, ""


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hungry", "400 MiB of memory"),
        ("endless", "no item was found for 2 seconds"),
        ("sleeping", "no item was found for 2 seconds"),
        ("crashing", "SIGABRT"),
        ("leaving", "ended with code 3"),
        ("raising", "the raising reader failed on it (KeyError: 'no\\nsuch\\x00key')"),
        ("recursing", "nested too deeply"),
    ],
)
def test_a_file_that_breaks_its_reader_is_reported_and_the_next_one_is_read(
    workers: Workers, tmp_path: Path, name: str, reason: str
) -> None:
    path = write(tmp_path, f"file.{name}")
    begun = time.monotonic()
    found, why = read(workers, path)
    assert [draft.text for draft in found] == ["item 1"], "what was found before stands"
    assert why.startswith(f"{path}: ")
    assert reason in why
    assert time.monotonic() - begun < 10
    found, why = read(workers, write(tmp_path, "next.flooding", "3"))
    assert (len(found), why) == (3, "")


def test_what_a_library_prints_does_not_reach_the_answers(workers: Workers, tmp_path: Path) -> None:
    path, notes = write(tmp_path, "file.printing"), list[str]()
    read = Reading(path, timezone.utc, limits=LIMITS, note=notes.append)
    assert [draft.text for draft in workers.read(path, read)] == ["item 1", "item 2"]
    assert notes == ["two things to know and a second line"]


@pytest.mark.skipif(os.name != "posix", reason="limits of the operating system")
def test_a_reader_opens_no_socket_starts_nothing_and_writes_nothing(workers: Workers, tmp_path: Path) -> None:
    path = write(tmp_path, "file.networking", "kept")
    found, why = read(workers, path)
    outcomes = dict(draft.text.split(": ") for draft in found[1:])
    assert outcomes == {
        "socket": "PermissionError",
        "program": "PermissionError",
        "fork": "PermissionError",
        "remove": "PermissionError",
        "write": "PermissionError",
    }
    assert why == ""
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "kept"


def test_items_are_cleaned_and_an_invalid_one_ends_the_file(workers: Workers, tmp_path: Path) -> None:
    found, why = read(workers, write(tmp_path, "file.unclean"))
    assert found[1] == Draft(text="ab\nc😀\ufffd \u202ed\u200b", kind="mail", locator="1 (2)", title="t itle")
    assert found[2] == Draft(text="only a title", kind="event", locator="1 (3)", title="only a title")
    assert found[3] == Draft(text="early", kind="event", locator="1 (4)", people=(Mention("from", "Anna", ("+49 30 1",)),))
    assert len(found) == 4
    assert "invalid item (time has no time zone)" in why


def test_more_items_than_allowed_end_the_file(workers: Workers, tmp_path: Path) -> None:
    found, why = read(workers, write(tmp_path, "file.flooding", "6000"))
    assert len(found) == 5_000
    assert "more than 5,000 items" in why


def test_one_process_reads_many_files(workers: Workers, tmp_path: Path) -> None:
    read(workers, write(tmp_path, "0.flooding", "1"))
    before = children()
    for number in range(20):
        assert read(workers, write(tmp_path, f"{number}.flooding", "2"))[1] == ""
    assert children() == before


def test_a_process_that_died_while_idle_is_replaced(workers: Workers, tmp_path: Path) -> None:
    path = write(tmp_path, "file.flooding", "2")
    read(workers, path)
    for pid in children():
        psutil.Process(pid).kill()
        psutil.Process(pid).wait()
    assert read(workers, path) == ([Draft(f"item {n}", "message", str(n)) for n in (1, 2)], "")


@pytest.mark.parametrize("name", ["endless", "sleeping"])
def test_cancelling_ends_the_process_at_once(tmp_path: Path, name: str) -> None:
    path, cancel = write(tmp_path, f"file.{name}"), threading.Event()
    patient, before = Limits(seconds=60), children()
    with Workers(patient, package=READERS) as workers:
        drafts = workers.read(path, reading(path, patient), cancel=cancel)
        next(drafts)
        timer = threading.Timer(0.2, cancel.set)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(CancelledError):
            next(drafts)
        assert time.monotonic() - begun < 2
        timer.join()
        assert children() == before
        with pytest.raises(CancelledError):
            next(workers.read(path, reading(path, patient), cancel=cancel))


def test_only_the_time_that_somebody_waits_counts(workers: Workers, tmp_path: Path) -> None:
    path = write(tmp_path, "file.flooding", "4000")
    drafts = workers.read(path, reading(path))
    next(drafts)
    time.sleep(2.5)
    assert sum(1 for _ in drafts) == 3_999


def test_a_reading_left_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    path, before = write(tmp_path, "file.flooding", "4000"), children()
    with Workers(LIMITS, package=READERS) as workers:
        drafts = workers.read(path, reading(path))
        next(drafts)
        del drafts
        gc.collect()
        assert children() == before
        assert len(read(workers, path)[0]) == 4_000
    assert children() == before
    assert sum(thread.name == "edge-llm-reading" for thread in threading.enumerate()) == len(before)
    with pytest.raises(RuntimeFailedError, match="closed"):
        read(workers, path)


def test_threads_read_side_by_side(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{number}.flooding", str(number * 100)) for number in range(1, 7)]
    found: dict[Path, int] = {}
    with Workers(LIMITS, package=READERS) as workers:
        threads = [threading.Thread(target=lambda p=path: found.update({p: len(read(workers, p)[0])})) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[path] for path in paths] == [100, 200, 300, 400, 500, 600]


def test_the_limits_of_the_whole_file(workers: Workers, tmp_path: Path) -> None:
    path = write(tmp_path, "file.flooding", "2")
    with pytest.raises(UnreadableFileError, match="1 bytes, more than the 0"):
        next(workers.read(path, reading(path, Limits(file_bytes=0))))
    with pytest.raises(UnreadableFileError, match="cannot be opened: No such file"):
        next(workers.read(tmp_path / "none.flooding", reading(path)))
    with pytest.raises(UnreadableFileError, match="no format called"):
        next(workers.read(path, reading(path), reader="none"))


def test_time_zones_cross_by_name_or_by_distance(workers: Workers, tmp_path: Path) -> None:
    from dateutil.tz import tzlocal, tzstr

    path = write(tmp_path, "file.flooding", "1")
    for zone in (timezone.utc, timezone(timedelta(hours=5, minutes=45)), ZoneInfo("Asia/Tokyo"), tzlocal()):
        assert len(list(workers.read(path, Reading(path, zone, limits=LIMITS)))) == 1
    with pytest.raises(ConfigError, match="ZoneInfo"):
        next(workers.read(path, Reading(path, tzstr("EST5EDT"), limits=LIMITS)))


@pytest.mark.parametrize("name", ["endless", "sleeping"])
def test_a_process_whose_asker_was_killed_ends(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"file.{name}")
    asker = (
        "import sys; from pathlib import Path; from datetime import timezone\n"
        "from edge_llm.memory.ingest.worker import Workers; from edge_llm.memory.ingest.reader import Reading\n"
        f"path, workers = Path({str(path)!r}), Workers(package={READERS!r})\n"
        "for draft in workers.read(path, Reading(path, timezone.utc)): print(draft.text, flush=True)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[5])}
    with subprocess.Popen([sys.executable, "-c", asker], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "item 1\n"
        (reading,) = psutil.Process(process.pid).children()
        process.kill()
    _, alive = psutil.wait_procs([reading], timeout=10)
    assert not alive


def test_a_process_that_cannot_start_is_no_fault_of_the_file(tmp_path: Path) -> None:
    path, before = write(tmp_path, "file.flooding", "1"), children()
    with Workers(Limits(memory_bytes=1 << 20), package=READERS) as workers, pytest.raises(RuntimeFailedError, match="1 MiB"):
        next(workers.read(path, reading(path)))
    assert children() == before


def test_a_folder_of_traps_shadows_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    with Workers(LIMITS, package=READERS) as workers:
        assert read(workers, write(tmp_path, "file.flooding", "2"))[1] == ""
