"""The actions an assistant may propose: the standard ones, and those of the app it lives in.

Knows ids; runs nothing. A registry belongs to whoever made it: there is no global one.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from edge_llm.actions.library import read_actions
from edge_llm.actions.manifest import Action
from runtimes.errors import InputError, ManifestError


class Registry:
    """Actions by id, in the order in which they came.

    Example:
        >>> registry = Registry(library())
        >>> registry.load_file("my_app.json")
        >>> registry.get("sms.send").effect
        'message'
    """

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            self.add(action)

    def all(self) -> tuple[Action, ...]:
        """Every action."""
        return tuple(self._actions.values())

    def get(self, action_id: str) -> Action:
        """The action called `action_id`.

        Raises:
            InputError: there is none; names the nearest.
        """
        try:
            return self._actions[action_id]
        except KeyError:
            near = get_close_matches(action_id, self._actions, n=1)
            hint = f" Did you mean {near[0]}?" if near else " `edge-llm actions list` shows those there are."
            raise InputError(f"There is no action {action_id}.{hint}") from None

    def __contains__(self, action_id: object) -> bool:
        return action_id in self._actions

    def __len__(self) -> int:
        return len(self._actions)

    def add(self, action: Action) -> Action:
        """Take an action in and return it.

        Raises:
            ManifestError: its id is taken. Another app's action is never replaced silently.
        """
        if action.id in self._actions:
            raise ManifestError(f"There is already an action {action.id}. Give one of the two another id.")
        self._actions[action.id] = action
        return action

    def load_file(self, path: str | Path) -> tuple[Action, ...]:
        """Take in the actions of a JSON file (docs/actions.md tells its format): all of them or, on an error, none.

        Raises:
            ManifestError: the file cannot be read, an action in it breaks a rule, or an id is taken.
        """
        found = read_actions(path)
        for action in found:
            if action.id in self._actions:
                raise ManifestError(f"{path}: there is already an action {action.id}. Give one of the two another id.")
        for action in found:
            self._actions[action.id] = action
        return found
