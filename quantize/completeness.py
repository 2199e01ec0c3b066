"""Whether a checkpoint holds the tensors of its family: all of them, in the right shapes, and nothing that would be lost.

Knows names and shapes. Knows no file format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from runtimes.errors import SourceError, UnsupportedModelError

_EXAMPLES = 3


def check_tensors(
    wanted: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    *,
    harmless: Callable[[str], bool],
    path: Path,
) -> None:
    """Compare the tensors a family wants with those a checkpoint has, both as name -> shape.

    Args:
        harmless: whether a tensor nobody wants carries nothing that the model would miss.
        path: the checkpoint, for messages.

    Raises:
        SourceError: a tensor is missing or of another shape.
        UnsupportedModelError: a tensor the family has no place for.
    """
    if missing := [name for name in wanted if name not in found]:
        raise SourceError(
            f"{path} lacks {len(missing)} of its {len(wanted)} tensors: {_some(missing)}. Download all of the model's files."
        )
    for name, shape in wanted.items():
        if found[name] != shape:
            raise SourceError(
                f"{path}: {name!r} has the shape {list(found[name])} and the model's configuration says {list(shape)}. "
                "Download the model again."
            )
    if unknown := [name for name in found if name not in wanted and not harmless(name)]:
        raise UnsupportedModelError(
            f"{path} holds {len(unknown)} tensors its family has no place for: {_some(unknown)}. Without them it would be "
            "another model. Merge an adapter first, or choose another model."
        )


def _some(names: list[str]) -> str:
    listed = ", ".join(names[:_EXAMPLES])
    return listed if len(names) <= _EXAMPLES else f"{listed}, ..."
