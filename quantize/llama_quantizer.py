"""llama.cpp's own quantizer, for the types that quantize.blocks does not have (Q4_K_M, IQ4_XS, ...).

It runs in a process of its own: it ends the whole process on some errors, cannot be interrupted, and prints to a log
that is one per process and belongs to the runtime there. A call with the same input and output destroys the input
(ggml-org/llama.cpp#12753), so that is refused.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runtimes.errors import ConfigError, RuntimeFailedError, RuntimeUnavailableError
from runtimes.threads import available_cores

LLAMA_TYPES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "F16": 1,
        "Q4_0": 2,
        "Q4_1": 3,
        "Q8_0": 7,
        "Q5_0": 8,
        "Q5_1": 9,
        "Q2_K": 10,
        "Q3_K_S": 11,
        "Q3_K_M": 12,
        "Q3_K_L": 13,
        "Q4_K_S": 14,
        "Q4_K_M": 15,
        "Q5_K_S": 16,
        "Q5_K_M": 17,
        "Q6_K": 18,
        "IQ4_NL": 25,
        "IQ3_S": 26,
        "IQ3_M": 27,
        "IQ4_XS": 30,
        "BF16": 32,
    }
)
"""enum llama_ftype of include/llama.h, by name: those that need no importance matrix."""

_INSTALL = 'Install it with: pip install "edge-llm[llamacpp]" (compiles for some minutes).'
_LAST_WORDS = 4


def check_llama_type(llama_type: str) -> None:
    """Raises ConfigError for an unknown type, RuntimeUnavailableError when llama.cpp is not installed."""
    if llama_type not in LLAMA_TYPES:
        known = ", ".join(LLAMA_TYPES)
        raise ConfigError(f"llama.cpp has no type {llama_type!r} that works without an importance matrix. Choose of {known}.")
    if find_spec("llama_cpp") is None:
        raise RuntimeUnavailableError(f"llama.cpp's quantizer needs llama-cpp-python. {_INSTALL}")


def llama_quantize(source: Path, target: Path, llama_type: str) -> None:
    """Quantize a 32-bit GGUF file into another file.

    Args:
        llama_type: a name in LLAMA_TYPES. llama.cpp mixes types under one name, by tensor and by shape.

    Raises:
        ConfigError: an unknown type, or the same file twice.
        RuntimeUnavailableError: llama-cpp-python is not installed.
        RuntimeFailedError: llama.cpp refused or died. No file is left at `target`.
    """
    check_llama_type(llama_type)
    if source.resolve() == target.resolve():
        raise ConfigError(f"{source} would be overwritten while it is read. Choose another output path.")
    arguments = [str(source.resolve()), str(target.resolve()), str(LLAMA_TYPES[llama_type]), str(available_cores())]
    run = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if run.returncode != 0:
        target.unlink(missing_ok=True)
        said = "; ".join(line.strip() for line in run.stderr.splitlines()[-_LAST_WORDS:] if line.strip())
        raise RuntimeFailedError(
            f"llama.cpp's quantizer ended with code {run.returncode} on {source} as {llama_type}: {said or 'no reason given'}. "
            "Choose another type."
        )


def _main(source: str, target: str, file_type: str, threads: str) -> int:
    """What the other process does. Returns its exit code."""
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = int(file_type)
    parameters.nthread = int(threads)
    llama_cpp.llama_backend_init()
    code: int = llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters))
    return code


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
