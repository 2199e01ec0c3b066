"""Bytes over HTTP: small pages as a whole, large files resumed where they stopped and verified.

Knows ranges, retries and digests. How a connection is opened is in connection.py; knows no index and no hub.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge_llm.connection import CONNECTION_ERRORS, Connector, explain
from runtimes.errors import NetworkError, StatusError, StorageError

if TYPE_CHECKING:
    from http.client import HTTPResponse

_CHUNK = 1 << 18
_PAGE_LIMIT = 32 << 20
_TELL_EVERY_S = 0.05
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _BrokenConnectionError(Exception):
    """The connection broke or the server is busy; another try may do better. `reached`: there is a server at all."""

    def __init__(self, reason: str, *, reached: bool = True) -> None:
        super().__init__(reason)
        self.reached = reached


@dataclass(frozen=True)
class Digest:
    """What the bytes of a file must hash to."""

    algorithm: Literal["sha256", "git"]
    """git: SHA-1 of a blob object (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects), which is the hub's id of
    a file that is not in large-file storage."""
    value: str
    """Lower-case hex."""

    def matches(self, path: Path) -> bool:
        """Whether the file has this digest. Reads all of it."""
        if self.algorithm == "sha256":
            state = hashlib.sha256()
        else:
            state = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                state.update(chunk)
        return state.hexdigest() == self.value


@dataclass(frozen=True)
class RemoteFile:
    """A file of which everything but the bytes is known."""

    url: str
    size: int
    """Bytes."""
    digest: Digest
    credentials: str | None = None
    """Value of the Authorization header; sent to the host of `url` and no other."""


@dataclass(frozen=True)
class Page:
    """A small answer."""

    url: str
    """Where it came from after redirects, which relative links are relative to."""
    content_type: str
    """In lower case, without parameters."""
    body: bytes


class Transfer:
    """Fetches pages and files.

    Args:
        timeout_s: seconds without a byte after which a connection counts as broken.
        waits_s: seconds before each further try after a broken connection. Bytes that arrive start the count
            anew, so a slow line that breaks often gets there. The very first connection is tried once: without
            a network the answer comes at once.
    """

    def __init__(self, *, timeout_s: float = 60.0, waits_s: tuple[float, ...] = (0.2, 1.0, 3.0, 8.0)) -> None:
        self._connector = Connector(timeout_s)
        self._waits_s = waits_s

    def read_page(self, url: str, *, accept: str, credentials: str | None = None) -> Page:
        """A page of at most 32 MiB.

        Raises:
            StatusError: the server answered with an error.
            NetworkError: it could not be reached, or sent more.
        """
        try:
            with self._connector.open(url, {"Accept": accept}, credentials) as response:
                body = response.read(_PAGE_LIMIT + 1)
                final_url, content_type = response.url, response.headers.get_content_type()
        except CONNECTION_ERRORS as error:
            raise NetworkError(f"Cannot read {url}: {explain(error)}") from error
        if len(body) > _PAGE_LIMIT:
            raise NetworkError(f"{url} is larger than {_PAGE_LIMIT} bytes, which no index page is. Check the address.")
        return Page(final_url, content_type, body)

    def download(self, remote: RemoteFile, target: Path, *, work: Path, received: Callable[[int], None]) -> None:
        """Bring a file to `target`, whole and verified. One that is there already is only verified.

        Args:
            work: a folder on the same disk, for the unfinished file. It is found again by its digest.
            received: called with the bytes of this file that are here, again and again.

        Raises:
            StatusError: the server answered with an error.
            NetworkError: the download did not finish (what came is kept), or other bytes came (nothing is kept).
            StorageError: the disk is full or not writable.
        """
        with storing(target):
            if target.is_file() and _size(target) == remote.size and remote.digest.matches(target):
                received(remote.size)
                return
            partial = work / f"{target.name}.{remote.digest.value[:12]}.partial"
            resumed = _size(partial) > 0
            partial.touch()
            self._complete(remote, partial, received)
            intact = remote.digest.matches(partial)
            if not intact and resumed:  # what was there from before may be what is wrong
                partial.write_bytes(b"")
                self._complete(remote, partial, received)
                intact = remote.digest.matches(partial)
            if not intact:
                partial.unlink()
                raise NetworkError(
                    f"{remote.url} sent other bytes than were promised: their {remote.digest.algorithm} hash is not "
                    f"{remote.digest.value}. Nothing of them was kept. Try again, or elsewhere."
                )
            os.replace(partial, target)

    def _complete(self, remote: RemoteFile, partial: Path, received: Callable[[int], None]) -> None:
        """Append to `partial` until it has its size, over as many connections as it takes."""
        failures, reached, best = 0, False, 0
        while (have := _size(partial)) != remote.size:
            if have > remote.size:
                partial.write_bytes(b"")  # of no file of this size
                continue
            try:
                self._append(remote, partial, have, received)
            except _BrokenConnectionError as error:
                reached = reached or error.reached
                # a server that begins anew each time makes progress only when it gets further than ever before
                best, came = max(best, have), _size(partial)
                failures = 0 if came > best else failures + 1
                if not reached or failures >= len(self._waits_s):
                    raise NetworkError(
                        f"Cannot download {remote.url}: {error} "
                        f"{came} of {remote.size} bytes are here, and the next try goes on from there."
                    ) from error
                time.sleep(self._waits_s[failures])

    def _append(self, remote: RemoteFile, partial: Path, have: int, received: Callable[[int], None]) -> None:
        """One connection's worth of the file, from `have` on."""
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with self._open(remote, headers) as response:
            start, size = _extent(response)
            if start not in (0, have) or size not in (None, remote.size):
                raise _changed(remote)
            with storing(partial), partial.open("r+b" if have else "wb") as stream:
                stream.truncate(start)
                stream.seek(start)
                told_at = -_TELL_EVERY_S
                for chunk in _chunks(response, remote.size - start):
                    stream.write(chunk)
                    if time.monotonic() - told_at >= _TELL_EVERY_S:
                        received(stream.tell())
                        told_at = time.monotonic()
            received(remote.size)

    def _open(self, remote: RemoteFile, headers: Mapping[str, str]) -> HTTPResponse:
        try:
            return self._connector.open(remote.url, headers, remote.credentials)
        except StatusError as error:
            if error.status == _RANGE_NOT_SATISFIABLE:  # what is there ends before the promised file does
                raise _changed(remote) from error
            if error.status in _TRANSIENT:
                raise _BrokenConnectionError(str(error)) from error
            raise
        except CONNECTION_ERRORS as error:
            raise _BrokenConnectionError(explain(error), reached=False) from error


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns what the disk says while `path` is written into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot write {path}: {error.strerror or error}. What was downloaded so far is kept; make room and try again."
        ) from error


