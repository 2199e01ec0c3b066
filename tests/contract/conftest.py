"""One tiny real model, as a bundle of every format there is a runtime for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes import Bundle, RuntimeConfig, Session, find_runtime, installed_runtimes, read_bundle
from tests.tiny import write_fake_bundle
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_gguf

CONTEXT = 1300
"""Past one growth step of every runtime's cache."""

OpenSession = Callable[..., Session]


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Bundle]:
    """Bundle format -> a bundle. A runtime with a format of its own adds one here."""
    folder = tmp_path_factory.mktemp("contract")
    source = write_gguf(folder / "tiny.gguf", config={**CONFIG, "max_position_embeddings": CONTEXT})
    made = quantize(source, folder / "out", recipe=recipe_for(8), formats=("onnx", "gguf"))
    fake = write_fake_bundle(folder / "fake", context_length=CONTEXT)
    paths: dict[str, Path] = {"fake": fake, **{summary.format: summary.path for summary in made}}
    return {kind: read_bundle(path) for kind, path in paths.items()}


@pytest.fixture(scope="session", params=installed_runtimes())
def runtime(request: pytest.FixtureRequest) -> str:
    """Each registered runtime. A missing backend is reported here, and is a failure where everything must be there."""
    name: str = request.param
    status = find_runtime(name).describe()
    if not status.installed:
        reason = f"the backend of {name} is not installed: {status.hint}"
        pytest.fail(reason) if "CI" in os.environ else pytest.skip(reason)
    return name


@pytest.fixture(scope="session")
def bundle(runtime: str, bundles: Mapping[str, Bundle]) -> Bundle:
    """A bundle this runtime opens."""
    formats = find_runtime(runtime).formats & set(bundles)
    assert formats, f"tests/contract/conftest.py makes no bundle that {runtime} opens"
    return bundles[min(formats)]


@pytest.fixture
def open_model(runtime: str, bundle: Bundle) -> Iterator[OpenSession]:
    """Open the tiny model; whatever is opened is closed after the test."""
    with ExitStack() as stack:

        def open_model(context_length: int | None = None) -> Session:
            config = RuntimeConfig(threads=1, context_length=context_length)
            return stack.enter_context(find_runtime(runtime).open(bundle, config))

        yield open_model


@pytest.fixture
def session(open_model: OpenSession) -> Session:
    return open_model()
