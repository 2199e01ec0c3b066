"""Actions from functions: hints become schemas, docstrings become words, and what cannot be called by name is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import pytest

from edge_llm.actions.declare import Declaration, declare, target
from edge_llm.actions.manifest import Text
from edge_llm.actions.providers.python import PythonProvider
from edge_llm.actions.registry import Registry
from edge_llm.actions.values import Call, Provenance, SlotValue
from runtimes.errors import ManifestError

EXAMPLES: dict[Any, list[str]] = {"en": ["dim the lamp in the {room}"], "zh": ["把{room}的灯调暗"]}
LOCAL = Declaration("local", "granted", examples=EXAMPLES)


def dim_lamp(
    room: str,
    percent: int = 50,
    mode: Literal["soft", "hard"] | None = None,
    time: str | None = None,
    lamps: list[str] | None = None,
    slowly: bool = False,
    *,
    factor: float = 1.0,
) -> str:
    """Dims a lamp.

    It takes a while.

    Args:
        room: which room; the one you are in
            where it is not said.
        percent (int): how bright.
        mode: soft: or hard.

    Returns:
        what: nothing.
    """
    return f"{room} {percent}"


def test_a_function_says_most_of_it() -> None:
    action = declare(
        "lamp.dim", dim_lamp, Declaration("local", "granted", examples=EXAMPLES, asks={"room": Text("Where?", "哪里？")})
    )
    assert (action.name.en, action.description.en) == ("Dim lamp", "Dims a lamp.")
    assert {slot.name: (slot.role, dict(slot.schema), slot.required) for slot in action.slots} == {
        "room": ("text", {"type": "string"}, True),
        "percent": ("number", {"type": "integer"}, False),
        "mode": ("choice", {"enum": ["soft", "hard"]}, False),
        "time": ("time", {"type": "string", "format": "date-time"}, False),
        "lamps": ("data", {"type": "array", "items": {"type": "string"}}, False),
        "slowly": ("choice", {"type": "boolean"}, False),
        "factor": ("number", {"type": "number"}, False),
    }
    assert action.slot("room").description.zh == "which room; the one you are in where it is not said"
    assert action.slot("percent").description.en == "how bright"
    assert action.slot("mode").description.en == "soft: or hard"
    assert action.slot("room").ask == Text("Where?", "哪里？")
    assert action.carriers[0].target == f"{__name__}:dim_lamp"


def test_a_role_can_be_given() -> None:
    assert declare("lamp.dim", dim_lamp, Declaration("local", "granted", roles={"room": "place"})).slot("room").role == "place"


def no_hint(room) -> None:  # type: ignore[no-untyped-def]
    pass


def wrong_hint(time: datetime) -> None:
    pass


def unreadable_hint(time: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


def any_number(*rooms: str) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "fact"),
    [
        (no_hint, "room of no_hint has no type hint"),
        (wrong_hint, "ISO 8601 for times"),
        (unreadable_hint, "Nowhere"),
        (any_number, "cannot be given by name"),
        (lambda: None, "no name to call it by"),
    ],
)
def test_what_cannot_be_an_action(function: Callable[..., Any], fact: str) -> None:
    with pytest.raises(ManifestError, match=fact):
        declare("x.y", function, Declaration("local", "granted"))


@pytest.mark.parametrize(
    ("declaration", "fact"),
    [
        (Declaration("local", "granted", roles={"rom": "place"}), "no parameter rom"),
        (Declaration("message", "none"), "needs consent"),
        (Declaration("local", "granted", preview="Dim {lamp}"), "lamp, which is no slot"),
    ],
)
def test_the_rules_of_manifests_hold(declaration: Declaration, fact: str) -> None:
    with pytest.raises(ManifestError, match=fact):
        declare("lamp.dim", dim_lamp, declaration)


def test_a_registry_decorates_and_its_functions_run() -> None:
    registry = Registry()
    same = registry.action("lamp.dim", LOCAL)(dim_lamp)
    assert same is dim_lamp
    assert registry.functions == {target(dim_lamp): dim_lamp}
    action = registry.get("lamp.dim")
    call = Call(action, {"room": SlotValue("hall", "hall", Provenance("typed"))})
    provider = PythonProvider(registry.functions, computing=registry.functions)
    assert provider.obstacle(action.carriers[0], call) is None
    assert provider.run(action.carriers[0], call).result == "hall 50"
