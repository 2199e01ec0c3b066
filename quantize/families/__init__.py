"""Model families, one file each, found by name: the file name is the model_type of Hugging Face's config.json.

A new family is a new file with a `FAMILY` object; nothing else is edited.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from quantize.families.family import Family
from runtimes.errors import UnsupportedModelError

__all__ = ["Family", "family_names", "find_family", "find_family_of_gguf"]

_MACHINERY = "family"


def family_names() -> list[str]:
    """Every family there is, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != _MACHINERY)


def find_family(model_type: str) -> Family:
    """The family that config.json's `model_type` names. Raises UnsupportedModelError."""
    # Names are looked up in a listing, not imported blindly: the name comes from a file.
    if model_type not in family_names():
        raise _unknown(f"the model type {model_type!r}")
    return _load(model_type)


def find_family_of_gguf(architecture: str) -> Family:
    """The family that a GGUF's `general.architecture` names. Raises UnsupportedModelError."""
    for family in map(_load, family_names()):
        if family.gguf_architecture == architecture and family.owns_gguf_architecture:
            return family
    raise _unknown(f"the GGUF architecture {architecture!r}")


def _load(name: str) -> Family:
    family: Family = import_module(f"{__name__}.{name}").FAMILY
    return family


def _unknown(what: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"No family knows {what}. Families there are: {', '.join(family_names())}. Choose another model."
    )
