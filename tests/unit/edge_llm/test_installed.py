"""The record of a model, its folder, and that a model comes in whole, once, or not at all."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.home import Home
from edge_llm.installed import (
    RECORD_NAME,
    InstalledModel,
    Pulled,
    find_installed,
    folder_of,
    install,
    installed_models,
    verify,
)
from edge_llm.progress import Progress
from runtimes.errors import BundleError, NetworkError, StorageError

PULLED = Pulled(format="gguf", model="a.gguf", licence="MIT", source={"kind": "test"})


def bring(home: Home, name: str = "mine", body: bytes = b"weights") -> InstalledModel:
    def fetch(work: Path, ready: Path) -> Pulled:
        (ready / "a.gguf").write_bytes(body)
        return PULLED

    return install(name, home=home, progress=None, fetch=fetch)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_model_comes_in_and_is_found(home: Home) -> None:
    assert find_installed("mine", home) is None
    assert installed_models(home) == []
    model = bring(home)
    assert find_installed("mine", home) == model
    assert installed_models(home) == [model]
    assert model.path.read_bytes() == b"weights"
    assert (model.size, model.licence, model.format) == (7, "MIT", "gguf")
    assert [path.name for path in home.downloads.rglob("*") if path.is_file()] == []
    verify(model)


def test_it_is_fetched_once(home: Home) -> None:
    bring(home)
    again = install("mine", home=home, progress=None, fetch=lambda work, ready: pytest.fail("fetched again"))
    assert again == find_installed("mine", home)


def test_names_of_the_hub_are_found_by_name(home: Home) -> None:
    names = ["hf:owner/repo", "hf:owner/repo/a.gguf", "hf:owner/repo/deep/a.gguf", "plain"]
    for name in names:
        bring(home, name)
    assert [model.name for model in installed_models(home)] == sorted(names)
    assert all((model := find_installed(name, home)) is not None and model.name == name for name in names)


def test_a_broken_fetch_leaves_its_work_and_no_model(home: Home) -> None:
    def fetch(work: Path, ready: Path) -> Pulled:
        (work / "a.partial").write_bytes(b"half")
        raise NetworkError("the line broke")

    with pytest.raises(NetworkError):
        install("mine", home=home, progress=None, fetch=fetch)
    assert find_installed("mine", home) is None
    assert not home.models.exists()
    assert [path.name for path in home.downloads.rglob("*.partial")] == ["a.partial"]


@pytest.mark.parametrize("damage", ["remove", "truncate"])
def test_one_that_is_not_whole_is_replaced(home: Home, damage: str) -> None:
    model = bring(home)
    model.path.unlink() if damage == "remove" else model.path.write_bytes(b"we")
    (home.models / ".mine.old").mkdir()
    assert find_installed("mine", home) is None
    bring(home, body=b"fresh one")
    assert model.path.read_bytes() == b"fresh one"
    assert [path.name for path in home.models.iterdir()] == ["mine"]


def test_a_changed_byte_is_found_by_verify(home: Home) -> None:
    model = bring(home)
    model.path.write_bytes(b"weightS")
    with pytest.raises(BundleError, match=r"a\.gguf is damaged.*edge-llm pull mine"):
        verify(model)


WHOLE = {"schema_version": 1, "name": "x", "format": "gguf", "licence": None, "model": "a", "source": {}, "files": {}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        *(
            json.dumps(WHOLE | change)
            for change in (
                {"schema_version": 2},
                {"format": "pickle"},
                {"model": "../x.gguf"},
                {"model": "/etc/passwd"},
                {"files": {"..": {"sha256": "", "size": 0}}},
                {"files": {"a": {"size": 0}}},
                {"files": {"a": {"sha256": "", "size": "many"}}},
                {"source": 1},
            )
        ),
    ],
)
def test_a_malformed_record_is_named(home: Home, text: str) -> None:
    record = bring(home).folder / RECORD_NAME
    record.write_text(text)
    for look in (lambda: find_installed("mine", home), lambda: installed_models(home)):
        with pytest.raises(BundleError, match=r"model\.json is not a model's record.*Delete"):
            look()


def test_the_record_says_all(home: Home) -> None:
    record = json.loads((bring(home).folder / RECORD_NAME).read_text())
    assert record == {
        "schema_version": 1,
        "name": "mine",
        "format": "gguf",
        "model": "a.gguf",
        "licence": "MIT",
        "source": {"kind": "test"},
        "files": {"a.gguf": {"sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}},
    }


def test_two_at_once_fetch_once(home: Home) -> None:
    began, go_on, events, fetched = threading.Event(), threading.Event(), [], []

    def slow(work: Path, ready: Path) -> Pulled:
        fetched.append("slow")
        began.set()
        assert go_on.wait(10)
        (ready / "a.gguf").write_bytes(b"slow")
        return PULLED

    def waiting(event: Progress) -> None:
        events.append(event)
        go_on.set()

    first = threading.Thread(target=lambda: install("mine", home=home, progress=None, fetch=slow))
    first.start()
    assert began.wait(10)
    second = install("mine", home=home, progress=waiting, fetch=lambda work, ready: pytest.fail("fetched twice"))
    first.join()
    assert events == [Progress("wait", 0, 0, "mine")]
    assert second.path.read_bytes() == b"slow"


def test_a_disk_that_refuses_is_a_storage_error(home: Home) -> None:
    home.make(home.path)
    home.models.write_text("in the way")
    with pytest.raises(StorageError, match="mine"):
        bring(home)


NAMES = st.text(st.sampled_from("ab./:-%~\\ A"), max_size=12) | st.text(max_size=400)


@given(NAMES, NAMES)
def test_names_that_differ_get_different_folders_inside(one: str, other: str) -> None:
    root = Path("/models")
    for name in (one, other):
        folder = folder_of(name)
        assert not folder.is_absolute()
        assert not any(part.startswith(".") or len(part.encode()) > 255 for part in folder.parts)
        assert (root / folder).is_relative_to(root)
    hub = [f"hf:{'/'.join(['o', 'r', *([name] if name else [])])}" for name in (one, other)]
    assert (folder_of(hub[0]) == folder_of(hub[1])) == (one == other)
