"""Large files over HTTP: resumed where they stopped, verified, and never half there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm import transfer as transfer_module
from edge_llm.transfer import Digest, RemoteFile, Transfer, check_space
from runtimes.errors import NetworkError, StatusError, StorageError
from tests.local_server import LocalServer, Reply, serve

BODY = bytes(range(256)) * 4096  # 1 MiB
FAST = Transfer(timeout_s=5, waits_s=(0.0, 0.0, 0.0))


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with serve() as running:
        yield running


def remote(server: LocalServer, body: bytes = BODY) -> RemoteFile:
    return RemoteFile(f"{server.url}/file", len(body), Digest("sha256", hashlib.sha256(body).hexdigest()))


def download(wanted: RemoteFile, folder: Path) -> tuple[Path, list[int]]:
    told: list[int] = []
    FAST.download(wanted, folder / "file", work=folder, received=told.append)
    return folder / "file", told


def partials(folder: Path) -> list[Path]:
    return list(folder.glob("*.partial"))


def test_a_file_arrives_whole(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY)
    path, told = download(remote(server), tmp_path)
    assert path.read_bytes() == BODY
    assert told == sorted(told)
    assert told[-1] == len(BODY)
    assert partials(tmp_path) == []


def test_a_file_that_is_there_is_not_fetched(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    _, told = download(remote(server), tmp_path)
    assert told == [len(BODY)]
    assert server.asked == []


def test_an_empty_file(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(b"")
    assert download(remote(server, b""), tmp_path)[0].read_bytes() == b""


def test_a_broken_connection_is_resumed_at_once(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY, break_after=[300_000, 400_000])
    path, _ = download(remote(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.ranges() == [None, "bytes=300000-", "bytes=700000-"]


def test_a_download_that_failed_goes_on_the_next_time(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY, break_after=[500_000, 0, 0, 0])
    with pytest.raises(NetworkError, match=r"500000 of 1048576 bytes are here"):
        download(remote(server), tmp_path)
    assert not (tmp_path / "file").exists()
    server.asked.clear()
    path, _ = download(remote(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.ranges() == ["bytes=500000-"]


def test_a_server_without_ranges_starts_over(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY, ranges=False, break_after=[500_000])
    assert download(remote(server), tmp_path)[0].read_bytes() == BODY


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(breaks=st.lists(st.integers(1, 40_000), max_size=6), ranges=st.booleans(), length=st.booleans())
def test_any_breaks_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, breaks: list[int], ranges: bool, length: bool
) -> None:
    body = hashlib.sha256(repr(breaks).encode()).digest() * 2000
    folder = tmp_path_factory.mktemp("any")
    with serve() as server:
        # a server that neither knows ranges nor breaks less often than that never gets there
        server.replies["/file"] = Reply(body, ranges=ranges, length=length, break_after=list(breaks if ranges else breaks[:1]))
        assert download(remote(server, body), folder)[0].read_bytes() == body


@pytest.mark.parametrize("kept", [0, 400_000])
def test_changed_bytes_are_refused(server: LocalServer, tmp_path: Path, kept: int) -> None:
    wanted = remote(server)
    if kept:
        server.replies["/file"] = Reply(BODY, break_after=[kept, 0, 0, 0])
        with pytest.raises(NetworkError):
            download(wanted, tmp_path)
    server.replies["/file"] = Reply(BODY[:-1] + b"!")
    with pytest.raises(NetworkError, match="other bytes"):
        download(wanted, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_beginning_from_before_is_replaced(server: LocalServer, tmp_path: Path) -> None:
    wanted = remote(server)
    (tmp_path / f"file.{wanted.digest.value[:12]}.partial").write_bytes(b"?" * 1000)
    server.replies["/file"] = Reply(BODY)
    assert download(wanted, tmp_path)[0].read_bytes() == BODY
    assert server.ranges() == ["bytes=1000-", None]


def test_a_wrong_file_in_place_is_replaced(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"?" * len(BODY))
    server.replies["/file"] = Reply(BODY)
    assert download(remote(server), tmp_path)[0].read_bytes() == BODY


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("change", [b"", b"more"])
def test_another_size_is_refused_and_not_stored(server: LocalServer, tmp_path: Path, length: bool, change: bytes) -> None:
    server.replies["/file"] = Reply(BODY + change if change else BODY[:-10], length=length)
    with pytest.raises(NetworkError):
        download(remote(server), tmp_path)
    assert not (tmp_path / "file").exists()
    stored = sum(path.stat().st_size for path in partials(tmp_path))
    assert stored == 0 if length else stored <= len(BODY), "a size that is announced is refused before the bytes come"


def test_a_file_that_became_shorter_is_not_asked_for_ever(server: LocalServer, tmp_path: Path) -> None:
    wanted = remote(server)
    (tmp_path / f"file.{wanted.digest.value[:12]}.partial").write_bytes(BODY[:-5])
    server.replies["/file"] = Reply(BODY[:100])
    with pytest.raises(NetworkError):
        download(wanted, tmp_path)
    assert len(server.asked) < 5


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_repeated(server: LocalServer, tmp_path: Path, status: int) -> None:
    server.replies["/file"] = Reply(b"no", status)
    with pytest.raises(StatusError) as caught:
        download(remote(server), tmp_path)
    assert caught.value.status == status
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server: LocalServer, tmp_path: Path) -> None:
    answers = [Reply(b"busy", 503), Reply(b"busy", 429), Reply(BODY)]
    server.replies["/file"] = lambda asked: answers.pop(0)
    assert download(remote(server), tmp_path)[0].read_bytes() == BODY


def test_no_server_is_said_at_once(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module.time, "sleep", lambda seconds: pytest.fail("it waited without a network"))
    with pytest.raises(NetworkError, match="Check the connection") as caught:
        download(replace(remote(server), url="http://127.0.0.1:9/file"), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_from_a_bad_connection(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY)
    (tmp_path / f"file.{remote(server).digest.value[:12]}.partial").mkdir()
    with pytest.raises(StorageError):
        download(remote(server), tmp_path)


def test_what_the_callback_raises_ends_the_download_and_keeps_the_bytes(server: LocalServer, tmp_path: Path) -> None:
    server.replies["/file"] = Reply(BODY)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FAST.download(remote(server), tmp_path / "file", work=tmp_path, received=stop)
    assert [path.stat().st_size > 0 for path in partials(tmp_path)] == [True]


def test_a_git_object_id_is_that_of_git_hash_object(tmp_path: Path) -> None:
    path = tmp_path / "greeting"
    path.write_bytes(b"what is up, doc?")  # the example of the book "Pro Git", chapter 10.2
    assert Digest("git", "bd9dbf5aae1a3862dd1526723246b20206e5fc37").matches(path)
    path.write_bytes(b"what is up, Doc?")
    assert not Digest("git", "bd9dbf5aae1a3862dd1526723246b20206e5fc37").matches(path)


def test_too_little_space_is_said_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2_000_000))
    check_space(tmp_path, 2_000_000)
    with pytest.raises(StorageError, match=r"2 MB free and 93 MB are needed"):
        check_space(tmp_path, 93_000_000)


def test_a_page_follows_redirects_and_says_where_it_ended(server: LocalServer) -> None:
    server.replies["/old"] = Reply(status=308, headers={"Location": "/new"})
    server.replies["/new"] = Reply(b"hello", content_type="text/html; charset=utf-8")
    page = FAST.read_page(f"{server.url}/old", accept="text/html")
    assert (page.url, page.content_type, page.body) == (f"{server.url}/new", "text/html", b"hello")


def test_a_page_without_end_is_refused(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module, "_PAGE_LIMIT", 1000)
    server.replies["/page"] = Reply(b"x" * 1001)
    with pytest.raises(NetworkError, match="larger than 1000"):
        FAST.read_page(f"{server.url}/page", accept="*/*")
