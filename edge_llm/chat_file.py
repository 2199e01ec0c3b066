"""A conversation's file: JSON, written in one piece. Knows messages and disks; no model, no memory."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_llm.messages import Message
from runtimes.errors import InputError, PromptError, StorageError

FILE_VERSION = 1
_FILE_LIMIT = 64 << 20


@dataclass(frozen=True)
class SavedChat:
    """What a file holds."""

    model: str
    """The name of the model that answered; empty where the file does not say."""
    messages: tuple[Message, ...]


def write_chat(path: Path, model: str, messages: Sequence[Message]) -> None:
    """Write a conversation in one piece. Raises StorageError; an older file is then as it was."""
    document = {"version": FILE_VERSION, "model": model, "messages": [message.to_json() for message in messages]}
    _write_whole(path, json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def read_chat(path: Path) -> SavedChat:
    """Read a conversation.

    Raises:
        InputError: no such file, or not a conversation this version can read.
        StorageError: the file cannot be read.
    """
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise InputError(f"{path} has more than {_FILE_LIMIT} bytes, which no saved conversation has.")
        document = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist, so there is no conversation to load.") from error
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a saved conversation: {error}.") from error
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1 or not isinstance(document.get("messages"), list):
        raise InputError(f"{path} is not a saved conversation: it lacks a version or messages.")
    if version > FILE_VERSION:
        raise InputError(f"{path} has version {version}; this edge-llm reads up to {FILE_VERSION}. Update edge-llm.")
    try:
        return SavedChat(str(document.get("model") or ""), tuple(map(Message.from_json, document["messages"])))
    except PromptError as error:
        raise InputError(f"{path} is not a saved conversation: {error}") from error


def wipe(path: Path) -> None:
    """Overwrite a file with zeros and delete it. Raises StorageError.

    A file system that copies on write, a flash disk or a backup may still hold the old bytes.
    """
    try:
        with path.open("r+b") as stream:
            left = os.fstat(stream.fileno()).st_size
            while left > 0:
                left -= stream.write(bytes(min(left, 1 << 20)))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
    except OSError as error:
        raise StorageError(f"Cannot delete {path}: {error.strerror or error}. Delete it yourself.") from error


def _write_whole(path: Path, text: str) -> None:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}. Save the conversation somewhere else.") from error
