"""Which reader a file gets: content over name, and a reason where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_llm.memory.ingest.formats import find_reader, named_reader, reader_version, readers
from runtimes.errors import UnreadableFileError
from tests.unit.edge_llm.memory.ingest import documents


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", sorted(documents.BUILDERS))
def test_a_name_that_lies_misleads_nobody(tmp_path: Path, name: str) -> None:
    data = documents.BUILDERS[name][1]()
    for suffix in (".txt", ".docx", ".pdf", ".xyz", ""):
        found = find_reader(put(tmp_path, f"file{suffix}", data)).name
        assert found == name or (name in ("text", "markdown") and found == "text")


def test_every_module_with_a_reader_is_one() -> None:
    names = [reader.name for reader in readers()]
    assert {"text", "markdown", "html", "pdf", "docx", "xlsx", "pptx"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(named_reader(name) is reader for name, reader in zip(names, readers(), strict=True))
    assert reader_version("text") >= 1


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
        ("mail.pst", b"!BDN" + bytes(100), "Outlook"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office file"),
        ("backup.zip", documents.archive({"a.txt": "x"}), "ZIP archive. Unpack it"),
        ("notes.txt", documents.archive({"a.txt": "x"}), "ZIP archive. Unpack it"),
        ("paper.pdf", bytes(range(256)) * 4, "is named .pdf but holds something else"),
        ("thing.xyz", bytes(range(256)) * 4, "in no format that memory reads"),
    ],
)
def test_what_nobody_reads_is_named(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    path = put(tmp_path, name, data)
    with pytest.raises(UnreadableFileError, match=reason) as caught:
        find_reader(path)
    assert str(path) in str(caught.value)


def test_an_empty_file_is_a_text_without_words(tmp_path: Path) -> None:
    assert find_reader(put(tmp_path, "empty.txt", b"")).name == "text"


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        find_reader(tmp_path / "none")
    with pytest.raises(UnreadableFileError, match="is a folder"):
        find_reader(tmp_path)
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        find_reader(tmp_path / "nul\0name")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.txt")
        with pytest.raises(UnreadableFileError, match="not a regular file"):
            find_reader(tmp_path / "pipe.txt")


@pytest.mark.parametrize("name", ["worker", "none", "os.path", "../text", "", "reader"])
def test_only_a_module_with_a_reader_is_a_format(name: str) -> None:
    with pytest.raises(UnreadableFileError, match="no format called"):
        named_reader(name)
