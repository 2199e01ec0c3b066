"""Python functions as carriers: those of the standard library of actions, and those the app gave by name.

A manifest is data and may come from a file, so it names a function and never makes one run that nobody meant for this: only
the functions listed here are imported, and only functions that the app passed are called besides.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePath
from typing import Any

from edge_llm.actions.manifest import Carrier, CarrierKind
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call
from edge_llm.hidden import show_hidden
from runtimes.errors import CarrierUnavailableError, EdgeLLMError, RuntimeFailedError

_PACKAGE = "edge_llm.actions.tools"
_MAKING = (
    "calculate:calculate", "units:convert_units", "currency:convert_currency", "equations:solve_equation",
    "lists:add_note", "lists:add_shopping", "lists:add_todo", "contacts:contact_file", "apps:open_app",
    "events:event_file", "events:meeting_file", "events:reminder_file", "events:alarm_file", "events:timer_file",
)  # fmt: skip
_READING = (
    "lists:show_notes", "lists:show_shopping", "lists:show_todo", "lists:remove",
    "find:search_memory", "find:show_calendar", "chart:draw_chart",
)  # fmt: skip
MAKING = frozenset(f"{_PACKAGE}.{name}" for name in _MAKING)
"""Standard functions whose results are made of the call's own values and of nothing that was read."""
STANDARD = MAKING | {f"{_PACKAGE}.{name}" for name in _READING}
"""The standard functions: no other one is imported because a manifest names it."""


class PythonProvider:
    """The provider of `python` carriers.

    Args:
        functions: the app's own by their carrier's target ("module:function"); one for a standard target takes its place,
            with memory or a folder bound to it, say. Called with the canonical arguments by name; what it returns must be a
            JSON value or a path.
        computing: targets among them whose results hold nobody else's words. The results of all others count as untrusted.
    """

    kind: CarrierKind = "python"

    def __init__(self, functions: Mapping[str, Callable[..., Any]] | None = None, *, computing: Collection[str] = ()) -> None:
        self._functions = dict(functions or {})
        self._computing = MAKING | frozenset(computing)

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """Why the function cannot be called."""
        try:
            function = self._find(carrier.target)
            inspect.signature(function).bind(**call.arguments)
        except CarrierUnavailableError as error:
            return str(error)
        except TypeError as error:
            return f"The function {carrier.target} does not take these arguments: {error}."
        return None

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The function with its arguments."""
        told = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
        return show_hidden(f"{carrier.target}({told})")

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Call the function.

        Raises:
            CarrierUnavailableError: there is no such function here.
            RuntimeFailedError: it failed, or gave back something that is no JSON. And the errors of the toolkit it raises.
        """
        function = self._find(carrier.target)
        try:
            result = function(**call.arguments)
        except EdgeLLMError:
            raise
        except Exception as error:
            raise RuntimeFailedError(f"{carrier.target} failed: {type(error).__name__}: {error}.") from error
        if isinstance(result, PurePath):
            result = str(result)
        try:
            json.dumps(result, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise RuntimeFailedError(f"{carrier.target} gave back something that is no JSON: {error}.") from error
        own = carrier.target in self._computing and all(value.provenance.trusted for value in call.slots.values())
        return ProviderResult(result, untrusted=not own)

    def _find(self, target: str) -> Callable[..., Any]:
        """The function that a target names. Raises CarrierUnavailableError."""
        if target in self._functions:
            return self._functions[target]
        if target not in STANDARD:
            raise CarrierUnavailableError(f"The function {target} was not given by the app, so it is not called.")
        module, _, name = target.partition(":")
        try:
            loaded = importlib.import_module(module)
        except ImportError as error:
            raise CarrierUnavailableError(f"The function {target} cannot be loaded: {error}.") from error
        function: Callable[..., Any] = getattr(loaded, name)
        return function
