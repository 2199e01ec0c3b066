"""Where models and memory are kept: one folder of this user, shared by every app that uses edge-llm.

Knows the folder's layout and how two processes take turns in it. Knows nothing of what the files mean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtimes.errors import StorageError

HOME_VARIABLE = "EDGE_LLM_HOME"
"""The environment variable that moves the folder."""


class Home:
    """A models folder. Making one touches no disk: folders appear when something is first kept in them.

    Args:
        path: the folder; None takes EDGE_LLM_HOME, or else this user's data folder
            (on Linux ~/.local/share/edge-llm, or under XDG_DATA_HOME).
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        given = path or os.environ.get(HOME_VARIABLE)
        self.path = expand(Path(given)).absolute() if given else _default_path()

    @property
    def models(self) -> Path:
        """What was pulled, each model in a folder of its own."""
        return self.path / "models"

    @property
    def bundles(self) -> Path:
        """What was made from a model and is kept to be used again."""
        return self.path / "bundles"

    @property
    def chats(self) -> Path:
        """Saved conversations."""
        return self.path / "chats"

    @property
    def memory(self) -> Path:
        """The encrypted store of personal memory: one file, beside which its receipts of forgetting are."""
        return self.path / "memory" / "memory.db"

    @property
    def downloads(self) -> Path:
        """Downloads that are not finished, to be resumed."""
        return self.path / "downloads"

    @property
    def routing(self) -> Path:
        """Vectors of the actions' example sentences, so that the assistant need not make them at each start."""
        return self.path / "routing"

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    def make(self, folder: Path) -> Path:
        """Create `folder`, and its parents, where they are missing; returns it.

        Raises:
            StorageError: it cannot be created.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"Cannot create {folder}: {error.strerror or error}. "
                f"Choose a folder you can write to with --home or {HOME_VARIABLE}."
            ) from error
        return folder

    @contextmanager
    def lock(self, name: str, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lock `name`, which no other process or thread holds meanwhile.

        The operating system frees it when a process dies, so a lock is never stale.

        Args:
            name: a file name.
            waiting: called once when another holds the lock, before waiting for it.

        Raises:
            StorageError: the lock file cannot be written.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.make(self.path / "locks") / f"{name}.lock")
        try:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                if waiting is not None:
                    waiting()
                lock.acquire()
        except OSError as error:
            raise StorageError(f"Cannot lock {lock.lock_file}: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()


def expand(path: Path) -> Path:
    """`path` with a leading ~ or ~user replaced; as it is where there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _default_path() -> Path:
    from platformdirs import user_data_path

    return user_data_path("edge-llm", appauthor=False)
