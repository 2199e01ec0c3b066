"""What a repository of the Hugging Face hub holds: paths, sizes and hashes, as huggingface_hub is told them.

Knows the hub's errors and the person's token. Fetches no model file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from edge_llm.connection import explain
from edge_llm.transfer import Digest, RemoteFile
from runtimes.errors import EdgeLLMError, InputError, NetworkError, UnknownModelError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_TIMEOUT_S = 60.0
# No connection, or an answer that huggingface_hub cannot make a ModelInfo of.
_NO_LISTING = (OSError, ValueError, TypeError, KeyError, AttributeError)
_LICENCE_TAG = "license:"


@dataclass(frozen=True)
class Repository:
    """A model repository at one commit."""

    name: str
    """owner/repo"""
    endpoint: str
    """The hub's address."""
    commit: str
    licence: str | None
    files: Mapping[str, RemoteFile]
    """By their path in it."""


def list_repository(name: str, endpoint: str) -> Repository:
    """Ask the hub for a repository's files at its newest commit.

    Raises:
        UnknownModelError: there is no such repository.
        InputError: it is private or gated, and the person's token does not open it.
        NetworkError: the hub could not be asked, or its answer is no listing.
    """
    # Before the import, which reads it: otherwise requests tell the versions of what else is installed here.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, get_token, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The base of HfHubHTTPError is the error of the HTTP library beneath, which depends on huggingface_hub's version.
    failures: tuple[type[Exception], ...] = (*_NO_LISTING, *(base for base in HfHubHTTPError.__bases__ if base is not OSError))
    try:
        info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=_TIMEOUT_S)
    except HFValidationError as error:
        raise UnknownModelError(f"hf:{name}", []) from error
    except HfHubHTTPError as error:
        raise refusal(0 if error.response is None else error.response.status_code, name, endpoint) from error
    except failures as error:
        raise NetworkError(f"Cannot ask {endpoint} what {name} holds: {explain(_root_of(error))}") from error
    token, commit = get_token(), info.sha or "main"
    credentials = None if token is None else f"Bearer {token}"
    return Repository(
        name=name,
        endpoint=endpoint,
        commit=commit,
        licence=next((tag.removeprefix(_LICENCE_TAG) for tag in info.tags or () if tag.startswith(_LICENCE_TAG)), None),
        files={
            path: RemoteFile(hf_hub_url(name, path, revision=commit, endpoint=endpoint), size, digest, credentials)
            for path, size, digest in _verifiable(info)
        },
    )


def _root_of(error: BaseException) -> BaseException:
    """What an HTTP library's error began with: these wrap the socket's error several times over."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def refusal(status: int, name: str, endpoint: str) -> EdgeLLMError:
    """What it means that the hub answered a question about a repository with this HTTP status."""
    if status == 404:
        return UnknownModelError(f"hf:{name}", [])
    if status in (401, 403):  # the hub says 401 of a repository that does not exist, too
        return InputError(
            f"{endpoint} does not show {name} to you ({status}). Check the spelling; if it is private or gated, accept its "
            f"terms at {endpoint}/{name} and log in with `hf auth login`, or set HF_TOKEN."
        )
    return NetworkError(f"{endpoint} answered {status} for {name}. Try again later.")


def _verifiable(info: ModelInfo) -> Iterator[tuple[str, int, Digest]]:
    """Path, size and digest of the files that can be verified and whose path is plain."""
    for file in info.siblings or ():
        path = file.rfilename
        if path.startswith("/") or ".." in PurePosixPath(path).parts or any(mark in path for mark in "\\:\0"):
            continue
        if file.lfs is not None:
            yield path, file.lfs.size, Digest("sha256", file.lfs.sha256)
        elif file.size is not None and file.blob_id is not None:
            yield path, file.size, Digest("git", file.blob_id)
