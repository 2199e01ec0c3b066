"""A model from the Hugging Face hub: hf:owner/repo for safetensors, hf:owner/repo/file.gguf for one GGUF file.

huggingface_hub says what a repository holds, with hashes and the person's token; the bytes come through transfer.py,
which checks every file's hash, resumes, reports progress and writes nothing outside the models folder
(hf_hub_download compares sizes only and keeps caches of its own).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edge_llm.connection import StatusError
from edge_llm.installed import InstalledModel, Pulled, install
from edge_llm.progress import Progress
from edge_llm.transfer import Digest, RemoteFile, Transfer, check_space, storing
from runtimes.errors import ConfigError, InputError, NetworkError, UnknownModelError, UnsupportedModelError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback

HUB_PREFIX = "hf:"
"""How a name begins that is found on the hub."""
ENDPOINT_VARIABLE = "HF_ENDPOINT"
PUBLIC_ENDPOINT = "https://huggingface.co"

# What quantize.hf_source reads, and the licence. Everything else (other frameworks' weights, images) stays there.
_TEXTS = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "README.md",
    "LICENSE",
)
_VOCABULARIES = ("tokenizer.json", "tokenizer.model")
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_INDEX_LIMIT = 64 << 20
_GGUF_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class HubName:
    """What stands after hf:."""

    repository: str
    """owner/repo"""
    file: str | None
    """A .gguf file's path in the repository; None takes the repository's safetensors."""

    @classmethod
    def parse(cls, name: str) -> HubName:
        """Raises UnknownModelError when `name` is not hf:owner/repo[/file.gguf]."""
        owner, _, rest = name.removeprefix(HUB_PREFIX).partition("/")
        repository, _, file = rest.partition("/")
        if not name.startswith(HUB_PREFIX) or not owner or not repository:
            raise UnknownModelError(name, ["hf:owner/repo", "hf:owner/repo/file.gguf"])
        if file and not file.endswith(".gguf"):
            raise UnknownModelError(name, [f"{HUB_PREFIX}{owner}/{repository}"])
        return cls(f"{owner}/{repository}", file or None)


@dataclass(frozen=True)
class Repository:
    """What a repository of the hub holds at one commit."""

    name: str
    endpoint: str
    commit: str
    licence: str | None
    files: Mapping[str, RemoteFile]
    """By their path in it."""


def pull_from_hub(
    name: str, *, home: Home, progress: ProgressCallback | None = None, endpoint: str | None = None
) -> InstalledModel:
    """Fetch a model from the Hugging Face hub, or from a server that speaks its routes.

    Everything comes from one commit, and every file is verified: by SHA-256 where the hub stores it as a large file,
    by its git object id otherwise.

    Args:
        name: hf:owner/repo or hf:owner/repo/file.gguf.
        endpoint: address of the hub; None takes HF_ENDPOINT, or else https://huggingface.co.

    Raises:
        UnknownModelError: no such repository or file, as far as the person's token can see.
        InputError: the repository is gated and access was not granted.
        UnsupportedModelError: it holds neither safetensors nor one GGUF file.
        NetworkError, StorageError: the download did not finish.
    """
    wanted = HubName.parse(name)
    hub = (endpoint or os.environ.get(ENDPOINT_VARIABLE) or PUBLIC_ENDPOINT).rstrip("/")
    if not hub.startswith(("http://", "https://")):
        raise ConfigError(f"The hub's address {hub} is neither http nor https. Check --endpoint and {ENDPOINT_VARIABLE}.")

    def fetch(work: Path, ready: Path) -> Pulled:
        repository = list_repository(wanted.repository, hub, name)
        bring = _Bringer(repository, work, ready, progress)
        if wanted.file is not None or not _has_safetensors(repository.files):
            file = _choose_gguf(repository.files, wanted, name)
            bring.files([file])
            model = PurePosixPath(file).name
        else:
            bring.files(_choose_safetensors(repository.files, bring.read_index))
            model = "."
        return Pulled(
            format="safetensors" if model == "." else "gguf",
            model=model,
            licence=repository.licence,
            source={"kind": "hub", "endpoint": hub, "repository": repository.name, "commit": repository.commit},
        )

    return install(name, home=home, progress=progress, fetch=fetch)


class _Bringer:
    """Downloads chosen files of one repository and counts their bytes as one job."""

    def __init__(self, repository: Repository, work: Path, ready: Path, progress: ProgressCallback | None) -> None:
        self._repository = repository
        self._work = work
        self._ready = ready
        self._progress = progress
        self._transfer = Transfer()

    def read_index(self, file: str) -> bytes:
        """The content of a small file, which is downloaded first because others are found in it."""
        self.files([file], alone=False)
        path = self._ready / file
        with storing(path):
            return path.read_bytes()

    def files(self, names: Sequence[str], *, alone: bool = True) -> None:
        """Bring these files. `alone`: and remove what an interrupted pull of an older commit left beside them."""
        remotes = {name: self._repository.files[name] for name in names}
        targets = {name: self._ready / PurePosixPath(name).name for name in names}
        total, before = sum(remote.size for remote in remotes.values()), 0
        present = sum(path.stat().st_size for folder in (self._work, self._ready) for path in folder.iterdir() if path.is_file())
        check_space(self._work, total - present)
        if alone:
            for path in set(self._ready.iterdir()) - set(targets.values()):
                path.unlink()
        for name, remote in remotes.items():
            try:
                self._transfer.download(remote, targets[name], work=self._work, received=self._counter(before, total, name))
            except StatusError as error:
                raise _explain_status(error, self._repository.name, self._repository.endpoint) from error
            before += remote.size

    def _counter(self, before: int, total: int, name: str) -> Callable[[int], None]:
        def count(done: int) -> None:
            if self._progress is not None:
                self._progress(Progress("download", before + done, total, name))

        return count


def list_repository(repository: str, endpoint: str, name: str) -> Repository:
    """Ask the hub for a repository's files at its newest commit.

    Args:
        name: what the person typed, for messages.

    Raises:
        UnknownModelError, InputError, NetworkError: as in `pull_from_hub`.
    """
    # Before the import, which reads it: otherwise requests carry the versions of what else is installed.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, get_token, hf_hub_url
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        info = HfApi(endpoint=endpoint).model_info(repository, files_metadata=True, timeout=_TIMEOUT_S)
    except HFValidationError as error:
        raise UnknownModelError(name, []) from error
    except GatedRepoError as error:
        raise _gated(repository, endpoint) from error
    except RepositoryNotFoundError as error:
        raise UnknownModelError(name, []) from error
    except (OSError, ValueError, TypeError, KeyError, *HfHubHTTPError.__bases__) as error:
        # the base is the error of the HTTP library under huggingface_hub, which depends on its version
        raise NetworkError(f"Cannot ask {endpoint} for {repository}: {_first_line(error)} Check the connection and try again.") from error
    token = get_token()
    commit = info.sha or "main"
    credentials = None if token is None else f"Bearer {token}"
    return Repository(
        name=repository,
        endpoint=endpoint,
        commit=commit,
        licence=_licence(info),
        files={
            file.path: RemoteFile(
                hf_hub_url(repository, file.path, revision=commit, endpoint=endpoint), file.size, file.digest, credentials
            )
            for file in _listed(info)
        },
    )
