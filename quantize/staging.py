"""Bundles that appear together or not at all, and what killed runs left behind.

Knows directories. Knows nothing of what is written into them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runtimes.bundle import BundleWriter, write_bundle
from runtimes.errors import StorageError

_PARTIAL = ".partial"
_REPLACED = ".old"


@contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn the system's errors (no space, no permission, a name too long) into StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot write {target}: {error.strerror or error}. Choose another output path.") from error


@contextmanager
def stage_bundles(targets: Sequence[Path], *, replace_existing: bool) -> Iterator[list[BundleWriter]]:
    """Write one bundle per target. They are published when the block ends well, and only then.

    What an earlier run left when it was killed is removed first. A run that is still writing is told apart from a dead
    one by a lock on its staging directory, which the system lets go of however a process ends.

    Raises:
        BundleError: a target exists and is not to be replaced.
        StorageError: the disk said no, or another run is writing the same bundle.
    """
    made = []
    try:
        for target in targets:
            with storage_errors(target):
                if not target.parent.exists():
                    made.append(target.parent)
                _sweep(target)
        with ExitStack() as staged:
            writers = [staged.enter_context(write_bundle(target, replace_existing=replace_existing)) for target in targets]
            for writer in writers:
                staged.enter_context(_held(writer.directory))
            yield writers
    except BaseException:
        for parent in dict.fromkeys(made):
            with suppress(OSError):  # it holds something after all, or was never made
                parent.rmdir()
        raise


def check_space(target: Path, needed: int) -> None:
    """Raises StorageError, with both numbers, when fewer than `needed` bytes are free where `target` will be."""
    with storage_errors(target):
        place = next(parent for parent in (target, *target.parents) if parent.exists())
        free = shutil.disk_usage(place).free
    if free < needed:
        raise StorageError(
            f"{target} needs about {_megabytes(needed)} MB and {_megabytes(free)} MB are free at {place}. "
            "Free some space, or choose another output path."
        )


def _sweep(target: Path) -> None:
    """Remove staging directories of dead runs; bring back a bundle whose replacement was never put in place."""
    for partial in target.parent.glob(f".{_escaped(target.name)}.*{_PARTIAL}"):
        if _is_held(partial):
            raise StorageError(f"Another run is writing {target} ({partial}). Wait for it, or choose another output path.")
        shutil.rmtree(partial, ignore_errors=True)
    for replaced in target.parent.glob(f".{_escaped(target.name)}.*{_REPLACED}"):
        if target.exists():
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            os.replace(replaced, target)


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _megabytes(count: int) -> int:
    return -(-count // 1_000_000)


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Keep a lock on a directory that `_is_held` sees from any process."""
    if sys.platform == "win32":  # which refuses to remove files that are in use, so nothing is needed
        yield
        return
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _is_held(directory: Path) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
