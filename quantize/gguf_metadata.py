"""The metadata of a GGUF file that is being written: what it is, how it is built, and its vocabulary.

A GGUF source's own description and vocabulary are copied; those of a Hugging Face directory are translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from quantize.recipe import FLOAT, Recipe

if TYPE_CHECKING:
    from quantize.source import Source
    from quantize.write_gguf import MetadataValue
    from runtimes.gguf import GGUFHeader

_TOKENIZER = "tokenizer."
_GENERAL = "general."
# What describes the file that was read, not the one being written.
_OWN = frozenset({"general.architecture", "general.file_type", "general.quantization_version", "general.alignment"})
# enum llama_ftype of include/llama.h, by the type of most tensors.
_FILE_TYPES: Final[Mapping[str, int]] = {FLOAT: 0, "Q4_0": 2, "Q8_0": 7}
_QUANTIZATION_VERSION = 2  # GGML_QNT_VERSION
_TEMPLATE = "tokenizer.chat_template"


def gguf_metadata(source: Source, recipe: Recipe) -> dict[str, MetadataValue]:
    """Every key and value of the new file, `general.architecture` first.

    Raises:
        TokenizerError: the source has no vocabulary, or a malformed one.
        UnsupportedModelError: a vocabulary that llama.cpp would read differently.
    """
    values: dict[str, MetadataValue] = dict(source.family.gguf_metadata(source.architecture))
    values["general.name"] = source.name
    if source.licence is not None:
        values["general.license"] = source.licence
    values["general.file_type"] = _FILE_TYPES[recipe.body]
    values["general.quantization_version"] = _QUANTIZATION_VERSION
    header = source.gguf_header
    if header is not None:
        values |= _copied(header)
    else:
        from quantize.gguf_tokenizer import tokenizer_metadata

        values |= tokenizer_metadata(source)
    if source.chat_template is not None:
        values[_TEMPLATE] = source.chat_template
    return values


def _copied(header: GGUFHeader) -> dict[str, MetadataValue]:
    """The vocabulary, and what else the file tells people about the model."""
    return {
        key: value
        for key, value in header.metadata.items()
        if key.startswith(_TOKENIZER) or (key.startswith(_GENERAL) and key not in _OWN)
    }
