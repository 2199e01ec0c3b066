"""The artifact on disk: a directory with `manifest.json`, or a bare `.gguf` file.

Knows what a bundle is made of, how it is written in one piece and how it is verified. Knows nothing of
graphs, tensors or chat. The manifest's format is described in docs/bundle.md.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from runtimes.directory import is_vacant, whole_directory
from runtimes.errors import BundleError, StorageError
from runtimes.gguf import read_header

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
FILL_NAME = "fill.onnx"
_CHUNK = 1 << 20
_MANIFEST_LIMIT = 16 << 20
_AGAIN = "Quantize or pull the model again."


@dataclass(frozen=True)
class FileEntry:
    """One file of a bundle."""

    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. All paths are relative, POSIX, and inside the bundle."""

    name: str
    format: str
    """Which runtimes can open it: "onnx", "gguf" or "fake"."""
    family: str
    """Model family as quantize names it: "llama", "qwen2", ..."""
    model: str
    """The file a runtime loads."""
    context_length: int
    vocabulary_size: int
    prefill: str | None = None
    """The same model over the same weights, laid out for many tokens at once; None where `model` serves for that too."""
    tokenizer: str | None = None
    """tokenizer.json, tokenizer.model or the .gguf file that holds the vocabulary."""
    chat_template: str | None = None
    """A Jinja file, or the .gguf file that holds the template."""
    bos_token_id: int | None = None
    stop_token_ids: tuple[int, ...] = ()
    """Tokens that end a turn, the end-of-sequence token first: chat templates may spell it."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """How it was made (quantize.recipe); empty when unknown."""
    quality: Mapping[str, Any] = field(default_factory=dict)
    """Measured against the source (quantize.evaluate); empty when not measured."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Name, format and SHA-256 of what it was made from."""
    licence: str | None = None
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Bundle:
    """A manifest and where its files are. Get one from `read_bundle`."""

    path: Path
    """The directory, or the .gguf file of a bare one."""
    manifest: Manifest

    @property
    def directory(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def model_path(self) -> Path:
        return self.directory / self.manifest.model

    @property
    def prefill_path(self) -> Path | None:
        return None if self.manifest.prefill is None else self.directory / self.manifest.prefill

    @property
    def weights_path(self) -> Path:
        """Where the weights of an ONNX model are."""
        return self.model_path.with_name(f"{self.manifest.model}.data")

    @property
    def fill_path(self) -> Path | None:
        """The graph that only fills the KV buffers (runtimes.ort_fill), or None. No field of the manifest names it, because
        versions that do not know it refuse a manifest with a field they do not know."""
        return self.directory / FILL_NAME if FILL_NAME in self.manifest.files else None

    @property
    def tokenizer_path(self) -> Path | None:
        return None if self.manifest.tokenizer is None else self.directory / self.manifest.tokenizer

    def read_chat_template(self) -> str | None:
        """The model's Jinja chat template as it was shipped, or None."""
        if self.manifest.chat_template is None:
            return None
        path = self.directory / self.manifest.chat_template
        if path.suffix == ".gguf":
            return read_header(path).text("tokenizer.chat_template")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BundleError(f"{path} is not UTF-8 text (byte {error.start}). Pull or quantize the model again.") from error


def read_bundle(path: str | os.PathLike[str], *, verify: bool = True) -> Bundle:
    """Open a bundle directory or a bare `.gguf` file.

    Args:
        verify: check the size and SHA-256 of every file (sizes only when False). A bare .gguf
            carries no hashes: its header is checked instead, always.

    Raises:
        BundleError: missing, damaged, newer than this version, or pointing outside its directory.
        SourceError: a .gguf whose header is malformed.
        StorageError: the system does not let us read it.
    """
    location = Path(path)
    try:
        if location.is_file() and location.suffix == ".gguf":
            return Bundle(location, _manifest_of_gguf(location))
        if not location.is_dir():
            raise BundleError(f"{location} is neither a bundle directory nor a .gguf file.")
        bundle = Bundle(location, _read_manifest(location / MANIFEST_NAME))
        _check_files(bundle, hashes=verify)
    except OSError as error:
        raise StorageError(f"Cannot read {location}: {error.strerror or error}.") from error
    return bundle


@contextmanager
def write_bundle(path: str | os.PathLike[str], *, replace_existing: bool = False) -> Iterator[BundleWriter]:
    """Write a bundle in one piece: files go to a hidden sibling directory that is renamed at the end.

    Raises:
        BundleError: `path` exists and is not an empty directory (and `replace_existing` is False).
        StorageError: the disk is full or not writable. Nothing is left at `path`.
    """
    target = Path(path).absolute()
    if not is_vacant(target) and not replace_existing:
        raise BundleError(f"{target} already exists. Choose another output path, or allow replacing it (--force).")
    if not is_vacant(target) and not (target / MANIFEST_NAME).is_file():
        raise BundleError(f"{target} exists and is not a bundle, so it is not replaced. Choose another output path.")
    try:
        with whole_directory(target) as staging:
            yield BundleWriter(staging)
            if not (staging / MANIFEST_NAME).is_file():
                raise BundleError(f"The bundle for {target} was left without a manifest.")
    except OSError as error:
        raise StorageError(f"Cannot write the bundle {target}: {error.strerror or error}. Nothing was kept.") from error


class BundleWriter:
    """Collects the files of a new bundle. `directory` may be written to freely until `finish`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def finish(self, manifest: Manifest) -> Manifest:
        """Hash every file in `directory`, then write the manifest. Returns it with its files."""
        entries = {}
        for file in sorted(item for item in self.directory.rglob("*") if item.is_file()):
            name = file.relative_to(self.directory).as_posix()
            if name == MANIFEST_NAME:
                continue
            entries[name] = FileEntry(hash_file(file), file.stat().st_size)
        complete = replace(manifest, files=entries)
        text = json.dumps(asdict(complete), indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
        (self.directory / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")
        return complete


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read_manifest(path: Path) -> Manifest:
    if not path.is_file():
        raise BundleError(f"{path.parent} has no {MANIFEST_NAME}, so it is not a bundle. Make one with `edge-llm quantize`.")
    if path.stat().st_size > _MANIFEST_LIMIT:
        raise BundleError(f"{path} is {path.stat().st_size} bytes; a manifest is never larger than {_MANIFEST_LIMIT}.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not valid JSON: {error}. {_AGAIN}") from error
    if not isinstance(data, dict):
        raise BundleError(f"{path} is not a JSON object. {_AGAIN}")
    version = data.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BundleError(f"{path} has no valid schema_version. {_AGAIN}")
    if version > SCHEMA_VERSION:
        raise BundleError(f"{path} has schema version {version}; this edge-llm reads up to {SCHEMA_VERSION}. Update edge-llm.")
    try:
        return _parse(data)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise BundleError(f"{path} is malformed: {error}. {_AGAIN}") from error


def _parse(data: dict[str, Any]) -> Manifest:
    known = {item.name for item in fields(Manifest)}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"unknown fields {', '.join(unknown)}")
    for name in ("name", "format", "family", "model"):
        _expect(data, name, str)
    for name in ("prefill", "tokenizer", "chat_template", "licence"):
        _expect(data, name, str, optional=True)
    for name in ("context_length", "vocabulary_size"):
        _expect(data, name, int)
        if data[name] < 1:
            raise ValueError(f"{name} is {data[name]}")
    _expect(data, "bos_token_id", int, optional=True)
    for name in ("recipe", "quality", "source", "files"):
        _expect(data, name, dict, optional=True)
    stops = data.get("stop_token_ids") or []
    if not isinstance(stops, list) or not all(isinstance(item, int) and not isinstance(item, bool) for item in stops):
        raise ValueError("stop_token_ids is not a list of integers")
    files = {
        str(name): FileEntry(str(entry["sha256"]), int(entry["size"])) for name, entry in (data.get("files") or {}).items()
    }
    values = {
        **{key: value for key, value in data.items() if value is not None},
        "stop_token_ids": tuple(stops),
        "files": files,
    }
    return Manifest(**values)


def _expect(data: Mapping[str, Any], name: str, kind: type, *, optional: bool = False) -> None:
    value = data.get(name)
    if value is None and optional:
        return
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name} is missing or not of type {kind.__name__}")


def _check_files(bundle: Bundle, *, hashes: bool) -> None:
    manifest, listing = bundle.manifest, bundle.path / MANIFEST_NAME
    for role in (manifest.model, manifest.prefill, manifest.tokenizer, manifest.chat_template):
        if role is not None and role not in manifest.files:
            raise BundleError(f"{listing} uses {role!r} but does not list it among its files. {_AGAIN}")
    root = bundle.path.resolve()
    for name, entry in manifest.files.items():
        path = bundle.path / name
        if _escapes(name) or not _leads_into(root, path):
            raise BundleError(f"{listing} names {name!r}, which is outside the bundle. Do not use this bundle.")
        if not path.is_file():
            raise BundleError(f"{path} is missing. {_AGAIN}")
        size = path.stat().st_size
        if size != entry.size:
            raise BundleError(f"{path} has {size} bytes and its manifest says {entry.size}. {_AGAIN}")
        if hashes and hash_file(path) != entry.sha256:
            raise BundleError(f"{path} is damaged: its SHA-256 is not the one in the manifest. {_AGAIN}")


def _escapes(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name


def _leads_into(root: Path, path: Path) -> bool:
    """Whether `path`, its symbolic links followed, is below `root`."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # links in a circle, or a name that no file can have
        return False


def _manifest_of_gguf(path: Path) -> Manifest:
    """What a bare .gguf says of itself, in a manifest's words. Hashes are absent: nobody vouched for them."""
    header = read_header(path)
    has_template = header.get("tokenizer.chat_template") is not None
    return Manifest(
        name=header.text("general.name") or path.stem,
        format="gguf",
        family=header.architecture,
        model=path.name,
        context_length=header.context_length,
        vocabulary_size=header.vocabulary_size,
        tokenizer=path.name,
        chat_template=path.name if has_template else None,
        bos_token_id=header.bos_token_id,
        stop_token_ids=header.stop_token_ids,
        licence=header.text("general.license"),
    )
