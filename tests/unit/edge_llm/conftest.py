"""Models that answer by script, for what is above the runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from edge_llm.model import Model
from runtimes.bundle import read_bundle
from runtimes.contract import RuntimeConfig
from runtimes.registry import runtime_for
from runtimes.tokenizer import open_bundle_tokenizer
from tests.tiny import write_fake_bundle

ModelMaker: TypeAlias = Callable[..., Model]


@pytest.fixture
def make_model(tmp_path: Path) -> Iterator[ModelMaker]:
    """Makes models that give `answers` in turn, or nonsense from a `seed`; a token is a byte."""
    models: list[Model] = []

    def make(answers: Sequence[str] | None = None, *, context_length: int = 512, seed: int = 0) -> Model:
        path = tmp_path / f"fake-{len(models)}"
        bundle = read_bundle(write_fake_bundle(path, answers=answers, context_length=context_length, seed=seed))
        session = runtime_for(bundle).open(bundle, RuntimeConfig())
        models.append(Model(bundle, session, open_bundle_tokenizer(bundle), runtime="fake", load_s=1.5))
        return models[-1]

    yield make
    for model in models:
        model.close()
