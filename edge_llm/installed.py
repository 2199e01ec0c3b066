"""Which models are in the models folder: each has a folder of its own with a record, model.json, in it.

Knows the record, and how finished files become a model in one step. Knows nothing of networks.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from urllib.parse import quote

from edge_llm.progress import Progress
from runtimes.errors import BundleError, EdgeLLMError, StorageError

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback
    from runtimes.bundle import FileEntry

RECORD_NAME = "model.json"
SCHEMA_VERSION = 1

ModelFormat: TypeAlias = Literal["gguf", "safetensors", "encoder"]
"""gguf: one file. safetensors: a Hugging Face directory. encoder: a directory with an ONNX sentence encoder."""

_RECORD_LIMIT = 16 << 20
_LONGEST_FOLDER = 150


@dataclass(frozen=True)
class Pulled:
    """What is known of a model once its files are there."""

    format: ModelFormat
    model: str
    """The .gguf file's name; "." where the whole folder is the model."""
    licence: str | None
    source: Mapping[str, str]
    """Where it came from: {"kind": "wheel", "project": ...} or {"kind": "hub", "repository": ...}."""


@dataclass(frozen=True)
class InstalledModel:
    """A model that was pulled and is whole."""

    name: str
    """What it was pulled as."""
    folder: Path
    pulled: Pulled
    files: Mapping[str, FileEntry]
    """Name -> SHA-256 and size, of every file but the record."""

    @property
    def path(self) -> Path:
        """What to open: the .gguf file, or the directory of a Hugging Face model or of a sentence encoder."""
        return self.folder / self.pulled.model

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(entry.size for entry in self.files.values())

    @property
    def format(self) -> ModelFormat:
        return self.pulled.format

    @property
    def licence(self) -> str | None:
        return self.pulled.licence


Fetch: TypeAlias = Callable[[Path, Path], Pulled]
"""fetch(work, ready): brings a model's files into `ready`, with unfinished ones in `work`, where it finds what an
interrupted run of it left."""


def folder_of(name: str) -> Path:
    """A model's folder, relative to `Home.models`. Names that differ get different folders.

    From the hub, everything of one owner lies together: hf/owner/repo, and hf-files/owner/repo/file.
    """
    prefix, colon, rest = name.partition(":")
    if not prefix or not colon:
        return Path(_quote(name))
    owner, _, repository_and_file = rest.partition("/")
    repository, _, file = repository_and_file.partition("/")
    if file:
        return Path(f"{_quote(prefix)}-files", _quote(owner), _quote(repository), _quote(file))
    return Path(_quote(prefix), _quote(owner), _quote(repository))


def _quote(part: str) -> str:
    quoted = quote(part, safe="", errors="surrogatepass")
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) > _LONGEST_FOLDER:
        quoted = quoted[:_LONGEST_FOLDER] + _short_hash(part)
    return quoted


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def find_installed(name: str, home: Home) -> InstalledModel | None:
    """The model that was pulled under this name; None when there is none, or a file of it is missing or has another
    size, so that it has to be pulled again. Reads the record and sizes, not the files.

    Raises:
        BundleError: the record is malformed.
    """
    record = home.models / folder_of(name) / RECORD_NAME
    if not record.is_file():
        return None
    model = _read_record(record)
    whole = all(_has_size(model.folder / file, entry.size) for file, entry in model.files.items())
    return model if whole and model.name == name else None


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def verify(model: InstalledModel) -> None:
    """Check the SHA-256 of every file of a model. Reads all of them.

    Raises:
        BundleError: one was changed since it was pulled.
    """
    from runtimes.bundle import hash_file

    for file, entry in model.files.items():
        path = model.folder / file
        if not _has_size(path, entry.size) or hash_file(path) != entry.sha256:
            raise BundleError(
                f"{path} is damaged: it is not the file that was pulled. "
                f"Delete {model.folder} and run `edge-llm pull {model.name}`."
            )


