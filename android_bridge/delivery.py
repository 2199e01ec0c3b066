"""How a phone directory reaches a phone: inside the app, as Play Asset Delivery packs, or by a download that resumes.

Knows sizes, names and the shape of an Android project's folders. Knows nothing of models.
Limits of Play: https://developer.android.com/google/play/app-bundle/asset-delivery#size-limits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from android_bridge.manifest import PHONE_MANIFEST_NAME
from runtimes.bundle import hash_file
from runtimes.directory import is_vacant, whole_directory
from runtimes.errors import BundleError, ConfigError, StorageError

_Parts: TypeAlias = list[tuple[str, int, int]]
"""File, offset and size of each part of a pack."""
PackDelivery: TypeAlias = Literal["install-time", "fast-follow", "on-demand"]
DOWNLOAD_NAME: Final = "download.json"
PACKS_NAME: Final = "packs.json"
PACK_BYTES: Final = 1_500_000_000
"""Play's limit for one asset pack is 1.5 GB."""
RANGE_BYTES: Final = 8 << 20
"""One resumable range: the most that a phone fetches twice."""
_COPY = 1 << 20
_PACK_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ASSETS = Path("src", "main", "assets")


@dataclass(frozen=True)
class Part:
    """Bytes [offset, offset + size) of a file, in a pack."""

    file: str
    offset: int
    size: int
    sha256: str
    asset: str
    """The name below the pack's assets folder."""


@dataclass(frozen=True)
class Pack:
    """One asset pack: a Gradle module of the app."""

    name: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)


def write_packs(
    export: Path, directory: Path, *, name: str = "edgellm_model", delivery: PackDelivery = "on-demand", limit: int = PACK_BYTES
) -> tuple[Pack, ...]:
    """Split a phone directory into asset packs, Gradle modules that an app includes as they are.

    Each part keeps its own SHA-256; `packs.json`, in the first pack, tells how the files are put together again.

    Args:
        export: a phone directory.
        directory: where the modules go; must not exist, or be such modules already.
        name: first part of each module's name: lower-case letters, digits, underscores.
        limit: most bytes of a pack, `packs.json` among them.

    Raises:
        ConfigError: a name or a limit that Play would refuse. BundleError: the output is something else. StorageError.
    """
    if not _PACK_NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for an asset pack: lower-case letters, digits and underscores are.")
    if not 1 <= limit <= PACK_BYTES:
        raise ConfigError(f"An asset pack of {limit} bytes: Play allows from 1 to {PACK_BYTES}.")
    if not is_vacant(directory) and not (directory / f"{name}_1" / "build.gradle").is_file():
        raise BundleError(f"{directory} exists and holds no asset packs, so it is not replaced. Choose another output path.")
    try:
        with whole_directory(directory) as staging:
            return _write_modules(export, staging, name, delivery, limit)
    except OSError as error:
        raise StorageError(f"Cannot write {directory}: {error.strerror or error}. Choose another output path.") from error


def write_download(export: Path, base_url: str, *, range_bytes: int = RANGE_BYTES) -> Path:
    """Write `download.json` beside `phone.json`: what an app fetches over HTTP, range by range, each with its SHA-256.

    Args:
        base_url: where the directory's files will be, https.
        range_bytes: length of a range.

    Raises:
        ConfigError: another scheme, or a length out of range. StorageError: the disk said no.
    """
    if not re.fullmatch(r"https://[^\s?#]+", base_url):
        raise ConfigError(f"{base_url!r} is not an https address of a folder.")
    if range_bytes < 1 << 16:
        raise ConfigError(f"Ranges of {range_bytes} bytes are too short; at least {1 << 16}.")
    names = sorted(file.name for file in export.iterdir() if file.name != DOWNLOAD_NAME)
    document = {
        "schema_version": 1,
        "base_url": base_url.rstrip("/") + "/",
        "manifest": PHONE_MANIFEST_NAME,
        "range_bytes": range_bytes,
        "files": [
            {
                "name": name,
                "size": (export / name).stat().st_size,
                "sha256": hash_file(export / name),
                "ranges": [hashlib.sha256(piece).hexdigest() for piece in _pieces(export / name, range_bytes)],
            }
            for name in names
        ],
    }
    target = export / DOWNLOAD_NAME
    try:
        target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"Cannot write {target}: {error.strerror or error}.") from error
    return target


def _write_modules(export: Path, staging: Path, name: str, delivery: PackDelivery, limit: int) -> tuple[Pack, ...]:
    packs: list[Pack] = []
    for number, parts in enumerate(_filled(export, name, limit), 1):
        module = f"{name}_{number}"
        assets = staging / module / _ASSETS / name
        assets.mkdir(parents=True)
        packs.append(Pack(module, tuple(_copy_part(export, assets, name, *part) for part in parts)))
        (staging / module / "build.gradle").write_text(_gradle(module, delivery), encoding="utf-8")
    listing = staging / packs[0].name / _ASSETS / name / PACKS_NAME
    listing.write_text(_listing(packs), encoding="utf-8")
    return tuple(packs)


def _listing(packs: Iterable[Pack]) -> str:
    return json.dumps({"schema_version": 1, "packs": [asdict(pack) for pack in packs]}, indent=2) + "\n"


def _filled(export: Path, name: str, limit: int) -> list[_Parts]:
    """The parts of each pack, with room for the listing in the first: how long it is depends on how the files are cut.

    Raises:
        ConfigError: the listing alone would fill a pack.
    """
    reserved = 0
    while True:
        filled = list(_cut(export, limit - reserved, limit))
        packs = [
            Pack(
                f"{name}_{number}", tuple(Part(file, at, size, "0" * 64, f"{name}/{file}.from{at}") for file, at, size in parts)
            )
            for number, parts in enumerate(filled, 1)
        ]
        needed = len(_listing(packs).encode())
        if needed <= reserved:
            return filled
        if needed >= limit:
            raise ConfigError(f"Asset packs of {limit} bytes cannot hold their own list of {needed} bytes. Allow more.")
        reserved = needed


def _cut(export: Path, first: int, limit: int) -> Iterator[_Parts]:
    """The small files first, a large one cut where a pack is full."""
    pack: _Parts = []
    room = first
    for file in sorted(export.iterdir(), key=lambda item: (item.stat().st_size, item.name)):
        offset, left = 0, file.stat().st_size
        while left:
            if room == 0:
                yield pack
                pack, room = [], limit
            size = min(left, room)
            pack.append((file.name, offset, size))
            offset, left, room = offset + size, left - size, room - size
    yield pack


def _copy_part(export: Path, assets: Path, folder: str, file: str, offset: int, size: int) -> Part:
    name = file if size == (export / file).stat().st_size else f"{file}.from{offset}"
    digest = hashlib.sha256()
    with (export / file).open("rb") as source, (assets / name).open("wb") as target:
        source.seek(offset)
        left = size
        while left:
            piece = source.read(min(left, _COPY))
            digest.update(piece)
            target.write(piece)
            left -= len(piece)
    return Part(file, offset, size, digest.hexdigest(), f"{folder}/{name}")


def _gradle(module: str, delivery: PackDelivery) -> str:
    return (
        "plugins { id 'com.android.asset-pack' }\n\n"
        f"assetPack {{\n    packName = '{module}'\n    dynamicDelivery {{ deliveryType = '{delivery}' }}\n}}\n"
    )


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(size):
            yield piece
