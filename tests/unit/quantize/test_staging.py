"""Staging: several bundles at once, and what dead runs leave behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantize.staging import check_space, stage_bundles
from runtimes.bundle import BundleWriter, Manifest
from runtimes.errors import BundleError, StorageError

MANIFEST = Manifest(name="n", format="fake", family="fake", model="model", context_length=1, vocabulary_size=1)


def fill(writer: BundleWriter, text: str = "new") -> None:
    (writer.directory / "model").write_text(text)
    writer.finish(MANIFEST)


def test_all_appear_together(tmp_path: Path) -> None:
    targets = [tmp_path / "out" / name for name in "ab"]
    with stage_bundles(targets, replace_existing=False) as writers:
        for writer in writers:
            fill(writer)
        assert not any(target.exists() for target in targets)
    assert all((target / "manifest.json").is_file() for target in targets)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]


def test_one_without_a_manifest_stops_all(tmp_path: Path) -> None:
    with (
        pytest.raises(BundleError, match="without a manifest"),
        stage_bundles([tmp_path / "out" / "a", tmp_path / "out" / "b"], replace_existing=False) as writers,
    ):
        fill(writers[0])
    assert list(tmp_path.iterdir()) == []


def test_parents_that_were_there_stay(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyError), stage_bundles([tmp_path / "out" / "a"], replace_existing=False):
        raise KeyError
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_dead_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".[a]b.x1.partial", ".[a]b.x2.old", ".other.x3.partial", "[a]b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model").write_text("old")
    (tmp_path / "[a]b" / "manifest.json").write_text("{}")
    with stage_bundles([tmp_path / "[a]b"], replace_existing=True) as (writer,):
        fill(writer)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.x3.partial", "[a]b"]
    assert (tmp_path / "[a]b" / "model").read_text() == "new"


def test_bundle_whose_replacement_never_arrived_is_brought_back(tmp_path: Path) -> None:
    (tmp_path / ".a.x1.old").mkdir()
    (tmp_path / ".a.x1.old" / "manifest.json").write_text("{}")
    with pytest.raises(BundleError, match="already exists"), stage_bundles([tmp_path / "a"], replace_existing=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_run_that_still_writes_is_left_alone(tmp_path: Path) -> None:
    with stage_bundles([tmp_path / "a"], replace_existing=False) as (writer,):
        with (
            pytest.raises(StorageError, match=r"Another run is writing .*a \(.*\.partial\)"),
            stage_bundles([tmp_path / "a"], replace_existing=False),
        ):
            pass
        with stage_bundles([tmp_path / "b"], replace_existing=False) as (other,):
            fill(other)
        fill(writer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_space_is_that_of_the_nearest_folder_there_is(tmp_path: Path) -> None:
    check_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(StorageError, match=r"yet needs about 1000000000000 MB and \d+ MB are free"):
        check_space(tmp_path / "not" / "yet", 10**18)