def installed_models(home: Home) -> list[InstalledModel]:
    """Every model that was pulled, by name. Reads only the records.

    Raises:
        BundleError: a record is malformed.
    """
    records = [record for depth in ("*", "*/*/*", "*/*/*/*") for record in home.models.glob(f"{depth}/{RECORD_NAME}")]
    visible = [record for record in records if not any(part.startswith(".") for part in record.relative_to(home.models).parts)]
    return sorted((_read_record(record) for record in visible), key=lambda model: model.name)


def install(name: str, *, home: Home, progress: ProgressCallback | None, fetch: Fetch) -> InstalledModel:
    """Bring a model in, once, however many ask for it at the same time; whole or not at all.

    One that is no longer whole is replaced. When `fetch` raises, what it left in `work` stays for the next run.

    Raises:
        StorageError: the files cannot be moved into place.
        And what `fetch` raises.
    """
    folder = folder_of(name)

    def waiting() -> None:
        if progress is not None:
            progress(Progress("wait", 0, 0, name))

    with home.lock(f"pull-{_short_hash(name)}", waiting=waiting):
        present = find_installed(name, home)
        if present is not None:  # another process brought it in meanwhile
            return present
        work = home.make(home.downloads / folder)
        ready = home.make(work / "ready")
        try:
            pulled = fetch(work, ready)
        except EdgeLLMError:
            if not any(ready.iterdir()) and not any(path != ready for path in work.iterdir()):
                os.removedirs(ready)  # nothing came, so there is nothing to resume
            raise
        with _storing(home.models / folder):
            model = _publish(name, pulled, ready, home.models / folder)
            shutil.rmtree(work)
    return model


def _publish(name: str, pulled: Pulled, ready: Path, target: Path) -> InstalledModel:
    from runtimes.bundle import FileEntry, hash_file

    files = {
        file.name: FileEntry(hash_file(file), file.stat().st_size)
        for file in sorted(ready.iterdir())
        if file.name != RECORD_NAME
    }
    model = InstalledModel(name, target, pulled, files)
    record = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        **asdict(pulled),
        "files": {file: asdict(entry) for file, entry in files.items()},
    }
    (ready / RECORD_NAME).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for file in ready.iterdir():
        _sync(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        aside = target.with_name(f".{target.name}.old")
        if aside.exists():  # of a run that was killed here
            shutil.rmtree(aside)
        os.replace(target, aside)
        os.replace(ready, target)
        shutil.rmtree(aside)
    else:
        os.replace(ready, target)
    return model


def _sync(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _storing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot store the model in {target}: {error.strerror or error}. Pull it again to resume."
        ) from error


def _read_record(path: Path) -> InstalledModel:
    try:
        if path.stat().st_size > _RECORD_LIMIT:
            raise ValueError(f"it is larger than {_RECORD_LIMIT} bytes")
        return _parse(json.loads(path.read_text(encoding="utf-8")), path.parent)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        fact = f"has no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleError(f"{path} is not a model's record: {fact}. Delete {path.parent} and pull the model again.") from error


def _parse(record: Mapping[str, Any], folder: Path) -> InstalledModel:
    from runtimes.bundle import FileEntry

    version = record["schema_version"]
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema version {version}, where this edge-llm reads {SCHEMA_VERSION}")
    if record["format"] not in get_args(ModelFormat):
        raise ValueError(f"format {record['format']!r}")
    licence = record["licence"]
    pulled = Pulled(
        format=record["format"],
        model=_local(str(record["model"])),
        licence=None if licence is None else str(licence),
        source={str(key): str(value) for key, value in dict(record["source"]).items()},
    )
    files = {
        _local(str(name)): FileEntry(str(entry["sha256"]), int(entry["size"])) for name, entry in dict(record["files"]).items()
    }
    return InstalledModel(str(record["name"]), folder, pulled, files)


def _local(name: str) -> str:
    if name == ".." or any(mark in name for mark in "/\\:\0"):
        raise ValueError(f"{name!r} is not a name of a file in the folder")
    return name
