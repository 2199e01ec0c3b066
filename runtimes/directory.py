"""A directory written in one piece: files go to a hidden sibling, which is renamed at the end.

Knows renames, syncs and what a kill leaves behind (at most a hidden sibling). Knows nothing of what the files are.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_directory(target: Path) -> Iterator[Path]:
    """Write into the directory this gives; without an exception it is then `target`, in place of what was there.

    Raises:
        OSError: the disk said no. What was at `target` is as it was.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = _hidden_sibling(target, "partial")
    staging.mkdir()
    try:
        yield staging
        _publish(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def is_vacant(path: Path) -> bool:
    """Nothing is lost when `path` is replaced: it does not exist, or is an empty directory."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def sync(path: Path) -> None:
    """Make a file's bytes, or a directory's names, survive a loss of power."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no fsync for directories
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(staging: Path, target: Path) -> None:
    """Move `staging` to `target`; an older directory there is set aside first, so one of the two is always whole."""
    for file in staging.rglob("*"):
        sync(file)
    sync(staging)
    if is_vacant(target):
        os.replace(staging, target)
    else:
        aside = _hidden_sibling(target, "old")
        os.replace(target, aside)
        try:
            os.replace(staging, target)
        except OSError:
            os.replace(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    sync(target.parent)


def _hidden_sibling(target: Path, kind: str) -> Path:
    # not tempfile.mkdtemp, which makes directories that only their owner may read: bundles are shared
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{kind}")
