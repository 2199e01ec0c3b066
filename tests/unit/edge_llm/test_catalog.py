"""Names: what the catalog knows, what it suggests, and that what is here is found without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_llm import catalog
from edge_llm.catalog import CATALOG, DEFAULT_MODEL, find, find_installed, installed_models, nearest_names, pull
from edge_llm.home import Home
from edge_llm.installed import Pulled, install
from runtimes.errors import NetworkError, UnknownModelError
from tests.local_server import forbid_sockets


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_sockets(monkeypatch)


def put(home: Home, name: str) -> Path:
    def fetch(work: Path, ready: Path) -> Pulled:
        (ready / "a.gguf").write_bytes(b"weights")
        return Pulled("gguf", "a.gguf", None, {})

    return install(name, home=home, progress=None, fetch=fetch).path


def test_the_default_model_is_in_the_catalog() -> None:
    assert find(DEFAULT_MODEL) is CATALOG[DEFAULT_MODEL]
    assert find(DEFAULT_MODEL).licence == "Apache-2.0"


@pytest.mark.parametrize("typed", ["smollm2-135m", "SmolLM2-135M-Instruct", "smolm2-135m-instruct", "smollm2"])
def test_a_misspelt_name_gets_the_nearest(typed: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        find(typed)
    assert DEFAULT_MODEL in caught.value.nearest
    assert DEFAULT_MODEL in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_name_like_nothing_gets_no_guess() -> None:
    assert nearest_names("zzzzzz") == []


def test_a_name_of_the_hub_is_offered_with_its_prefix() -> None:
    assert "hf:Qwen/Qwen3-0.6B" in nearest_names("Qwen/Qwen3-0.6B")
    assert "hf:o/r/a.gguf" in nearest_names("o/r/a.gguf")
    assert nearest_names("/o/") == []


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a" * 5000, "\0", "no such model", "smollm2-135m-instruct:", "\ud800"])
def test_any_text_is_a_name_at_most(tmp_path: Path, no_socket: None, name: str) -> None:
    with pytest.raises(UnknownModelError):
        pull(name, home=Home(tmp_path))


@pytest.mark.usefixtures("no_socket")
def test_what_is_here_needs_no_network(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for name in (DEFAULT_MODEL, "hf:owner/repo/a.gguf"):
        path = put(home, name)
        assert pull(name, home=home) == path
    assert len(installed_models(home)) == 2


def test_what_is_not_here_says_so_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NetworkError) as caught:
        pull(DEFAULT_MODEL, home=Home(tmp_path), index="http://127.0.0.1:9/simple")
    assert "\n" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    assert find_installed(DEFAULT_MODEL, Home(tmp_path)) is None


def test_the_import_is_light() -> None:
    heavy = {"requests", "httpx", "huggingface_hub", "onnx", "numpy", "urllib.request", "http.client", "filelock", "quantize"}
    code = f"import edge_llm.catalog, edge_llm.home, sys; print(*sorted(set(sys.modules) & {heavy!r}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_what_the_module_promises_is_there() -> None:
    assert all(hasattr(catalog, name) for name in catalog.__all__)
