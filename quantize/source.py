"""A checkpoint as its quantizer sees it: configuration, vocabulary, and weights one tensor at a time.

Knows which kinds of checkpoint there are and what each must offer. How a GGUF file and a Hugging Face directory
are read is in gguf_source.py and hf_source.py; which tensors a model has is its family's business.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from runtimes.bundle import MANIFEST_NAME, read_bundle
from runtimes.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from quantize.architecture import Architecture, TensorSpec
    from quantize.families import Family
    from runtimes.gguf import GGUFHeader


class Source(Protocol):
    """An open checkpoint. Weights are read when asked for and never kept: memory stays at one tensor.

    Opening one has checked that every tensor of the family is there with its shape, so that a missing one is
    known before any work is done.
    """

    @property
    def path(self) -> Path:
        """The .gguf file or the Hugging Face directory."""
        ...

    @property
    def name(self) -> str:
        """What the checkpoint calls itself, or its file's name."""
        ...

    @property
    def format(self) -> str:
        """ "gguf" or "safetensors"."""
        ...

    @property
    def sha256(self) -> str:
        """Lower-case hex. Of the .gguf file; for a directory, of the lines "<sha256>  <file name>\\n" of the files read,
        sorted by name, as `sha256sum` prints them. Computed when first asked for (it reads every byte)."""
        ...

    @property
    def family(self) -> Family: ...

    @property
    def architecture(self) -> Architecture:
        """Dimensions and special tokens. Its stop tokens are all that end a turn, the end-of-sequence token first."""
        ...

    @property
    def stored_types(self) -> Mapping[str, int]:
        """Weights (elements) by the type they are stored in: {"Q4_1": 106_168_320, "F32": 35_136}."""
        ...

    @property
    def licence(self) -> str | None:
        """The licence as the checkpoint names it ("apache-2.0"), or None."""
        ...

    @property
    def chat_template(self) -> str | None:
        """The Jinja template as it was shipped, or None."""
        ...

    @property
    def add_bos(self) -> bool:
        """Whether the tokenizer puts BOS before a text."""
        ...

    @property
    def gguf_header(self) -> GGUFHeader | None:
        """The header of a GGUF source, whose vocabulary can be copied; None for a directory."""
        ...

    def tokenizer_files(self) -> Mapping[str, bytes]:
        """The vocabulary's files by name: "tokenizer.json" or "tokenizer.model", and "tokenizer_config.json".

        Raises:
            TokenizerError: the checkpoint has none, or one that cannot be rebuilt.
        """
        ...

    def tensor(self, spec: TensorSpec) -> npt.NDArray[np.float32]:
        """One weight, float32 of `spec.shape`, owned by the caller, in Hugging Face's layout (rows of the query and
        key projections not interleaved).

        Raises:
            SourceError: the tensor is missing, of another shape, not finite, or the file was changed meanwhile.
        """
        ...

    def close(self) -> None:
        """Close the files. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def open_source(path: str | os.PathLike[str]) -> Source:
    """Open a `.gguf` file, a bundle that holds one, or a Hugging Face directory of safetensors.

    Raises:
        SourceError: missing, truncated, lying about itself, or incomplete.
        UnsupportedModelError: a model this build has no family, tensor type or feature for.
        BundleError: a bundle directory that is damaged.
    """
    from quantize.gguf_source import GGUFSource
    from quantize.hf_source import HFSource

    location = Path(path)
    if location.is_file():
        if location.suffix == ".gguf":
            return GGUFSource(location)
        raise SourceError(f"{location} is not a .gguf file. Give a .gguf file or a directory with config.json and safetensors.")
    if (location / MANIFEST_NAME).is_file():
        bundle = read_bundle(location)
        if bundle.manifest.format != "gguf":
            raise SourceError(
                f"{location} is a bundle in {bundle.manifest.format} format, which cannot be a source. "
                "Give the checkpoint it was made from."
            )
        return GGUFSource(bundle.model_path)
    if location.is_dir():
        return HFSource(location)
    raise SourceError(f"{location} does not exist. Give a .gguf file or a directory with config.json and safetensors.")
