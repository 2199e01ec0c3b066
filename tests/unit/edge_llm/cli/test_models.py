"""`models` and `pull`: what there is, and what is here already."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from edge_llm.catalog import CATALOG, DEFAULT_MODEL
from edge_llm.home import Home
from edge_llm.installed import Pulled, install
from tests.unit.edge_llm.cli.program import Program


@pytest.fixture
def pulled(own_home: Path) -> Path:
    """A model that was pulled from somewhere else, with a name that would drive a terminal."""

    def fetch(_work: Path, ready: Path) -> Pulled:
        (ready / "model.gguf").write_bytes(b"GGUF" * 250)
        return Pulled("gguf", "model.gguf", "mit", {"kind": "hub", "repository": "owner/repo"})

    return install("hf:owner/repo", home=Home(own_home), progress=None, fetch=fetch).path


def test_an_empty_home(program: Program, own_home: Path) -> None:
    shown = program("models", "--json")
    assert shown.document["home"] == str(own_home)
    row, *others = shown.document["models"]
    assert [other["name"] for other in others] == [name for name in CATALOG if name != DEFAULT_MODEL]
    assert not any(other["installed"] for other in others)
    assert (row["name"], row["installed"], row["path"], row["licence"]) == (DEFAULT_MODEL, False, None, "Apache-2.0")
    assert row["bytes"] > 90_000_000


def test_what_was_pulled_is_listed(program: Program, pulled: Path) -> None:
    row = program("models", "--json").document["models"][-1]
    assert row == {
        "name": "hf:owner/repo",
        "installed": True,
        "bytes": 1000,
        "licence": "mit",
        "path": str(pulled),
        "summary": None,
    }
    table = program("models").out
    assert DEFAULT_MODEL in table
    assert "hf:owner/repo" in table
    assert "1.0 kB" in table


def test_another_home_may_be_named(program: Program, pulled: Path, tmp_path: Path) -> None:
    listed = program("models", "--home", tmp_path / "other", "--json").document["models"]
    assert [row["name"] for row in listed] == list(CATALOG)


def test_what_is_here_is_not_pulled_again(program: Program, pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    shown = program("pull", "hf:owner/repo", "--json")
    assert shown.document == {"name": "hf:owner/repo", "path": str(pulled), "bytes": 1000}
    assert program("pull", "hf:owner/repo").out == f"hf:owner/repo is here: {pulled} (1.0 kB)\n"


def test_a_damaged_record_is_told(program: Program, pulled: Path) -> None:
    record = pulled.parent / "model.json"
    record.write_text(json.dumps({"schema_version": 1}), encoding="utf-8")
    shown = program("models")
    assert shown.code == 2
    assert "model.json" in shown.err
