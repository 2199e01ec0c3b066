"""Bounded reading of the small text files of a Hugging Face directory.

Knows UTF-8 and JSON objects. Knows no key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runtimes.errors import InputError, SourceError

_AGAIN = "Download the model again."


def read_text(path: Path, limit: int, error: type[InputError] = SourceError) -> str:
    """A UTF-8 file of at most `limit` bytes. Raises `error` naming it otherwise."""
    raw = read_bytes(path, limit, error)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise error(f"{path} is not UTF-8 text (byte {cause.start}). {_AGAIN}") from cause


def read_bytes(path: Path, limit: int, error: type[InputError] = SourceError) -> bytes:
    """A file of at most `limit` bytes. Raises `error` naming it otherwise."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except OSError as cause:
        raise error(f"{path} cannot be read: {cause.strerror or cause}. Check the path and its permissions.") from cause
    if len(raw) > limit:
        raise error(f"{path} is larger than {limit} bytes, which none of its kind is. {_AGAIN}")
    return raw


def read_json(path: Path, limit: int, error: type[InputError] = SourceError) -> dict[str, Any]:
    """A JSON object. Raises `error` naming the file when it is anything else; NaN and Infinity are not JSON."""
    try:
        value = json.loads(read_text(path, limit, error), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        raise error(f"{path} is not valid JSON: {cause}. {_AGAIN}") from cause
    if not isinstance(value, dict):
        raise error(f"{path} is not a JSON object. {_AGAIN}")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
