"""A moment, a few people and a few actions that the tests of understanding share."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action
from edge_llm.understand.contacts import Contact, People
from edge_llm.understand.context import Context

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=timezone(timedelta(hours=8)))
"""A Sunday morning."""


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def people() -> People:
    return People(
        [
            Contact("Mum", ("+8613800000001", "mum@example.org")),
            Contact("Li Wei", ("+8613800000003",)),
            Contact("王伟", ("+8613800000004",)),
            Contact("Anna Bell", ("+4930123456", "anna@example.org")),
            Contact("Anna Chen", ("+8613800000010",)),
            Contact("张三", ("+8613800000009",)),
        ]
    )


@pytest.fixture
def context(people: People) -> Context:
    return Context(NOW, "en", people, "CN")


@pytest.fixture(scope="session")
def actions() -> dict[str, Action]:
    return {action.id: action for action in library()}