def check_space(folder: Path, needed: int) -> None:
    """Raises StorageError, with both numbers, when the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"{folder} has {free / 1e6:,.0f} MB free and {needed / 1e6:,.0f} MB are needed. "
            "Make room, or choose another folder with --home or EDGE_LLM_HOME."
        )


def _changed(remote: RemoteFile) -> NetworkError:
    return NetworkError(
        f"{remote.url} is not the file of {remote.size} bytes that was promised: it was changed. Try again later, or elsewhere."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _extent(response: HTTPResponse) -> tuple[int, int | None]:
    """Where in the file the answer starts, and the whole file's size where the server says it."""
    if response.status != _PARTIAL_CONTENT:
        return 0, response.length
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None:
        raise NetworkError(f"{response.url} sent a part of a file and did not say which. Try elsewhere.")
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _chunks(response: HTTPResponse, expected: int) -> Iterator[bytes]:
    left = expected
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except CONNECTION_ERRORS as error:
            raise _BrokenConnectionError(explain(error)) from error
        if not chunk:
            break
        left -= len(chunk)
        if left < 0:
            raise NetworkError(f"{response.url} sent more than the {expected} bytes that were promised. Try elsewhere.")
        yield chunk
    if left:
        raise _BrokenConnectionError("the connection ended early. Check the connection and try again.")
