"""onnxruntime, imported once and made silent, for everything here that runs a graph.

Knows the library's environment and its exceptions. Knows no graph.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from types import ModuleType

from runtimes.errors import RuntimeUnavailableError

INSTALL = "Install it with: pip install onnxruntime."
FATAL = 4
"""The log level that says nothing: whatever goes wrong comes back as an exception too."""


@cache
def load_library() -> ModuleType:
    """onnxruntime, set up by the environment it reads.

    Telemetry is off before the import: from 1.29 on the import itself writes a device id and an event database under
    ~/.cache/Microsoft and starts an uploading thread (microsoft/onnxruntime#27379).

    Raises:
        RuntimeUnavailableError: it is not installed, or cannot be loaded.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        library = import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise RuntimeUnavailableError(f"The onnx runtime needs onnxruntime: {error}. {INSTALL}") from error
    library.set_default_logger_severity(FATAL)
    return library


@cache
def failures() -> tuple[type[BaseException], ...]:
    """Every exception onnxruntime raises by itself; they share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    raised = [item for item in vars(state).values() if isinstance(item, type) and issubclass(item, Exception)]
    return (*raised, RuntimeError, ValueError, MemoryError)


def first_line(error: BaseException) -> str:
    """What an exception says, short enough to stand in a message of ours."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
