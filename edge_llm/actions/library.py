"""The standard actions: what ships with edge-llm, read from data files.

`library/*.json` beside this file hold them, one file per group, in the format of docs/actions.md; `none.json` holds
sentences that ask for no action at all. Knows files and their shape; what an action means is manifest.py's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from edge_llm.actions.manifest import LANGUAGES, Action, Language, parse_action
from runtimes.errors import ManifestError

MAX_FILE_BYTES = 4_000_000
"""More than any file of actions written by people; a larger one is not read."""
_NONE = "none.json"


@cache
def library() -> tuple[Action, ...]:
    """The standard actions, sorted by id."""
    folder = files("edge_llm") / "actions" / "library"
    found = [
        action
        for file in folder.iterdir()
        if file.name.endswith(".json") and file.name != _NONE
        for action in parse_actions(json.loads(file.read_text(encoding="utf-8")))
    ]
    return tuple(sorted(found, key=lambda action: action.id))


@cache
def none_examples() -> Mapping[Language, tuple[str, ...]]:
    """Sentences that ask for nothing the standard actions do: questions, small talk, opinions, other apps' business."""
    document = json.loads((files("edge_llm") / "actions" / "library" / _NONE).read_text(encoding="utf-8"))
    return {language: tuple(document[language]) for language in LANGUAGES}


def read_actions(path: str | Path) -> tuple[Action, ...]:
    """The actions in an app's file: one action, or `{"actions": [...]}`.

    Raises:
        ManifestError: the file cannot be read, is not JSON, or an action in it breaks a rule. Names the file.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ManifestError(f"{path} is larger than {MAX_FILE_BYTES} bytes; a file of actions is not.")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not JSON in UTF-8: {error}") from error
    try:
        return parse_actions(document)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from error


def parse_actions(document: object) -> tuple[Action, ...]:
    """The actions of one document: `{"actions": [...]}`, or a single action.

    Raises:
        ManifestError: an action breaks a rule, or two have the same id.
    """
    if isinstance(document, Mapping) and set(document) == {"actions"}:
        parts: Any = document["actions"]
        if not isinstance(parts, list):
            raise ManifestError('"actions" must be a list.')
    else:
        parts = [document]
    found: dict[str, Action] = {}
    for part in parts:
        action = parse_action(part)
        if action.id in found:
            raise ManifestError(f"The action {action.id} is there twice.")
        found[action.id] = action
    return tuple(found.values())
