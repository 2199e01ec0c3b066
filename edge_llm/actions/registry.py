"""The actions an assistant may propose: the standard ones, and those of the app it lives in.

Knows ids; runs nothing. A registry belongs to whoever made it: there is no global one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from edge_llm.actions.declare import Declaration, declare, target
from edge_llm.actions.library import library, read_actions
from edge_llm.actions.manifest import Action
from edge_llm.home import Home
from runtimes.errors import InputError, ManifestError

_Function = TypeVar("_Function", bound=Callable[..., Any])


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
        self._functions: dict[str, Callable[..., Any]] = {}
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

    def action(self, action_id: str, declaration: Declaration) -> Callable[[_Function], _Function]:
        """A decorator: takes a function in as an action, and leaves the function as it is. See `declare.declare`.

        Example:
            >>> spoken = {"en": ["dim the lamp"], "zh": ["把灯调暗"]}
            >>> @registry.action("lamp.dim", Declaration("local", "granted", examples=spoken))
            ... def dim_lamp(room: str, percent: int = 50) -> str:
            ...     '''Dims a lamp.'''
        """

        def taken_in(function: _Function) -> _Function:
            self.add(declare(action_id, function, declaration))
            self._functions[target(function)] = function
            return function

        return taken_in

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """The functions that were taken in, by their carriers' targets: what `PythonProvider` may call."""
        return dict(self._functions)


def actions_folder(home: Home) -> Path:
    """Where the person puts the action files of apps."""
    return home.path / "actions"


def standard_registry(home: Home | None = None) -> Registry:
    """The standard actions, and those of the `.json` files in the home's folder `actions`, by file name.

    Raises:
        ManifestError: a file cannot be read, or breaks a rule; names it.
    """
    registry = Registry(library())
    for path in sorted(actions_folder(home or Home()).glob("*.json")):
        registry.load_file(path)
    return registry
