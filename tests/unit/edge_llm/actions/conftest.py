"""The setting that tests of policy share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.edge_llm.actions.desk_samples import Setting, setting


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Setting]:
    """A desk, its host, an executor and a log on a new store."""
    with setting(tmp_path) as made:
        yield made
