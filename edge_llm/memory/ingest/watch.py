"""Folders watched: which files appeared, changed or went away. Knows no format and no store."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_llm.memory.ingest.ignore import IGNORE_FILE, IgnoreRules
from edge_llm.memory.ingest.walk import SourceFile, walk
from runtimes.errors import InputError, StorageError, UnreadableFileError

QUIET_MS = 400
"""Changes are told once nothing more has happened for so long: a program that saves writes several times."""
_LONGEST_MS = 5_000
"""They are told after so long at the latest."""


@dataclass(frozen=True)
class Changes:
    """What happened in the watched folders, each path once."""

    changed: tuple[SourceFile, ...]
    """Files that are new or different, sorted by path."""
    removed: tuple[Path, ...]
    """Paths that are gone. One that was a folder stands for everything that was below it."""


def watch(folders: Sequence[Path], stop: threading.Event) -> Iterator[Changes]:
    """Yield what happens in folders, ignored files left out, until `stop` is set, which is noticed within half a second.

    The first that is yielded is empty: from then on nothing is missed, so that what was there before can be added then.
    The operating system tells (inotify, FSEvents, ReadDirectoryChangesW): nothing is polled, and no thread is left when
    the iterator ends or is closed.

    Raises:
        InputError: one of them is no folder.
        StorageError: the operating system cannot watch so many folders.
    """
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

    roots = [_Root(folder.absolute(), folder.resolve(), IgnoreRules(folder.absolute())) for folder in folders]
    for root in roots:
        if not root.path.is_dir():
            raise InputError(f"{root.path} is no folder. Only folders can be watched.")
    try:
        with RustNotify(
            [str(root.path) for root in roots],
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=True,
            ignore_permission_denied=True,
        ) as notify:
            yield Changes((), ())
            while not stop.is_set():
                found = notify.watch(_LONGEST_MS, QUIET_MS, 0, stop)
                if found == "signal":
                    raise KeyboardInterrupt
                changes = _settle({Path(path) for _, path in found} if isinstance(found, set) else set(), roots)
                if changes.changed or changes.removed:
                    yield changes
    except (OSError, WatchfilesRustInternalError) as error:
        raise StorageError(
            f"{', '.join(str(root.path) for root in roots)} cannot be watched: {error}. On Linux, "
            "fs.inotify.max_user_watches limits how many folders can be."
        ) from error


@dataclass(frozen=True)
class _Root:
    path: Path
    resolved: Path
    """The same without links: some systems tell of changes by that."""
    rules: IgnoreRules

    def own(self, path: Path) -> Path | None:
        """The path as one below this root; None when it is elsewhere."""
        for base in (self.path, self.resolved):
            if path.is_relative_to(base):
                return self.path / path.relative_to(base)
        return None


def _settle(paths: Iterable[Path], roots: Sequence[_Root]) -> Changes:
    """What has become of paths: looked at now, because events come late, twice and in any order."""
    changed: dict[Path, SourceFile] = {}
    removed: set[Path] = set()
    for told in paths:
        for root in roots:
            path = root.own(told)
            if path is None:
                continue
            if path.name == IGNORE_FILE:
                root.rules.forget()
            if not os.path.lexists(path):
                removed.add(path)
            elif not path.is_symlink() and not root.rules.ignores(path, is_folder=path.is_dir()):
                # a folder that appeared may hold files that no event tells of
                changed.update({file.path: file for file in walk([path], _gone)})
    return Changes(tuple(changed[path] for path in sorted(changed)), tuple(sorted(removed)))


def _gone(_error: UnreadableFileError) -> None:
    """A path went away since it was told of: another event tells that."""
