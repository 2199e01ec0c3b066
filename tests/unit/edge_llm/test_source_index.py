"""The hashes of checkpoints: those of quantize.source, read again exactly when a file changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_llm.home import Home
from edge_llm.source_index import INDEX_NAME, source_hash
from quantize import source as source_module
from quantize.source import open_source
from runtimes.bundle import hash_file
from runtimes.errors import SourceError
from tests.unit.quantize.tiny_checkpoints import CONFIG, random_weights, write_gguf, write_hf


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The checkpoints that were opened, in order."""
    seen: list[Path] = []

    def watch(path: Path) -> object:
        seen.append(path)
        return open_source(path)

    monkeypatch.setattr(source_module, "open_source", watch)
    return seen


def test_it_is_the_files_hash_and_computed_once(tmp_path: Path, home: Home, opened: list[Path]) -> None:
    gguf = write_gguf(tmp_path / "a.gguf")
    assert source_hash(gguf, home) == source_hash(gguf, home) == hash_file(gguf)
    assert opened == [gguf]


def test_a_change_is_seen(tmp_path: Path, home: Home, opened: list[Path]) -> None:
    source = write_hf(tmp_path / "hf")
    before = source_hash(source, home)
    write_hf(source, weights=random_weights(CONFIG, seed=5))
    after = source_hash(source, home)
    assert before != after
    with open_source(source) as checkpoint:
        assert after == checkpoint.sha256
    os.utime(source / "config.json", ns=(1, 1))  # touched, not changed: read again, with the same outcome
    assert source_hash(source, home) == after
    assert len(opened) == 3


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"x": 1}', b'{"x": [1, 2]}', b"[" * 100_000, b"\xff"])
def test_a_damaged_index_is_begun_anew(tmp_path: Path, home: Home, damage: bytes) -> None:
    gguf = write_gguf(tmp_path / "a.gguf")
    (home.make(home.bundles) / INDEX_NAME).write_bytes(damage)
    assert source_hash(gguf, home) == hash_file(gguf)
    assert source_hash(gguf, home) == hash_file(gguf)


def test_what_is_gone_is_forgotten(tmp_path: Path, home: Home) -> None:
    one, two = write_gguf(tmp_path / "one.gguf"), write_gguf(tmp_path / "two.gguf")
    source_hash(one, home)
    one.unlink()
    source_hash(two, home)
    text = (home.bundles / INDEX_NAME).read_text()
    assert "two.gguf" in text
    assert "one.gguf" not in text


def test_a_file_that_is_no_checkpoint_is_not_remembered(tmp_path: Path, home: Home) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"no model")
    with pytest.raises(SourceError):
        source_hash(wrong, home)
    assert not (home.bundles / INDEX_NAME).exists()
