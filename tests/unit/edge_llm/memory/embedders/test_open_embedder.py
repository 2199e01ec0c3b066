"""Which embedder a name or a path is, and what is said when it is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_llm.home import Home
from edge_llm.installed import Pulled, install
from edge_llm.memory.embedders import open_embedder
from runtimes.errors import InputError, UnknownModelError
from tests.tiny_encoders import write_encoder


def pull(home: Home, name: str, folder: Path, form: str = "encoder") -> None:
    """What a pull leaves."""

    def fetch(work: Path, ready: Path) -> Pulled:
        shutil.copytree(folder, ready, dirs_exist_ok=True)
        return Pulled(form, ".", None, {"kind": "test"})  # type: ignore[arg-type]

    install(name, home=home, progress=None, fetch=fetch)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_default_is_use() -> None:
    with open_embedder() as default, open_embedder("use") as named:
        assert default.model_id == named.model_id
        assert default.model_id.startswith("use:")
        assert default.dimensions == 512


@pytest.mark.parametrize("name", ["hf:owner/repo", "all-minilm-l6-v2", "use:other"])
def test_what_was_pulled_opens_by_its_name(name: str, home: Home, tmp_path: Path) -> None:
    pull(home, name, write_encoder(tmp_path / "made", pooling={"pooling_mode_mean_tokens": True}, pooling_file="pooling.json"))
    with open_embedder(name, home=home) as embedder:
        assert embedder.model_id.startswith(f"{name}:")
        assert embedder.embed(["the cat"]).shape == (1, 16)


def test_a_path_is_a_path(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")
    with open_embedder(folder) as one, open_embedder(str(folder)) as other:
        assert one.model_id == other.model_id
        np.testing.assert_array_equal(one.embed(["the cat"]), other.embed(["the cat"]))


def test_a_moved_directory_is_the_same_embedder_and_a_changed_one_another(tmp_path: Path) -> None:
    first = open_embedder(write_encoder(tmp_path / "a")).model_id
    assert open_embedder(write_encoder(tmp_path / "b")).model_id == first
    others = {
        open_embedder(write_encoder(tmp_path / "c", seed=1)).model_id,
        open_embedder(write_encoder(tmp_path / "d", pooling={"pooling_mode_cls_token": True})).model_id,
        open_embedder(write_encoder(tmp_path / "e", max_seq_length=9)).model_id,
    }
    assert len(others | {first}) == 4


@pytest.mark.parametrize("name", ["texts", "use_network", "onnx", "nothing", "", "./nothing"])
def test_names_of_nothing(name: str, home: Home) -> None:
    with pytest.raises(UnknownModelError):
        open_embedder(name, home=home)


@pytest.mark.parametrize("name", ["all-minilm-l6-v2", "hf:owner/repo"])
def test_what_was_not_pulled_says_how(name: str, home: Home) -> None:
    with pytest.raises(InputError, match=f"edge-llm pull {name}"):
        open_embedder(name, home=home)


def test_a_model_that_writes_text_is_no_embedder(home: Home, tmp_path: Path) -> None:
    pull(home, "hf:owner/chat", write_encoder(tmp_path / "made"), "safetensors")
    with pytest.raises(InputError, match="not a sentence encoder"):
        open_embedder("hf:owner/chat", home=home)
