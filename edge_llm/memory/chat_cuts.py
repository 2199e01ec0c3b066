"""Plain files of conversations: which of them repeat what is being forgotten, and how they lose it.

A conversation that was shown items of memory is never in such a file (memory keeps it), but a person may have typed or
pasted the same words. Knows files and messages; knows no store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge_llm.chat_file import SavedChat, read_chat, wipe, write_chat
from edge_llm.memory.quotes import QuoteFinder
from runtimes.errors import InputError, StorageError

_OLD = ".forgotten"

Turn = TypeVar("Turn")


@dataclass(frozen=True)
class FileCut:
    """What one file loses."""

    path: Path
    messages: int
    """How many messages go: the ones that repeat what is forgotten, each with its question or answer."""
    left: SavedChat


def exchanges(turns: Sequence[Turn], asks: Callable[[Turn], bool]) -> list[list[Turn]]:
    """The turns in groups, each a question with what follows it; what comes before the first question is one group."""
    groups: list[list[Turn]] = []
    for turn in turns:
        if asks(turn) or not groups:
            groups.append([])
        groups[-1].append(turn)
    return groups


def find_cuts(folder: Path, forgotten: Iterable[str]) -> tuple[FileCut, ...]:
    """What the conversations in a folder lose when these texts are forgotten. Changes nothing.

    Raises:
        StorageError: a file cannot be read. One that holds no conversation is left alone.
    """
    saved = {path: chat for path in sorted(folder.glob("*.json")) if (chat := _read(path)) is not None}
    finder = QuoteFinder(
        ((path, place), message.content) for path, chat in saved.items() for place, message in enumerate(chat.messages)
    )
    quoting = finder.quoting_any(forgotten)
    return tuple(
        _cut(path, saved[path], {place for other, place in quoting if other == path})
        for path in sorted({path for path, _ in quoting})
    )


def execute(folder: Path, cuts: Iterable[FileCut]) -> None:
    """Write the folder's files without what they lose, and overwrite the bytes of the old ones; also finish what an earlier
    run left undone when it was killed.

    Raises:
        StorageError: a file cannot be written; those before it are done.
    """
    for old in folder.glob(f"*{_OLD}"):
        _finish(old, old.with_name(old.name.removesuffix(_OLD)))
    for cut in cuts:
        old = cut.path.with_name(cut.path.name + _OLD)
        try:
            os.link(cut.path, old)
        except OSError as error:
            raise StorageError(f"Cannot change {cut.path}: {error.strerror or error}. Delete it yourself.") from error
        write_chat(cut.path, cut.left.model, cut.left.messages)
        _finish(old, cut.path)


def _finish(old: Path, path: Path) -> None:
    """Destroy the old bytes; a second name of the file as it is now only goes."""
    if old.exists() and path.exists() and old.samefile(path):
        old.unlink()
    elif old.exists():
        wipe(old)


def _read(path: Path) -> SavedChat | None:
    """The conversation in a file; None when it holds none, whatever its name says."""
    try:
        return read_chat(path)
    except InputError:
        return None


def _cut(path: Path, chat: SavedChat, quoting: set[int]) -> FileCut:
    places = exchanges(range(len(chat.messages)), lambda place: chat.messages[place].role == "user")
    gone = {place for group in places if quoting.intersection(group) for place in group}
    left = tuple(message for place, message in enumerate(chat.messages) if place not in gone)
    return FileCut(path, len(gone), SavedChat(chat.model, left))
