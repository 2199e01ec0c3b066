"""What every test shares: the real default model, found once, and a home of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def smol_gguf() -> Path:
    """The default model's GGUF (SmolLM2-135M-Instruct, Q4_1), as `make test` pulled it."""
    from edge_llm.catalog import installed_models
    from edge_llm.home import Home

    folder = os.environ.get("EDGE_LLM_TEST_HOME")
    found = {} if folder is None else {model.name: model.path for model in installed_models(Home(folder))}
    if MODEL not in found:
        pytest.fail(f"{MODEL} is not in EDGE_LLM_TEST_HOME ({folder}). Run the tests with `make test`, which pulls it.")
    return found[MODEL]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the models folder of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("EDGE_LLM_HOME", str(home))
    return home
