"""A fit that is kept in the folder of the examples' vectors, so that the next start need not solve it again.

It is a function of manifests and encoders alone; a file that was made from others, or is torn, is made again.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from edge_llm.route.calibrate import Fit

_FORM: Final = 1
"""Raised when what is learned from the same examples changes."""


def kept_fit(cache: Path | None, name: str, made_from: Sequence[str], make: Callable[[], Fit]) -> Fit:
    """The fit that was kept under a name for just these texts, or the one that `make` gives, which is then kept.

    Args:
        cache: a folder; None keeps nothing.
        name: what the examples are, such as their language.
        made_from: everything that the fit depends on.
    """
    if cache is None:
        return make()
    file = cache / f"{name}.fit.npz"
    key = blake2b("\n".join((str(_FORM), *made_from)).encode("utf-8", "replace"), digest_size=16).hexdigest()
    found = _read(file, key)
    if found is None:
        found = make()
        _write(file, key, found)
    return found


def _read(file: Path, key: str) -> Fit | None:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            gate = stored["gate"]
            return Fit(stored["kept"], stored["weights"], (float(gate[0]), float(gate[1])), float(stored["temperature"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, key: str, fit: Fit) -> None:
    import numpy as np

    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.stem}.{os.getpid()}.part")
    with half.open("wb") as out:
        np.savez(
            out, key=np.array(key), kept=fit.kept, weights=fit.weights, gate=np.array(fit.gate), temperature=fit.temperature
        )
    half.replace(file)
