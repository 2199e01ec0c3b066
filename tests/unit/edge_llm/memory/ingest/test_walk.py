"""Folders: what is found in them, what is left out, and what is told when it changes."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_llm.memory.ingest.ignore import IgnoreRules
from edge_llm.memory.ingest.walk import SourceFile, walk
from edge_llm.memory.ingest.watch import Changes, watch
from runtimes.errors import InputError, UnreadableFileError

TREE = (
    "b.txt", "a.md", "sub/c.txt", "sub/deep/d.pdf", "sub.txt", ".hidden/e.txt", ".env", "node_modules/x/readme.md",
    "__pycache__/f.txt", "photo.JPG", "~$lock.docx", "old.txt~", "movie.mp4", "Thumbs.db", "é中.txt",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in TREE:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names(root: Path, *paths: Path) -> list[str]:
    problems: list[UnreadableFileError] = []
    found = [file.path.relative_to(root).as_posix() for file in walk(paths or (root,), problems.append)]
    assert not problems
    return found


def test_files_come_in_order_without_what_is_nobodys_note(tree: Path) -> None:
    assert names(tree) == ["a.md", "b.txt", "sub/c.txt", "sub/deep/d.pdf", "sub.txt", "é中.txt"]


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tree: Path) -> None:
    assert names(tree, tree / ".env", tree / "photo.JPG", tree / ".hidden") == [".env", "photo.JPG", ".hidden/e.txt"]


def test_ignore_files_reach_down_and_the_deepest_decides(tree: Path) -> None:
    (tree / ".edgellmignore").write_text("# comment\n*.txt\n!.hidden/\n/sub/deep/\n")
    (tree / "sub" / ".edgellmignore").write_text("!c.txt\n")
    assert names(tree) == ["a.md", "sub/c.txt"]
    (tree / ".hidden" / ".edgellmignore").write_bytes(b"!e.txt\n\xff\xfe\x00\n" + b"*" * 500)
    assert names(tree) == [".hidden/e.txt", "a.md", "sub/c.txt"]


def test_a_hidden_folder_that_is_taken_in_is_as_any_other(tree: Path) -> None:
    for name in ("photo.png", ".secret", "n/o.md"):
        (tree / ".hidden" / name).parent.mkdir(exist_ok=True)
        (tree / ".hidden" / name).write_text("x")
    (tree / ".edgellmignore").write_text("!.hidden/\n")
    assert [name for name in names(tree) if "hidden" in name] == [".hidden/e.txt", ".hidden/n/o.md"]
    (tree / ".edgellmignore").write_text("!.hidden/\n!.hidden/*\n")
    assert [name for name in names(tree) if "hidden" in name] == [
        f".hidden/{n}" for n in (".secret", "e.txt", "n/o.md", "photo.png")
    ]


def test_a_pattern_made_to_take_long_is_left_aside(tree: Path) -> None:
    (tree / ".edgellmignore").write_text("*a" * 60 + "b\n")
    (tree / ("a" * 200 + ".txt")).write_text("x")
    begun = time.monotonic()
    assert len(names(tree)) == 7
    assert time.monotonic() - begun < 1


def test_asking_about_a_path_is_walking_to_it(tree: Path) -> None:
    (tree / ".edgellmignore").write_text("/sub/deep\n!.hidden/\n")
    walked, rules = set(names(tree)), IgnoreRules(tree)
    asked = {name for name in TREE if not rules.ignores(tree / name, is_folder=False)}
    assert asked == walked


def test_links_are_not_followed_and_circles_end(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("x")
    (tree / "link").symlink_to(outside)
    (tree / "link.txt").symlink_to(outside / "secret.txt")
    (tree / "circle").symlink_to(tree)
    (tree / "broken.txt").symlink_to(tree / "none")
    assert len(names(tree)) == 6
    (tmp_path / "alias").symlink_to(tree)
    assert len(list(walk([tmp_path / "alias"], pytest.fail))) == 6, "a link that is named itself is meant"


def test_what_cannot_be_looked_into_is_told_and_the_rest_is_walked(tree: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tree / "pipe.txt")
    told: list[UnreadableFileError] = []
    found = list(walk([tree / "none", tree, tree / "a.md"], told.append))
    assert len(found) == 7
    assert [str(error).partition(" cannot")[0] for error in told] == [str(tree / "none")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may look everywhere")
def test_a_folder_without_permission_is_told(tree: Path) -> None:
    (tree / "sub").chmod(0)
    told: list[UnreadableFileError] = []
    assert len(list(walk([tree], told.append))) == 4
    (tree / "sub").chmod(0o755)
    assert "sub cannot be looked into: Permission denied" in str(told[0])


def test_a_file_knows_its_size_time_and_hash(tree: Path) -> None:
    file = SourceFile.of(tree / "a.md")
    status = (tree / "a.md").stat()
    assert (file.bytes, file.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert file == next(file for file in walk([tree], pytest.fail) if file.path.name == "a.md")
    assert file.sha256() == hashlib.sha256(b"a.md").hexdigest()
    (tree / "a.md").unlink()
    with pytest.raises(UnreadableFileError, match="No such file"):
        file.sha256()
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        SourceFile.of(tree)


class Watching:
    """A watch that runs in a thread, so that a test can wait for what it tells."""

    def __init__(self, *folders: Path) -> None:
        self.stop = threading.Event()
        self.told: list[Changes] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, args=(folders,))
        self._thread.start()
        self.wait(lambda: bool(self.told))

    def _run(self, folders: tuple[Path, ...]) -> None:
        for changes in watch(folders, self.stop):
            with self._news:
                self.told.append(changes)
                self._news.notify()

    def wait(self, until: object) -> None:
        with self._news:
            assert callable(until)
            assert self._news.wait_for(until, timeout=10), self.told

    @property
    def changed(self) -> set[str]:
        return {file.path.name for changes in self.told for file in changes.changed}

    @property
    def removed(self) -> set[str]:
        return {path.name for changes in self.told for path in changes.removed}

    def close(self) -> float:
        begun = time.monotonic()
        self.stop.set()
        self._thread.join()
        return time.monotonic() - begun


@pytest.fixture
def watching(tree: Path) -> Iterator[Watching]:
    watching = Watching(tree)
    yield watching
    watching.close()


def test_changes_are_told_once_and_what_is_ignored_is_not(watching: Watching, tree: Path) -> None:
    assert watching.told == [Changes((), ())], "the first says that watching has begun"
    for _ in range(5):
        (tree / "new.txt").write_text("1")
    (tree / ".draft.swp").write_text("1")
    (tree / "photo2.jpg").write_text("1")
    (tree / ".hidden" / "e.txt").write_text("2")
    (tree / "b.txt").unlink()
    watching.wait(lambda: "new.txt" in watching.changed and "b.txt" in watching.removed)
    assert watching.changed == {"new.txt"}
    assert watching.removed == {"b.txt"}
    assert len(watching.told) == 2


def test_folders_that_come_and_go_bring_and_take_their_files(watching: Watching, tree: Path, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    (prepared / "in").mkdir(parents=True)
    (prepared / "in" / "g.txt").write_text("x")
    prepared.rename(tree / "moved")
    watching.wait(lambda: "g.txt" in watching.changed)
    (tree / "sub").rename(tmp_path / "away")
    watching.wait(lambda: "sub" in watching.removed)


def test_watching_stops_soon_and_leaves_no_thread(tree: Path) -> None:
    before = threading.active_count()
    watching = Watching(tree)
    assert watching.close() < 2
    assert threading.active_count() == before
    stopped = threading.Event()
    generator = watch([tree], stopped)
    next(generator)
    generator.close()
    assert threading.active_count() == before


def test_only_folders_can_be_watched(tree: Path) -> None:
    for path in (tree / "a.md", tree / "none"):
        with pytest.raises(InputError, match="is no folder"):
            next(watch([path], threading.Event()))
