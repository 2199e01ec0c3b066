"""What every test shares: the real default model, found once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smol_gguf() -> Path:
    """The default model's GGUF (SmolLM2-135M-Instruct, Q4_1). `make test` pulls it and names it here."""
    return Path(os.environ["EDGE_LLM_TEST_MODEL"])
