"""Adding files: what changed is read, what did not is not, what is gone leaves, and what is broken ends nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_llm.memory import Draft, Memory
from edge_llm.progress import Progress
from runtimes.errors import CancelledError, InputError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

KEY = bytes(range(32))


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def memory(tmp_path: Path, embedder: WordEmbedder) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=KEY, embedder=embedder) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three notes, one of them in a folder, and something that is no PDF."""
    place = tmp_path / "notes"
    (place / "trips").mkdir(parents=True)
    (place / "dentist.txt").write_text("The dentist is on Thursday.", encoding="utf-8")
    (place / "trips" / "japan.md").write_text("# Japan\n\nGate 14.\n\n# Packing\n\nPassport.\n", encoding="utf-8")
    (place / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    return place


def texts(memory: Memory) -> set[str]:
    return {item.text for item in memory.list()}


def test_a_folder_is_taken_in_and_what_is_broken_is_reported(memory: Memory, folder: Path, embedder: WordEmbedder) -> None:
    steps: list[Progress] = []
    added = memory.add(folder, progress=steps.append)
    assert (added.files, added.added, added.embedded) == (2, 3, 3)
    (failure,) = added.failures
    assert failure.path == str(folder / "broken.pdf")
    assert "broken.pdf" in failure.reason
    assert texts(memory) == {"The dentist is on Thursday.", "Gate 14.", "Passport."}
    assert [source.name for source in memory.sources()] == [str(folder / "dentist.txt"), str(folder / "trips" / "japan.md")]
    assert [(step.done, step.total) for step in steps if step.stage == "read"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert steps[-1] == Progress("embed", 3, 3, str(memory.path))


def test_what_has_not_changed_is_not_read_again(memory: Memory, folder: Path, embedder: WordEmbedder) -> None:
    memory.add(folder)
    again = memory.add(folder)
    assert (again.files, again.unchanged_files, again.added, again.unchanged) == (0, 2, 0, 0)
    assert embedder.texts == 3
    os.utime(folder / "dentist.txt", (1, 1))
    assert memory.add(folder).unchanged_files == 2, "the same bytes with another time"


def test_only_what_differs_is_touched(memory: Memory, folder: Path, embedder: WordEmbedder) -> None:
    memory.add(folder)
    ids = {item.text: item.id for item in memory.list()}
    (folder / "trips" / "japan.md").write_text("# Japan\n\nGate 99.\n\n# Packing\n\nPassport.\n", encoding="utf-8")
    again = memory.add(folder)
    assert (again.files, again.unchanged_files, again.changed, again.unchanged, again.embedded) == (1, 1, 1, 1, 1)
    assert {item.text: item.id for item in memory.list()} == {
        "The dentist is on Thursday.": ids["The dentist is on Thursday."],
        "Gate 99.": ids["Gate 14."],
        "Passport.": ids["Passport."],
    }


def test_what_vanished_from_a_folder_leaves_memory_when_it_is_added_again(memory: Memory, folder: Path) -> None:
    memory.add(folder)
    (folder / "dentist.txt").unlink()
    assert memory.add(folder / "trips").gone == ()
    assert memory.add(folder).gone == (str(folder / "dentist.txt"),)
    assert texts(memory) == {"Gate 14.", "Passport."}
    assert [source.name for source in memory.sources()] == [str(folder / "trips" / "japan.md")]


def test_a_folder_that_is_gone_itself_takes_nothing_along(memory: Memory, folder: Path) -> None:
    memory.add(folder)
    folder.rename(folder.with_name("unplugged"))
    added = memory.add([folder, folder / "dentist.txt"])
    assert added.gone == ()
    assert [failure.path for failure in added.failures] == [str(folder), str(folder / "dentist.txt")]
    assert len(texts(memory)) == 3


def test_a_file_that_breaks_keeps_what_memory_had(memory: Memory, folder: Path) -> None:
    memory.add(folder)
    (folder / "dentist.txt").write_bytes(b"%PDF-1.7 now it is broken")
    assert {Path(failure.path).name for failure in memory.add(folder).failures} == {"broken.pdf", "dentist.txt"}
    assert "The dentist is on Thursday." in texts(memory)


def test_many_small_files(memory: Memory, tmp_path: Path) -> None:
    place = tmp_path / "many"
    place.mkdir()
    for number in range(300):
        (place / f"{number:03}.txt").write_text(f"note number {number}", encoding="utf-8")
    assert memory.add(place).added == 300
    assert memory.add(place).unchanged_files == 300


def test_a_file_longer_than_what_is_read_ahead(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text(
        "".join(f"# Part {number}\n\ntext {number}\n\n" for number in range(700)), encoding="utf-8"
    )
    assert memory.add(tmp_path / "long.md").added == 700


def test_cancelling_keeps_what_was_stored_and_the_next_call_goes_on(memory: Memory, tmp_path: Path) -> None:
    place = tmp_path / "many"
    place.mkdir()
    for number in range(40):
        (place / f"{number:03}.txt").write_text(f"note number {number}", encoding="utf-8")
    cancel = threading.Event()

    def stop_in_the_middle(step: Progress) -> None:
        if step.done == 20:
            cancel.set()

    with pytest.raises(CancelledError):
        memory.add(place, progress=stop_in_the_middle, cancel=cancel)
    stored = len(texts(memory))
    assert 15 <= stored <= 30
    rest = memory.add(place)
    assert (rest.unchanged_files, rest.added) == (stored, 40 - stored)


def test_drafts_are_all_of_their_source(memory: Memory) -> None:
    when = datetime(2024, 5, 1, tzinfo=timezone.utc)
    drafts = [Draft("buy milk", "note", "1", external_id="a-1", time=when), Draft("call Ben", "note", "2")]
    assert memory.add(drafts, source="app").added == 2
    again = memory.add(drafts[:1], source="app")
    assert (again.unchanged, again.removed) == (1, 1)
    (item,) = memory.list()
    assert (item.external_id, item.source.name, item.source.format, item.time) == ("a-1", "app", "drafts", when)


def test_retention(memory: Memory) -> None:
    drafts = [Draft("old", "note", "1", time=datetime(2001, 1, 1, tzinfo=timezone.utc)), Draft("timeless", "note", "2")]
    added = memory.add(drafts, source="app", keep_days=30)
    assert (added.added, added.expired) == (1, 1)
    assert memory.sources()[0].keep_days == 30


def test_what_has_grown_too_old_is_forgotten_by_the_next_call(memory: Memory) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    memory.add([Draft("old", "note", "1", time=yesterday), Draft("new", "note", "2")], source="app", keep_days=2)
    assert len(texts(memory)) == 2
    with memory.store.writing() as connection:
        connection.execute("UPDATE sources SET keep_days = 0 WHERE name = 'app'")
        connection.execute("UPDATE items SET added = added + 60000")
    assert memory.add([Draft("other", "note", "1")], source="other").forgotten == 1
    assert texts(memory) == {"new", "other"}


def test_what_makes_no_sense_is_refused(memory: Memory, tmp_path: Path) -> None:
    draft = Draft("x", "note", "1")
    with pytest.raises(InputError, match="name of their source"):
        memory.add([draft])
    with pytest.raises(InputError, match="Only drafts"):
        memory.add(tmp_path, source="app")
    with pytest.raises(InputError, match="together"):
        memory.add([draft, tmp_path], source="app")
    with pytest.raises(InputError, match="Atlantis"):
        memory.add(tmp_path, timezone="Europe/Atlantis")


def test_without_embedding_the_next_call_embeds(memory: Memory, folder: Path, embedder: WordEmbedder) -> None:
    assert memory.add(folder, embed=False).embedded == 0
    assert embedder.texts == 0
    assert memory.add(folder).embedded == 3


def test_watching_takes_in_what_changes_until_it_is_told_to_stop(memory: Memory, folder: Path) -> None:
    cancel = threading.Event()
    guard = threading.Timer(30, cancel.set)
    guard.start()
    rounds = memory.watch([folder], cancel=cancel)
    try:
        assert next(rounds).added == 3
        writer = threading.Timer(1, (folder / "new.txt").write_text, ("A new note.",))
        writer.start()
        assert next(rounds).added == 1
        remover = threading.Timer(1, (folder / "new.txt").unlink)
        remover.start()
        assert next(rounds).gone == (str(folder / "new.txt"),)
        assert "A new note." not in texts(memory)
        cancel.set()
        assert list(rounds) == []
    finally:
        guard.cancel()
        rounds.close()  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="no folder"):
        list(memory.watch([folder / "dentist.txt"], cancel=threading.Event()))
