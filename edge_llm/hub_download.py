"""A model from the Hugging Face hub: hf:owner/repo for safetensors or an ONNX sentence encoder, hf:owner/repo/file.gguf for
one GGUF file.

Knows which files of a repository make a model. The bytes come through transfer.py and not hf_hub_download, which
compares sizes but not hashes, reports progress by printing, and keeps caches outside the models folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edge_llm.catalog import HUB_PREFIX
from edge_llm.hub_listing import Repository, list_repository, refusal
from edge_llm.installed import InstalledModel, ModelFormat, Pulled, install
from edge_llm.memory.embedders.encoder_directory import POOLING, PULLED_POOLING, choose_files
from edge_llm.progress import Progress
from edge_llm.transfer import RemoteFile, Transfer, check_space, storing
from runtimes.errors import ConfigError, SourceError, StatusError, UnknownModelError, UnsupportedModelError

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback

ENDPOINT_VARIABLE = "HF_ENDPOINT"
PUBLIC_ENDPOINT = "https://huggingface.co"

# What a conversion reads (quantize/hf_source.py), and the licence. Other frameworks' weights and pictures stay there.
_CONFIG = "config.json"
_TEXTS = (_CONFIG, "generation_config.json", "tokenizer_config.json", "chat_template.jinja", "README.md", "LICENSE")
_VOCABULARIES = ("tokenizer.json", "tokenizer.model")  # the first that is there
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_INDEX_LIMIT = 64 << 20
_GGUF_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


@dataclass(frozen=True)
class HubName:
    """What someone typed after hf:."""

    repository: str
    """owner/repo"""
    file: str | None
    """A .gguf file's path in the repository; None takes the repository's encoder or safetensors."""

    def __str__(self) -> str:
        return HUB_PREFIX + (self.repository if self.file is None else f"{self.repository}/{self.file}")

    @classmethod
    def parse(cls, name: str) -> HubName:
        """Raises UnknownModelError when `name` is not hf:owner/repo[/file.gguf]."""
        owner, _, rest = name.removeprefix(HUB_PREFIX).partition("/")
        repository, _, file = rest.partition("/")
        if not owner or not repository:
            raise UnknownModelError(name, ["hf:owner/repo", "hf:owner/repo/file.gguf"])
        if file and not file.endswith(".gguf"):
            raise UnknownModelError(name, [f"{HUB_PREFIX}{owner}/{repository}"])
        return cls(f"{owner}/{repository}", file or None)


def pull_from_hub(
    name: str, *, home: Home, progress: ProgressCallback | None = None, endpoint: str | None = None
) -> InstalledModel:
    """Fetch a model from the Hugging Face hub, or from a server that speaks its routes.

    Everything comes from one commit, and every file is verified: by SHA-256 where the hub keeps it as a large file,
    by its git object id otherwise.

    Args:
        name: hf:owner/repo or hf:owner/repo/file.gguf.
        endpoint: the hub's address; None takes HF_ENDPOINT, or else https://huggingface.co.

    Raises:
        UnknownModelError: no such repository or file; it carries the files there are.
        InputError: the repository is private or gated, and the person's token does not open it.
        UnsupportedModelError: it holds nothing this build can read.
        NetworkError, StorageError: the download did not finish.
        ConfigError: the hub's address is not an http(s) one.
    """
    wanted = HubName.parse(name)
    hub = (endpoint or os.environ.get(ENDPOINT_VARIABLE) or PUBLIC_ENDPOINT).rstrip("/")
    if not hub.startswith(("http://", "https://")):
        raise ConfigError(f"The hub's address {hub} is neither http nor https. Check --endpoint and {ENDPOINT_VARIABLE}.")

    def fetch(work: Path, ready: Path) -> Pulled:
        repository = list_repository(wanted.repository, hub)
        bring = _Bringing(repository, work, ready, progress)
        files, form = _choose(repository, wanted, bring.read)
        bring.only(files)
        return Pulled(
            format=form,
            model=PurePosixPath(files[0]).name if form == "gguf" else ".",
            licence=repository.licence,
            source={"kind": "hub", "endpoint": hub, "repository": repository.name, "commit": repository.commit},
        )

    return install(name, home=home, progress=progress, fetch=fetch)


def _choose(repository: Repository, wanted: HubName, read: Callable[[str, int], bytes]) -> tuple[list[str], ModelFormat]:
    """The files to bring, and what they are together. Raises as `choose_gguf` and `choose_safetensors` do."""
    if wanted.file is None:
        if encoder := choose_files(repository.files):
            return encoder, "encoder"
        if _WEIGHTS in repository.files or _INDEX in repository.files:
            return choose_safetensors(repository, read), "safetensors"
    return [choose_gguf(repository.files, wanted)], "gguf"


def choose_gguf(files: Mapping[str, RemoteFile], wanted: HubName) -> str:
    """The GGUF file that was named, or the only one there is.

    Raises:
        UnknownModelError: it is not there, or there are several to choose from; carries their names.
        UnsupportedModelError: there is none, or it is split over several files.
    """
    present = sorted(file for file in files if file.endswith(".gguf"))
    if not present and wanted.file is None:
        raise UnsupportedModelError(
            f"{HUB_PREFIX}{wanted.repository} holds neither {_WEIGHTS} nor a .gguf file. Choose a repository that has one."
        )
    if wanted.file not in present and (wanted.file is not None or len(present) > 1):
        nearest = get_close_matches(wanted.file or "", present, n=5, cutoff=0.3) or present[:8]
        raise UnknownModelError(str(wanted), [str(HubName(wanted.repository, file)) for file in nearest])
    file = wanted.file or present[0]
    if _GGUF_PART.search(file):
        raise UnsupportedModelError(f"{wanted} is one part of a split GGUF file. Choose a file that is whole.")
    return file


def choose_safetensors(repository: Repository, read: Callable[[str, int], bytes]) -> list[str]:
    """The files that make a Hugging Face directory which can be converted.

    Args:
        read: fetches a small file of the repository, of at most so many bytes.

    Raises:
        UnsupportedModelError: there is no config.json.
        SourceError: the index of the weights is malformed, or names a file that is not there.
    """
    files = repository.files
    if _CONFIG not in files:
        raise UnsupportedModelError(
            f"{HUB_PREFIX}{repository.name} has no {_CONFIG}. Choose a repository in transformers' layout."
        )
    weights = [_WEIGHTS] if _WEIGHTS in files else [_INDEX, *_shards(read(_INDEX, _INDEX_LIMIT), repository)]
    vocabulary = [file for file in _VOCABULARIES if file in files][:1]
    return [*(file for file in _TEXTS if file in files), *vocabulary, *weights]


def _shards(index: bytes, repository: Repository) -> list[str]:
    where = f"{_INDEX} of {HUB_PREFIX}{repository.name}"
    try:
        shards = sorted({str(file) for file in json.loads(index)["weight_map"].values()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{where} is malformed ({error!r}). Choose another repository.") from error
    missing = [file for file in shards if file not in repository.files or "/" in file or not file.endswith(".safetensors")]
    if missing:
        raise SourceError(f"{where} names {missing[0]!r}, which is not there. Choose another repository.")
    return shards


class _Bringing:
    """Downloads files of one repository into `ready`, and counts their bytes as one job."""

    def __init__(self, repository: Repository, work: Path, ready: Path, progress: ProgressCallback | None) -> None:
        self._repository = repository
        self._work = work
        self._ready = ready
        self._progress = progress
        self._transfer = Transfer()

    def read(self, file: str, limit: int) -> bytes:
        """A small file's content."""
        if self._repository.files[file].size > limit:
            raise SourceError(
                f"{file} of {HUB_PREFIX}{self._repository.name} is larger than {limit} bytes. Choose another one."
            )
        self._bring([file])
        with storing(self._ready / file):
            return (self._ready / file).read_bytes()

    def only(self, files: Sequence[str]) -> None:
        """Bring these files, and remove what an interrupted pull of an older commit left beside them."""
        targets = {self._target(file) for file in files}
        with storing(self._ready):
            for path in self._ready.iterdir():
                if path not in targets:
                    path.unlink()
        self._bring(files)

    def _bring(self, files: Sequence[str]) -> None:
        remotes = {file: self._repository.files[file] for file in files}
        total = sum(remote.size for remote in remotes.values())
        here = [path for folder in (self._work, self._ready) for path in folder.iterdir() if path.is_file()]
        check_space(self._work, total - sum(path.stat().st_size for path in here))
        before = 0
        for file, remote in remotes.items():
            try:
                self._transfer.download(
                    remote, self._target(file), work=self._work, received=self._counter(before, total, file)
                )
            except StatusError as error:
                raise refusal(error.status, f"{self._repository.name}/{file}", self._repository.endpoint) from error
            before += remote.size

    def _target(self, file: str) -> Path:
        return self._ready / (PULLED_POOLING if file == POOLING else PurePosixPath(file).name)

    def _counter(self, before: int, total: int, file: str) -> Callable[[int], None]:
        def received(done: int) -> None:
            if self._progress is not None:
                self._progress(Progress("download", before + done, total, file))

        return received
